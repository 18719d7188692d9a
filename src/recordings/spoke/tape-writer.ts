/**
 * Records one stream: takes what happens one after the other and decides what is written, where files begin and end, and what is missing.
 * Never runs twice at a time; `StreamTape` queues for it.
 */
import { rm } from 'node:fs/promises';
import type { PreRoll, StoredFragment } from '../../bus/index.js';
import type { GapCause, RecordingEntry, RecordingOrder, RecordingStatus } from '../../contracts/index.js';
import { EpochClock } from './clock.js';
import type { EntryDraft } from './entry-list.js';
import { finishPart } from './finish.js';
import type { Ledger } from './ledger.js';
import { dayFolder, partPath, segmentName } from './names.js';
import type { Note, NoteFile, PartNote } from './note.js';
import { type BegunOrder, OrderBook } from './orders.js';
import { preRollFrom } from './pre-roll.js';
import { recoverPart } from './recover.js';
import { Segment, type SegmentStats } from './segment.js';
import type { OpenSegmentFile } from './segment-file.js';
import { statusOf } from './status.js';

export interface TapeOptions {
  readonly root: string;
  readonly streamId: string;
  readonly spokeId: string;
  readonly bootId: string;
  readonly ffmpeg: string;
  readonly openFile: OpenSegmentFile;
  readonly ledger: Ledger;
  readonly noteFile: NoteFile;
  /** Wall clock of the recordings. */
  now(): number;
  /** The clock that fragments are stamped with. */
  systemNow(): number;
  /** Why nothing may be written now. */
  blocked(): string | undefined;
  onStatus(status: RecordingStatus): void;
  /** So many milliseconds the oldest of a write has waited. */
  onWrite(waitedMs: number): void;
  onTrouble(message: string, fields: object): void;
}

export type SourceState =
  | { readonly is: 'on'; readonly epoch: string; readonly init: Uint8Array }
  | { readonly is: 'off'; readonly cause: GapCause; readonly detail?: string | undefined };

export type TapeEvent =
  /** Something is due: the source as it is, and what is in memory of it. */
  | {
      readonly is: 'on';
      readonly orders: readonly RecordingOrder[];
      readonly source: SourceState;
      readonly preRoll: readonly PreRoll[];
      readonly ageMs: number;
      readonly atMs: number;
    }
  | { readonly is: 'source'; readonly source: SourceState }
  | { readonly is: 'fragment'; readonly fragment: StoredFragment; readonly arrivedMs: number }
  /** What is to be recorded, now and later. */
  | { readonly is: 'orders'; readonly orders: readonly RecordingOrder[]; readonly atMs: number }
  /** Time or storage may want something else. */
  | { readonly is: 'look'; readonly atMs: number }
  /** The clock was set by so much. */
  | { readonly is: 'jump'; readonly byMs: number }
  /** What follows has a hole before it: the disk was too slow. */
  | { readonly is: 'overflow' }
  /** Look whether the file is still where it was. */
  | { readonly is: 'check' }
  | { readonly is: 'end' };

interface OpenGap {
  readonly recordingId: string;
  readonly cause: GapCause;
  readonly detail: string | undefined;
  /** Later set to the end of what is recovered before it. */
  fromMs: number;
}

/** What does not last so long is no gap: the next file begins where the last one ended. */
const noGapMs = 100;
/** Pictures may be so late for the end of their order. */
const endGraceMs = 400;
/** A gap whose cause changes within so long has the later cause. */
const fickleMs = 1000;
const firstRetryMs = 5000;
const longestRetryMs = 60_000;
const syncEveryMs = 5000;

export class TapeWriter {
  readonly book: OrderBook;
  readonly #options: TapeOptions;
  #source: SourceState = { is: 'off', cause: 'starting' };
  #clock = new EpochClock();
  #segment: Segment | undefined;
  #gap: OpenGap | undefined;
  /** Nothing before it is recorded again, so that times of files never overlap. */
  #floorMs = Number.NEGATIVE_INFINITY;
  #recorded: { readonly epoch: string; readonly sequence: number } | undefined;
  #trouble: { readonly cause: GapCause; readonly detail: string; readonly untilMs: number } | undefined;
  #retryMs = firstRetryMs;
  #jumpMs = 0;
  readonly #parts = new Map<string, PartNote>();

