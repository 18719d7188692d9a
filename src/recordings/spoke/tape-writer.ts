/**
 * Records one stream: takes what happens one after the other and decides what is written, where files begin and end, and what is missing.
 * Never runs twice at a time; `StreamTape` queues for it.
 */
import type { StoredFragment } from '../../bus/index.js';
import type { GapCause } from '../../contracts/index.js';
import { Account } from './account.js';
import { EpochClock } from './clock.js';
import { type Gaps, noGapMs } from './gaps.js';
import { dayFolder, segmentName } from './names.js';
import type { PartNote } from './note.js';
import type { BegunOrder, OrderBook } from './orders.js';
import { preRollFrom } from './pre-roll.js';
import type { Before } from './recovery.js';
import type { Segment } from './segment.js';
import type { SourceState, TapeEvent } from './tape-event.js';
import { TapeFile, type TapeOptions } from './tape-file.js';
import type { TapeNote } from './tape-note.js';

/** Pictures may be so late for the end of their order. */
const endGraceMs = 400;
const tooSlow = 'The disk is too slow';

export class TapeWriter {
  readonly book: OrderBook;
  readonly #options: TapeOptions;
  readonly #account: Account;
  readonly #file: TapeFile;
  readonly #gaps: Gaps;
  readonly #note: TapeNote;
  #source: SourceState = { is: 'off', cause: 'starting' };
  #clock = new EpochClock();
  #recorded: { readonly epoch: string; readonly sequence: number } | undefined;
  #jumpMs = 0;

  /** `before`: what an earlier process left; its files are recovered beside what is recorded now. */
  constructor(options: TapeOptions, before?: Before) {
    this.#options = options;
    this.#account = new Account(options, before);
    this.book = this.#account.book;
    this.#gaps = this.#account.gaps;
    this.#note = this.#account.note;
    this.#file = new TapeFile(options, this.#account);
  }

  /** A fragment never comes here because the disk is too slow. */
  gaveUp(): void {
    this.#account.dropped += 1;
  }

