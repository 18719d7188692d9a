/** Stills: the newest keyframe as a JPEG. */
import { once } from 'node:events';
import type { JournalMessage } from '../../bus/index.js';
import { mediaJournalName, publishSubject, WeirError } from '../../contracts/index.js';
import { type MachineFacts, snapshotArgs } from '../../media/index.js';
import { spawnProcess } from '../../supervisor/index.js';
import { newestOf } from './journal-seek.js';
import type { HubParts } from './needs.js';
import type { MediaFile } from './operations.js';
import type { Watching } from './watching.js';

/** An idle stream is started for a still; its first keyframe is awaited so long. */
const firstKeyMs = 10_000;
const pollMs = 100;
const convertMs = 5000;
const maxJpegBytes = 16 * 1024 ** 2;
/** Pictures kept, one per stream and width. */
const maxKept = 64;
/** FFmpegs at the same time: more would only make each slower. */
const maxAtOnce = 2;
/** A key older than this shows what is no longer so. */
const staleMs = 15_000;

interface Kept {
  readonly etag: string;
  readonly picture: Promise<Uint8Array>;
}

/** Owns the pictures. Requests for the same keyframe share one conversion. */
export class Stills {
  readonly #parts: HubParts;
  readonly #watching: Watching;
  readonly #facts: MachineFacts | undefined;
  readonly #kept = new Map<string, Kept>();
  #running = 0;
  readonly #queue: (() => void)[] = [];

  constructor(parts: HubParts, watching: Watching, facts: MachineFacts | undefined) {
    this.#parts = parts;
    this.#watching = watching;
    this.#facts = facts;
  }

  /** Throws `unavailable` when there is no picture, or no FFmpeg here. */
  async still(streamId: string, width: number | undefined, signal: AbortSignal): Promise<MediaFile> {
    const facts = this.#facts;
    if (facts === undefined) throw new WeirError('unavailable', 'This hub has no FFmpeg to make stills with');
    this.#watching.want(streamId);
    const key = await this.#newestKey(streamId, signal);
    const epoch = key.header('Weir-Epoch') ?? '';
    const etag = `"${epoch}-${key.sequence}-${width ?? 0}"`;
    const name = `${streamId} ${width ?? 0}`;
    let kept = this.#kept.get(name);
    if (kept?.etag !== etag) {
      kept = { etag, picture: this.#make(facts.ffmpeg, streamId, key, epoch, width) };
      this.#keep(name, kept);
    }
    const picture = await kept.picture;
    signal.throwIfAborted();
    return { contentType: 'image/jpeg', body: picture, maxAgeS: 0, etag };
  }

  forget(streamId: string): void {
    for (const name of [...this.#kept.keys()]) if (name.startsWith(`${streamId} `)) this.#kept.delete(name);
  }

  #keep(name: string, kept: Kept): void {
    this.#kept.delete(name);
    this.#kept.set(name, kept);
    const oldest = this.#kept.keys().next().value;
    if (this.#kept.size > maxKept && oldest !== undefined) this.#kept.delete(oldest);
    kept.picture.catch(() => {
      if (this.#kept.get(name) === kept) this.#kept.delete(name);
    });
  }

  async #newestKey(streamId: string, signal: AbortSignal): Promise<JournalMessage> {
    const { bus, roots } = this.#parts;
    const subject = publishSubject('stream_media_key', { stream_id: streamId }, roots);
    const end = Date.now() + firstKeyMs;
    for (;;) {
      const key = await newestOf(bus.connection, mediaJournalName(streamId), subject, signal).catch((error: unknown) => {
        if (error instanceof WeirError && error.code === 'not_found') return undefined;
        throw error;
      });
      if (key !== undefined && Date.now() - key.time < staleMs) return key;
      if (Date.now() >= end) throw new WeirError('unavailable', `${streamId} has no picture now`, { hint: 'Try again in a few seconds' });
      await pause(pollMs, signal);
    }
  }

  async #make(ffmpeg: string, streamId: string, key: JournalMessage, epoch: string, width: number | undefined): Promise<Uint8Array> {
    const { bus, roots, signal } = this.#parts;
    const subject = publishSubject('stream_media_init', { stream_id: streamId }, roots);
    const init = await newestOf(bus.connection, mediaJournalName(streamId), subject, signal);
    if (init === undefined || init.header('Weir-Epoch') !== epoch)
      throw new WeirError('unavailable', `${streamId} is just changing its picture`, { hint: 'Try again' });
    await this.#turn();
    try {
      return await convert(ffmpeg, [init.data, key.data], width, signal);
    } finally {
      this.#running -= 1;
      this.#queue.shift()?.();
    }
  }

  async #turn(): Promise<void> {
    if (this.#queue.length >= maxKept) throw new WeirError('resource_exhausted', 'Too many stills are being made', { hint: 'Try again in a second' });
    if (this.#running >= maxAtOnce) await new Promise<void>((resolve) => this.#queue.push(resolve));
    this.#running += 1;
  }
}

async function convert(ffmpeg: string, parts: readonly Uint8Array[], width: number | undefined, signal: AbortSignal): Promise<Uint8Array> {
  const run = await spawnProcess({
    command: ffmpeg,
    args: snapshotArgs({ format: 'jpg', ...(width === undefined ? {} : { width }) }),
    stdin: 'pipe',
    stdout: 'pipe',
    timeoutMs: convertMs,
    ladder: [{ signal: 'SIGKILL', waitMs: 1000 }],
    signal,
  });
  const chunks: Uint8Array[] = [];
  let size = 0;
  run.stdout?.on('data', (chunk: Uint8Array) => {
    size += chunk.length;
    if (size <= maxJpegBytes) chunks.push(chunk);
  });
  const outputEnded = run.stdout === null ? Promise.resolve() : once(run.stdout, 'close');
  for (const part of parts) run.stdin?.write(part);
  run.stdin?.end();
  const [report] = await Promise.all([run.exited, outputEnded]);
  if (report.exitCode === 0 && size > 0 && size <= maxJpegBytes) return Buffer.concat(chunks);
  throw new WeirError('unavailable', 'The keyframe could not be made into a picture', { cause: new Error(report.tail.join('\n')) });
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  await new Promise<void>((resolve, reject) => {
    const onAbort = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    }, ms);
    signal.addEventListener('abort', onAbort, { once: true });
  });
}
