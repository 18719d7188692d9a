/**
 * Records one stream: takes what happens one after the other and decides what is written, where files begin and end, and what is missing.
 * Never runs twice at a time; `StreamTape` queues for it.
 */
import { rm } from 'node:fs/promises';
import type { PreRoll, StoredFragment } from '../../bus/index.js';
import type { GapCause, RecordingOrder, RecordingStatus } from '../../contracts/index.js';
import { EpochClock } from './clock.js';
import type { EntryDraft } from './entry-list.js';
import { finishPart } from './finish.js';
import { type EntryHead, Gaps, iso, noGapMs } from './gaps.js';
import type { Ledger } from './ledger.js';
import { dayFolder, partPath, segmentName } from './names.js';
import type { Note, NoteFile, PartNote } from './note.js';
import { type BegunOrder, OrderBook } from './orders.js';
import { preRollFrom } from './pre-roll.js';
import { bookOf, gapSince, noteOf, type Recovery, recoverList } from './recovery.js';
import { Segment, type SegmentStats } from './segment.js';
import type { OpenSegmentFile } from './segment-file.js';
import { nameSpare, SpareFile } from './spare-file.js';
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

/** Pictures may be so late for the end of their order. */
const endGraceMs = 400;
const firstRetryMs = 5000;
const longestRetryMs = 60_000;
const syncEveryMs = 5000;

export class TapeWriter {
  readonly book: OrderBook;
  readonly #options: TapeOptions;
  #source: SourceState = { is: 'off', cause: 'starting' };
  #clock = new EpochClock();
  #segment: Segment | undefined;
  readonly #gaps: Gaps;
  #recorded: { readonly epoch: string; readonly sequence: number } | undefined;
  #trouble: { readonly cause: GapCause; readonly detail: string; readonly untilMs: number } | undefined;
  #retryMs = firstRetryMs;
  #jumpMs = 0;
  readonly #parts = new Map<string, PartNote>();
  readonly #spare: SpareFile;

  /** `before`: what an earlier process left; its files are recovered beside what is recorded now. */
  constructor(options: TapeOptions, before?: { readonly note: Note; readonly aliveMs: number }) {
    this.#options = options;
    this.#gaps = new Gaps(options.ledger, (recordingId) => this.#head(recordingId));
    this.#spare = new SpareFile({ root: options.root, openFile: options.openFile, saveNote: () => this.#saveNote() });
    this.book = before === undefined ? new OrderBook() : bookOf(before.note);
    if (before !== undefined) this.#takeOver(before.note, before.aliveMs);
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
    if (this.#gaps.open !== undefined) await this.#options.noteFile.touch();
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
      if (segment !== undefined) this.#openGap('configured', undefined, this.#gaps.floorMs);
    } else if (segment !== undefined) {
      await this.#close(segment, 'gap');
      this.#openGap(source.cause, source.detail, this.#gaps.floorMs);
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
      const spare = this.#spare.take(part);
      if (spare !== undefined) part.spare = spare.name;
      this.#parts.set(part.filename, part);
      // A spare is in the note already, which is all that a successor needs.
      if (spare === undefined) await this.#saveNote();
      const file = spare?.file ?? (await openFile(partPath(root, part)));
      this.#segment = new Segment(file, part, this.#source.epoch, this.#source.init);
    } catch (error) {
      this.#parts.delete(part.filename);
      this.#hadTrouble(error, fromMs);
      return;
    }
    this.#gaps.end(fromMs);
    this.#nameFile(part);
    owner.tally.startedAtMs ??= fromMs;
    owner.tally.filename = part.filename;
    this.tell();
  }

