/** Stills: the newest keyframe as a picture. */
import type { JournalMessage } from '../../bus/index.js';
import { mediaHeaders, mediaJournalName, publishSubject, WeirError } from '../../contracts/index.js';
import type { MachineFacts, Snapshot } from '../../media/index.js';
import { nextSourceKey } from './awaited-key.js';
import { newestOf } from './journal-seek.js';
import type { HubParts } from './needs.js';
import type { MediaFile } from './operations.js';
import { StillConverter } from './still-converter.js';
import type { Watching } from './watching.js';

/** An idle stream is started for a still; its first keyframe is awaited so long. */
const firstKeyMs = 10_000;
const pollMs = 100;
/** Pictures kept, one per stream and width. */
const maxKept = 64;
/** A key older than this shows what is no longer so. */
const staleMs = 15_000;
/** A key so young was shown a moment ago, whatever is known of the stream. */
const youngMs = 1500;

interface Kept {
  readonly etag: string;
  readonly picture: Promise<Uint8Array>;
}

/** Owns the pictures. Requests for the same keyframe share one conversion. */
export class Stills {
  readonly #parts: HubParts;
  readonly #watching: Watching;
  readonly #converter: StillConverter | undefined;
  readonly #kept = new Map<string, Kept>();

  constructor(parts: HubParts, watching: Watching, facts: MachineFacts | undefined) {
    this.#parts = parts;
    this.#watching = watching;
    this.#converter = facts === undefined ? undefined : new StillConverter(facts.ffmpeg, parts.signal);
  }

  /** Throws `unavailable` when there is no picture, or no FFmpeg here. */
  async still(streamId: string, width: number | undefined, signal: AbortSignal): Promise<MediaFile> {
    const converter = this.#converter;
    if (converter === undefined) throw new WeirError('unavailable', 'This hub has no FFmpeg to make stills with');
    this.#watching.want(streamId);
    const key = await this.#newestKey(streamId, signal);
    const epoch = key.header('Weir-Epoch') ?? '';
    const etag = `"${epoch}-${key.sequence}-${width ?? 0}"`;
    const name = `${streamId} ${width ?? 0}`;
    let kept = this.#kept.get(name);
    if (kept?.etag !== etag) {
      kept = { etag, picture: this.#make(converter, streamId, key, epoch, width) };
      this.#keep(name, kept);
    }
    const picture = await kept.picture;
    signal.throwIfAborted();
    return { contentType: 'image/jpeg', body: picture, maxAgeS: 0, etag };
  }

  /**
   * A picture of the source as it is now: never the no-signal picture, never one from before the stream stopped. Starts the stream
   * when it does not run. Throws `unavailable` when no keyframe comes within ten seconds.
   */
  async picture(streamId: string, snapshot: Snapshot, isRunning: boolean, signal: AbortSignal): Promise<{ body: Uint8Array; takenAtMs: number }> {
    const converter = this.#converter;
    if (converter === undefined) throw new WeirError('unavailable', 'This hub has no FFmpeg to make pictures with');
    this.#watching.want(streamId);
    converter.expect(snapshot);
    const key = await this.#sourceKey(streamId, isRunning, signal);
    const body = await converter.convert([key.init, key.data], snapshot);
    signal.throwIfAborted();
    return { body, takenAtMs: key.atMs };
  }

  async #sourceKey(streamId: string, isRunning: boolean, signal: AbortSignal): Promise<{ init: Uint8Array; data: Uint8Array; atMs: number }> {
    const { bus, roots } = this.#parts;
    // Listening begins before the look at what is kept, so that a key between the two is not missed.
    const awaited = nextSourceKey(bus, streamId, AbortSignal.any([signal, this.#parts.signal, AbortSignal.timeout(firstKeyMs)]));
    try {
      const newest = (kind: 'stream_media_key' | 'stream_media_init') =>
        newestOf(bus.connection, mediaJournalName(streamId), publishSubject(kind, { stream_id: streamId }, roots), signal).catch(noJournal);
      const [key, init] = await Promise.all([newest('stream_media_key'), newest('stream_media_init')]);
      const isFit = init !== undefined && key !== undefined && init.header(mediaHeaders.epoch) === key.header(mediaHeaders.epoch);
      if (init !== undefined) awaited.knows(init);
      if (isFit && init.header(mediaHeaders.picture) !== 'no-signal' && Date.now() - key.time < (isRunning ? staleMs : youngMs))
        return { init: init.data, data: key.data, atMs: Number(key.header(mediaHeaders.published) ?? key.time) };
      return await awaited.key;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof WeirError && error.code !== 'cancelled') throw error;
      throw new WeirError('unavailable', `${streamId} has no picture now`, { hint: 'Try again in a few seconds', cause: error });
    } finally {
      awaited.stop();
    }
  }

  async stop(): Promise<void> {
    await this.#converter?.stop();
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
    const end = performance.now() + firstKeyMs;
    for (;;) {
      const key = await newestOf(bus.connection, mediaJournalName(streamId), subject, signal).catch(noJournal);
      if (key !== undefined && Date.now() - key.time < staleMs) return key;
      if (performance.now() >= end) throw new WeirError('unavailable', `${streamId} has no picture now`, { hint: 'Try again in a few seconds' });
      await pause(pollMs, signal);
    }
  }

  async #make(converter: StillConverter, streamId: string, key: JournalMessage, epoch: string, width: number | undefined): Promise<Uint8Array> {
    const { bus, roots, signal } = this.#parts;
    const subject = publishSubject('stream_media_init', { stream_id: streamId }, roots);
    const init = await newestOf(bus.connection, mediaJournalName(streamId), subject, signal);
    if (init === undefined || init.header('Weir-Epoch') !== epoch)
      throw new WeirError('unavailable', `${streamId} is just changing its picture`, { hint: 'Try again' });
    return converter.convert([init.data, key.data], { format: 'jpg', ...(width === undefined ? {} : { width }) });
  }
}

/** No journal yet, or none again after a restart of the broker. */
function noJournal(error: unknown): undefined {
  if (error instanceof WeirError && (error.code === 'not_found' || error.code === 'unavailable')) return undefined;
  throw error;
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