  /** True while nothing is being recorded, or should be. */
  get isIdle(): boolean {
    return this.#file.segment === undefined && this.#gaps.open === undefined && this.book.begun.length === 0;
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
        await this.#interrupt('write_failed', tooSlow);
        break;
      case 'overflow_over':
        this.#gaps.explain('write_failed', `${tooSlow}: ${event.lost} fragments were given up`);
        break;
      case 'check':
        await this.#file.check();
        break;
      case 'end':
        await this.#end();
        break;
    }
  }

  /** Hands on what waits; call it when nothing else is there to be taken. */
  flush(): Promise<void> {
    return this.#file.flush();
  }

  tell(): void {
    this.#account.tellAll(this.#file.segment);
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
    const segment = this.#file.segment;
    this.#source = source;
    if (source.is === 'on') {
      if (segment !== undefined) await this.#file.close('picture_changed');
      this.#clock = new EpochClock();
      if (segment !== undefined) this.#account.openGap('configured', undefined, this.#gaps.floorMs);
    } else if (segment !== undefined) {
      await this.#file.close('gap');
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
    if (!this.#file.add(fragment, (timeMs) => this.#clock.wallOf(timeMs))) return;
    this.#recorded = { epoch: fragment.epoch, sequence: fragment.sequence };
    if (this.#file.segment?.isFlushDue === true) await this.flush();
  }

  async #atKeyframe(fragment: StoredFragment, wallMs: number): Promise<void> {
    const segment = this.#file.segment;
    if (segment !== undefined) {
      if (!this.#isCutDue(segment, fragment.data.length)) return;
      await this.#file.close('rotation');
    }
    const owner = this.book.owner;
    if (owner === undefined || this.#file.hindrance() !== undefined) return;
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

  async #open(owner: BegunOrder, wallMs: number): Promise<void> {
    if (this.#source.is === 'off') return;
    const { epoch, init } = this.#source;
    const { streamId } = this.#options;
    const fromMs = await this.#beginOfFile(wallMs);
    const part: PartNote = {
      filename: segmentName(streamId, fromMs),
      folder: dayFolder(streamId, fromMs),
      recording_id: owner.order.recording_id,
      format: owner.order.format,
      from_ms: fromMs,
    };
    await this.#file.open(owner, part, epoch, init);
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

  /** Ends the file for a reason of ours; goes on at the next keyframe that may be written. */
  async #interrupt(cause: GapCause, detail: string): Promise<void> {
    const segment = this.#file.segment;
    if (segment === undefined) {
      this.#nameGap(cause, detail);
      return;
    }
    await this.#file.close('gap');
    if (this.#gaps.open === undefined) this.#account.openGap(cause, detail, this.#gaps.floorMs);
    this.tell();
  }

  async #look(nowMs: number): Promise<void> {
    const isLive = this.#file.segment !== undefined;
    // While pictures come, they tell when an order ends; their times lag a little behind the clock.
    if (nowMs >= this.book.boundaryMs) await this.#settle(isLive ? nowMs - endGraceMs : nowMs);
    const hindrance = this.#file.hindrance();
    this.#prepare(nowMs);
    if (hindrance?.cause === 'storage_blocked' && this.#file.segment !== undefined) await this.#interrupt(hindrance.cause, hindrance.detail);
    else if (hindrance !== undefined && this.#source.is === 'on') this.#nameGap(hindrance.cause, hindrance.detail);
  }

  /** While something is recorded, or would be, there is a file for what comes next: mostly before the encoder has given its first picture. */
  #prepare(nowMs: number): void {
    const owner = this.book.owner;
    if (owner !== undefined && this.#file.hindrance() === undefined) this.#note.spare.prepare(this.#options.streamId, owner.order, nowMs);
  }

  /** Begins and ends orders by this time. */
  async #settle(nowMs: number): Promise<void> {
    const { begins, ends } = this.book.settle(nowMs);
    // Before the end is in the list, so that whoever reads of it finds finished files only.
    if (ends.length > 0 && this.book.owner === undefined) await this.#note.spare.drop();
    for (const one of begins) this.#hasBegun(one);
    for (const one of ends) await this.#ends(one);
    this.#prepare(nowMs);
    if (begins.length + ends.length > 0) await this.#note.keep();
    if (begins.length > 0) this.tell();
  }

  #hasBegun(one: BegunOrder): void {
    const { order, beganAtMs } = one;
    this.#account.began(one);
    if (this.#file.segment !== undefined || this.#gaps.open !== undefined) return;
    const { cause, detail } = this.#causeNow();
    this.#account.openGap(cause, detail, Math.max(beganAtMs, this.#gaps.floorMs), order.recording_id);
  }

  async #ends(one: BegunOrder): Promise<void> {
    const endsAtMs = one.endsAtMs ?? this.#options.now();
    const { recording_id: recordingId } = one.order;
    const next = this.book.owner;
    const segment = this.#file.segment;
    if (segment?.part.recording_id === recordingId) {
      // Its file goes on to the next keyframe, where that of the next order begins.
      if (next !== undefined) this.#account.tell(one, segment);
      // This finalizes it.
      else await this.#file.close('stop');
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
    if (this.#file.segment !== undefined) {
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
    const segment = this.#file.segment;
    if (segment !== undefined) {
      await this.#file.close('stop');
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
    return this.#file.hindrance() ?? { cause: 'starting' };
  }

  /** The open gap has another cause from now on. */
  #nameGap(cause: GapCause, detail: string | undefined): void {
    if (this.#account.nameGap(cause, detail)) this.tell();
  }

  #isRecorded({ epoch, sequence }: StoredFragment): boolean {
    return this.#recorded?.epoch === epoch && sequence <= this.#recorded.sequence;
  }
}
