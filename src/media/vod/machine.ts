/** What this machine's FFmpeg can do for videos: every encoder was tried with a real encode. */
import type { VideoCodec } from '../../contracts/video-profile.js';
import { findMachineFacts } from '../ffmpeg/encoders.js';
import { runProgram } from '../ffmpeg/run-program.js';
import { encoderArgs, hardwareArgs, hardwareFilters } from './encoder-args.js';
import { type LadderEncoder, ladderEncoders } from './ladder-encoders.js';

export interface LadderEncoderReport {
  readonly encoder: LadderEncoder;
  readonly codec: VideoCodec;
  readonly isHardware: boolean;
  readonly works: boolean;
  /** Why it does not work, in words; undefined when it does. */
  readonly reason: string | undefined;
  /** The trial ran out of time, which says more about the load than about the encoder. Default false. */
  readonly timedOut?: boolean;
}

export interface EncodingMachine {
  readonly ffmpeg: string;
  readonly ffprobe: string;
  /** As FFmpeg prints it, for example `5.1.9-0+deb12u1`. */
  readonly version: string;
  readonly encoders: readonly LadderEncoderReport[];
  /** DRM render node for VAAPI and QSV. */
  readonly renderNode: string | undefined;
  /** Filters that are compiled in, of those that plans choose between. */
  readonly filters: ReadonlySet<string>;
}

export interface FindEncodingOptions {
  readonly ffmpeg: string;
  readonly ffprobe: string;
  /** Try hardware encoders too. Default true. */
  readonly hardware?: boolean;
  readonly signal?: AbortSignal | undefined;
}

const listTimeoutMs = 10_000;
const encodeTimeoutMs = 15_000;

/**
 * Takes a second or two with software alone. Throws `unavailable` when FFmpeg or ffprobe cannot be run, `unsupported` when no H.264
 * encoder works.
 */
export async function findEncodingMachine(options: FindEncodingOptions): Promise<EncodingMachine> {
  const { ffmpeg, ffprobe, hardware = true, signal } = options;
  const limits = { timeoutMs: listTimeoutMs, signal };
  const [facts, encoders, filters] = await Promise.all([
    findMachineFacts({ ffmpeg, ffprobe, hardware: false, ...(signal === undefined ? {} : { signal }) }),
    runProgram(ffmpeg, ['-hide_banner', '-encoders'], limits),
    runProgram(ffmpeg, ['-hide_banner', '-filters'], limits),
  ]);
  const compiled = namesIn(encoders.stdout.toString(), /^ V\S{5} (\S+)/gm);
  const reports: LadderEncoderReport[] = [];
  for (const [codec, names] of Object.entries(ladderEncoders) as [VideoCodec, readonly LadderEncoder[]][]) {
    for (const encoder of names) {
      if (isHardware(encoder) && !hardware) continue;
      // Plans take the first; the second AV1 encoder is the slowest of all trials.
      const first = reports.find((report) => report.codec === codec && !report.isHardware && report.works);
      reports.push(
        first === undefined
          ? await tryEncoder(encoder, codec, { ffmpeg, signal, compiled, facts })
          : { encoder, codec, isHardware: false, works: false, reason: `not tried, as ${first.encoder} works` },
      );
    }
  }
  const known = namesIn(filters.stdout.toString(), /^ [T.][S.][C.] (\S+)/gm);
  const useful = ['zscale', 'tonemap', 'bwdif', 'yadif', 'loudnorm', 'tpad'].filter((name) => known.has(name));
  return { ffmpeg, ffprobe, version: facts.version, encoders: reports, renderNode: facts.renderNode, filters: new Set(useful) };
}

/** Whether a device encodes. */
export function isHardware(encoder: LadderEncoder): boolean {
  return /_(?:nvenc|qsv|vaapi)$/.test(encoder);
}

interface Trial {
  readonly ffmpeg: string;
  readonly signal: AbortSignal | undefined;
  readonly compiled: ReadonlySet<string>;
  readonly facts: { readonly renderNode: string | undefined; readonly version: string };
}

async function tryEncoder(encoder: LadderEncoder, codec: VideoCodec, trial: Trial): Promise<LadderEncoderReport> {
  const report = { encoder, codec, isHardware: isHardware(encoder) };
  if (!trial.compiled.has(encoder)) return { ...report, works: false, reason: 'not compiled into FFmpeg' };
  if (/_(?:qsv|vaapi)$/.test(encoder) && trial.facts.renderNode === undefined) {
    return { ...report, works: false, reason: 'no render node in /dev/dri' };
  }
  const run = await runProgram(trial.ffmpeg, trialArgs(encoder, trial.facts), { timeoutMs: encodeTimeoutMs, signal: trial.signal });
  if (run.timedOut) return { ...report, works: false, reason: `not done within ${encodeTimeoutMs / 1000} s`, timedOut: true };
  const failure = run.stderr.trim().split('\n').at(-1) ?? '';
  return run.code === 0 ? { ...report, works: true, reason: undefined } : { ...report, works: false, reason: failure };
}

function trialArgs(encoder: LadderEncoder, facts: { renderNode: string | undefined }): string[] {
  const filters = ['format=yuv420p', ...hardwareFilters(encoder)].join(',');
  const settings = {
    encoder,
    videoKbps: 500,
    maxKbps: 600,
    bufferKbits: 1000,
    crf: null,
    preset: 'ultrafast',
    frameRate: { num: 25, den: 1 },
    gopFrames: 4,
    profile: null,
    level: null,
  };
  return [
    ...['-nostdin', '-hide_banner', '-loglevel', 'error', ...hardwareArgs([encoder], facts)],
    ...['-f', 'lavfi', '-i', 'testsrc2=size=320x192:rate=25', '-frames:v', '8', '-vf', filters],
    ...encoderArgs(settings, { threads: undefined }),
    ...['-f', 'null', '-'],
  ];
}

function namesIn(text: string, pattern: RegExp): Set<string> {
  return new Set([...text.matchAll(pattern)].map((match) => match[1] ?? ''));
}
