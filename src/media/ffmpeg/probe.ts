/** Looks at a source before it is streamed. */
import { WeirError } from '../../contracts/errors.js';
import type { SourceProbe, StreamReason } from '../../contracts/stream.js';
import { probeV4l2 as askDriver } from '../v4l2/index.js';
import type { MachineFacts } from './facts.js';
import { classifyFailure, type Failure, parseFfmpegLine } from './failure.js';
import { hiddenProbeInputArgs } from './input-args.js';
import { type FfprobeReport, toProbe } from './probe-report.js';
import { runProgram } from './run-program.js';
import type { Source, V4l2Source } from './source.js';
import { parseV4l2Formats, preferredFormat } from './v4l2-formats.js';

export interface ProbeOptions {
  readonly facts: Pick<MachineFacts, 'ffmpeg' | 'ffprobe' | 'version'>;
  readonly signal?: AbortSignal;
  /** Default 8000. */
  readonly timeoutMs?: number;
  /** Default `tcp`. */
  readonly rtspTransport?: 'tcp' | 'udp';
}

export interface ProbeOutcome {
  /** For the wire; secrets are masked. */
  readonly probe: SourceProbe;
  /** Set when the source cannot be streamed as it is. */
  readonly reason: StreamReason | undefined;
  /** The same with words; set together with `reason`. */
  readonly failure: Failure | undefined;
}

/**
 * Never throws for a bad source: that is an answer (`reachable: false` or `error`). Throws `cancelled` when `signal` aborts and
 * `unavailable` when ffprobe cannot be started.
 */
export async function probeSource(source: Source, options: ProbeOptions): Promise<ProbeOutcome> {
  if (source.kind === 'test') return good(testProbe(source));
  if (source.kind === 'v4l2') return await probeV4l2(source, options);
  const timeoutMs = options.timeoutMs ?? 8000;
  const input = hiddenProbeInputArgs(source, options.rtspTransport ?? 'tcp', options.facts);
  const isScripted = input.script !== undefined;
  // A script hides which format was found behind it; only the debugging log tells.
  const level = isScripted && source.kind === 'http' ? 'level+debug' : 'level+warning';
  const args = ['-hide_banner', '-loglevel', level, '-of', 'json', '-show_format', '-show_streams', ...input.args];
  const run = await runProgram(options.facts.ffprobe, args, { timeoutMs, signal: options.signal, stdin: input.script });
  if (run.timedOut) {
    const message = `No answer within ${timeoutMs / 1000} s`;
    return failed(source, { reason: 'source_unreachable', message, hint: 'Check the address', isPermanent: false }, run.tookMs);
  }
  const report = parseReport(run.stdout);
  if (run.code !== 0 || report === undefined) {
    // ffprobe never ends well without a report, even where its exit code says so.
    const lines = level === 'level+debug' ? seriousLines(run.stderr) : run.stderr.split('\n');
    const failure = classifyFailure(lines, { code: run.code === 0 ? 1 : run.code, signal: run.signal });
    return failed(source, failure, run.tookMs);
  }
  const probe = toProbe(source, isScripted ? withContainer(report, containerOf(source, run.stderr)) : report, run.tookMs);
  return probe.error === undefined ? good(probe) : bad(probe, failureOf(probe));
}

function good(probe: SourceProbe): ProbeOutcome {
  return { probe, reason: undefined, failure: undefined };
}

function bad(probe: SourceProbe, failure: Failure): ProbeOutcome {
  return { probe, reason: failure.reason, failure };
}

function testProbe(source: Extract<Source, { kind: 'test' }>): SourceProbe {
  const audio = source.hasAudio ? { audio: { codec: 'pcm', sample_rate: 48_000, channels: 1 } } : {};
  return {
    device: source.display,
    reachable: true,
    container: 'test',
    video: { codec: 'rawvideo', width: source.width, height: source.height, frame_rate: source.frameRate },
    ...audio,
    plan: 'encode',
    why: 'the test picture is drawn here',
    took_ms: 0,
  };
}

/** The format behind a script: given by the kind of address, or found by FFmpeg. */
function containerOf(source: Source, stderr: string): string | undefined {
  if (source.kind === 'rtsp') return 'rtsp';
  if (source.kind === 'rtmp') return 'flv';
  if (source.kind === 'srt') return 'mpegts';
  return /\bFormat (\S+) probed with size=/.exec(stderr)?.[1];
}

function withContainer(report: FfprobeReport, container: string | undefined): FfprobeReport {
  const { format_name: _script, ...format } = report.format ?? {};
  return { ...report, format: container === undefined ? format : { ...format, format_name: container } };
}

/** Without what a debugging log adds: its lines, and those that follow them unmarked, such as the headers of requests. */
function seriousLines(stderr: string): string[] {
  return stderr.split('\n').filter((line) => ['warning', 'error'].includes(parseFfmpegLine(line).level));
}

function parseReport(stdout: Buffer): FfprobeReport | undefined {
  try {
    const report = JSON.parse(stdout.toString()) as FfprobeReport;
    return report.streams === undefined || report.streams.length === 0 ? undefined : report;
  } catch {
    return undefined;
  }
}

const unreachableReasons: ReadonlySet<StreamReason> = new Set(['source_unreachable', 'source_missing', 'source_refused', 'forbidden_source']);

function failed(source: Source, failure: Failure, tookMs: number): ProbeOutcome {
  const isReachable = !unreachableReasons.has(failure.reason);
  const error = new WeirError(isReachable ? 'unsupported' : 'unavailable', failure.message, failure.hint === undefined ? {} : { hint: failure.hint });
  return bad({ device: source.display, reachable: isReachable, error: error.toProblem(), took_ms: Math.round(tookMs) }, failure);
}

function failureOf(probe: SourceProbe): Failure {
  const reason = probe.video === undefined ? 'audio_only' : 'unsupported_codec';
  return { reason, message: probe.error?.detail ?? '', hint: probe.error?.hint, isPermanent: true };
}

/** Asking a camera for its formats does not start it. */
async function probeV4l2(source: V4l2Source, options: ProbeOptions): Promise<ProbeOutcome> {
  const args = ['-hide_banner', '-nostdin', '-loglevel', 'level+info', '-f', 'v4l2', '-list_formats', 'all', '-i', source.path];
  const timeoutMs = options.timeoutMs ?? 8000;
  // FFmpeg tells which formats it can read, the driver at which rates it delivers them; without v4l2-ctl the rate is left to the driver.
  const [run, told] = await Promise.all([
    runProgram(options.facts.ffmpeg, args, { timeoutMs, signal: options.signal }),
    askDriver(source.path, { timeoutMs, signal: options.signal }).then(
      ({ report }) => report.formats,
      () => [],
    ),
  ]);
  const format = preferredFormat(parseV4l2Formats(run.stderr), told);
  if (format === undefined) {
    const failure = classifyFailure(run.stderr.split('\n'), { code: run.code, signal: run.signal });
    return failed(source, failure, run.tookMs);
  }
  const probe: SourceProbe = {
    device: source.display,
    reachable: true,
    container: 'v4l2',
    video: {
      codec: format.name,
      width: format.width,
      height: format.height,
      ...(format.frameRate === undefined ? {} : { frame_rate: format.frameRate }),
    },
    ...(format.name === 'h264'
      ? { plan: 'copy', why: 'copied, as the camera encodes H.264 itself' }
      : { plan: 'encode', why: `encoded, as the camera gives ${format.name}` }),
    took_ms: Math.round(run.tookMs),
  };
  return good(probe);
}
