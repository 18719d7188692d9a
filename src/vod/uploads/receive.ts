/** Takes a body into the file of an upload, whatever door it came through: room, digest, progress and the row are kept up to date. */
import type { Hash } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import type { UploadRecord } from '../../store/index.js';
import { type Appended, appendFrom } from './append.js';
import type { UploadBook } from './book.js';
import type { LiveUploads } from './live.js';
import type { UploadsOptions, UploadsTiming } from './needs.js';
import { type Room, translateWrite } from './room.js';
import type { UploadFiles } from './upload-files.js';

export interface ReceiveParts {
  readonly options: Pick<UploadsOptions, 'store' | 'log' | 'settings'>;
  readonly timing: UploadsTiming;
  readonly files: UploadFiles;
  readonly live: LiveUploads;
  readonly book: UploadBook;
  readonly room: Room;
}

export interface Receiving {
  readonly source: Readable;
  readonly upload: UploadRecord;
  /** Bytes that are there. */
  readonly offset: number;
  /** Left out: up to the declared size, else to the largest that may be. */
  readonly maxBytes?: number;
  readonly signal: AbortSignal;
  /** Given when the bytes only count once their checksum was compared: until then the digest does not see them. */
  readonly checksum?: Hash | undefined;
}

/** The room is looked at, and the system is asked to write, after each so many bytes. */
const checkEveryBytes = 64 * 1024 * 1024;

/** Fails with `resource_exhausted` when the disk or the quota ends; what came until then is kept. */
export async function receive(parts: ReceiveParts, receiving: Receiving): Promise<Appended> {
  const { files, live, options } = parts;
  const { upload, offset, checksum } = receiving;
  const path = files.pathOf(upload.upload_id);
  const maxBytes = receiving.maxBytes ?? (upload.size_bytes ?? options.settings.max_upload_bytes) - offset;
  const file = await open(path, 'r+');
  let total = offset;
  let lookAt = offset + checkEveryBytes;
  const note = createNoting(parts, upload.upload_id);
  let syncing: Promise<void> | undefined;
  const look = async () => {
    lookAt = total + checkEveryBytes;
    await parts.room.checkOngoing(upload.owner, upload.size_bytes !== null, options.store);
    // Does not wait: only so that the end finds little left to write. A failure shows there as well.
    syncing ??= file
      .datasync()
      .catch(() => undefined)
      .finally(() => {
        syncing = undefined;
      });
  };
  try {
    live.progress(upload.upload_id, offset);
    return await appendFrom(receiving.source, file, {
      position: offset,
      maxBytes,
      signal: receiving.signal,
      hash: checksum,
      onWritten: (bytes) => {
        total += bytes;
        live.progress(upload.upload_id, total);
        if (checksum === undefined) live.follow(upload.upload_id, path, total);
        note(total);
        return total >= lookAt ? look() : undefined;
      },
    });
  } catch (error) {
    throw translateWrite(error);
  } finally {
    await syncing;
    await file.close();
  }
}

/** Writes down how far it is, at its own pace and never twice at once. */
function createNoting({ book, options, timing }: ReceiveParts, uploadId: string): (bytes: number) => void {
  let nextAt = Date.now() + timing.noteMs;
  let isRunning = false;
  return (bytes) => {
    if (isRunning || Date.now() < nextAt) return;
    isRunning = true;
    book
      .received(uploadId, bytes, 'receiving')
      .catch((error: unknown) => options.log.warn({ upload_id: uploadId, err: error }, 'the progress of an upload could not be noted'))
      .finally(() => {
        isRunning = false;
        nextAt = Date.now() + timing.noteMs;
      });
  };
}
