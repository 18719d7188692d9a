/** Kept pictures: taken from the newest keyframe, named, indexed. */
import { randomInt } from 'node:crypto';
import { link, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Snapshot, type StoredFile, type TakeSnapshot, WeirError } from '../../contracts/index.js';
import type { SnapshotRecord } from '../../store/index.js';
import { fileError } from '../../supervisor/index.js';
import type { Changes } from './changes.js';
import type { Picture, PictureRequest, RecordingsParts } from './needs.js';
import { pictureSize } from './picture-size.js';
import { iso } from './recording-view.js';
import { openStored, pathBelow } from './stored-file.js';

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
/** A stream that runs only for a picture stops so long after it. */
const lingerMs = 3000;
/** A source that is known to be faulty may have recovered a moment ago; it gets so long to show it. */
const faultyMs = 2500;
const contentTypes = { jpg: 'image/jpeg', png: 'image/png' } as const;

/** Owns the folder of snapshots. */
export class Snapshots {
  readonly #parts: RecordingsParts;
  readonly #changes: Changes;

  /** Streams that run for a picture, and how many pictures of each are awaited. */
  readonly #lent = new Map<string, number>();

  constructor(parts: RecordingsParts, changes: Changes) {
    this.#parts = parts;
    this.#changes = changes;
  }

