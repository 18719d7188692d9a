/** One picture out of an init segment and a fragment, by one short run of FFmpeg. */
import { once } from 'node:events';
import { WeirError } from '../../contracts/index.js';
import { type Snapshot, snapshotArgs } from '../../media/index.js';
import { spawnProcess } from '../../supervisor/index.js';

const maxBytes = 16 * 1024 ** 2;
const runMs = 5000;

/** Throws `unavailable` when the fragment cannot be decoded within five seconds, `cancelled` when `signal` aborts. */
export async function makePicture(ffmpeg: string, parts: readonly Uint8Array[], snapshot: Snapshot, signal: AbortSignal): Promise<Uint8Array> {
  const run = await spawnProcess({
    command: ffmpeg,
    args: snapshotArgs(snapshot),
    stdin: 'pipe',
    stdout: 'pipe',
    keepAlive: false,
    ladder: [{ signal: 'SIGKILL', waitMs: 1000 }],
    timeoutMs: runMs,
    signal,
  });
  const chunks: Uint8Array[] = [];
  let size = 0;
  run.stdout?.on('data', (chunk: Uint8Array) => {
    size += chunk.length;
    if (size <= maxBytes) chunks.push(chunk);
  });
  const ended = run.stdout === null ? Promise.resolve() : once(run.stdout, 'close');
  // It may have its picture before it has read everything.
  run.stdin?.on('error', () => undefined);
  for (const part of parts) run.stdin?.write(part);
  run.stdin?.end();
  const [report] = await Promise.all([run.exited, ended]);
  if (report.exitCode === 0 && size > 0 && size <= maxBytes) return Buffer.concat(chunks);
  if (signal.aborted) throw WeirError.from(signal.reason);
  throw new WeirError('unavailable', 'The keyframe could not be made into a picture', { cause: new Error(report.tail.join('\n')) });
}
