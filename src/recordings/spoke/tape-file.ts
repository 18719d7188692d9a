/** The file that one stream is being written to, from its opening to its place in the list, and what follows when the disk refuses. */
import type { StoredFragment } from '../../bus/index.js';
import type { Account, AccountOptions } from './account.js';
import { partPath } from './names.js';
import type { PartNote } from './note.js';
import type { BegunOrder } from './orders.js';
import { type ClosedBy, discardSegment, sealSegment } from './seal.js';
import { Segment, type SegmentStats } from './segment.js';
import { type Hindrance, Setback } from './setback.js';
import type { TapeNote } from './tape-note.js';

export interface TapeOptions extends AccountOptions {
  /** The clock that fragments are stamped with. */
  systemNow(): number;
  /** Why nothing may be written now. */
  blocked(): string | undefined;
  /** So many milliseconds the oldest of a write has waited. */
  onWrite(waitedMs: number): void;
}

const syncEveryMs = 5000;

/** Owns the open file, and how long a disk that refused is left alone. */
export class TapeFile {
  readonly #options: TapeOptions;
  readonly #account: Account;
  readonly #note: TapeNote;
  readonly #setback = new Setback();
  #segment: Segment | undefined;

  constructor(options: TapeOptions, account: Account) {
    this.#options = options;
    this.#account = account;
    this.#note = account.note;
  }

  /** Undefined while nothing is being written. */
  get segment(): Segment | undefined {
    return this.#segment;
  }

  /** Why no file may be begun now. */
  hindrance(): Hindrance | undefined {
    const blocked = this.#options.blocked();
    if (blocked !== undefined) {
      // Whoever watches the disk says when there is room again.
      this.#setback.hasRoomWatched();
      return { cause: 'storage_blocked', detail: blocked };
    }
    return this.#setback.at(this.#options.now());
  }

  /** Begins a file, which ends the gap that is open. A disk that refuses makes it one more gap. */
  async open(owner: BegunOrder, part: PartNote, epoch: string, init: Uint8Array): Promise<void> {
    const { root, openFile } = this.#options;
    try {
      const spare = await this.#note.spare.take(part);
      if (spare !== undefined) part.spare = spare.name;
      this.#note.add(part);
      // A spare is in the note already, which is all that a successor needs.
      if (spare === undefined) await this.#note.save();
      const file = spare?.file ?? (await openFile(partPath(root, part)));
      this.#segment = new Segment(file, part, epoch, init);
    } catch (error) {
      this.#note.remove(part);
      this.#hadTrouble(error, part.from_ms);
      return;
    }
    this.#account.gaps.end(part.from_ms);
    const named = this.#note.keepAndName(part);
    void this.#options.ledger.run(() => named);
    owner.tally.startedAtMs ??= part.from_ms;
    owner.tally.filename = part.filename;
    // The next one, at once: an encoder that starts anew may need it any moment.
    this.#note.spare.prepare(this.#options.streamId, owner.order, part.from_ms);
    this.#tell();
  }

  /** False when it could not be added; the file is then ended. */
  add(fragment: StoredFragment, wallOf: (timeMs: number) => number): boolean {
    const segment = this.#segment;
    if (segment === undefined) return false;
    try {
      segment.add(fragment, wallOf);
      return true;
    } catch (error) {
      this.#failed(segment, error);
      return false;
    }
  }

  /** Hands on what waits. */
  async flush(): Promise<void> {
    const segment = this.#segment;
    if (segment === undefined) return;
    try {
      const waited = await segment.flush();
      if (waited !== undefined) this.#options.onWrite(waited);
      segment.syncBeside(syncEveryMs);
    } catch (error) {
      this.#failed(segment, error);
    }
  }

  /** Ends the file, if there is one. */
  async close(by: ClosedBy): Promise<void> {
    const segment = this.#segment;
    await this.flush();
    // A last write that failed has closed it already.
    if (segment === undefined || this.#segment !== segment) return;
    this.#setback.clear();
    this.#finish(segment, by);
  }

  /** Looks whether the file is still where it was. */
  async check(): Promise<void> {
    const segment = this.#segment;
    if (segment === undefined) return;
    const { root } = this.#options;
    const { part } = segment;
    // In the order of its names: it may get the second one between the two looks.
    if (part.spare !== undefined && (await segment.isAt(partPath(root, { folder: part.folder, filename: part.spare })))) return;
    if (await segment.isAt(partPath(root, part))) return;
    this.#failed(segment, Object.assign(new Error('The file being written was taken away'), { code: 'ENOENT' }));
  }

  /** What was written becomes a file, in its turn; the next one may begin meanwhile. */
  #finish(segment: Segment, by: ClosedBy): void {
    const { gaps, book } = this.#account;
    this.#segment = undefined;
    const { part, written } = segment;
    if (written.frames === 0) {
      gaps.floorMs = Math.max(gaps.floorMs, part.from_ms);
      this.#discard(segment);
    } else {
      gaps.floorMs = Math.max(gaps.floorMs, written.toMs);
      this.#account.count(part, written);
      this.#seal(segment, written, by);
    }
    for (const one of book.begun) if (one.endsAtMs !== undefined && one.order.recording_id === part.recording_id) this.#account.ended(one);
  }

  #seal(segment: Segment, written: SegmentStats, by: ClosedBy): void {
    void this.#options.ledger.run(async () => {
      await sealSegment(this.#account.sealing, segment, written, by);
      this.#note.remove(segment.part);
      this.#tell();
      await this.#note.save().catch(() => undefined);
    });
  }

  #discard(segment: Segment): void {
    void this.#options.ledger.run(async () => {
      await discardSegment(this.#options.root, segment);
      this.#note.remove(segment.part);
    });
  }

  #failed(segment: Segment, error: unknown): void {
    if (this.#segment !== segment) return;
    this.#finish(segment, 'gap');
    this.#hadTrouble(error, this.#account.gaps.floorMs);
  }

  #hadTrouble(error: unknown, fromMs: number): void {
    const { cause, detail, afterMs } = this.#setback.add(error, this.#options.now());
    this.#options.onTrouble('recording failed; trying again', { stream_id: this.#options.streamId, cause, reason: detail, after_ms: afterMs });
    if (this.#account.gaps.open === undefined) this.#account.openGap(cause, detail, fromMs);
    else this.#account.nameGap(cause, detail);
    this.#tell();
  }

  #tell(): void {
    this.#account.tellAll(this.#segment);
  }
}
