/** Runs `v4l2-ctl`: a driver that hangs then hangs a child, never the spoke. */
import { spawn } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { WeirError } from '../../contracts/errors.js';
import { childEnvironment } from '../../supervisor/index.js';

export interface V4l2RunOptions {
  /** Default `v4l2-ctl`. */
  readonly v4l2Ctl?: string | undefined;
  /** Default 5000. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /**
   * Told when the child was given up: inside a hanging driver not even SIGKILL ends it. The promise resolves when it is gone after all;
   * until then another look at the node would only add a second such child.
   */
  onStuck?(gone: Promise<void>): void;
}

export interface V4l2Output {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly tookMs: number;
}

/** A driver that lists things without end is cut off here; vivid, the most talkative one, prints a fifth of a megabyte. */
const mostBytes = 2 * 1_048_576;

/**
 * What `v4l2-ctl` printed about a node, whatever its exit code. Throws `failed_precondition` when it is not installed,
 * `deadline_exceeded` when the driver does not answer in time, and `cancelled`.
 */
export async function runV4l2Ctl(path: string, args: readonly string[], options: V4l2RunOptions): Promise<V4l2Output> {
  const { v4l2Ctl = 'v4l2-ctl', timeoutMs = 5000, signal } = options;
  const cancelled = () => new WeirError('cancelled', 'The run was cancelled', { cause: signal?.reason });
  if (signal?.aborted === true) throw cancelled();
  const startedAt = performance.now();
  const child = spawn(v4l2Ctl, ['-d', path, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env: childEnvironment({ LC_ALL: 'C' }) });
  const kill = () => child.kill('SIGKILL');
  const stdout = collect(child.stdout, kill);
  const stderr = collect(child.stderr, kill);
  return await new Promise((resolve, reject) => {
    const giveUp = (error: WeirError) => {
      kill();
      settle();
      if (child.exitCode !== null || child.signalCode !== null) return reject(error);
      // Its pipes would keep this process from ending.
      child.unref();
      child.stdout.destroy();
      child.stderr.destroy();
      options.onStuck?.(new Promise((gone) => child.once('exit', () => gone())));
      reject(error);
    };
    const timer = setTimeout(() => giveUp(silent(path, timeoutMs)), timeoutMs);
    const abort = () => giveUp(cancelled());
    const settle = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
    };
    signal?.addEventListener('abort', abort, { once: true });
    child.on('error', (error) => {
      settle();
      reject(notRunnable(v4l2Ctl, error));
    });
    child.on('close', (code) => {
      settle();
      resolve({ code, stdout: stdout(), stderr: stderr(), tookMs: performance.now() - startedAt });
    });
  });
}

function silent(path: string, timeoutMs: number): WeirError {
  return new WeirError('deadline_exceeded', `The driver of ${path} did not answer within ${timeoutMs / 1000} s`, {
    hint: 'Unplug the device and plug it in again',
  });
}

function notRunnable(program: string, error: Error): WeirError {
  const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT';
  return new WeirError('failed_precondition', isMissing ? `${program} is not installed` : `${program} cannot be started`, {
    cause: error,
    hint: 'Install it: sudo apt-get install v4l-utils',
  });
}

function collect(stream: NodeJS.ReadableStream, onFull: () => void): () => string {
  const chunks: Buffer[] = [];
  let size = 0;
  stream.on('data', (chunk: Buffer) => {
    if (size < mostBytes) chunks.push(chunk.subarray(0, mostBytes - size));
    size += chunk.length;
    if (size >= mostBytes) onFull();
  });
  stream.on('error', () => undefined);
  return () => Buffer.concat(chunks).toString();
}

/** Why a node cannot be used, where `v4l2-ctl` only says that it cannot. */
export async function whyUnusable(path: string, stderr: string): Promise<WeirError> {
  const code = await access(path, constants.R_OK | constants.W_OK).then(
    () => undefined,
    (error: NodeJS.ErrnoException) => error.code,
  );
  if (code === 'ENOENT' || code === 'ENOTDIR') return new WeirError('not_found', `${path} is not there any more`);
  if (code === 'EACCES' || code === 'EPERM') {
    return new WeirError('permission_denied', `${path} may not be opened by this user`, {
      hint: 'Add the user that Weir runs as to the group "video": sudo usermod -aG video <user>',
    });
  }
  const [line = ''] = stderr.split('\n').filter((text) => text.trim() !== '');
  if (/Inappropriate ioctl|Not a V4L2|not supported/i.test(stderr)) return new WeirError('unsupported', `${path} is no V4L2 device`);
  return new WeirError('unavailable', `${path} cannot be opened${line === '' ? '' : `: ${line.trim().slice(0, 200)}`}`);
}