  /** `before`: what an earlier process left; its files are recovered beside what is recorded now. */
  constructor(options: TapeOptions, before?: { readonly note: Note; readonly aliveMs: number }) {
    this.#options = options;
    this.book = new OrderBook(before?.note.orders, before?.note.begun.map(toBegun));
    if (before !== undefined) this.#takeOver(before.note, before.aliveMs);
  }

  /** True while nothing is being recorded, or should be. */
  get isIdle(): boolean {
    return this.#segment === undefined && this.#gap === undefined && this.book.begun.length === 0;
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
        await this.#saveNote().catch((error: unknown) => this.#warnNote(error));
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
    for (const one of this.book.begun) this.#tell(one);
  }

  /** A sign of life, where no file gives one. */
  async touch(): Promise<void> {
    if (this.#gap !== undefined) await this.#options.noteFile.touch();
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
      if (segment !== undefined) this.#openGap('configured', undefined, this.#floorMs);
    } else if (segment !== undefined) {
      await this.#close(segment, 'gap');
      this.#openGap(source.cause, source.detail, this.#floorMs);
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
  #hindrance(): { cause: GapCause; detail: string } | undefined {
    const blocked = this.#options.blocked();
    if (blocked !== undefined) return { cause: 'storage_blocked', detail: blocked };
    return this.#trouble !== undefined && this.#options.now() < this.#trouble.untilMs ? this.#trouble : undefined;
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
      this.#parts.set(part.filename, part);
      await this.#saveNote();
      const file = await openFile(partPath(root, part));
      this.#segment = new Segment(file, part, this.#source.epoch, this.#source.init);
    } catch (error) {
      this.#parts.delete(part.filename);
      this.#hadTrouble(error, fromMs);
      return;
    }
    if (this.#gap !== undefined) {
      this.#closeGap(fromMs);
      void this.#saveNote().catch((error: unknown) => this.#warnNote(error));
    }
    owner.tally.startedAtMs ??= fromMs;
    owner.tally.filename = part.filename;
    this.tell();
  }

  /** Wall clock of the first picture of a file: right behind the last one, where nothing is missing between. */
  async #beginOfFile(wallMs: number): Promise<number> {
    const jumpMs = this.#jumpMs;
    if (jumpMs === 0) return wallMs - this.#floorMs < noGapMs ? this.#floorMs : wallMs;
    this.#jumpMs = 0;
    this.#clock.jump(jumpMs);
    const fromMs = wallMs + jumpMs;
    if (fromMs - this.#floorMs >= 0 && fromMs - this.#floorMs < noGapMs) return this.#floorMs;
    const owner = this.book.owner;
    if (owner !== undefined) this.#noteJump(owner.order.recording_id, Math.min(this.#floorMs, fromMs), fromMs, jumpMs);
    this.#floorMs = fromMs;
    return fromMs;
  }

