/** Measures the segments of one track as they lie on disk: what a playlist says of them is true by construction. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { WeirError } from '../../contracts/errors.js';
import { boxesIn, findPath, viewOf } from '../fmp4/boxes.js';
import { readTrackFacts, type TrackFacts } from '../fmp4/codecs.js';
import { editStart, readTrackFragments, type TrackFragment } from '../fmp4/samples.js';
import { samplesPerFrame } from './adts.js';
import { readSequenceParameters, type SequenceFacts } from './h264.js';
import { decryptSegment, type SegmentKey } from './segment-key.js';
import type { TrackFiles } from './track-files.js';
import { readTsSegment, type TsAudio, type TsVideo } from './ts-reader.js';

export interface MeasuredKeyframe {
  /** Seconds on the timeline of the media. */
  readonly timeS: number;
  readonly start: number;
  readonly end: number;
  readonly isIdr: boolean;
}

export interface MeasuredAudio {
  readonly startS: number;
  readonly endS: number;
  readonly payloadBytes: number;
  /** Greatest hole or overlap between its packets. */
  readonly maxGapS: number;
}

export interface MeasuredSegment {
  readonly file: string;
  readonly sizeBytes: number;
  /** Presentation time of the first picture or sound; seconds on the timeline of the media. */
  readonly startS: number;
  /** End of the last picture or sound. */
  readonly endS: number;
  /** Pictures, or frames of sound. */
  readonly frames: number;
  /** Those that can be fetched alone. */
  readonly keyframes: readonly MeasuredKeyframe[];
  /** Times of all keyframes; seconds. */
  readonly syncTimes: readonly number[];
  /** It begins with an IDR picture, and no picture is shown before it. True for sound. */
  readonly isIndependent: boolean;
  /** No two pictures have the same time, and fragments and packets of sound follow each other without a hole. */
  readonly isMonotonic: boolean;
  /** fMP4: `tfdt` and its end, in units of the timescale. */
  readonly decode: { readonly start: number; readonly end: number } | undefined;
  /** Sound in the same segment. */
  readonly audio: MeasuredAudio | undefined;
  /** Elementary streams in it. */
  readonly streams: number;
  /** MPEG-TS: byte after the tables at its beginning. */
  readonly tablesEnd: number;
}

export interface AudioFormat {
  readonly codecs: string;
  readonly channels: number;
  readonly sampleRate: number;
}

export interface VideoFormat {
  readonly codecs: string;
  readonly width: number;
  readonly height: number;
  readonly range: 'SDR' | 'PQ' | 'HLG';
  readonly isProgressive: boolean;
}

export interface TrackMeter {
  /** Measures a segment, once; `sequence` counts from 0. Throws `internal` when it cannot be read. */
  segment(file: string, sequence: number): Promise<MeasuredSegment>;
  /** The file has changed. */
  forget(file: string): void;
  /** Known after the first segment. */
  readonly video: VideoFormat | undefined;
  readonly audio: AudioFormat | undefined;
}

const ptsUnits = 90_000;
const ptsRange = 2 ** 33;

interface MeterState {
  video: VideoFormat | undefined;
  audio: AudioFormat | undefined;
  init: { readonly facts: TrackFacts; readonly edit: number } | undefined;
  /** End of what was measured so far, so that wrapped timestamps find their place. */
  lastPts: number | undefined;
}

export function openTrackMeter(folder: string, track: Pick<TrackFiles, 'init'>, key?: SegmentKey): TrackMeter {
  const state: MeterState = { video: undefined, audio: undefined, init: undefined, lastPts: undefined };
  const known = new Map<string, MeasuredSegment>();
  const measure = async (file: string, sequence: number): Promise<MeasuredSegment> => {
    const stored = await readPart(folder, file);
    const bytes = key === undefined ? stored : decryptSegment(stored, key, sequence);
    if (track.init === undefined) return measureTs(state, { file, bytes, sizeBytes: stored.byteLength });
    state.init ??= readInit(state, await readPart(folder, track.init));
    return measureFragment(state.init, { file, bytes, sizeBytes: stored.byteLength });
  };
  return {
    async segment(file, sequence) {
      const found = known.get(file);
      if (found !== undefined) return found;
      try {
        const measured = await measure(file, sequence);
        known.set(file, measured);
        return measured;
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        throw new WeirError('internal', `Segment ${file} cannot be measured: ${why}`, {
          cause: error,
          facts: { reason: 'segment_unreadable', file },
        });
      }
    },
    forget(file) {
      known.delete(file);
    },
    get video() {
      return state.video;
    },
    get audio() {
      return state.audio;
    },
  };
}

async function readPart(folder: string, file: string): Promise<Uint8Array> {
  return await readFile(join(folder, file));
}

