/** Looks whether a finished output plays, as FFmpeg's exit code alone proves nothing. */
import { join } from 'node:path';
import { WeirError } from '../../contracts/errors.js';
import type { SourceFacts, VideoOutput } from '../../contracts/video.js';
import { parseFfmpegLine } from '../ffmpeg/failure.js';
import { createProgressParser } from '../ffmpeg/progress.js';
import { loadOutput, type OutputFacts, type TrackFacts } from './rules/facts.js';
import { plainRuns, playlistInputArgs, type RunMedia } from './run-media.js';

export interface DecodeCheckOptions {
  readonly ffmpeg: string;
  readonly signal?: AbortSignal | undefined;
  /** `keyframes` decodes keyframes only, about a twentieth of the work; default `keyframes`. */
  readonly mode?: 'keyframes' | 'full';
  /** Length that was planned, seconds. Default: that of the source, which may lead in with sound alone. */
  readonly durationS?: number;
  /** Default: plain runs of `ffmpeg`. */
  readonly run?: RunMedia;
}

/** Sound and picture may be so far apart before it is seen; seconds. */
const syncS = 0.04;
/** Borders of segments in different renditions may differ by rounding of their clocks; seconds. */
const borderS = 0.002;

/**
 * Resolves when the output is sound: it decodes without errors, lasts as long as planned, holds the frames that were measured, sound and
 * picture are within 40 ms, borders of segments are the same in all renditions, timestamps grow. Else throws `internal` with
 * `facts.reason` = `segment_missing` | `segment_unreadable` | `decode_failed` | `duration_mismatch` | `frames_missing` | `out_of_sync` | `misaligned` |
 * `not_monotonic`, and `facts.file`.
 */
export async function checkDecode(folder: string, output: VideoOutput, facts: SourceFacts, options: DecodeCheckOptions): Promise<void> {
  const measured = await loadOutput(folder, output, { signal: options.signal });
  const [fault] = measured.faults;
  if (fault !== undefined) throw unsound(fault.reason, `${fault.file}: ${fault.detail}`, fault.file);
  if (measured.variants.length === 0) throw unsound('segment_missing', 'The output has no rendition', output.master);
  checkDuration(measured, facts, options.durationS);
  checkMonotonic(measured);
  checkBorders(measured);
  checkSync(measured);
  const run = options.run ?? plainRuns({ ffmpeg: options.ffmpeg, signal: options.signal });
  // Without a picture the variant is one of the sounds.
  const tracks = new Map([...measured.variants, ...measured.audio].map((one) => [one.file, one]));
  for (const track of tracks.values()) {
    options.signal?.throwIfAborted();
    await decode(folder, track, { run, isFull: options.mode === 'full' });
  }
}

function unsound(reason: string, message: string, file: string, more: Record<string, unknown> = {}): WeirError {
  return new WeirError('internal', `The output is not sound: ${message}`, { facts: { reason, file, ...more } });
}

function checkDuration({ variants }: OutputFacts, source: SourceFacts, plannedS: number | undefined): void {
  const wantedS = plannedS ?? source.duration_s;
  // A source may begin with sound alone, or end with a part of a frame; what was planned is exact.
  const toleranceS = plannedS === undefined ? Math.max(1, wantedS * 0.005) : 0.25;
  for (const { file, track } of variants) {
    if (Math.abs(track.durationS - wantedS) <= toleranceS) continue;
    const facts = { duration_s: track.durationS, expected_s: wantedS };
    throw unsound('duration_mismatch', `${file} lasts ${track.durationS.toFixed(3)} s instead of ${wantedS.toFixed(3)} s`, file, facts);
  }
}

function checkMonotonic({ variants, audio }: OutputFacts): void {
  for (const { track } of [...variants, ...audio]) {
    for (const [index, segment] of track.segments.entries()) {
      const before = track.segments[index - 1];
      const frameS = track.frames > 0 ? track.durationS / track.frames : 0.04;
      // What is shown last before a border comes before what is shown first behind it, and no frame is missing between them.
      const gapS = before === undefined ? 0 : segment.startS - before.endS;
      if (!segment.isMonotonic) throw unsound('not_monotonic', `timestamps in ${segment.file} do not grow`, segment.file);
      if (gapS < -frameS / 2) throw unsound('not_monotonic', `${segment.file} begins before the one before it ends`, segment.file, { gap_s: gapS });
    }
  }
}

