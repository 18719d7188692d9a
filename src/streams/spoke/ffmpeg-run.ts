/** One FFmpeg process whose stdout is fragmented MP4 and whose descriptor 3 reports progress. Decides nothing. */
import {
  type CaptureCommand,
  createFragmentCutter,
  createProgressParser,
  type Fragment,
  type InitSegment,
  type ProgressReport,
} from '../../media/index.js';
import {
  coverArguments,
  createProcessSampler,
  type ExitReport,
  type ProcessStats,
  type RunningProcess,
  recordProcess,
  type StopLadder,
  spawnProcess,
} from '../../supervisor/index.js';

export interface FfmpegRunOptions {
  readonly ffmpeg: string;
  readonly args: readonly string[];
  /** What it reads beside its arguments, and secrets that stand in them all the same; default: nothing. */
  readonly secrets?: Pick<CaptureCommand, 'stdin' | 'files' | 'exposed'>;
  /** Where the process is noted for the sweep after a crash of ours; default: nowhere. */
  readonly pidFolder?: string | undefined;
  readonly ladder?: StopLadder;
  onInit(init: InitSegment): void;
  onFragment(fragment: Fragment): void;
  onProgress?(report: ProgressReport): void;
  /** A line of stderr as it came; may hold secrets. */
  onLine(line: string): void;
  /** What it wrote is no fragmented MP4; nothing more is read. Told once. */
  onGarbage(error: unknown): void;
}

export interface FfmpegRun {
  readonly pid: number;
  readonly exited: Promise<ExitReport>;
  tail(): string[];
  /** Undefined when it is gone. */
  sample(): ProcessStats | undefined;
  /** Lines of stderr that were not handed on because too many came. */
  readonly suppressedLines: number;
  /** Fails only when even SIGKILL did not end it. */
  stop(reason: string, ladder?: StopLadder): Promise<ExitReport>;
}

/** Starts it. Fails with `not_found`, `permission_denied` or `resource_exhausted` when it cannot run at all. */
export async function startFfmpeg(options: FfmpegRunOptions): Promise<FfmpegRun> {
  const child = await spawnProcess({
    command: options.ffmpeg,
    args: options.args,
    stdout: 'pipe',
    stderr: 'lines',
    extraPipes: 1,
    ...(options.secrets?.stdin === undefined ? {} : { stdin: { text: options.secrets.stdin } }),
    ...(options.secrets === undefined ? {} : { texts: options.secrets.files }),
    onLine: (line) => options.onLine(line),
    ...(options.ladder === undefined ? {} : { ladder: options.ladder }),
  });
  noteUntilExit(child, options);
  const uncover = coverSecrets(child.pid, options);
  const onInit = (init: InitSegment) => {
    uncover();
    options.onInit(init);
  };
  const cutter = createFragmentCutter({ onInit, onFragment: (fragment) => options.onFragment(fragment) });
  const { stdout, pipes } = child;
  const take = (chunk: Buffer) => {
    try {
      cutter.push(chunk);
    } catch (error) {
      stdout?.off('data', take);
      // It must not block on a full pipe before it is stopped.
      stdout?.resume();
      options.onGarbage(error);
    }
  };
  stdout?.on('data', take);
  const progress = createProgressParser((report) => options.onProgress?.(report));
  pipes[0]?.on('data', (chunk: Buffer) => progress.push(chunk));
  const sampler = createProcessSampler(child.pid);
  return {
    pid: child.pid,
    exited: child.exited,
    tail: () => child.tail(),
    sample: () => sampler.sample(),
    get suppressedLines() {
      return child.suppressedLines;
    },
    stop: (reason, ladder) => child.stop({ reason, ...(ladder === undefined ? {} : { ladder }) }),
  };
}

/** A disk that is full by now must not stop the picture; without a note the kernel still ends it with us where it can. */
function noteUntilExit(child: Pick<RunningProcess, 'identity' | 'exited'>, { pidFolder, ffmpeg, onLine }: FfmpegRunOptions): void {
  if (pidFolder === undefined) return;
  try {
    const forget = recordProcess(pidFolder, child.identity, ffmpeg);
    void child.exited.then(forget);
  } catch (error) {
    onLine(`this process could not be noted in ${pidFolder}: ${String(error)}`);
  }
}

/** Hides secrets that had to be given as arguments. Once the first media is there FFmpeg has taken them, and they are erased. */
function coverSecrets(pid: number, { ffmpeg, secrets }: FfmpegRunOptions): () => void {
  const exposed = secrets?.exposed ?? [];
  if (exposed.length === 0) return () => undefined;
  const covered = coverArguments(pid, ffmpeg);
  return () => void covered.then((one) => one.erase(exposed));
}