interface SegmentBytes {
  readonly file: string;
  readonly bytes: Uint8Array;
  readonly sizeBytes: number;
}

function measureTs(state: MeterState, { file, bytes, sizeBytes }: SegmentBytes): MeasuredSegment {
  const facts = readTsSegment(bytes);
  const first = facts.video?.pts[0] ?? facts.audio?.firstPts;
  if (first === undefined) throw new WeirError('internal', 'no picture and no sound in it');
  const reference = state.lastPts ?? first;
  const seconds = (pts: number): number => (pts + Math.round((reference - pts) / ptsRange) * ptsRange) / ptsUnits;
  state.lastPts = Math.round(seconds(first) * ptsUnits);
  const audio = facts.audio === undefined ? undefined : tsAudio(facts.audio, seconds);
  if (facts.audio !== undefined) state.audio ??= tsAudioFormat(facts.audio);
  const common = { file, sizeBytes, decode: undefined, streams: facts.streams, tablesEnd: facts.tablesEnd };
  if (facts.video !== undefined) {
    state.video ??= tsVideoFormat(facts.video);
    return { ...common, ...tsPictures(facts.video, seconds), audio };
  }
  const { startS = 0, endS = 0, maxGapS = 0 } = audio ?? {};
  const isMonotonic = maxGapS < 0.05;
  return { ...common, startS, endS, frames: facts.audio?.frames ?? 0, keyframes: [], syncTimes: [], isIndependent: true, isMonotonic, audio };
}

function tsAudio(audio: TsAudio, seconds: (pts: number) => number): MeasuredAudio {
  const startS = seconds(audio.firstPts);
  const lengthS = audio.sampleRate === 0 ? 0 : (audio.frames * samplesPerFrame) / audio.sampleRate;
  return { startS, endS: startS + lengthS, payloadBytes: audio.payloadBytes, maxGapS: audio.maxGap / ptsUnits };
}

function tsAudioFormat(audio: TsAudio): AudioFormat {
  return { codecs: `mp4a.40.${audio.objectType}`, channels: audio.channels, sampleRate: audio.sampleRate };
}

function tsVideoFormat(video: TsVideo): VideoFormat {
  if (video.codec !== 'h264' || video.sequence === undefined) throw new WeirError('internal', `${video.codec} in MPEG-TS`);
  return h264Format('avc1', video.sequence);
}

function h264Format(entry: string, facts: SequenceFacts): VideoFormat {
  const { width, height, isProgressive, transfer } = facts;
  return { codecs: `${entry}.${facts.parameters}`, width, height, isProgressive, range: rangeOf(transfer) };
}

/** Transfer characteristics of ITU-T H.273. */
function rangeOf(transfer: number): VideoFormat['range'] {
  return transfer === 16 ? 'PQ' : transfer === 18 ? 'HLG' : 'SDR';
}

function tsPictures(video: TsVideo, seconds: (pts: number) => number) {
  const keyframes = video.keyframes.map(({ pts, start, end, isIdr }) => ({ timeS: seconds(pts), start, end, isIdr }));
  const times = video.pts.map(seconds);
  return { ...pictureTimes(times), keyframes, syncTimes: keyframes.map(({ timeS }) => timeS), isIndependent: isFirst(keyframes[0], times) };
}

/** Whether a group of pictures stands alone: its keyframe is the first to be decoded and the first to be shown. */
function isFirst(keyframe: MeasuredKeyframe | undefined, times: readonly number[]): boolean {
  return keyframe?.isIdr === true && keyframe.timeS === times[0] && times.every((time) => time >= keyframe.timeS);
}

function pictureTimes(times: readonly number[]): Pick<MeasuredSegment, 'startS' | 'endS' | 'frames' | 'isMonotonic'> {
  const sorted = [...times].sort((a, b) => a - b);
  const [startS = 0] = sorted;
  const lastS = sorted.at(-1) ?? startS;
  const frames = sorted.length;
  const frameS = frames > 1 ? (lastS - startS) / (frames - 1) : 0;
  const isMonotonic = sorted.every((time, index) => index === 0 || time > (sorted[index - 1] ?? 0));
  return { startS, endS: lastS + frameS, frames, isMonotonic };
}

function readInit(state: MeterState, bytes: Uint8Array): { facts: TrackFacts; edit: number } {
  const facts = readTrackFacts(bytes);
  const { video, audio } = facts;
  if (audio !== undefined) state.audio = { codecs: audio.codecs, channels: audio.channels, sampleRate: audio.sampleRate };
  if (video !== undefined) {
    const { sequence, transfer } = readVisualEntry(bytes);
    const base = { codecs: video.codecs, width: video.width, height: video.height, isProgressive: sequence?.isProgressive ?? true };
    state.video = { ...base, range: rangeOf(transfer ?? sequence?.transfer ?? 2) };
  }
  const main = video ?? audio;
  if (main === undefined) throw new WeirError('internal', 'the init segment names no picture and no sound');
  return { facts, edit: editStart(bytes, main.id) };
}

