/** One run of FFmpeg for a job: in its sandbox, watched for progress, ended for certain, its cost known. */
import type { JobOrder, WeirError } from '../../contracts/index.js';
import { createProgressParser, type ProgressReport, sandboxCommand } from '../../media/index.js';
import { type ExitReport, recordProcess, type StopLadder, spawnProcess } from '../../supervisor/index.js';
import { type CostAccount, meterProcess } from './cost.js';
import { diskFull, watchDisk } from './disk.js';
import { attemptError } from './failure.js';
import type { WorkerParts } from './needs.js';

export type RunLimits = Pick<JobOrder['limits'], 'max_wall_s' | 'max_output_bytes' | 'max_memory_bytes' | 'stall_s'>;

export interface FfmpegRunOptions {
  readonly parts: Pick<WorkerParts, 'machine' | 'sandbox' | 'pidFolder'>;
  readonly args: readonly string[];
  readonly limits: RunLimits;
  readonly signal: AbortSignal;
  /** Where it writes; the run ends when the disk is full. */
  readonly folder?: string;
  readonly cost: CostAccount;
  /** What it is good for, in words: `the encode`. */
  readonly what: string;
  /** A run without progress reports (a single picture) is bounded by time only. Default true. */
  readonly reportsProgress?: boolean;
  /** Media time or frames have moved forward. */
  readonly onProgress?: (report: ProgressReport) => void;
  readonly onLine?: (line: string) => void;
}

/** Cancelled jobs have to be gone within a second. */
const ladder: StopLadder = [
  { signal: 'SIGTERM', waitMs: 400 },
  { signal: 'SIGKILL', waitMs: 5000 },
];

const keptLines = 200;

/** Resolves with what it said when it ended well; else throws an error of the attempt, `cancelled` when the signal fired. */
export async function runFfmpeg(options: FfmpegRunOptions): Promise<{ lines: readonly string[]; exit: ExitReport }> {
  if (options.folder === undefined) return await run(options);
  const disk = watchDisk(options.folder, options.what);
  try {
    return await run({ ...options, signal: AbortSignal.any([options.signal, disk.signal]) });
  } finally {
    disk.stop();
  }
}

async function run(options: FfmpegRunOptions): Promise<{ lines: readonly string[]; exit: ExitReport }> {
  const { parts, limits, signal, cost } = options;
  signal.throwIfAborted();
  const command = sandboxCommand(
    { command: parts.machine.ffmpeg, args: options.args },
    {
      maxMemoryBytes: limits.max_memory_bytes,
      maxOutputBytes: limits.max_output_bytes,
      // All cores for the whole time allowed: the clock on the wall is the sharper limit.
      maxCpuS: Math.ceil(limits.max_wall_s * 64),
    },
    parts.sandbox,
  );
  const lines: string[] = [];
  const running = await spawnProcess({
    ...command,
    stdout: 'pipe',
    onLine: (line) => {
      if (lines.push(line) > keptLines) lines.shift();
      options.onLine?.(line);
    },
    signal,
    timeoutMs: limits.max_wall_s * 1000,
    ladder,
  });
  const forget = recordProcess(parts.pidFolder, running.identity, options.what);
  const meter = meterProcess(running.pid);
  const watch = watchProgress(options, () => void running.stop({ reason: 'stalled', ladder }).catch(() => undefined));
  running.stdout?.on('data', (chunk: Buffer) => watch.push(chunk));
  try {
    const exit = await running.exited;
    if (exit.exitCode === 0 && exit.stoppedByUs === null) return { lines, exit };
    signal.throwIfAborted();
    throw failedRun(options, exit, lines);
  } finally {
    watch.stop();
    cost.add(meter.end());
    forget();
  }
}

/** Calls back when neither time nor frames have moved for too long. */
function watchProgress(options: FfmpegRunOptions, onStall: () => void): { push(chunk: Buffer): void; stop(): void } {
  let last = '';
  let timer: NodeJS.Timeout | undefined;
  const rearm = () => {
    clearTimeout(timer);
    if (options.reportsProgress !== false) timer = setTimeout(onStall, options.limits.stall_s * 1000);
  };
  const parser = createProgressParser((report) => {
    const place = `${report.frame} ${report.outTimeUs ?? ''} ${report.totalSizeBytes}`;
    if (place === last && !report.isEnd) return;
    last = place;
    rearm();
    options.onProgress?.(report);
  });
  rearm();
  return {
    push: (chunk) => parser.push(chunk),
    stop: () => clearTimeout(timer),
  };
}

function failedRun({ what, limits, args, parts }: FfmpegRunOptions, exit: ExitReport, lines: readonly string[]): WeirError {
  const facts = { stderr: lines.slice(-40), command: [parts.machine.ffmpeg, ...args] };
  const said = lines.join('\n');
  if (exit.stoppedByUs === 'stalled') {
    return attemptError('deadline_exceeded', `FFmpeg made no progress with ${what} for ${limits.stall_s} s`, {
      reason: 'stalled',
      permanent: false,
      ...facts,
    });
  }
  if (exit.timedOut) {
    return attemptError('deadline_exceeded', `FFmpeg took longer than ${limits.max_wall_s} s for ${what}`, {
      reason: 'too_slow',
      permanent: true,
      ...facts,
    });
  }
  if (/No space left on device|Disk quota exceeded/i.test(said)) {
    return diskFull(what);
  }
  if (exit.signal === 'SIGXFSZ' || /File too large/i.test(said)) {
    return attemptError('payload_too_large', `A file of ${what} grew beyond ${limits.max_output_bytes} bytes`, {
      reason: 'output_too_large',
      ...facts,
    });
  }
  if (exit.signal === 'SIGXCPU') {
    return attemptError('deadline_exceeded', `FFmpeg used too much processor time for ${what}`, { reason: 'too_slow', permanent: true, ...facts });
  }
  if (/Cannot allocate memory|out of memory|malloc of size \d+ failed/i.test(said)) {
    return attemptError('resource_exhausted', `FFmpeg needed more than ${limits.max_memory_bytes} bytes of memory for ${what}`, {
      reason: 'out_of_memory',
      permanent: false,
      ...facts,
    });
  }
  const how = exit.signal === null ? `with exit code ${exit.exitCode ?? '?'}` : `by ${exit.signal}`;
  const last = lines.findLast((line) => line.trim() !== '') ?? 'it said nothing';
  return attemptError('internal', `FFmpeg ended ${how} during ${what}: ${last}`, { reason: 'encoder_failed', permanent: false, ...facts });
}