  #noteJump(recordingId: string, fromMs: number, toMs: number, jumpMs: number): void {
    const detail = `The clock was set ${jumpMs < 0 ? 'back' : 'forward'} by ${(Math.abs(jumpMs) / 1000).toFixed(1)} s`;
    // Set back, nothing is missing: the entry only says why times come twice.
    this.#append(() => this.#gapDraft({ recordingId, cause: 'clock_changed', detail, fromMs: jumpMs < 0 ? toMs : fromMs }, toMs));
  }

  async #close(segment: Segment, by: 'rotation' | 'stop' | 'gap' | 'picture_changed'): Promise<void> {
    await this.flush();
    // A last write that failed has closed it already.
    if (this.#segment !== segment) return;
    this.#retryMs = firstRetryMs;
    this.#trouble = undefined;
    this.#finish(segment, by);
  }

  /** What was written becomes a file, in its turn; the next one may begin meanwhile. */
  #finish(segment: Segment, by: 'rotation' | 'stop' | 'gap' | 'picture_changed'): void {
    this.#segment = undefined;
    const { part, written } = segment;
    if (written.frames === 0) {
      this.#floorMs = Math.max(this.#floorMs, part.from_ms);
      this.#discard(segment);
    } else {
      this.#floorMs = Math.max(this.#floorMs, written.toMs);
      const owner = this.book.get(part.recording_id);
      if (owner !== undefined) addToTally(owner, written);
      this.#seal(segment, written, by);
    }
    for (const one of this.book.begun) if (one.endsAtMs !== undefined && one.order.recording_id === part.recording_id) this.#finalize(one);
  }

  #seal(segment: Segment, written: SegmentStats, by: 'rotation' | 'stop' | 'gap' | 'picture_changed'): void {
    const { root, ffmpeg, ledger } = this.#options;
    const { part } = segment;
    void ledger.run(async () => {
      try {
        await segment.seal();
        const { path, format, sizeBytes, problem } = await finishPart(root, part, ffmpeg);
        if (problem !== undefined) this.#options.onTrouble('a recording is kept as fMP4', { filename: part.filename, reason: problem });
        const { video, codecs } = segment.facts;
        await ledger.append({
          ...this.#head(part.recording_id),
          kind: 'segment',
          filename: part.filename,
          path,
          format,
          from: iso(part.from_ms),
          to: iso(written.toMs),
          duration_ms: Math.round(written.durationMs),
          size_bytes: sizeBytes,
          frames: written.frames,
          ...(video === undefined ? {} : { width: video.width, height: video.height }),
          codecs,
          keyframes: format === 'fmp4' ? segment.keyframes : [],
          init_bytes: format === 'fmp4' ? segment.initBytes : 0,
          closed_by: by,
        });
      } catch (error) {
        const detail = `The file could not be finished: ${messageOf(error)}`;
        this.#options.onTrouble('a recording is lost', { filename: part.filename, reason: detail });
        await ledger.append(this.#gapDraft({ recordingId: part.recording_id, cause: gapCauseOf(error), detail, fromMs: part.from_ms }, written.toMs));
      }
      this.#parts.delete(part.filename);
      this.tell();
      await this.#saveNote().catch(() => undefined);
    });
  }

  #discard(segment: Segment): void {
    void this.#options.ledger.run(async () => {
      await segment.discard().catch(() => undefined);
      await rm(partPath(this.#options.root, segment.part), { force: true }).catch(() => undefined);
      this.#parts.delete(segment.part.filename);
    });
  }

  #failed(segment: Segment, error: unknown): void {
    if (this.#segment !== segment) return;
    this.#finish(segment, 'gap');
    this.#hadTrouble(error, this.#floorMs);
  }

  #hadTrouble(error: unknown, fromMs: number): void {
    const cause = gapCauseOf(error);
    const detail = messageOf(error);
    this.#options.onTrouble('recording failed; trying again', { stream_id: this.#options.streamId, cause, reason: detail, after_ms: this.#retryMs });
    this.#trouble = { cause, detail, untilMs: this.#options.now() + this.#retryMs };
    this.#retryMs = Math.min(longestRetryMs, this.#retryMs * 2);
    if (this.#gap === undefined) this.#openGap(cause, detail, fromMs);
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
    if (this.#gap === undefined) this.#openGap(cause, detail, this.#floorMs);
    this.tell();
  }

  async #checkFile(): Promise<void> {
    const segment = this.#segment;
    if (segment === undefined || (await segment.isThere())) return;
    this.#failed(segment, Object.assign(new Error('The file being written was taken away'), { code: 'ENOENT' }));
  }

  async #look(nowMs: number): Promise<void> {
    const isLive = this.#segment !== undefined;
    // While pictures come, they tell when an order ends; their times lag a little behind the clock.
    if (nowMs >= this.book.boundaryMs) await this.#settle(isLive ? nowMs - endGraceMs : nowMs);
    const hindrance = this.#hindrance();
    if (hindrance?.cause === 'storage_blocked' && this.#segment !== undefined) await this.#interrupt(hindrance.cause, hindrance.detail);
    else if (hindrance !== undefined && this.#source.is === 'on') this.#nameGap(hindrance.cause, hindrance.detail);
  }

  /** Begins and ends orders by this time. */
  async #settle(nowMs: number): Promise<void> {
    const { begins, ends } = this.book.settle(nowMs);
    for (const one of begins) this.#hasBegun(one);
    for (const one of ends) await this.#ends(one);
    if (begins.length + ends.length > 0) await this.#saveNote().catch((error: unknown) => this.#warnNote(error));
    if (begins.length > 0) this.tell();
  }

  #hasBegun(one: BegunOrder): void {
    const { order, beganAtMs } = one;
    this.#append(() => ({ ...this.#head(order.recording_id), kind: 'began', at: iso(beganAtMs), order }));
    if (this.#segment !== undefined || this.#gap !== undefined) return;
    const { cause, detail } = this.#causeNow();
    this.#openGap(cause, detail, Math.max(beganAtMs, this.#floorMs), order.recording_id);
  }

  async #ends(one: BegunOrder): Promise<void> {
    const endsAtMs = one.endsAtMs ?? this.#options.now();
    const { recording_id: recordingId } = one.order;
    const next = this.book.owner;
    const segment = this.#segment;
    if (segment?.part.recording_id === recordingId) {
      // Its file goes on to the next keyframe, where that of the next order begins.
      if (next !== undefined) this.#tell(one);
      // This finalizes it.
      else await this.#close(segment, 'stop');
      return;
    }
    const gap = this.#gap;
    if (gap?.recordingId === recordingId) {
      this.#closeGap(Math.max(gap.fromMs, endsAtMs));
      if (next !== undefined) this.#openGap(gap.cause, gap.detail, this.#floorMs);
    }
    this.#finalize(one);
  }

  #finalize(one: BegunOrder): void {
    const { order, endsAtMs = this.#options.now() } = one;
    void this.#options.ledger.run(async () => {
      await this.#options.ledger.append({ ...this.#head(order.recording_id), kind: 'ended', at: iso(endsAtMs), order });
      this.#tell(one, 'stopped');
      this.book.forget(order.recording_id);
      await this.#saveNote().catch((error: unknown) => this.#warnNote(error));
    });
  }

  async #jump(byMs: number): Promise<void> {
    if (this.#segment !== undefined) {
      // The file goes on by the old clock to its next keyframe.
      this.#jumpMs += byMs;
      return;
    }
    this.#clock.jump(byMs);
    const gap = this.#gap;
    if (gap === undefined) {
      if (byMs < 0) this.#floorMs = Number.NEGATIVE_INFINITY;
      return;
    }
    const nowMs = this.#options.now();
    this.#closeGap(Math.max(gap.fromMs, nowMs - byMs));
    this.#noteJump(gap.recordingId, this.#floorMs, nowMs, byMs);
    this.#floorMs = nowMs;
    this.#openGap(gap.cause, gap.detail, nowMs, gap.recordingId);
  }

  async #end(): Promise<void> {
    const segment = this.#segment;
    if (segment !== undefined) {
      await this.#close(segment, 'stop');
      if (this.#gap === undefined) this.#openGap('spoke_stopped', undefined, this.#floorMs);
    } else {
      this.#nameGap('spoke_stopped', undefined);
    }
    await this.#options.ledger.run(async () => undefined);
    if (this.book.begun.length > 0 || this.book.wanted.length > 0) await this.#saveNote().catch((error: unknown) => this.#warnNote(error));
  }

  #causeNow(): { cause: GapCause; detail?: string | undefined } {
    if (this.#source.is === 'off') return this.#source;
    return this.#hindrance() ?? { cause: 'starting' };
  }

  #openGap(cause: GapCause, detail: string | undefined, fromMs: number, recordingId = this.book.owner?.order.recording_id): void {
    if (recordingId === undefined) return;
    this.#gap = { recordingId, cause, detail, fromMs };
    void this.#saveNote().catch((error: unknown) => this.#warnNote(error));
  }

  /** The open gap has another cause from now on. */
  #nameGap(cause: GapCause, detail: string | undefined): void {
    const gap = this.#gap;
    if (gap === undefined || gap.cause === cause) return;
    const nowMs = this.#options.now();
    if (nowMs - gap.fromMs < fickleMs) this.#openGap(cause, detail, gap.fromMs, gap.recordingId);
    else {
      this.#closeGap(nowMs);
      this.#openGap(cause, detail, nowMs, gap.recordingId);
    }
    this.tell();
  }

  #closeGap(toMs: number): void {
    const gap = this.#gap;
    if (gap === undefined) return;
    this.#gap = undefined;
    this.#floorMs = Math.max(this.#floorMs, toMs);
    // Looked at in its turn: the recovery of an earlier file may move its begin.
    this.#append(() => (toMs - gap.fromMs < noGapMs ? undefined : this.#gapDraft(gap, toMs)));
  }

  #gapDraft({ recordingId, cause, detail, fromMs }: OpenGap, toMs: number): EntryDraft {
    const sentence = detail === undefined ? {} : { detail: detail.slice(0, 500) };
    return { ...this.#head(recordingId), kind: 'gap', from: iso(fromMs), to: iso(toMs), cause, ...sentence };
  }

  #append(make: () => EntryDraft | undefined): void {
    void this.#options.ledger.run(async () => {
      const draft = make();
      if (draft !== undefined) await this.#options.ledger.append(draft);
    });
  }

  /** Goes on where an earlier process ended: finishes its files, and knows why nothing was recorded since. */
  #takeOver(note: Note, aliveMs: number): void {
    const { bootId, ledger } = this.#options;
    const wasKilled = note.parts.length > 0 || note.gap?.cause !== 'spoke_stopped';
    const cause: GapCause = note.boot_id === bootId ? 'spoke_killed' : 'host_restarted';
    for (const part of note.parts) this.#parts.set(part.filename, part);
    if (note.floor_ms !== null) this.#floorMs = note.floor_ms;
    const owner = this.book.owner;
    if (owner !== undefined) {
      if (note.gap !== null && !wasKilled) {
        this.#gap = { recordingId: note.gap.recording_id, cause: note.gap.cause, detail: note.gap.detail, fromMs: note.gap.from_ms };
      } else {
        const sinceMs = Math.max(note.floor_ms ?? owner.beganAtMs, note.gap === null ? 0 : aliveMs);
        this.#gap = { recordingId: owner.order.recording_id, cause, detail: undefined, fromMs: sinceMs };
      }
    }
    const gap = this.#gap;
    void ledger.run(async () => {
      const before = wasKilled ? note.gap : null;
      const later = note.parts.filter((part) => before !== null && part.from_ms >= before.from_ms);
      for (const part of note.parts) if (!later.includes(part)) await this.#recover(part);
      if (before !== null) await this.#recoverGap(before, Math.min(aliveMs, ...later.map((part) => part.from_ms)));
      for (const part of later) await this.#recover(part);
      if (gap !== undefined && wasKilled) gap.fromMs = Math.max(gap.fromMs, await ledger.endMs());
      await this.#saveNote().catch((error: unknown) => this.#warnNote(error));
    });
  }

  /** Puts into the list what of an open gap is not there yet. */
  async #recoverGap(gap: NonNullable<Note['gap']>, toMs: number): Promise<void> {
    const { ledger } = this.#options;
    const fromMs = Math.max(gap.from_ms, await ledger.endMs());
    if (toMs - fromMs < noGapMs) return;
    await ledger.append(this.#gapDraft({ recordingId: gap.recording_id, cause: gap.cause, detail: gap.detail, fromMs }, toMs));
  }

  async #recover(part: PartNote): Promise<void> {
    const { ledger, root, ffmpeg } = this.#options;
    try {
      if (await ledger.hasSegment(part.filename)) {
        this.#parts.delete(part.filename);
        return;
      }
      const found = await recoverPart({ root, ffmpeg, part });
      this.#parts.delete(part.filename);
      if (found === undefined) return;
      const { durationMs, ...rest } = found;
      const toMs = part.from_ms + durationMs;
      const owner = this.book.get(part.recording_id);
      if (owner !== undefined) addToTally(owner, { durationMs, sizeBytes: found.size_bytes });
      await ledger.append({
        ...this.#head(part.recording_id),
        kind: 'segment',
        filename: part.filename,
        from: iso(part.from_ms),
        to: iso(toMs),
        duration_ms: Math.round(durationMs),
        ...rest,
        closed_by: 'recovered',
      });
    } catch (error) {
      this.#options.onTrouble('a file of an earlier process could not be recovered', { filename: part.filename, reason: messageOf(error) });
    }
  }

  #isRecorded({ epoch, sequence }: StoredFragment): boolean {
    return this.#recorded?.epoch === epoch && sequence <= this.#recorded.sequence;
  }

  #tell(one: BegunOrder, as?: 'stopped'): void {
    const segment = this.#segment?.part.recording_id === one.order.recording_id ? this.#segment : undefined;
    const { streamId, spokeId } = this.#options;
    this.#options.onStatus(
      statusOf(one, {
        streamId,
        spokeId,
        nowMs: this.#options.now(),
        as,
        segment,
        isRecording: this.#segment !== undefined,
        isNext: this.book.owner === one,
        gap: this.#gap,
      }),
    );
  }

  #head(recordingId: string) {
    return { stream_id: this.#options.streamId, spoke_id: this.#options.spokeId, recording_id: recordingId };
  }

  #warnNote(error: unknown): void {
    this.#options.onTrouble('what is being recorded cannot be noted for the next start', { reason: messageOf(error) });
  }

  #saveNote(): Promise<void> {
    return this.#options.noteFile.save(() => ({
      boot_id: this.#options.bootId,
      orders: [...this.book.wanted],
      begun: this.book.begun.map(({ order, beganAtMs, tally }) => ({
        order,
        began_ms: beganAtMs,
        started_ms: tally.startedAtMs,
        elapsed_ms: tally.elapsedMs,
        size_bytes: tally.sizeBytes,
        segments: tally.segments,
        filename: tally.filename,
      })),
      floor_ms: Number.isFinite(this.#floorMs) ? this.#floorMs : null,
      gap:
        this.#gap === undefined
          ? null
          : {
              recording_id: this.#gap.recordingId,
              cause: this.#gap.cause,
              from_ms: this.#gap.fromMs,
              ...(this.#gap.detail === undefined ? {} : { detail: this.#gap.detail }),
            },
      parts: [...this.#parts.values()],
    }));
  }
}

function toBegun(one: Note['begun'][number]): BegunOrder {
  const { order, began_ms: beganAtMs, started_ms: startedAtMs, elapsed_ms: elapsedMs, size_bytes: sizeBytes, segments, filename } = one;
  return { order, beganAtMs, tally: { startedAtMs, elapsedMs, sizeBytes, segments, filename } };
}

function addToTally({ tally }: BegunOrder, { durationMs, sizeBytes }: Pick<SegmentStats, 'durationMs' | 'sizeBytes'>): void {
  tally.elapsedMs += durationMs;
  tally.sizeBytes += sizeBytes;
  tally.segments += 1;
}

function gapCauseOf(error: unknown): GapCause {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOSPC' || code === 'EDQUOT' ? 'disk_full' : 'write_failed';
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function iso(ms: number): RecordingEntry extends { at: infer T } ? T : string {
  return new Date(ms).toISOString();
}
