/** Whether anything may start at all: not while the queue is paused, not without room on the disk. */
import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { QueueStore } from './needs.js';
import type { QueueParts } from './parts.js';

const pausedKey = 'video_queue.paused';
const diskKeepMs = 2000;

export class Gate {
  readonly #parts: QueueParts;
  readonly #freeBytes: (folder: string) => Promise<number>;
  #disk: { at: number; isLow: boolean } | undefined;

  constructor(parts: QueueParts, freeBytes: (folder: string) => Promise<number> = diskSpace) {
    this.#parts = parts;
    this.#freeBytes = freeBytes;
  }

  /** Kept over restarts, and common to all hubs on the database. */
  async isPaused(settings: Pick<QueueStore['settings'], 'get'> = this.#parts.store.settings): Promise<boolean> {
    return (await settings.get(pausedKey)) === true;
  }

  async setPaused(paused: boolean): Promise<void> {
    await this.#parts.store.settings.set(pausedKey, paused);
  }

  /** Undefined: jobs may start; else why not. */
  async closed(): Promise<'paused' | 'disk_full' | undefined> {
    if (await this.isPaused()) return 'paused';
    return (await this.#isLow()) ? 'disk_full' : undefined;
  }

  /** As found at the last look. */
  get isDiskLow(): boolean {
    return this.#disk?.isLow === true;
  }

  async #isLow(): Promise<boolean> {
    const at = performance.now();
    if (this.#disk !== undefined && at - this.#disk.at < diskKeepMs) return this.#disk.isLow;
    const { settings, log } = this.#parts;
    const free = await this.#freeBytes(settings.folder).catch((error: unknown) => {
      log.warn({ err: error, folder: settings.folder }, 'the room on the disk of videos is not known');
      return Number.POSITIVE_INFINITY;
    });
    this.#disk = { at, isLow: free < settings.min_free_bytes };
    return this.#disk.isLow;
  }
}

/** A folder that is not made yet lies on the disk of the one above it. */
async function diskSpace(folder: string): Promise<number> {
  try {
    const stats = await statfs(folder);
    return stats.bavail * stats.bsize;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || dirname(folder) === folder) throw error;
    return diskSpace(dirname(folder));
  }
}
