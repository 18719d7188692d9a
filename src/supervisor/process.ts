/** One child process with its own process group: started without a shell, watched, and stopped for certain. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { WeirError } from '../contracts/errors.js';
import { BoundedLines, type LineLimits } from './bounded-lines.js';
import { runningChildren } from './children.js';
import { type ProcessIdentity, processIdentity } from './identity.js';
import { openMemoryFile } from './memory-file.js';
import { parentDeathPrefix } from './parent-death.js';
import { childEnvironment, findProgram } from './program.js';
import { spawnError } from './spawn-error.js';
import { climb, defaultStopLadder, type StopLadder, signalGroup } from './stop-ladder.js';

export interface SpawnOptions {
  /** Program: a path, or a name on PATH. */
  command: string;
  args?: readonly string[];
  /** Added to the short list of inherited variables; see {@link childEnvironment}. */
  env?: Readonly<Record<string, string>>;
  cwd?: string;
  /** A text is written and the end told. Default `ignore`. */
  stdin?: 'ignore' | 'pipe' | { text: string };
  /** `pipe`: raw bytes at the reader's pace; `lines`: to `onLine`; a file is appended to and created 0600. Default `ignore`. */
  stdout?: 'ignore' | 'pipe' | 'lines' | { file: string };
  /** Default `lines`. */
  stderr?: 'ignore' | 'lines' | { file: string };
  /** Number of further pipes that the child writes to, as file descriptors 3, 4, … Default 0. */
  extraPipes?: number;
  /** Texts that the child reads as the file descriptors behind those pipes; for secrets, which arguments and environment are no place for. */
  texts?: readonly string[];
  lines?: LineLimits;
  onLine?: (line: string, from: 'stdout' | 'stderr') => void;
  /** The kernel kills the child when this process dies, where `setpriv` can arrange it. Default true; false for what must outlive us. */
  dieWithParent?: boolean;
  /** Whether this process stays alive for the child's sake. Default true. */
  keepAlive?: boolean;
  /** Stops the child with reason `aborted`. */
  signal?: AbortSignal;
  /** Stops the child with reason `timeout` after so long. Default: never. */
  timeoutMs?: number;
  /** Used by aborts, timeouts and `stop` without an own ladder. Default {@link defaultStopLadder}. */
  ladder?: StopLadder;
}

/** How a process ended; success has the same shape as failure. */
export interface ExitReport {
  pid: number;
  /** Program and arguments as asked for. */
  command: readonly string[];
  /** Null when a signal ended it, or when it was not our child. */
  exitCode: number | null;
  signal: NodeJS.Signals | null;
  timedOut: boolean;
  /** Our reason, when we stopped it. */
  stoppedByUs: string | null;
  /** It did not heed the gentler signals, so we used SIGKILL. */
  killed: boolean;
  durationMs: number;
  /** Last lines of stderr (and of stdout, when that is read as lines). */
  tail: readonly string[];
  suppressedLines: number;
}

export interface StopOptions {
  reason?: string;
  ladder?: StopLadder;
}

export interface RunningProcess {
  readonly pid: number;
  readonly identity: ProcessIdentity;
  /** Null unless `stdin: 'pipe'`. */
  readonly stdin: Writable | null;
  /** Null unless `stdout: 'pipe'`. Nothing is read ahead of its consumer, so a slow one slows the child. */
  readonly stdout: Readable | null;
  /** File descriptors 3 and up, in order, without the texts. */
  readonly pipes: readonly Readable[];
  /** Resolves when the process has ended and its last lines are in; never rejects. What is left of its group is killed then. */
  readonly exited: Promise<ExitReport>;
  /** Last lines until now. */
  tail(): string[];
  /** Lines not handed on so far because too many came. */
  readonly suppressedLines: number;
  /** Sends a signal to the whole group; false when it is gone. */
  kill(signal: NodeJS.Signals): boolean;
  /**
   * Climbs the ladder until the process has ended. Several calls share the first one's reason.
   * Fails with `deadline_exceeded` when even the last signal did not end it (it hangs in the kernel).
   */
  stop(options?: StopOptions): Promise<ExitReport>;
}

