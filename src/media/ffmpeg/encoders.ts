/** Finds out what this machine's FFmpeg can really do. */
import { readdirSync, statSync } from 'node:fs';
import { WeirError } from '../../contracts/errors.js';
import { type EncoderReport, type HardwareEncoder, hardwareEncoders, type MachineFacts, type VideoEncoder, versionAtLeast } from './facts.js';
import { parseFfmpegLine } from './failure.js';
import { type ProgramResult, runProgram } from './run-program.js';
import { testEncodeArgs } from './snapshot-args.js';

export interface FindOptions {
  /** Program names or paths. */
  readonly ffmpeg: string;
  readonly ffprobe: string;
  /** Try hardware encoders with a real encode. Default true. */
  readonly hardware?: boolean;
  readonly signal?: AbortSignal;
}

const listTimeoutMs = 10_000;
/** A hardware encoder may hang. libx264 never does: where it takes long, the machine is busy, and gets the time. */
const [hardwareTimeoutMs, softwareTimeoutMs] = [5000, 30_000];

/**
 * Runs a short libx264 encode, looks for a font, and tries each hardware encoder that is compiled in and whose device is there
 * with a real encode, two at a time. Throws `unavailable` when FFmpeg or ffprobe cannot be run, `unsupported` when no H.264
 * encoder works. Without hardware this takes about as long as starting FFmpeg once.
 */
export async function findMachineFacts(options: FindOptions): Promise<MachineFacts> {
  const renderNode = findRenderNode();
  const [software, probe] = await Promise.all([
    runProgram(options.ffmpeg, testEncodeArgs('libx264', { renderNode }), { timeoutMs: softwareTimeoutMs, signal: options.signal }),
    runProgram(options.ffprobe, ['-hide_banner', '-version'], { timeoutMs: listTimeoutMs, signal: options.signal }),
  ]);
  // The banner of the test encode spares a run for the version.
  const version = /ffmpeg version (\S+)/.exec(software.stderr)?.[1];
  if (version === undefined || probe.code !== 0) {
    throw new WeirError('unavailable', `${version === undefined ? options.ffmpeg : options.ffprobe} does not run as FFmpeg should`, {
      hint: 'Install FFmpeg 4.4 or newer',
    });
  }
  const hardware = options.hardware === false ? [] : await testHardware(options, renderNode);
  const encoders = [...hardware, toReport('libx264', software)];
  if (!encoders.some((report) => report.works)) {
    const reason = encoders.map((report) => `${report.encoder}: ${report.reason ?? ''}`).join('; ');
    throw new WeirError('unsupported', `No H.264 encoder works with ${options.ffmpeg} (${reason})`, { hint: 'Install an FFmpeg with libx264' });
  }
  return { ffmpeg: options.ffmpeg, ffprobe: options.ffprobe, version, fontFile: findFont(software.stderr, version), encoders, renderNode };
}

async function testHardware(options: FindOptions, renderNode: string | undefined): Promise<EncoderReport[]> {
  const reports = new Map<HardwareEncoder, EncoderReport>();
  const waiting: HardwareEncoder[] = [];
  for (const encoder of hardwareEncoders) {
    const missing = missingDevice(encoder, renderNode);
    if (missing === undefined) waiting.push(encoder);
    else reports.set(encoder, { encoder, works: false, reason: missing, tookMs: 0 });
  }
  if (waiting.length > 0) {
    const list = await runProgram(options.ffmpeg, ['-hide_banner', '-encoders'], { timeoutMs: listTimeoutMs, signal: options.signal });
    const compiled = new Set([...list.stdout.toString().matchAll(/^ V\S{5} (\S+)/gm)].map((match) => match[1]));
    const work = async (): Promise<void> => {
      for (let encoder = waiting.shift(); encoder !== undefined; encoder = waiting.shift()) {
        reports.set(encoder, await testEncoder(encoder, options, compiled, renderNode));
      }
    };
    await Promise.all([work(), work()]);
  }
  return hardwareEncoders.map((encoder) => reports.get(encoder)).filter((report) => report !== undefined);
}

async function testEncoder(
  encoder: HardwareEncoder,
  options: FindOptions,
  compiled: ReadonlySet<string | undefined>,
  renderNode: string | undefined,
): Promise<EncoderReport> {
  if (!compiled.has(encoder)) return { encoder, works: false, reason: 'not compiled into FFmpeg', tookMs: 0 };
  const limits = { timeoutMs: hardwareTimeoutMs, signal: options.signal };
  return toReport(encoder, await runProgram(options.ffmpeg, testEncodeArgs(encoder, { renderNode }), limits));
}

function toReport(encoder: VideoEncoder, run: ProgramResult): EncoderReport {
  const tookMs = Math.round(run.tookMs);
  if (run.timedOut) return { encoder, works: false, reason: `not done within ${Math.round(tookMs / 1000)} s`, tookMs };
  if (run.code === 0) return { encoder, works: true, reason: undefined, tookMs };
  const first = run.stderr
    .split('\n')
    .map((line) => parseFfmpegLine(line))
    .find((line) => line.level === 'error');
  return { encoder, works: false, reason: first?.message ?? `exit code ${run.code}`, tookMs };
}

/** Looking for the device first saves a useless run on machines without it. */
function missingDevice(encoder: HardwareEncoder, renderNode: string | undefined): string | undefined {
  switch (encoder) {
    case 'h264_nvenc':
      return exists('/dev/nvidiactl') || exists('/dev/nvidia0') || exists('/dev/dxg') ? undefined : 'no NVIDIA device';
    case 'h264_qsv':
    case 'h264_vaapi':
      return renderNode === undefined ? 'no render node in /dev/dri' : undefined;
    case 'h264_v4l2m2m':
      return list('/dev').some((name) => /^video\d+$/.test(name)) ? undefined : 'no V4L2 device';
  }
}

function findRenderNode(): string | undefined {
  const [node] = list('/dev/dri').filter((name) => /^renderD\d+$/.test(name));
  return node === undefined ? undefined : `/dev/dri/${node}`;
}

const fontFiles = [
  '/usr/share/fonts/truetype/dejavu/DejaVuSans-Bold.ttf',
  '/usr/share/fonts/dejavu/DejaVuSans-Bold.ttf',
  '/usr/share/fonts/dejavu-sans-fonts/DejaVuSans-Bold.ttf',
  '/usr/share/fonts/TTF/DejaVuSans-Bold.ttf',
  '/usr/share/fonts/ttf-dejavu/DejaVuSans-Bold.ttf',
  '/usr/share/fonts/truetype/liberation/LiberationSans-Bold.ttf',
  '/usr/share/fonts/liberation-sans/LiberationSans-Bold.ttf',
  '/usr/share/fonts/truetype/noto/NotoSans-Bold.ttf',
  '/System/Library/Fonts/Supplemental/Arial Bold.ttf',
];

/** Undefined when this FFmpeg cannot draw text: the filter needs FreeType, and HarfBuzz since version 7. */
function findFont(versionText: string, version: string): string | undefined {
  const canDraw = /--enable-libfreetype/.test(versionText) && (!versionAtLeast(version, 7, 0) || /--enable-libharfbuzz/.test(versionText));
  return canDraw ? fontFiles.find(exists) : undefined;
}

function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}
