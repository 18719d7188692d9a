/**
 * Records one stream: takes what happens one after the other and decides what is written, where files begin and end, and what is missing.
 * Never runs twice at a time; `StreamTape` queues for it.
 */
import type { StoredFragment } from '../../bus/index.js';
import type { GapCause } from '../../contracts/index.js';
import { Account, type AccountOptions } from './account.js';
import { EpochClock } from './clock.js';
import { type Gaps, noGapMs } from './gaps.js';
import { dayFolder, partPath, segmentName } from './names.js';
import type { PartNote } from './note.js';
import type { BegunOrder, OrderBook } from './orders.js';
import { preRollFrom } from './pre-roll.js';
import type { Before } from './recovery.js';
import { type ClosedBy, discardSegment, sealSegment } from './seal.js';
import { Segment, type SegmentStats } from './segment.js';
import { type Hindrance, Setback } from './setback.js';
import type { SourceState, TapeEvent } from './tape-event.js';
import type { TapeNote } from './tape-note.js';

export interface TapeOptions extends AccountOptions {
  /** The clock that fragments are stamped with. */
  systemNow(): number;
  /** Why nothing may be written now. */
  blocked(): string | undefined;
  /** So many milliseconds the oldest of a write has waited. */
  onWrite(waitedMs: number): void;
}

/** Pictures may be so late for the end of their order. */
const endGraceMs = 400;
const syncEveryMs = 5000;

export class TapeWriter {
  readonly book: OrderBook;
  readonly #options: TapeOptions;
  readonly #account: Account;
  readonly #gaps: Gaps;
  readonly #note: TapeNote;
  readonly #setback = new Setback();
  #source: SourceState = { is: 'off', cause: 'starting' };
  #clock = new EpochClock();
  #segment: Segment | undefined;
  #recorded: { readonly epoch: string; readonly sequence: number } | undefined;
  #jumpMs = 0;

  /** `before`: what an earlier process left; its files are recovered beside what is recorded now. */
  constructor(options: TapeOptions, before?: Before) {
    this.#options = options;
    this.#account = new Account(options, before);
    this.book = this.#account.book;
    this.#gaps = this.#account.gaps;
    this.#note = this.#account.note;
  }

  /** True while nothing is being recorded, or should be. */
  get isIdle(): boolean {
    return this.#segment === undefined && this.#gaps.open === undefined && this.book.begun.length === 0;
  }

  async take(event: TapeEvent): Promise<void> {
    switch (event.is) {
      case 'fragment':
        await this.#takeFragment(event.fragment, event.arrivedMs);
        break;
      case 'on':
        await this.#begin(event);
        break;
      case 'source':
        await this.#setSource(event.source);
        break;
      case 'orders':
        this.book.set(event.orders);
        await this.#settle(event.atMs);
        await this.#note.keep();
        break;
      case 'look':
        await this.#look(event.atMs);
        break;
      case 'jump':
        await this.#jump(event.byMs);
        break;
      case 'overflow':
        await this.#interrupt('write_failed', 'The disk is too slow');
        break;
      case 'check':
        await this.#checkFile();
        break;
      case 'end':
        await this.#end();
        break;
    }
  }

  /** Hands on what waits; call it when nothing else is there to be taken. */
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

  tell(): void {
    for (const one of this.book.begun) this.#account.tell(one, this.#segment);
  }

  /** A sign of life, where no file gives one. */
  async touch(): Promise<void> {
    if (this.#gaps.open !== undefined) await this.#note.touch();
  }

  async #begin({ orders, source, preRoll, ageMs, atMs }: Extract<TapeEvent, { is: 'on' }>): Promise<void> {
    this.#source = source;
    this.#clock = new EpochClock();
    const before = this.book.owner;
    this.book.set(orders);
    await this.#settle(atMs);
    const owner = this.book.owner;
    if (source.is === 'off' || owner === undefined) return;
    const fragments = preRoll.find((roll) => roll.epoch === source.epoch)?.fragments ?? [];
    const newest = fragments.at(-1);
    if (newest === undefined) return;
    this.#clock.observe(newest.timeMs + newest.durationMs, atMs - ageMs);
    const backMs = before === undefined ? owner.order.pre_roll_s * 1000 : 0;
    const chosen = preRollFrom(fragments, owner.beganAtMs - backMs, {
      wallOf: (timeMs) => this.#clock.wallOf(timeMs),
      isTaken: (fragment) => this.#isRecorded(fragment),
    });
    for (const fragment of chosen) await this.#write(fragment);
  }

