/**
 * The account of one stream: what is wanted, what is missing of it and why, and what a successor has to know.
 * Of files it only keeps the sums; `TapeWriter` writes them.
 */
import type { GapCause, RecordingStatus } from '../../contracts/index.js';
import { type EntryHead, Gaps, iso } from './gaps.js';
import type { PartNote } from './note.js';
import { type BegunOrder, OrderBook } from './orders.js';
import { type Before, bookOf, gapSince, gapsLeft, type Recovery, recoverList } from './recovery.js';
import type { Sealing } from './seal.js';
import type { Segment, SegmentStats } from './segment.js';
import { statusOf } from './status.js';
import { TapeNote, type TapeNoteOptions } from './tape-note.js';

export interface AccountOptions extends TapeNoteOptions, Pick<Sealing, 'ffmpeg' | 'ledger'> {
  readonly streamId: string;
  readonly spokeId: string;
  readonly bootId: string;
  /** Wall clock of the recordings. */
  now(): number;
  onStatus(status: RecordingStatus): void;
}

export class Account {
  readonly book: OrderBook;
  readonly gaps: Gaps;
  readonly note: TapeNote;
  readonly sealing: Sealing;
  /** Fragments that were given up because the disk was too slow, since the process began. */
  dropped = 0;
  readonly #options: AccountOptions;

  /** `before`: what an earlier process left; its files are recovered beside what is recorded now. */
  constructor(options: AccountOptions, before?: Before) {
    const { root, ffmpeg, ledger, bootId } = options;
    const head = (recordingId: string) => this.#head(recordingId);
    this.#options = options;
    this.gaps = new Gaps(ledger, head);
    this.sealing = { root, ffmpeg, ledger, gaps: this.gaps, head, onTrouble: (message, fields) => options.onTrouble(message, fields) };
    this.book = before === undefined ? new OrderBook() : bookOf(before.note);
    const facts = () => ({ bootId, book: this.book, floorMs: this.gaps.floorMs, gap: this.gaps.open, unlisted: this.gaps.unlisted });
    this.note = new TapeNote(options, facts, before?.note);
    if (before !== undefined) this.#takeOver(before);
  }

  /** From then on nothing is recorded of what is wanted. */
  openGap(cause: GapCause, detail: string | undefined, fromMs: number, recordingId = this.book.owner?.order.recording_id): void {
    if (recordingId === undefined) return;
    this.gaps.begin({ recordingId, cause, detail, fromMs });
    void this.note.keep();
  }

  /** The open gap has another cause from now on. False when it has that already, or there is none. */
  nameGap(cause: GapCause, detail: string | undefined): boolean {
    const isNew = this.gaps.rename(cause, detail, this.#options.now());
    if (isNew) void this.note.keep();
    return isNew;
  }

  began({ order, beganAtMs }: BegunOrder): void {
    const { ledger } = this.#options;
    void ledger.run(() => ledger.append({ ...this.#head(order.recording_id), kind: 'began', at: iso(beganAtMs), order }));
  }

  /** Its last file is finished, or on its way into the list. */
  ended(one: BegunOrder): void {
    const { ledger, now } = this.#options;
    const { order, endsAtMs = now() } = one;
    void ledger.run(async () => {
      await ledger.append({ ...this.#head(order.recording_id), kind: 'ended', at: iso(endsAtMs), order });
      this.tell(one, undefined, 'stopped');
      this.book.forget(order.recording_id);
      await this.note.keep();
    });
  }

  /** Adds a file to the sums of its recording. */
  count(part: PartNote, { durationMs, sizeBytes }: Pick<SegmentStats, 'durationMs' | 'sizeBytes'>): void {
    const tally = this.book.get(part.recording_id)?.tally;
    if (tally === undefined) return;
    tally.elapsedMs += durationMs;
    tally.sizeBytes += sizeBytes;
    tally.segments += 1;
  }

  /** Tells how a recording goes; `segment` is the file being written, of whichever recording. */
  tell(one: BegunOrder, segment: Segment | undefined, as?: 'stopped'): void {
    const { streamId, spokeId, now, onStatus } = this.#options;
    onStatus(
      statusOf(one, {
        streamId,
        spokeId,
        nowMs: now(),
        as,
        segment: segment?.part.recording_id === one.order.recording_id ? segment : undefined,
        isRecording: segment !== undefined,
        isNext: this.book.owner === one,
        gap: this.gaps.open,
        dropped: this.dropped,
      }),
    );
  }

  /** Tells how every recording goes. */
  tellAll(segment: Segment | undefined): void {
    for (const one of this.book.begun) this.tell(one, segment);
  }

  /** Goes on where an earlier process ended: finishes its files, and knows why nothing was recorded since. */
  #takeOver(before: Before): void {
    const { bootId, ledger } = this.#options;
    const { note } = before;
    if (note.floor_ms !== null) this.gaps.floorMs = note.floor_ms;
    this.gaps.setLeft(gapsLeft(before));
    const gap = gapSince(before, this.book.owner, bootId);
    if (gap !== undefined) this.gaps.begin(gap);
    const recovery: Recovery = {
      ...this.sealing,
      onPart: (part, found) => {
        this.note.remove(part);
        if (found !== undefined) this.count(part, { durationMs: found.durationMs, sizeBytes: found.size_bytes });
      },
    };
    void ledger.run(async () => {
      await recoverList(recovery, before);
      this.note.forget(note.spares);
      this.gaps.setLeft([]);
      if (gap !== undefined && gap.cause !== 'spoke_stopped') gap.fromMs = Math.max(gap.fromMs, await ledger.endMs());
      await this.note.keep();
    });
  }

  #head(recordingId: string): EntryHead {
    return { stream_id: this.#options.streamId, spoke_id: this.#options.spokeId, recording_id: recordingId };
  }
}