function checkBorders({ variants }: OutputFacts): void {
  const [first, ...others] = variants;
  for (const other of first === undefined ? [] : others) {
    const own = first?.track.segments ?? [];
    const at = other.track.segments.findIndex((segment, index) => Math.abs(segment.startS - (own[index]?.startS ?? Number.NaN)) > borderS);
    if (at < 0 && own.length === other.track.segments.length && !Number.isNaN(own[0]?.startS)) continue;
    const file = other.track.segments[Math.max(0, at)]?.file ?? other.file;
    throw unsound('misaligned', `${file} does not begin where segment ${Math.max(0, at)} of ${first?.file} does`, file);
  }
}

/** Sound begins with the picture, and keeps its own time without holes. */
function checkSync({ variants, audio }: OutputFacts): void {
  const [main] = variants;
  const pictures = variants.filter(({ track }) => track.video !== undefined);
  for (const { track } of pictures) checkMuxedSound(track.segments);
  for (const { file, track } of main === undefined || pictures.length === 0 ? [] : audio) {
    const offS = track.startS - (main?.track.startS ?? 0);
    if (Math.abs(offS) > syncS) throw unsound('out_of_sync', `${file} is off by ${ms(offS)}`, file, { off_s: offS });
    for (const [index, segment] of track.segments.entries()) {
      const gapS = segment.startS - (track.segments[index - 1]?.endS ?? segment.startS);
      if (Math.abs(gapS) > syncS) throw unsound('out_of_sync', `${segment.file} leaves a hole of ${ms(gapS)}`, segment.file, { off_s: gapS });
    }
  }
}

/** Segments end with whole frames of sound, so only the first one begins with the picture; the others go on where the last one ended. */
function checkMuxedSound(segments: TrackFacts['track']['segments']): void {
  let clock: number | undefined;
  for (const { file, audio: sound, startS } of segments) {
    if (sound === undefined) continue;
    const offS = sound.startS - (clock ?? startS);
    if (Math.abs(offS) > syncS || sound.maxGapS > syncS)
      throw unsound('out_of_sync', `the sound in ${file} is off by ${ms(offS)}`, file, { off_s: offS });
    clock = sound.endS;
  }
}

function ms(seconds: number): string {
  return `${(seconds * 1000).toFixed(0)} ms`;
}

async function decode(folder: string, { file, track }: TrackFacts, how: { readonly run: RunMedia; readonly isFull: boolean }): Promise<void> {
  const hasPicture = track.video !== undefined;
  const picture = hasPicture
    ? // One point of each picture is enough to have it decoded; a format of variable rate counts every picture once.
      ['-map', '0:v:0', '-vf', 'scale=16:16:flags=neighbor']
    : [];
  const sound = track.audio !== undefined && (how.isFull || !hasPicture) ? ['-map', '0:a:0'] : [];
  const run = await how.run([
    ...['-nostdin', '-hide_banner', '-y', '-loglevel', 'level+error', '-nostats', '-progress', 'pipe:1'],
    ...(how.isFull || !hasPicture ? [] : ['-skip_frame', 'nokey']),
    ...playlistInputArgs(join(folder, file)),
    ...[...picture, ...sound, '-f', 'framecrc', 'file:/dev/null'],
  ]);
  const errors = run.stderr.split('\n').filter((line) => line.trim() !== '' && parseFfmpegLine(line).level === 'error');
  if (run.timedOut || run.code !== 0 || errors.length > 0) {
    const facts = { exit_code: run.code, stderr: errors.slice(-20) };
    throw unsound('decode_failed', `${file} does not decode: ${errors.at(-1) ?? `FFmpeg ended with ${run.code ?? run.signal}`}`, file, facts);
  }
  const wanted = how.isFull ? track.frames : track.segments.reduce((sum, { syncTimes }) => sum + syncTimes.length, 0);
  const frames = framesOf(run.stdout);
  if (hasPicture && frames !== wanted) {
    throw unsound('frames_missing', `${file} gives ${frames} pictures instead of ${wanted}`, file, { frames, expected: wanted });
  }
}

function framesOf(progress: Uint8Array): number {
  let frames = 0;
  createProgressParser((report) => {
    frames = report.frame;
  }).push(progress);
  return frames;
}