  /** Notes the file that was begun, and gives a spare its name: in this order, so that a successor finds it by the one or the other. */
  #nameFile(part: PartNote): void {
    // Where that fails, it is named when it is finished; until then a successor finds it under its first name.
    const named = this.#saveNote()
      .then(() => nameSpare(this.#options.root, part))
      .catch((error: unknown) => this.#warnNote(error));
    void this.#options.ledger.run(() => named);
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
      this.#gaps.floorMs = Math.max(this.#gaps.floorMs, part.from_ms);
      this.#discard(segment);
    } else {
      this.#gaps.floorMs = Math.max(this.#gaps.floorMs, written.toMs);
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
        await ledger.append(
          this.#gaps.draft({ recordingId: part.recording_id, cause: gapCauseOf(error), detail, fromMs: part.from_ms }, written.toMs),
        );
      }
      this.#parts.delete(part.filename);
      this.tell();
      await this.#saveNote().catch(() => undefined);
    });
  }

  #discard(segment: Segment): void {
    void this.#options.ledger.run(async () => {
      await segment.discard().catch(() => undefined);
      await nameSpare(this.#options.root, segment.part).catch(() => undefined);
      await rm(partPath(this.#options.root, segment.part), { force: true }).catch(() => undefined);
      this.#parts.delete(segment.part.filename);
    });
  }

  #failed(segment: Segment, error: unknown): void {
    if (this.#segment !== segment) return;
    this.#finish(segment, 'gap');
    this.#hadTrouble(error, this.#gaps.floorMs);
  }

  #hadTrouble(error: unknown, fromMs: number): void {
    const cause = gapCauseOf(error);
    const detail = messageOf(error);
    this.#options.onTrouble('recording failed; trying again', { stream_id: this.#options.streamId, cause, reason: detail, after_ms: this.#retryMs });
    this.#trouble = { cause, detail, untilMs: this.#options.now() + this.#retryMs };
    this.#retryMs = Math.min(longestRetryMs, this.#retryMs * 2);
    if (this.#gaps.open === undefined) this.#openGap(cause, detail, fromMs);
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
    if (this.#gaps.open === undefined) this.#openGap(cause, detail, this.#gaps.floorMs);
    this.tell();
  }

  async #checkFile(): Promise<void> {
    const segment = this.#segment;
    if (segment === undefined) return;
    const { root } = this.#options;
    const { part } = segment;
    if (await segment.isAt(partPath(root, part))) return;
    if (part.spare !== undefined && (await segment.isAt(partPath(root, { folder: part.folder, filename: part.spare })))) return;
    this.#failed(segment, Object.assign(new Error('The file being written was taken away'), { code: 'ENOENT' }));
  }

  async #look(nowMs: number): Promise<void> {
    const isLive = this.#segment !== undefined;
    // While pictures come, they tell when an order ends; their times lag a little behind the clock.
    if (nowMs >= this.book.boundaryMs) await this.#settle(isLive ? nowMs - endGraceMs : nowMs);
    const hindrance = this.#hindrance();
    await this.#keepSpare(hindrance !== undefined, nowMs);
    if (hindrance?.cause === 'storage_blocked' && this.#segment !== undefined) await this.#interrupt(hindrance.cause, hindrance.detail);
    else if (hindrance !== undefined && this.#source.is === 'on') this.#nameGap(hindrance.cause, hindrance.detail);
  }

  /** While something is recorded, or would be, there is a file for what comes next. */
  async #keepSpare(isHindered: boolean, nowMs: number): Promise<void> {
    const owner = this.book.owner;
    if (owner === undefined) {
      if (this.#spare.note === undefined) return;
      await this.#spare.drop();
      await this.#saveNote().catch((error: unknown) => this.#warnNote(error));
    } else if (!isHindered) {
      this.#spare.prepare(this.#options.streamId, owner.order, nowMs);
    }
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
    if (this.#segment !== undefined || this.#gaps.open !== undefined) return;
    const { cause, detail } = this.#causeNow();
    this.#openGap(cause, detail, Math.max(beganAtMs, this.#gaps.floorMs), order.recording_id);
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
    const gap = this.#gaps.open;
    if (gap?.recordingId === recordingId) {
      this.#gaps.end(Math.max(gap.fromMs, endsAtMs));
      if (next !== undefined) this.#openGap(gap.cause, gap.detail, this.#gaps.floorMs);
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
    const gap = this.#gaps.open;
    if (gap === undefined) {
      if (byMs < 0) this.#gaps.floorMs = Number.NEGATIVE_INFINITY;
      return;
    }
    const nowMs = this.#options.now();
    this.#gaps.end(Math.max(gap.fromMs, nowMs - byMs));
    this.#gaps.noteJump(gap.recordingId, this.#gaps.floorMs, nowMs, byMs);
    this.#gaps.floorMs = nowMs;
    this.#openGap(gap.cause, gap.detail, nowMs, gap.recordingId);
  }

  async #end(): Promise<void> {
    const segment = this.#segment;
    if (segment !== undefined) {
      await this.#close(segment, 'stop');
      if (this.#gaps.open === undefined) this.#openGap('spoke_stopped', undefined, this.#gaps.floorMs);
    } else {
      this.#nameGap('spoke_stopped', undefined);
    }
    await this.#spare.drop();
    await this.#options.ledger.run(async () => undefined);
    if (this.book.begun.length > 0 || this.book.wanted.length > 0) await this.#saveNote().catch((error: unknown) => this.#warnNote(error));
  }

  #causeNow(): { cause: GapCause; detail?: string | undefined } {
    if (this.#source.is === 'off') return this.#source;
    return this.#hindrance() ?? { cause: 'starting' };
  }

  #openGap(cause: GapCause, detail: string | undefined, fromMs: number, recordingId = this.book.owner?.order.recording_id): void {
    if (recordingId === undefined) return;
    this.#gaps.begin({ recordingId, cause, detail, fromMs });
    void this.#saveNote().catch((error: unknown) => this.#warnNote(error));
  }

  /** The open gap has another cause from now on. */
  #nameGap(cause: GapCause, detail: string | undefined): void {
    if (!this.#gaps.rename(cause, detail, this.#options.now())) return;
    void this.#saveNote().catch((error: unknown) => this.#warnNote(error));
    this.tell();
  }

  #append(make: () => EntryDraft | undefined): void {
    void this.#options.ledger.run(async () => {
      const draft = make();
      if (draft !== undefined) await this.#options.ledger.append(draft);
    });
  }

  /** Goes on where an earlier process ended: finishes its files, and knows why nothing was recorded since. */
  #takeOver(note: Note, aliveMs: number): void {
    const { bootId, ledger, root, ffmpeg } = this.#options;
    for (const part of note.parts) this.#parts.set(part.filename, part);
    if (note.floor_ms !== null) this.#gaps.floorMs = note.floor_ms;
    const gap = gapSince({ note, aliveMs }, this.book.owner, bootId);
    if (gap !== undefined) this.#gaps.begin(gap);
    const recovery: Recovery = {
      root,
      ffmpeg,
      ledger,
      gaps: this.#gaps,
      head: (recordingId) => this.#head(recordingId),
      onPart: (part, found) => {
        this.#parts.delete(part.filename);
        const owner = this.book.get(part.recording_id);
        if (owner !== undefined && found !== undefined) addToTally(owner, { durationMs: found.durationMs, sizeBytes: found.size_bytes });
      },
      onTrouble: this.#options.onTrouble,
    };
    void ledger.run(async () => {
      await recoverList(recovery, { note, aliveMs });
      if (gap !== undefined && gap.cause !== 'spoke_stopped') gap.fromMs = Math.max(gap.fromMs, await ledger.endMs());
      await this.#saveNote().catch((error: unknown) => this.#warnNote(error));
    });
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
        gap: this.#gaps.open,
      }),
    );
  }

  #head(recordingId: string): EntryHead {
    return { stream_id: this.#options.streamId, spoke_id: this.#options.spokeId, recording_id: recordingId };
  }

  #warnNote(error: unknown): void {
    this.#options.onTrouble('what is being recorded cannot be noted for the next start', { reason: messageOf(error) });
  }

  #saveNote(): Promise<void> {
    const { noteFile, bootId } = this.#options;
    return noteFile.save(() =>
      noteOf({
        bootId,
        book: this.book,
        floorMs: this.#gaps.floorMs,
        gap: this.#gaps.open,
        parts: [...this.#parts.values()],
        spare: this.#spare.note,
      }),
    );
  }
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
