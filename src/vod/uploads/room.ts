/** How much may come: per file, per user, on the disk. */
import { statfs } from 'node:fs/promises';
import { type Session, WeirError } from '../../contracts/index.js';
import type { Transaction } from '../../store/index.js';
import type { UploadsSettings, UploadsStore } from './needs.js';

/** Unfinished uploads of one user. */
const maxUnfinished = 1000;

export interface RoomOptions {
  readonly folder: string;
  readonly settings: UploadsSettings;
  readonly freeBytes?: ((folder: string) => Promise<number>) | undefined;
}

type Books = Pick<UploadsStore, 'videos' | 'uploads'> | Pick<Transaction, 'videos' | 'uploads'>;

/** Says no with `payload_too_large` or `resource_exhausted`, with `facts.reason` `quota`, `disk_full` or `too_many`. */
export class Room {
  readonly #options: RoomOptions;

  constructor(options: RoomOptions) {
    this.#options = options;
  }

  /** Throws for a file that is larger than any may be, or empty. */
  checkSize(sizeBytes: number, field = 'size_bytes'): void {
    const { max_upload_bytes } = this.#options.settings;
    if (sizeBytes === 0) throw emptyFile(field);
    if (sizeBytes > max_upload_bytes) {
      throw new WeirError('payload_too_large', `A file may have ${max_upload_bytes} bytes at most`, {
        field,
        received: sizeBytes,
        hint: 'vod.max_upload_bytes sets the limit',
        facts: { reason: 'too_large', max_bytes: max_upload_bytes },
      });
    }
  }

  /** Throws unless an upload of this size may begin; null: the size is not known. What unfinished uploads have declared counts as taken. */
  async checkStart(sizeBytes: number | null, session: Session, books: Books): Promise<void> {
    if (sizeBytes !== null) this.checkSize(sizeBytes);
    const size = sizeBytes ?? 0;
    await this.checkQuota(size, session.username, books);
    const own = await books.uploads.unfinishedOf(session.username);
    if (own >= maxUnfinished) {
      throw new WeirError('resource_exhausted', `${session.username} has ${own} unfinished uploads`, {
        hint: 'finish or cancel some of them',
        facts: { reason: 'too_many' },
      });
    }
    const { missing } = await books.uploads.reservedBytes();
    const free = await this.free();
    if (free - missing - size < this.#options.settings.min_free_bytes) throw this.#diskFull(free);
  }

  /** Throws unless a user may have so many bytes more. */
  async checkQuota(size: number, owner: string, books: Books): Promise<void> {
    const left = await this.quotaLeft(owner, books);
    if (left !== null && size > left) throw this.#overQuota(size, left);
  }

  /** Throws when what is being received has become too much meanwhile. */
  async checkOngoing(owner: string, hasDeclared: boolean, books: Books): Promise<void> {
    const free = await this.free();
    if (free < this.#options.settings.min_free_bytes) throw this.#diskFull(free);
    if (hasDeclared) return;
    const left = await this.quotaLeft(owner, books);
    if (left !== null && left <= 0) throw this.#overQuota(undefined, left);
  }

  /** Bytes that a user may still send; null: no limit. */
  async quotaLeft(owner: string, books: Books): Promise<number | null> {
    const quota = this.#options.settings.user_quota_bytes;
    if (quota === 0) return null;
    const [used, reserved] = [await books.videos.usedBytes(owner), await books.uploads.reservedBytes(owner)];
    return Math.max(0, quota - used - reserved.total);
  }

  async free(): Promise<number> {
    const { freeBytes, folder } = this.#options;
    if (freeBytes !== undefined) return freeBytes(folder);
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  }

  #overQuota(size: number | undefined, left: number): WeirError {
    return new WeirError('resource_exhausted', `The quota of ${this.#options.settings.user_quota_bytes} bytes is used up: ${left} bytes are left`, {
      hint: 'delete videos (also from the trash), or have vod.user_quota_bytes raised',
      facts: { reason: 'quota', quota_left_bytes: left },
      ...(size === undefined ? {} : { field: 'size_bytes', received: size }),
    });
  }

  #diskFull(free: number): WeirError {
    return diskFull(`The disk has only ${free} bytes left; ${this.#options.settings.min_free_bytes} are kept free`);
  }
}

export function diskFull(message: string, cause?: unknown): WeirError {
  return new WeirError('resource_exhausted', message, {
    hint: 'free some space; a resumable upload goes on where it stopped',
    facts: { reason: 'disk_full' },
    retryAfterS: 60,
    cause,
  });
}

export function emptyFile(field: string): WeirError {
  return new WeirError('unsupported', 'The file is empty', { field, received: 0, facts: { reason: 'empty' } });
}

/** A full disk in words; anything else as it is. */
export function translateWrite(error: unknown): unknown {
  const code = (error as NodeJS.ErrnoException | null)?.code;
  return code === 'ENOSPC' || code === 'EDQUOT' ? diskFull('The disk of the uploads is full', error) : error;
}
