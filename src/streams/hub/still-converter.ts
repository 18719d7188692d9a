/** Turns keyframes into pictures with FFmpeg. Starting FFmpeg takes longer than converting, so one more is kept ready while stills are asked for. */
import { once } from 'node:events';
import { WeirError } from '../../contracts/index.js';
import { type Snapshot, snapshotArgs } from '../../media/index.js';
import { type RunningProcess, spawnProcess } from '../../supervisor/index.js';

const convertMs = 5000;
const maxPictureBytes = 64 * 1024 ** 2;
/** The one that waits is ended when no still was asked for so long. */
const spareMs = 15_000;
/** Conversions at the same time: more would only make each slower. */
const maxAtOnce = 2;
const maxQueued = 64;

interface Spare {
  readonly key: string;
  readonly run: Promise<RunningProcess>;
  readonly timer: NodeJS.Timeout;
}

/** Owns the FFmpegs. */
export class StillConverter {
  readonly #ffmpeg: string;
  readonly #signal: AbortSignal;
  #spare: Spare | undefined;
  #running = 0;
  readonly #queue: (() => void)[] = [];

  constructor(ffmpeg: string, signal: AbortSignal) {
    this.#ffmpeg = ffmpeg;
    this.#signal = signal;
  }

  /** A picture is about to be asked for: its FFmpeg starts while the keyframe is looked for. */
  expect(snapshot: Snapshot): void {
    this.#prepare(snapshot);
  }

  /** Picture of a keyframe from its init segment and fragment. Throws `unavailable` when it cannot be decoded, `resource_exhausted` under load. */
  async convert(parts: readonly Uint8Array[], snapshot: Snapshot): Promise<Uint8Array> {
    await this.#turn();
    try {
      return await feed(await this.#take(snapshot), parts);
    } finally {
      this.#running -= 1;
      this.#queue.shift()?.();
      this.#prepare(snapshot);
    }
  }

  /** Resolves when the FFmpeg that waits is gone. */
  async stop(): Promise<void> {
    const spare = this.#spare;
    this.#spare = undefined;
    if (spare !== undefined) await end(spare);
  }

  async #turn(): Promise<void> {
    if (this.#running >= maxAtOnce) {
      if (this.#queue.length >= maxQueued)
        throw new WeirError('resource_exhausted', 'Too many stills are being made', { hint: 'Try again in a second' });
      await new Promise<void>((resolve) => this.#queue.push(resolve));
    }
    this.#running += 1;
  }

  async #take(snapshot: Snapshot): Promise<RunningProcess> {
    const spare = this.#spare;
    if (spare !== undefined && spare.key === keyOf(snapshot)) {
      this.#spare = undefined;
      clearTimeout(spare.timer);
      const run = await spare.run.catch(() => undefined);
      if (run !== undefined && isAlive(run)) return run;
    }
    return this.#start(snapshot);
  }

  #prepare(snapshot: Snapshot): void {
    if (this.#signal.aborted || this.#running > 0) return;
    const before = this.#spare;
    if (before !== undefined) {
      if (before.key === keyOf(snapshot)) {
        before.timer.refresh();
        return;
      }
      void end(before);
    }
    const run = this.#start(snapshot);
    run.catch(() => undefined);
    const timer = setTimeout(() => void this.stop(), spareMs);
    timer.unref();
    this.#spare = { key: keyOf(snapshot), run, timer };
  }

  #start(snapshot: Snapshot): Promise<RunningProcess> {
    return spawnProcess({
      command: this.#ffmpeg,
      args: snapshotArgs(snapshot),
      stdin: 'pipe',
      stdout: 'pipe',
      keepAlive: false,
      ladder: [{ signal: 'SIGKILL', waitMs: 1000 }],
      signal: this.#signal,
    });
  }
}

function keyOf(snapshot: Snapshot): string {
  return snapshotArgs(snapshot).join(' ');
}

function isAlive(run: RunningProcess): boolean {
  return run.stdin?.writable === true;
}

async function end(spare: Spare): Promise<void> {
  clearTimeout(spare.timer);
  const run = await spare.run.catch(() => undefined);
  await run?.stop({ reason: 'not needed' }).catch(() => undefined);
}

async function feed(run: RunningProcess, parts: readonly Uint8Array[]): Promise<Uint8Array> {
  const timer = setTimeout(() => void run.stop({ reason: 'timeout' }).catch(() => undefined), convertMs);
  try {
    const chunks: Uint8Array[] = [];
    let size = 0;
    run.stdout?.on('data', (chunk: Uint8Array) => {
      size += chunk.length;
      if (size <= maxPictureBytes) chunks.push(chunk);
    });
    const outputEnded = run.stdout === null ? Promise.resolve() : once(run.stdout, 'close');
    for (const part of parts) run.stdin?.write(part);
    run.stdin?.end();
    const [report] = await Promise.all([run.exited, outputEnded]);
    if (report.exitCode === 0 && size > 0 && size <= maxPictureBytes) return Buffer.concat(chunks);
    throw new WeirError('unavailable', 'The keyframe could not be made into a picture', { cause: new Error(report.tail.join('\n')) });
  } finally {
    clearTimeout(timer);
  }
}
