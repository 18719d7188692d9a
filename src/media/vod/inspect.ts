/** Finds out what an uploaded file really is, without trusting a word of it. */
import { open } from 'node:fs/promises';
import { WeirError } from '../../contracts/errors.js';
import type { SourceFacts } from '../../contracts/video.js';
import { type ProgramResult, runProgram } from '../ffmpeg/run-program.js';
import { seemsToBe } from './file-kind.js';
import { type FileStructure, readFileStructure } from './file-structure.js';
import { type PacketScan, packetEntries, scanPackets } from './packet-scan.js';
import { findSandbox, type SandboxTools, sandboxCommand } from './sandbox.js';
import { describeSource } from './source-facts.js';
import { sourceFault } from './source-fault.js';
import { sourceInputArgs } from './source-input.js';
import { type FrameReport, frameReportSchema, type ReportedStream, type SourceReport, sourceReportSchema } from './source-report.js';

export interface SourceLimits {
  readonly maxDurationS: number;
  readonly maxPixels: number;
  readonly maxStreams: number;
  /** Of the whole look. Default 15 s; a file whose packets cannot all be read within two thirds of it is measured by its header. */
  readonly timeoutMs?: number;
  /** Memory of ffprobe. Default 1 GiB. */
  readonly maxMemoryBytes?: number;
}

export interface InspectOptions {
  readonly ffprobe: string;
  readonly limits: SourceLimits;
  /** Default: what {@link findSandbox} gives. */
  readonly sandbox?: SandboxTools;
  readonly signal?: AbortSignal | undefined;
}

const smallest = 16;

/**
 * Throws `unsupported` with `facts.reason` (one of `sourceFaults`) for a file that is not taken, `not_found` when there is none,
 * `cancelled` when `signal` aborts, `unavailable` when ffprobe cannot be started. The path must be absolute.
 */
export async function inspectSource(path: string, options: InspectOptions): Promise<SourceFacts> {
  const { structure, sizeBytes, kind } = await lookAtFile(path);
  const look = createLook(path, options, await (options.sandbox ?? findSandbox()));
  const report = await readReport(look, { structure, kind }, options.limits);
  const video = chooseVideo(report);
  checkStreams(report, video, options.limits);
  const [frames, scan] = [await readFrames(look, video), await look.scan(video?.index)];
  const facts = describeSource({ report, video, frames, scan, structure, sizeBytes });
  checkDurations(facts, { scan, structure, limits: options.limits });
  return facts;
}

interface FileLook {
  readonly structure: FileStructure;
  /** What it seems to be, where that is nothing to be taken. */
  readonly kind: string | undefined;
}

async function lookAtFile(path: string): Promise<FileLook & { readonly sizeBytes: number }> {
  const file = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT')
      throw new WeirError('not_found', 'The source is not there', { field: 'source', facts: { reason: 'unreadable' }, cause: error });
    throw sourceFault('unreadable', `The source cannot be opened (${error.code ?? error.message})`, undefined, error);
  });
  try {
    const about = await file.stat();
    if (!about.isFile()) throw sourceFault('unreadable', 'The source is no plain file');
    if (about.size === 0) throw sourceFault('empty', 'The file is empty', 0);
    return { structure: await readFileStructure(file, about.size), sizeBytes: about.size, kind: await seemsToBe(file) };
  } finally {
    await file.close();
  }
}

interface Look {
  readonly probe: (args: readonly string[]) => Promise<ProgramResult>;
  readonly scan: (videoIndex: number | undefined) => Promise<PacketScan>;
}

/** All runs of one look share its time. */
function createLook(path: string, options: InspectOptions, tools: SandboxTools): Look {
  const { limits, signal } = options;
  const timeoutMs = limits.timeoutMs ?? 15_000;
  const endsAt = performance.now() + timeoutMs;
  const bounds = { maxMemoryBytes: limits.maxMemoryBytes ?? 1_073_741_824, maxCpuS: (timeoutMs / 1000) * 2, maxOutputBytes: 1_048_576, maxFiles: 64 };
  const command = (args: readonly string[]) => {
    const guarded = ['-hide_banner', '-loglevel', 'level+error', ...args, ...sourceInputArgs(path, limits)];
    return sandboxCommand({ command: options.ffprobe, args: guarded }, bounds, tools);
  };
  return {
    probe: async (args) => {
      const { command: program, args: all } = command(args);
      const run = await runProgram(program, all, { timeoutMs: Math.max(100, endsAt - performance.now()), signal, maxBytes: 8 * 1_048_576 });
      if (run.timedOut) throw sourceFault('probe_timeout', `Not known after ${timeoutMs / 1000} s what the file is`);
      return run;
    },
    scan: async (videoIndex) => {
      const { command: program, args } = command(packetEntries);
      const left = Math.max(100, endsAt - performance.now() - timeoutMs / 10);
      const scan = await scanPackets({ command: program, args, timeoutMs: left, videoIndex, signal });
      if (signal?.aborted === true) throw new WeirError('cancelled', 'The look at the source was cancelled', { cause: signal.reason });
      return scan;
    },
  };
}

async function readReport(look: Look, file: FileLook, limits: SourceLimits): Promise<SourceReport & { readonly words: string }> {
  const run = await look.probe(['-show_format', '-show_streams', '-of', 'json']);
  const parsed = sourceReportSchema.safeParse(jsonOf(run.stdout));
  const report = parsed.success ? parsed.data : undefined;
  if (run.code === 0 && report?.format.format_name !== undefined && report.streams.length > 0) {
    if (file.structure.isEncrypted) throw sourceFault('encrypted', 'The file is encrypted');
    return { ...report, words: run.stderr };
  }
  throw refusal(run, file, limits);
}

