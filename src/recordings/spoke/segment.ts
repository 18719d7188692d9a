/** The file that is being written: fragments in, bytes out, and what is surely in it. */
import type { StoredFragment } from '../../bus/index.js';
import { createFileTimeline, encodeDuration, type FileTimeline, findDurationField, type TrackFacts } from '../../media/index.js';
import type { PartNote } from './note.js';
import type { SegmentFile } from './segment-file.js';

export interface SegmentStats {
  readonly sizeBytes: number;
  readonly frames: number;
  /** From the first picture to the end of the last, by their own times. */
  readonly durationMs: number;
  /** Wall clock of the end of the last picture. */
  readonly toMs: number;
  readonly keyframes: number;
}

/** What is waiting is written together once it is so much. */
const flushBytes = 256 * 1024;

/** Longer lists of keyframes are thinned: an entry must fit into one message. */
const mostKeyframes = 4096;

export class Segment {
  readonly part: PartNote;
  readonly epoch: string;
  readonly initBytes: number;
  readonly #file: SegmentFile;
  readonly #timeline: FileTimeline;
  readonly #init: Uint8Array;
  #keyframes: [number, number][] = [];
  #firstMs: number | undefined;
  #now: SegmentStats;
  #written: SegmentStats;
  #batch: Uint8Array[];
  #batchBytes: number;
  /** Arrival of the oldest fragment that waits, monotonic. */
  #oldestMs = 0;
  #syncing: Promise<unknown> = Promise.resolve();
  #syncedAtMs = performance.now();

  constructor(file: SegmentFile, part: PartNote, epoch: string, init: Uint8Array) {
    this.part = part;
    this.epoch = epoch;
    this.initBytes = init.length;
    this.#file = file;
    this.#init = init;
    this.#timeline = createFileTimeline(init);
    this.#now = { sizeBytes: init.length, frames: 0, durationMs: 0, toMs: part.from_ms, keyframes: 0 };
    this.#written = { ...this.#now, sizeBytes: 0 };
    this.#batch = [init];
    this.#batchBytes = init.length;
  }

  get facts(): TrackFacts {
    return this.#timeline.facts;
  }

  /** With what waits to be written. */
  get stats(): SegmentStats {
    return this.#now;
  }

  /** What the system has taken; after a failed write the file may have a torn end behind it. */
  get written(): SegmentStats {
    return this.#written;
  }

  get keyframes(): [number, number][] {
    const kept = this.#keyframes.slice(0, this.#written.keyframes);
    const step = Math.ceil(kept.length / mostKeyframes);
    return step <= 1 ? kept : kept.filter((_, index) => index % step === 0);
  }

  get isFlushDue(): boolean {
    return this.#batchBytes >= flushBytes;
  }

  /** `wallOf` tells the wall clock of a time of the media. Throws `invalid_argument` for a damaged fragment. */
  add(fragment: StoredFragment, wallOf: (timeMs: number) => number): void {
    const placed = this.#timeline.place(fragment.data);
    if (this.#batchBytes === 0) this.#oldestMs = performance.now();
    const isMain = placed.hasVideo || this.facts.video === undefined;
    let { durationMs, toMs } = this.#now;
    if (isMain) {
      this.#firstMs ??= placed.timeMs;
      const endMs = placed.timeMs + placed.durationMs;
      durationMs = Math.max(durationMs, endMs - this.#firstMs);
      toMs = Math.max(toMs, wallOf(endMs));
      if (placed.isKey) this.#keyframes.push([Math.round(placed.timeMs - this.#firstMs), this.#now.sizeBytes]);
    }
    this.#batch.push(...placed.parts);
    this.#batchBytes += placed.sizeBytes;
    this.#now = {
      sizeBytes: this.#now.sizeBytes + placed.sizeBytes,
      frames: this.#now.frames + placed.frames,
      durationMs,
      toMs,
      keyframes: this.#keyframes.length,
    };
  }

  /** Hands everything to the system. Gives how long the oldest of it waited, in milliseconds; undefined when there was nothing. */
  async flush(): Promise<number | undefined> {
    if (this.#batch.length === 0) return undefined;
    const [batch, stats, since] = [this.#batch, this.#now, this.#oldestMs];
    this.#batch = [];
    this.#batchBytes = 0;
    await this.#file.append(batch);
    this.#written = stats;
    return since === 0 ? 0 : performance.now() - since;
  }

  /** Begins to push what was written to the disk itself, so that a loss of power costs little; at most every `everyMs`. */
  syncBeside(everyMs: number): void {
    const nowMs = performance.now();
    if (nowMs - this.#syncedAtMs < everyMs) return;
    this.#syncedAtMs = nowMs;
    // What is wrong with the disk is told by the next write, or at the end.
    this.#syncing = this.#syncing.then(() => this.#file.sync()).catch(() => undefined);
  }

  isAt(path: string): Promise<boolean> {
    return this.#file.isAt(path);
  }

  /** Leaves a whole file of what was written, on the disk, and closes it. */
  async seal(): Promise<void> {
    await this.#syncing;
    try {
      const field = findDurationField(this.#init);
      await this.#file.cut(this.#written.sizeBytes);
      await this.#file.patch(encodeDuration(field, this.#written.durationMs), field.offset);
      await this.#file.sync();
    } finally {
      await this.#file.close();
    }
  }

  async discard(): Promise<void> {
    await this.#syncing;
    await this.#file.close();
  }
}