  async start(): Promise<void> {
    await mkdir(this.#parts.folders.snapshots, { recursive: true, mode: 0o700 });
  }

  /** Throws `already_exists` for a name that is taken, `unavailable` when there is no picture. */
  async take(streamId: string, request: TakeSnapshot, by: string, signal: AbortSignal): Promise<Snapshot> {
    try {
      const snapshot = await this.#take(streamId, request, by, signal);
      this.#changes.emit({ kind: 'snapshot_taken', snapshot });
      this.#tell(snapshot);
      return snapshot;
    } catch (thrown) {
      const error = WeirError.from(thrown);
      if (error.code !== 'already_exists' && error.code !== 'invalid_argument')
        this.#changes.emit({ kind: 'snapshot_error', stream_id: streamId, error: error.toProblem() });
      throw error;
    }
  }

  /** True while a stream must run because a picture of it is awaited, although it is to be stopped otherwise. */
  isAwaited(streamId: string): boolean {
    return this.#lent.has(streamId);
  }

  /** Throws `not_found` for one that there is not, or that `maySee` says no to: both are the same to whom asks. */
  async get(name: string, maySee: (streamId: string) => boolean = () => true): Promise<SnapshotRecord> {
    const { snapshots } = this.#parts.store;
    const found = (await snapshots.get(name)) ?? (await snapshots.get(`${name}.jpg`)) ?? (await snapshots.get(`${name}.png`));
    if (found !== undefined && maySee(found.stream_id)) return found;
    throw new WeirError('not_found', `There is no snapshot ${name}`, { facts: { resource: 'snapshot', id: name } });
  }

  async stored(record: SnapshotRecord): Promise<StoredFile> {
    const path = await pathBelow(this.#parts.folders.snapshots, record.filename);
    return openStored({ path, filename: record.filename, contentType: contentTypes[record.format] });
  }

  /** Throws `failed_precondition` for a protected one. */
  async remove(record: SnapshotRecord): Promise<void> {
    if (record.protected)
      throw new WeirError('failed_precondition', `${record.filename} is protected`, {
        facts: { state: 'protected', allowed_states: ['unprotected'] },
      });
    await rm(await pathBelow(this.#parts.folders.snapshots, record.filename), { force: true });
    await this.#parts.store.snapshots.delete(record.filename);
  }

  async #take(streamId: string, request: TakeSnapshot, by: string, signal: AbortSignal): Promise<Snapshot> {
    const { store, folders, settings } = this.#parts;
    const { filename: wanted, format } = nameOf(request);
    if (wanted !== undefined && (await store.snapshots.get(wanted)) !== undefined) throw taken(wanted);
    const quality = request.quality ?? settings().snapshots.quality;
    const picture = await this.#picture(streamId, { format, quality, ...(request.width === undefined ? {} : { width: request.width }) }, signal);
    const size = pictureSize(picture.body);
    if (size === undefined) throw new WeirError('unavailable', 'The keyframe could not be made into a picture');
    const filename = wanted ?? `${defaultStem(streamId, picture.takenAtMs)}.${format}`;
    await writeNew(folders.snapshots, filename, picture.body);
    const record: SnapshotRecord = {
      filename,
      stream_id: streamId,
      format,
      ...size,
      size_bytes: picture.body.length,
      taken_ms: Math.round(picture.takenAtMs),
      taken_by: by,
      protected: false,
    };
    try {
      await store.snapshots.insert(record);
    } catch (error) {
      await rm(join(folders.snapshots, filename), { force: true });
      throw error;
    }
    return showSnapshot(record);
  }

  /** Whatever the stream is to do, it runs until there is a picture, and a little longer: pictures often come in series. */
  async #picture(streamId: string, request: PictureRequest, signal: AbortSignal): Promise<Picture> {
    const { streams } = this.#parts;
    this.#lend(streamId, 1);
    const late = streams.faultOf?.(streamId) === undefined ? undefined : AbortSignal.timeout(faultyMs);
    try {
      return await streams.picture(streamId, request, late === undefined ? signal : AbortSignal.any([signal, late]));
    } catch (error) {
      const detail = late?.aborted === true && !signal.aborted ? streams.faultOf?.(streamId) : undefined;
      if (detail === undefined) throw error;
      throw new WeirError('unavailable', `${streamId} has no picture: ${detail}`, {
        facts: { reason: 'source_faulty', dependency: 'source', detail },
        cause: error,
      });
    } finally {
      setTimeout(() => this.#lend(streamId, -1), lingerMs).unref();
    }
  }

  #lend(streamId: string, by: 1 | -1): void {
    const { streams, signal } = this.#parts;
    const count = (this.#lent.get(streamId) ?? 0) + by;
    if (count > 0) this.#lent.set(streamId, count);
    else this.#lent.delete(streamId);
    // Only the first and the last change what its spoke is to do.
    if (!signal.aborted && count === (by === 1 ? 1 : 0)) streams.kick(streamId);
  }

  #tell(snapshot: Snapshot): void {
    const { bus, log } = this.#parts;
    try {
      bus.publish('snapshot_taken', { stream_id: snapshot.stream_id }, snapshot);
    } catch (error) {
      log.warn({ err: error, filename: snapshot.filename }, 'a snapshot could not be told');
    }
  }
}

export function showSnapshot(record: SnapshotRecord): Snapshot {
  return {
    filename: record.filename,
    stream_id: record.stream_id,
    format: record.format,
    width: record.width,
    height: record.height,
    file_size: record.size_bytes,
    taken_at: iso(record.taken_ms),
    taken_by: record.taken_by,
    protected: record.protected,
    download_url: `/files/snapshots/${record.filename}`,
  };
}

/** Endings that say what kind of file it is, and none that is made here; any other ending is part of the name. */
const otherKinds = /\.(?:gif|webp|bmp|tiff?|avif|heic|heif|svg|ico|jxl|jp2|ppm|raw|pdf|mp4|mkv|webm|mov|avi|txt|html?)$/i;

/** Name with extension, and format: each may tell the other. */
function nameOf({ filename, format }: TakeSnapshot): { filename: string | undefined; format: 'jpg' | 'png' } {
  const [other] = otherKinds.exec(filename ?? '') ?? [];
  if (other !== undefined)
    throw new WeirError('invalid_argument', `filename must end in .jpg, .jpeg or .png, or have no extension; ${other} cannot be made`, {
      field: 'filename',
      received: filename,
      hint: 'Give the name without the extension, and the format with `format`: jpg or png',
    });
  const ending = /\.(jpe?g|png)$/i.exec(filename ?? '')?.[1]?.toLowerCase();
  const told = ending === undefined ? undefined : ending === 'png' ? 'png' : 'jpg';
  if (format !== undefined && told !== undefined && format !== told)
    throw new WeirError('invalid_argument', `${filename} does not end as a ${format} does`, { field: 'filename', received: filename });
  const chosen = format ?? told ?? 'jpg';
  if (filename === undefined) return { filename, format: chosen };
  const full = told === undefined ? `${filename}.${chosen}` : filename;
  if (full.length > 255)
    throw new WeirError('invalid_argument', 'filename has at most 255 characters, extension included', { field: 'filename', received: filename });
  return { filename: full, format: chosen };
}

function defaultStem(streamId: string, atMs: number): string {
  const at = iso(Math.round(atMs));
  const salt = Array.from({ length: 6 }, () => alphabet[randomInt(alphabet.length)]).join('');
  return `${streamId}_${at.slice(0, 10)}_${at.slice(11, 19).replaceAll(':', '-')}_${salt}`;
}

/** Whole or not at all, and never over another file. */
async function writeNew(folder: string, filename: string, body: Uint8Array): Promise<void> {
  const beside = join(folder, `.${process.pid}.${Math.trunc(performance.now() * 1000)}.${randomInt(1_000_000)}.tmp`);
  try {
    await writeFile(beside, body, { mode: 0o600, flag: 'wx' });
    await link(beside, join(folder, filename));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw taken(filename, error);
    throw fileError(error, folder);
  } finally {
    await rm(beside, { force: true });
  }
}

function taken(filename: string, cause?: unknown): WeirError {
  return new WeirError('already_exists', `There is a snapshot ${filename} already`, {
    field: 'filename',
    received: filename,
    facts: { state: 'exists', allowed_states: ['absent'] },
    cause,
  });
}
