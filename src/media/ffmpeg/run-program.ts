/** Short runs of FFmpeg and ffprobe: bounded in time and output. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { WeirError } from '../../contracts/errors.js';
import { childEnvironment } from '../../supervisor/index.js';

export interface ProgramResult {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: Buffer;
  readonly stderr: string;
  readonly timedOut: boolean;
  readonly tookMs: number;
}

export interface RunOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Kept of each output; more is read and dropped. Default 1 MiB. */
  readonly maxBytes?: number;
  /** Written to its standard input. Default: that is empty. */
  readonly stdin?: string | undefined;
}

/**
 * Runs to the end and gives whatever the end was; a run that takes too long is killed and gives `timedOut`.
 * Throws `unavailable` when the program cannot be started, `cancelled` when `signal` aborts.
 */
export async function runProgram(command: string, args: readonly string[], options: RunOptions): Promise<ProgramResult> {
  const cancelled = () => new WeirError('cancelled', 'The run was cancelled', { cause: options.signal?.reason });
  const isCancelled = () => options.signal?.aborted === true;
  if (isCancelled()) throw cancelled();
  const startedAt = performance.now();
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], env: childEnvironment() });
  // It may end before it has read everything, which its exit tells.
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.stdin ?? '');
  const stdout = collect(child.stdout, options.maxBytes ?? 1_048_576);
  const stderr = collect(child.stderr, options.maxBytes ?? 1_048_576);
  let timedOut = false;
  const kill = () => child.kill('SIGKILL');
  const timer = setTimeout(() => {
    timedOut = true;
    kill();
  }, options.timeoutMs);
  options.signal?.addEventListener('abort', kill, { once: true });
  try {
    const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
    if (isCancelled()) throw cancelled();
    return { code, signal, stdout: stdout(), stderr: stderr().toString(), timedOut, tookMs: performance.now() - startedAt };
  } catch (error) {
    if (error instanceof WeirError) throw error;
    throw new WeirError('unavailable', `${command} cannot be started`, { cause: error, hint: 'Install FFmpeg, or configure its path' });
  } finally {
    clearTimeout(timer);
    options.signal?.removeEventListener('abort', kill);
  }
}

function collect(stream: NodeJS.ReadableStream, maxBytes: number): () => Buffer {
  const chunks: Buffer[] = [];
  let size = 0;
  stream.on('data', (chunk: Buffer) => {
    if (size < maxBytes) chunks.push(chunk.subarray(0, maxBytes - size));
    size += chunk.length;
  });
  return () => Buffer.concat(chunks);
}
