/** A track of which every segment was measured: what playlists and manifests say of it. */
import { WeirError } from '../../contracts/errors.js';
import { measureBandwidth, type TimedSize } from './bandwidth.js';
import type { AudioFormat, MeasuredSegment, TrackMeter, VideoFormat } from './measure.js';
import type { TrackFiles } from './track-files.js';

export interface TimedSegment extends MeasuredSegment {
  /** To the beginning of the next one; of the last, to its end. */
  readonly durationS: number;
}

export interface MeasuredTrack {
  readonly files: TrackFiles;
  readonly segments: readonly TimedSegment[];
  readonly video: VideoFormat | undefined;
  readonly audio: AudioFormat | undefined;
  readonly startS: number;
  readonly durationS: number;
  readonly sizeBytes: number;
  readonly frames: number;
}

/**
 * Measures the named segments, in order; `frameS` is how long a single frame lasts, which nothing in a file of one frame tells. Throws
 * `internal` when one cannot be read or does not follow the one before it.
 */
export async function measureTrack(files: TrackFiles, meter: TrackMeter, names: readonly string[], frameS = 0): Promise<MeasuredTrack> {
  const measured: MeasuredSegment[] = [];
  for (const [sequence, name] of names.entries()) measured.push(await meter.segment(name, sequence));
  const segments = measured.map((segment, index) => ({ ...segment, durationS: endOf(segment, measured[index + 1], frameS) - segment.startS }));
  const backwards = segments.find(({ durationS }) => durationS <= 0);
  if (backwards !== undefined) {
    const facts = { reason: 'not_monotonic', rendition: files.name, file: backwards.file };
    throw new WeirError('internal', `Timestamps go backwards after segment ${backwards.file}`, { facts });
  }
  return {
    ...{ files, segments, video: meter.video, audio: meter.audio, startS: segments[0]?.startS ?? 0 },
    durationS: segments.reduce((sum, { durationS }) => sum + durationS, 0),
    sizeBytes: segments.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    frames: segments.reduce((sum, { frames }) => sum + frames, 0),
  };
}

function endOf(segment: MeasuredSegment, next: MeasuredSegment | undefined, frameS: number): number {
  if (next !== undefined) return next.startS;
  return segment.endS > segment.startS ? segment.endS : segment.startS + frameS;
}

/** Frames per second; that of the plan where the measurement says the same. */
export function frameRateOf(track: Pick<MeasuredTrack, 'frames' | 'durationS'>, planned?: number): number {
  const measured = track.durationS > 0 ? track.frames / track.durationS : 0;
  return planned !== undefined && Math.abs(measured - planned) <= planned * 0.002 ? planned : Math.round(measured * 1000) / 1000;
}

export interface IFrame extends TimedSize {
  readonly file: string;
  readonly range: { readonly start: number; readonly end: number };
  /** Number of its segment. */
  readonly sequence: number;
}

/** Every keyframe that can be fetched alone, each lasting to the next. */
export function iframesOf(track: Pick<MeasuredTrack, 'segments' | 'startS' | 'durationS'>): IFrame[] {
  const all = track.segments.flatMap(({ file, keyframes }, sequence) => keyframes.map((keyframe) => ({ ...keyframe, file, sequence })));
  const endS = track.startS + track.durationS;
  return all.map(({ file, sequence, start, end, timeS }, index) => ({
    ...{ file, sequence, range: { start, end }, sizeBytes: end - start },
    durationS: (all[index + 1]?.timeS ?? endS) - timeS,
  }));
}

export function bandwidthOf(segments: readonly TimedSize[], targetDurationS: number): { peak: number; average: number } {
  return measureBandwidth(segments, targetDurationS);
}
