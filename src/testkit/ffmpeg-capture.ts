/** Runs FFmpeg with arguments made by `media` and takes its output apart, as a spoke does. Tests and benchmarks only. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createFragmentCutter, createProgressParser, type Fragment, type InitSegment, type ProgressReport } from '../media/index.js';
import { waitFor } from './wait-for.js';

export interface TimedFragment extends Fragment {
  /** Milliseconds since the spawn. */
  readonly atMs: number;
}

export interface Capture {
  readonly child: ChildProcess;
  readonly inits: InitSegment[];
  readonly fragments: TimedFragment[];
  readonly reports: ProgressReport[];
  /** Whole lines of stderr. */
  readonly lines: () => string[];
  /** All of stdout. */
  readonly bytes: () => Buffer;
  /** Set once FFmpeg has ended. */
  readonly exit: () => { code: number | null; signal: string | null } | undefined;
  /** Waits until at least `count` fragments came; fails after `deadlineMs` (default 10 s) with FFmpeg's last words. */
  haveFragments(count: number, deadlineMs?: number): Promise<void>;
  ended(deadlineMs?: number): Promise<{ code: number | null; signal: string | null }>;
  /** SIGINT, and SIGKILL when that is not obeyed within 2 s. */
  stop(): Promise<void>;
}

/** Starts FFmpeg, with these lines as its standard input; stop it in `finally`. */
export function startCapture(args: readonly string[], ffmpeg = 'ffmpeg', stdin: readonly string[] = []): Capture {
  const startedAt = performance.now();
  const child = spawn(ffmpeg, args, { stdio: ['pipe', 'pipe', 'pipe', 'pipe'] });
  child.stdin?.on('error', () => undefined);
  child.stdin?.end(stdin.map((line) => `${line}\n`).join(''));
  const inits: InitSegment[] = [];
  const fragments: TimedFragment[] = [];
  const reports: ProgressReport[] = [];
  const chunks: Buffer[] = [];
  let stderr = '';
  let exit: { code: number | null; signal: string | null } | undefined;
  const cutter = createFragmentCutter({
    onInit: (init) => inits.push(init),
    onFragment: (fragment) => fragments.push({ ...fragment, atMs: performance.now() - startedAt }),
  });
  const progress = createProgressParser((report) => reports.push(report));
  child.stdout?.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    cutter.push(chunk);
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  child.stdio[3]?.on('data', (chunk: Buffer) => progress.push(chunk));
  child.on('close', (code, signal) => {
    exit = { code, signal };
  });
  const ended = (deadlineMs = 10_000) => waitFor(() => exit, { deadlineMs, what: `the end of FFmpeg (${stderr})` });
  return {
    child,
    inits,
    fragments,
    reports,
    lines: () => stderr.split('\n').filter((line) => line !== ''),
    bytes: () => Buffer.concat(chunks),
    exit: () => exit,
    ended,
    async haveFragments(count, deadlineMs = 10_000) {
      await waitFor(() => fragments.length >= count || exit !== undefined, { deadlineMs, what: `${count} fragments` });
      if (fragments.length < count) throw new Error(`FFmpeg ended after ${fragments.length} of ${count} fragments: ${stderr}`);
    },
    async stop() {
      if (exit !== undefined) return;
      child.kill('SIGINT');
      const timer = setTimeout(() => child.kill('SIGKILL'), 2000);
      await ended();
      clearTimeout(timer);
    },
  };
}

/** The same arguments for a recording of `seconds` made as fast as the machine can, instead of in real time. */
export function asFiniteRun(args: readonly string[], seconds: number): string[] {
  const fast = args.filter((arg) => arg !== '-re');
  const at = fast.indexOf('-map');
  return [...fast.slice(0, at), '-t', String(seconds), ...fast.slice(at)];
}

/** Runs any FFmpeg or ffprobe command to its end; fails with its stderr when the exit code is not 0. */
export async function runTool(program: string, args: readonly string[], stdin?: Uint8Array): Promise<Buffer> {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  const stdout: Buffer[] = [];
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  child.stdin.on('error', () => undefined);
  child.stdin.end(stdin);
  const timer = setTimeout(() => child.kill('SIGKILL'), 30_000);
  const [code] = (await once(child, 'close')) as [number | null];
  clearTimeout(timer);
  if (code !== 0) throw new Error(`${program} ended with ${code}: ${stderr}`);
  return Buffer.concat(stdout);
}