/** Starts a process. Fails with `not_found`, `permission_denied`, `resource_exhausted` or `cancelled` when it cannot run at all. */
export async function spawnProcess(options: SpawnOptions): Promise<RunningProcess> {
  if (options.signal?.aborted === true) throw new WeirError('cancelled', `${options.command} was not started: cancelled`);
  const program = findProgram(options.command);
  const args = [...(options.args ?? [])];
  const prefix = options.dieWithParent === false ? [] : parentDeathPrefix();
  const [file = program, ...rest] = [...prefix, program, ...args];
  const files: number[] = [];
  let child: ChildProcess;
  try {
    child = spawn(file, rest, {
      detached: true,
      env: childEnvironment(options.env),
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      stdio: [
        typeof options.stdin === 'object' ? 'pipe' : (options.stdin ?? 'ignore'),
        outputOf(options.stdout ?? 'ignore', files),
        outputOf(options.stderr ?? 'lines', files),
        ...Array<'pipe'>(options.extraPipes ?? 0).fill('pipe'),
        ...(options.texts ?? []).map((text) => textFile(text, files)),
      ],
    });
  } catch (error) {
    throw spawnError(error, options);
  } finally {
    for (const fd of files) closeSync(fd);
  }
  // Nothing may be missed between the start and the first look, so all listeners are set before anything is awaited.
  const running = watch(child, options, [options.command, ...args]);
  if (child.pid === undefined) {
    const [error] = await once(child, 'error');
    throw spawnError(error, options);
  }
  return running;
}

function outputOf(target: 'ignore' | 'pipe' | 'lines' | { file: string }, files: number[]): 'ignore' | 'pipe' | number {
  if (target === 'ignore') return 'ignore';
  if (typeof target === 'string') return 'pipe';
  const fd = openSync(target.file, 'a', 0o600);
  files.push(fd);
  return fd;
}

function textFile(text: string, files: number[]): number {
  const fd = openMemoryFile(text);
  files.push(fd);
  return fd;
}

function watch(child: ChildProcess, options: SpawnOptions, command: readonly string[]): RunningProcess {
  const startedAt = performance.now();
  const pid = child.pid ?? -1;
  // A process that has ended at once has no identity any more; one that nothing else matches is right for it.
  const identity = processIdentity(pid) ?? { pid, started: 'ended' };
  const ladder = options.ladder ?? defaultStopLadder;
  const err = options.stderr === undefined || options.stderr === 'lines' ? readLines(child.stderr, 'stderr', options) : undefined;
  const out = options.stdout === 'lines' ? readLines(child.stdout, 'stdout', options) : undefined;
  const pipes = child.stdio.slice(3).filter((one): one is NonNullable<typeof one> => one !== null && one !== undefined) as Readable[];
  for (const stream of [child.stdin, child.stdout, child.stderr, ...pipes]) stream?.on('error', () => undefined);
  if (typeof options.stdin === 'object') child.stdin?.end(options.stdin.text);

  let stoppedByUs: string | null = null;
  let killed = false;
  let stopping: Promise<ExitReport> | undefined;

  const kill = (signal: NodeJS.Signals) => child.exitCode === null && child.signalCode === null && signalGroup(pid, signal);
  const tail = () => [...(out?.lines.tail() ?? []), ...(err?.lines.tail() ?? [])];
  const suppressed = () => (out?.lines.suppressed ?? 0) + (err?.lines.suppressed ?? 0);

  if (child.pid !== undefined) runningChildren.add(child.pid);
  const exited = new Promise<ExitReport>((resolve) => {
    child.on('error', () => undefined);
    child.once('exit', (exitCode, signal) => {
      runningChildren.delete(pid);
      const durationMs = performance.now() - startedAt;
      signalGroup(pid, 'SIGKILL');
      const timedOut = stoppedByUs === 'timeout';
      void linesEnded([err, out]).then(() =>
        resolve({ pid, command, exitCode, signal, timedOut, stoppedByUs, killed, durationMs, tail: tail(), suppressedLines: suppressed() }),
      );
    });
  });

  const stop = (stopOptions: StopOptions = {}): Promise<ExitReport> => {
    if (child.exitCode !== null || child.signalCode !== null) return exited;
    stopping ??= (() => {
      stoppedByUs = stopOptions.reason ?? 'stopped';
      return climb(stopOptions.ladder ?? ladder, exited, command[0] ?? '', (signal) => {
        killed = signal === 'SIGKILL';
        kill(signal);
        // A stopped process acts on no signal but SIGKILL until it goes on.
        if (signal !== 'SIGKILL') kill('SIGCONT');
      });
    })();
    return stopping;
  };

  stopOnSignal(options, exited, stop);
  if (options.keepAlive === false) unrefAll(child);
  return {
    pid,
    identity,
    stdin: options.stdin === 'pipe' ? child.stdin : null,
    stdout: options.stdout === 'pipe' ? child.stdout : null,
    pipes,
    exited,
    tail,
    get suppressedLines() {
      return suppressed();
    },
    kill,
    stop,
  };
}