  async #setSource(source: SourceState): Promise<void> {
    const segment = this.#segment;
    this.#source = source;
    if (source.is === 'on') {
      if (segment !== undefined) await this.#close(segment, 'picture_changed');
      this.#clock = new EpochClock();
      if (segment !== undefined) this.#account.openGap('configured', undefined, this.#gaps.floorMs);
    } else if (segment !== undefined) {
      await this.#close(segment, 'gap');
      this.#account.openGap(source.cause, source.detail, this.#gaps.floorMs);
    } else {
      this.#nameGap(source.cause, source.detail);
    }
    this.tell();
  }

  async #takeFragment(fragment: StoredFragment, arrivedMs: number): Promise<void> {
    if (this.#source.is === 'off' || this.#source.epoch !== fragment.epoch || this.#isRecorded(fragment)) return;
    this.#clock.observe(fragment.timeMs + fragment.durationMs, arrivedMs - this.#jumpMs);
    await this.#write(fragment);
  }

  async #write(fragment: StoredFragment): Promise<void> {
    const wallMs = this.#clock.wallOf(fragment.timeMs);
    if (wallMs >= this.book.boundaryMs) await this.#settle(wallMs);
    if (fragment.kind === 'key') await this.#atKeyframe(fragment, wallMs);
    const segment = this.#segment;
    if (segment === undefined) return;
    try {
      segment.add(fragment, (timeMs) => this.#clock.wallOf(timeMs));
      this.#recorded = { epoch: fragment.epoch, sequence: fragment.sequence };
    } catch (error) {
      this.#failed(segment, error);
      return;
    }
    if (segment.isFlushDue) await this.flush();
  }

  async #atKeyframe(fragment: StoredFragment, wallMs: number): Promise<void> {
    const segment = this.#segment;
    if (segment !== undefined) {
      if (!this.#isCutDue(segment, fragment.data.length)) return;
      await this.#close(segment, 'rotation');
    }
    const owner = this.book.owner;
    if (owner === undefined || this.#hindrance() !== undefined) return;
    await this.#open(owner, wallMs);
  }

  #isCutDue(segment: Segment, nextBytes: number): boolean {
    const owner = this.book.owner;
    if (owner === undefined || owner.order.recording_id !== segment.part.recording_id || owner.order.format !== segment.part.format) return true;
    const { durationMs, sizeBytes } = segment.stats;
    const { segment_s: seconds, segment_bytes: bytes } = owner.order;
    // Times of the media are fractions: a keyframe every second must cut a file of ten seconds at the tenth.
    return this.#jumpMs !== 0 || durationMs >= seconds * 1000 - 1 || sizeBytes + nextBytes > bytes;
  }

  /** Why no file may be begun now. */
  #hindrance(): Hindrance | undefined {
    const blocked = this.#options.blocked();
    if (blocked !== undefined) {
      // Whoever watches the disk says when there is room again.
      this.#setback.hasRoomWatched();
      return { cause: 'storage_blocked', detail: blocked };
    }
    return this.#setback.at(this.#options.now());
  }

  async #open(owner: BegunOrder, wallMs: number): Promise<void> {
    if (this.#source.is === 'off') return;
    const { streamId, root, openFile } = this.#options;
    const fromMs = await this.#beginOfFile(wallMs);
    const part: PartNote = {
      filename: segmentName(streamId, fromMs),
      folder: dayFolder(streamId, fromMs),
      recording_id: owner.order.recording_id,
      format: owner.order.format,
      from_ms: fromMs,
    };
    try {
      const spare = this.#note.spare.take(part);
      if (spare !== undefined) part.spare = spare.name;
      this.#note.add(part);
      // A spare is in the note already, which is all that a successor needs.
      if (spare === undefined) await this.#note.save();
      const file = spare?.file ?? (await openFile(partPath(root, part)));
      this.#segment = new Segment(file, part, this.#source.epoch, this.#source.init);
    } catch (error) {
      this.#note.remove(part);
      this.#hadTrouble(error, fromMs);
      return;
    }
    this.#gaps.end(fromMs);
    const named = this.#note.keepAndName(part);
    void this.#options.ledger.run(() => named);
    owner.tally.startedAtMs ??= fromMs;
    owner.tally.filename = part.filename;
    this.tell();
  }

  /** Wall clock of the first picture of a file: right behind the last one, where nothing is missing between. */
  async #beginOfFile(wallMs: number): Promise<number> {
    const jumpMs = this.#jumpMs;
    if (jumpMs === 0) return wallMs - this.#gaps.floorMs < noGapMs ? this.#gaps.floorMs : wallMs;
    this.#jumpMs = 0;
    this.#clock.jump(jumpMs);
    const fromMs = wallMs + jumpMs;
    if (fromMs - this.#gaps.floorMs >= 0 && fromMs - this.#gaps.floorMs < noGapMs) return this.#gaps.floorMs;
    const owner = this.book.owner;
    if (owner !== undefined) this.#gaps.noteJump(owner.order.recording_id, Math.min(this.#gaps.floorMs, fromMs), fromMs, jumpMs);
    this.#gaps.floorMs = fromMs;
    return fromMs;
  }

  async #close(segment: Segment, by: ClosedBy): Promise<void> {
    await this.flush();
    // A last write that failed has closed it already.
    if (this.#segment !== segment) return;
    this.#setback.clear();
    this.#finish(segment, by);
  }

  /** What was written becomes a file, in its turn; the next one may begin meanwhile. */
  #finish(segment: Segment, by: ClosedBy): void {
    this.#segment = undefined;
    const { part, written } = segment;
    if (written.frames === 0) {
      this.#gaps.floorMs = Math.max(this.#gaps.floorMs, part.from_ms);
      this.#discard(segment);
    } else {
      this.#gaps.floorMs = Math.max(this.#gaps.floorMs, written.toMs);
      this.#account.count(part, written);
      this.#seal(segment, written, by);
    }
    for (const one of this.book.begun) if (one.endsAtMs !== undefined && one.order.recording_id === part.recording_id) this.#account.ended(one);
  }

  #seal(segment: Segment, written: SegmentStats, by: ClosedBy): void {
    void this.#options.ledger.run(async () => {
      await sealSegment(this.#account.sealing, segment, written, by);
      this.#note.remove(segment.part);
      this.tell();
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
    this.#hadTrouble(error, this.#gaps.floorMs);
  }

  #hadTrouble(error: unknown, fromMs: number): void {
    const { cause, detail, afterMs } = this.#setback.add(error, this.#options.now());
    this.#options.onTrouble('recording failed; trying again', { stream_id: this.#options.streamId, cause, reason: detail, after_ms: afterMs });
    if (this.#gaps.open === undefined) this.#account.openGap(cause, detail, fromMs);
    else this.#nameGap(cause, detail);
    this.tell();
  }

  /** Ends the file for a reason of ours; goes on at the next keyframe that may be written. */
  async #interrupt(cause: GapCause, detail: string): Promise<void> {
    const segment = this.#segment;
    if (segment === undefined) {
      this.#nameGap(cause, detail);
      return;
    }
    await this.#close(segment, 'gap');
    if (this.#gaps.open === undefined) this.#account.openGap(cause, detail, this.#gaps.floorMs);
    this.tell();
  }

  async #checkFile(): Promise<void> {
    const segment = this.#segment;
    if (segment === undefined) return;
    const { root } = this.#options;
    const { part } = segment;
    // In the order of its names: it may get the second one between the two looks.
    if (part.spare !== undefined && (await segment.isAt(partPath(root, { folder: part.folder, filename: part.spare })))) return;
    if (await segment.isAt(partPath(root, part))) return;
    this.#failed(segment, Object.assign(new Error('The file being written was taken away'), { code: 'ENOENT' }));
  }

  async #look(nowMs: number): Promise<void> {
    const isLive = this.#segment !== undefined;
    // While pictures come, they tell when an order ends; their times lag a little behind the clock.
    if (nowMs >= this.book.boundaryMs) await this.#settle(isLive ? nowMs - endGraceMs : nowMs);
    const hindrance = this.#hindrance();
    const owner = this.book.owner;
    // While something is recorded, or would be, there is a file for what comes next.
    if (owner !== undefined && hindrance === undefined) this.#note.spare.prepare(this.#options.streamId, owner.order, nowMs);
    if (hindrance?.cause === 'storage_blocked' && this.#segment !== undefined) await this.#interrupt(hindrance.cause, hindrance.detail);
    else if (hindrance !== undefined && this.#source.is === 'on') this.#nameGap(hindrance.cause, hindrance.detail);
  }

  /** Begins and ends orders by this time. */
  async #settle(nowMs: number): Promise<void> {
    const { begins, ends } = this.book.settle(nowMs);
    // Before the end is in the list, so that whoever reads of it finds finished files only.
    if (ends.length > 0 && this.book.owner === undefined) await this.#note.spare.drop();
    for (const one of begins) this.#hasBegun(one);
    for (const one of ends) await this.#ends(one);
    if (begins.length + ends.length > 0) await this.#note.keep();
    if (begins.length > 0) this.tell();
  }

  #hasBegun(one: BegunOrder): void {
    const { order, beganAtMs } = one;
    this.#account.began(one);
    if (this.#segment !== undefined || this.#gaps.open !== undefined) return;
    const { cause, detail } = this.#causeNow();
    this.#account.openGap(cause, detail, Math.max(beganAtMs, this.#gaps.floorMs), order.recording_id);
  }

  async #ends(one: BegunOrder): Promise<void> {
    const endsAtMs = one.endsAtMs ?? this.#options.now();
    const { recording_id: recordingId } = one.order;
    const next = this.book.owner;
    const segment = this.#segment;
    if (segment?.part.recording_id === recordingId) {
      // Its file goes on to the next keyframe, where that of the next order begins.
      if (next !== undefined) this.#account.tell(one, segment);
      // This finalizes it.
      else await this.#close(segment, 'stop');
      return;
    }
    const gap = this.#gaps.open;
    if (gap?.recordingId === recordingId) {
      this.#gaps.end(Math.max(gap.fromMs, endsAtMs));
      if (next !== undefined) this.#account.openGap(gap.cause, gap.detail, this.#gaps.floorMs);
    }
    this.#account.ended(one);
  }

  async #jump(byMs: number): Promise<void> {
    if (this.#segment !== undefined) {
      // The file goes on by the old clock to its next keyframe.
      this.#jumpMs += byMs;
      return;
    }
    this.#clock.jump(byMs);
    const gap = this.#gaps.open;
    if (gap === undefined) {
      if (byMs < 0) this.#gaps.floorMs = Number.NEGATIVE_INFINITY;
      return;
    }
    const nowMs = this.#options.now();
    this.#gaps.end(Math.max(gap.fromMs, nowMs - byMs));
    this.#gaps.noteJump(gap.recordingId, this.#gaps.floorMs, nowMs, byMs);
    this.#gaps.floorMs = nowMs;
    this.#account.openGap(gap.cause, gap.detail, nowMs, gap.recordingId);
  }

  async #end(): Promise<void> {
    const segment = this.#segment;
    if (segment !== undefined) {
      await this.#close(segment, 'stop');
      if (this.#gaps.open === undefined) this.#account.openGap('spoke_stopped', undefined, this.#gaps.floorMs);
    } else {
      this.#nameGap('spoke_stopped', undefined);
    }
    await this.#note.spare.drop();
    await this.#options.ledger.run(async () => undefined);
    if (this.book.begun.length > 0 || this.book.wanted.length > 0) await this.#note.keep();
  }

  #causeNow(): { cause: GapCause; detail?: string | undefined } {
    if (this.#source.is === 'off') return this.#source;
    return this.#hindrance() ?? { cause: 'starting' };
  }

  /** The open gap has another cause from now on. */
  #nameGap(cause: GapCause, detail: string | undefined): void {
    if (this.#account.nameGap(cause, detail)) this.tell();
  }

  #isRecorded({ epoch, sequence }: StoredFragment): boolean {
    return this.#recorded?.epoch === epoch && sequence <= this.#recorded.sequence;
  }
}