/** Sequence parameters (`avcC`) and transfer function (`colr`) of the first visual sample entry. */
function readVisualEntry(bytes: Uint8Array): { sequence: SequenceFacts | undefined; transfer: number | undefined } {
  const view = viewOf(bytes);
  const root = { type: '', start: 0, body: 0, end: bytes.byteLength };
  const moov = findPath(view, root, ['moov']);
  let [sequence, transfer]: [SequenceFacts | undefined, number | undefined] = [undefined, undefined];
  for (const trak of moov === undefined ? [] : boxesIn(view, moov.body, moov.end)) {
    const stsd = trak.type === 'trak' ? findPath(view, trak, ['mdia', 'minf', 'stbl', 'stsd']) : undefined;
    const [entry] = stsd === undefined ? [] : boxesIn(view, stsd.body + 8, stsd.end);
    if (entry === undefined || !/^(?:avc|hvc|hev|av0|dvh)/.test(entry.type)) continue;
    for (const box of boxesIn(view, entry.body + 78, entry.end)) {
      // Version, profile, compatibility, level, length size, count; then the length of the first parameter set.
      if (box.type === 'avcC') sequence = readSequenceParameters(bytes.subarray(box.body + 8, box.body + 8 + view.getUint16(box.body + 6)));
      if (box.type === 'colr' && box.end - box.body >= 8) transfer = view.getUint16(box.body + 6);
    }
    break;
  }
  return { sequence, transfer };
}

function measureFragment(init: { facts: TrackFacts; edit: number }, { file, bytes, sizeBytes }: SegmentBytes): MeasuredSegment {
  const main = init.facts.video ?? init.facts.audio;
  const all = readTrackFragments(bytes, init.facts);
  const own = all.filter((fragment) => fragment.trackId === main?.id);
  const [first] = own;
  if (main === undefined || first === undefined) throw new WeirError('internal', 'no fragment of its track in it');
  const isVideo = init.facts.video !== undefined;
  const times = own.flatMap((fragment) => presentationTimes(fragment, init.edit)).map((time) => time / main.timescale);
  const keyframes = isVideo ? own.flatMap((fragment) => fragmentKeyframe(fragment, init.edit, main.timescale)) : [];
  const last = own.at(-1) ?? first;
  const decodeEnd = last.decodeTime + last.samples.reduce((sum, sample) => sum + sample.duration, 0);
  const lengthS = (decodeEnd - first.decodeTime) / main.timescale;
  const shown = pictureTimes(times);
  return {
    ...shown,
    ...{ file, sizeBytes, keyframes, endS: shown.startS + lengthS, decode: { start: first.decodeTime, end: decodeEnd } },
    isIndependent: !isVideo || isFirst(keyframes[0], times),
    isMonotonic: shown.isMonotonic && isUnbroken(own),
    syncTimes: isVideo ? own.flatMap((fragment) => syncTimes(fragment, init.edit, main.timescale)) : [],
    ...{ audio: undefined, streams: new Set(all.map((fragment) => fragment.trackId)).size, tablesEnd: 0 },
  };
}

function presentationTimes(fragment: TrackFragment, edit: number): number[] {
  let decode = fragment.decodeTime - edit;
  return fragment.samples.map((sample) => {
    const time = decode + sample.compositionOffset;
    decode += sample.duration;
    return time;
  });
}

function syncTimes(fragment: TrackFragment, edit: number, timescale: number): number[] {
  return presentationTimes(fragment, edit).flatMap((time, index) => (fragment.samples[index]?.isSync === true ? [time / timescale] : []));
}

/** Only a keyframe at the beginning of a fragment can be fetched alone, with its `moof`. */
function fragmentKeyframe(fragment: TrackFragment, edit: number, timescale: number): MeasuredKeyframe[] {
  const [sample] = fragment.samples;
  if (sample?.isSync !== true) return [];
  const timeS = (fragment.decodeTime - edit + sample.compositionOffset) / timescale;
  return [{ timeS, start: fragment.start, end: fragment.dataStart + sample.sizeBytes, isIdr: true }];
}

function isUnbroken(fragments: readonly TrackFragment[]): boolean {
  return fragments.every((fragment, index) => {
    const before = fragments[index - 1];
    return before === undefined || before.decodeTime + before.samples.reduce((sum, sample) => sum + sample.duration, 0) === fragment.decodeTime;
  });
}