interface LineReader {
  lines: BoundedLines;
  ended: Promise<void>;
}

function readLines(stream: Readable | null, from: 'stdout' | 'stderr', options: SpawnOptions): LineReader {
  const lines = new BoundedLines((line) => options.onLine?.(line, from), options.lines);
  const ended = new Promise<void>((resolve) => {
    if (stream === null) return resolve();
    stream.on('data', (chunk: Buffer) => lines.push(chunk));
    stream.once('close', () => {
      lines.end();
      resolve();
    });
  });
  return { lines, ended };
}

/** The last lines arrive just after the exit; someone outside the group who inherited the pipe must not keep us waiting. */
async function linesEnded(readers: (LineReader | undefined)[]): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, 250);
  });
  await Promise.race([Promise.all(readers.map((reader) => reader?.ended)), limit]);
  clearTimeout(timer);
}

function stopOnSignal(options: SpawnOptions, exited: Promise<ExitReport>, stop: (options: StopOptions) => Promise<ExitReport>): void {
  const stopFor = (reason: string) => {
    // Who waits for `exited` sees that it still runs; there is nobody else to tell.
    stop({ reason }).catch(() => undefined);
  };
  const onAbort = () => stopFor('aborted');
  options.signal?.addEventListener('abort', onAbort, { once: true });
  const timer = options.timeoutMs === undefined ? undefined : setTimeout(() => stopFor('timeout'), options.timeoutMs);
  void exited.then(() => {
    options.signal?.removeEventListener('abort', onAbort);
    clearTimeout(timer);
  });
}

function unrefAll(child: ChildProcess): void {
  child.unref();
  for (const stream of child.stdio) {
    if (stream !== null && stream !== undefined && 'unref' in stream && typeof stream.unref === 'function') stream.unref();
  }
}

/** One sentence for people: what ended, how, and after how long. */
export function describeExit(report: ExitReport): string {
  const name = report.command[0]?.split('/').at(-1) ?? 'the process';
  const seconds = (report.durationMs / 1000).toFixed(1);
  if (report.stoppedByUs !== null) return `${name} was stopped (${report.stoppedByUs}) after ${seconds} s${report.killed ? ', by force' : ''}`;
  if (report.signal !== null) return `${name} was ended by ${report.signal} after ${seconds} s`;
  if (report.exitCode !== null) return `${name} ended with exit code ${report.exitCode} after ${seconds} s`;
  return `${name} is gone after ${seconds} s`;
}
