/** Small pictures of moments that were recorded: the keyframe at or before a time. */
import { type MediaFile, WeirError } from '../../contracts/index.js';
import type { Keyframe } from '../../store/index.js';
import { makePicture } from './one-picture.js';
import { finishedSource, type PlaybackNouns, readFully } from './playback.js';
import { openPlain } from './stored-file.js';
import { Turns } from './turns.js';

const atOnce = 2;
const maxWaiting = 128;
const maxKeptBytes = 16 * 1024 ** 2;
/** A moment in a gap is shown by what was recorded at most so long before it. */
const reachMs = 10_000;
const defaultWidth = 240;
const maxFragmentBytes = 16 * 1024 ** 2;
const keepS = 24 * 3600;

interface Place {
  readonly path: string;
  readonly filename: string;
  readonly initBytes: number;
  readonly offset: number;
}

/** Owns the pictures made last. */
export class Thumbnails {
  readonly #nouns: PlaybackNouns;
  readonly #ffmpeg: string | undefined;
  readonly #turns = new Turns(atOnce, maxWaiting);
  readonly #kept = new Map<string, Promise<Uint8Array>>();
  readonly #sizes = new Map<string, number>();

  constructor(nouns: PlaybackNouns, ffmpeg: string | undefined) {
    this.#nouns = nouns;
    this.#ffmpeg = ffmpeg;
  }

  /** Throws `not_found` when nothing was recorded then, `unavailable` without FFmpeg or when the file is on another disk. */
  async at(streamId: string, atMs: number, width: number | undefined, signal: AbortSignal): Promise<MediaFile> {
    if (this.#ffmpeg === undefined)
      throw new WeirError('unavailable', 'This hub has no FFmpeg to make pictures with', { facts: { dependency: 'ffmpeg' } });
    const place = await this.locate(streamId, atMs);
    const key = `${place.filename}-${place.offset}-${width ?? defaultWidth}`;
    let made = this.#kept.get(key);
    if (made === undefined) {
      made = this.#make(this.#ffmpeg, place, width ?? defaultWidth);
      this.#keep(key, made);
    }
    const body = await made;
    signal.throwIfAborted();
    return { contentType: 'image/jpeg', body, maxAgeS: keepS, etag: `"${key}"` };
  }

  /** File and byte of the keyframe that shows a time. */
  async locate(streamId: string, atMs: number): Promise<Place> {
    const { parts, running, liveOf } = this.#nouns;
    const segment = await parts.store.recordings.segmentAt(streamId, atMs, reachMs);
    if (segment !== undefined && (segment.ended_ms > atMs || liveOf(streamId)?.status.state !== 'recording')) {
      const source = await finishedSource(this.#nouns, streamId, segment.filename);
      const key = keyAt(await parts.store.recordings.keyframes(segment.filename), atMs - segment.started_ms);
      if (source !== undefined && key !== undefined) return { ...source, filename: segment.filename, offset: key[1] };
    }
    const live = liveOf(streamId)?.status;
    const filename = live?.state === 'recording' ? live.filename : null;
    const file = live === undefined || filename === null ? undefined : await running.look(streamId, live.spoke_id, filename);
    const key = file === undefined || file.startedMs > atMs + 1000 ? undefined : keyAt(file.keyframes, atMs - file.startedMs);
    if (file !== undefined && key !== undefined) return { ...file, offset: key[1] };
    throw new WeirError('not_found', `Nothing was recorded of ${streamId} at ${new Date(atMs).toISOString()}`, {
      facts: { resource: 'recording', id: streamId },
    });
  }

  #make(ffmpeg: string, place: Place, width: number): Promise<Uint8Array> {
    const { signal } = this.#nouns.parts;
    return this.#turns.take(signal, async () => {
      const bytes = await readKeyframe(place);
      return makePicture(ffmpeg, bytes, { format: 'jpg', width, quality: 80 }, signal);
    });
  }

  #keep(key: string, made: Promise<Uint8Array>): void {
    this.#kept.set(key, made);
    made.then(
      (body) => {
        this.#sizes.set(key, body.length);
        let bytes = [...this.#sizes.values()].reduce((sum, size) => sum + size, 0);
        for (const [oldest, size] of [...this.#sizes]) {
          if (bytes <= maxKeptBytes) break;
          bytes -= size;
          this.#sizes.delete(oldest);
          this.#kept.delete(oldest);
        }
      },
      () => this.#kept.delete(key),
    );
  }
}

/** The last one at or before a time; the first one for a time before it. */
function keyAt(keyframes: readonly Keyframe[], ms: number): Keyframe | undefined {
  return keyframes.findLast(([at]) => at <= ms) ?? keyframes[0];
}

/** The init segment, and the one fragment that holds the keyframe. */
export async function readKeyframe({ path, initBytes, offset }: Pick<Place, 'path' | 'initBytes' | 'offset'>): Promise<Uint8Array[]> {
  const file = await openPlain(path).catch((error: unknown) => {
    throw new WeirError('unavailable', 'The file is not on a disk that this hub sees', { cause: error, facts: { dependency: 'storage' } });
  });
  try {
    const init = await readFully(file, 0, initBytes);
    let end = offset;
    // A fragment is `moof` and `mdat`, perhaps with small boxes before them.
    for (let box = 0; box < 8; box += 1) {
      const head = await readFully(file, end, 8);
      const view = new DataView(head.buffer);
      end += Math.max(8, view.getUint32(0));
      if (end - offset > maxFragmentBytes) throw new WeirError('unavailable', 'The keyframe is too large');
      if (view.getUint32(4) === 0x6d646174) return [init, await readFully(file, offset, end - offset)];
    }
    throw new WeirError('unavailable', 'There is no keyframe where the index says');
  } finally {
    await file.close();
  }
}