/** FFmpeg tells its reasons in words only. */
function refusal(run: ProgramResult, { structure, kind }: FileLook, limits: SourceLimits): WeirError {
  const last = run.stderr
    .trim()
    .split('\n')
    .at(-1)
    ?.replace(/^(?:\[[^\]]*\]\s*)+/, '')
    .replace(/file:\S+: /, '');
  // FFmpeg names what it would have taken, not what it found.
  if (kind !== undefined || /not on whitelist/i.test(run.stderr)) {
    return sourceFault(
      'container_not_allowed',
      kind === undefined ? 'The file is of a kind that is not taken' : `The file seems to be ${kind}, which is not taken`,
      kind,
    );
  }
  if (structure.lacksIndex) return sourceFault('truncated', 'The file ends before its index (moov), which tells where its frames are');
  if (structure.isCut) return sourceFault('truncated', 'The end of the file is missing');
  if (sayTooLarge(run.stderr)) return tooManyPixels(undefined, limits);
  if (structure.kind !== 'other') return sourceFault('decode_failed', `The file cannot be read (${last ?? 'no reason given'})`);
  return sourceFault('not_a_video', `The file is no video (${last === undefined || last === '' ? 'no container is recognised' : last})`);
}

function sayTooLarge(words: string): boolean {
  return /Picture size \d+x\d+ (?:is invalid|exceeds)/i.test(words);
}

function jsonOf(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch {
    return undefined;
  }
}

/** The largest picture that moves; covers of music and thumbnails are none. */
function chooseVideo(report: SourceReport): ReportedStream | undefined {
  const moving = report.streams.filter((stream) => {
    const isStill = stream.disposition.attached_pic === 1 || stream.disposition.timed_thumbnails === 1 || stream.disposition.still_image === 1;
    return stream.codec_type === 'video' && !isStill && stream.codec_name !== undefined && stream.codec_name !== 'unknown';
  });
  const size = (stream: ReportedStream): number => (stream.width ?? 0) * (stream.height ?? 0);
  const preferred = moving.filter((stream) => stream.disposition.default === 1);
  return [...(preferred.length > 0 ? preferred : moving)].sort((a, b) => size(b) - size(a))[0];
}

function checkStreams(report: SourceReport & { readonly words: string }, video: ReportedStream | undefined, limits: SourceLimits): void {
  if (report.streams.length > limits.maxStreams) {
    throw sourceFault(
      'too_many_streams',
      `The file has ${report.streams.length} tracks, at most ${limits.maxStreams} are taken`,
      report.streams.length,
    );
  }
  const hasSound = report.streams.some((stream) => stream.codec_type === 'audio' && (stream.channels ?? 0) > 0);
  if (video === undefined) {
    if (!hasSound) throw sourceFault('no_video_or_audio', 'The file has neither a picture nor sound');
    return;
  }
  if (video.codec_tag_string === 'encv') throw sourceFault('encrypted', 'The file is encrypted');
  const { width = 0, height = 0 } = video;
  if (width * height > limits.maxPixels) throw tooManyPixels(`${width}x${height}`, limits);
  // A size that the decoder refuses is not told either.
  if (width * height === 0 && sayTooLarge(report.words)) throw tooManyPixels(undefined, limits);
  if (width === 0 || height === 0) throw sourceFault('decode_failed', 'The size of the picture is not known');
  if (Math.min(width, height) < smallest)
    throw sourceFault('too_small', `The picture has ${width}x${height} pixels, at least ${smallest}x${smallest} are needed`, `${width}x${height}`);
}

function tooManyPixels(size: string | undefined, limits: SourceLimits): WeirError {
  return sourceFault('too_many_pixels', `The picture ${size === undefined ? '' : `of ${size} `}has more than ${limits.maxPixels} pixels`, size);
}

/** Some pictures are really decoded: that shows the size, the colours and the scan that they have, and that they can be decoded at all. */
async function readFrames(look: Look, video: ReportedStream | undefined): Promise<FrameReport['frames']> {
  if (video === undefined) return [];
  const run = await look.probe([
    ...['-select_streams', String(video.index), '-read_intervals', '%+#48', '-show_frames', '-of', 'json', '-show_entries'],
    'frame=interlaced_frame,width,height,pix_fmt,color_transfer,color_primaries',
  ]);
  const parsed = frameReportSchema.safeParse(jsonOf(run.stdout));
  const frames = parsed.success ? parsed.data.frames : [];
  if (frames.length === 0) throw sourceFault('decode_failed', `No picture can be decoded from ${video.codec_name ?? 'this codec'}`, video.codec_name);
  return frames;
}

interface DurationContext {
  readonly scan: PacketScan;
  readonly structure: FileStructure;
  readonly limits: SourceLimits;
}

function checkDurations(facts: SourceFacts, { scan, structure, limits }: DurationContext): void {
  // A recording that ends with a torn fragment is whole up to there; of other files a part that was announced is missing.
  if (structure.isCut && !structure.isFragmented) throw sourceFault('truncated', 'The end of the file is missing: it is shorter than it says');
  if (facts.duration_s > limits.maxDurationS) {
    throw sourceFault(
      'too_long',
      `It lasts ${Math.round(facts.duration_s)} s, at most ${limits.maxDurationS} s are taken`,
      Math.round(facts.duration_s),
    );
  }
  if (facts.duration_s > 0) return;
  throw scan.isWhole
    ? sourceFault('duration_unknown', 'No frame of the file has a time')
    : sourceFault('probe_timeout', 'The length of the file was not found in time');
}
