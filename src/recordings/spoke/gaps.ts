/** The gap that is open, and the time up to which everything wanted is accounted for. */
import type { GapCause } from '../../contracts/index.js';
import type { EntryDraft } from './entry-list.js';
import type { Ledger } from './ledger.js';

export interface OpenGap {
  readonly recordingId: string;
  readonly cause: GapCause;
  readonly detail: string | undefined;
  /** Later set to the end of what is recovered before it. */
  fromMs: number;
}

/** A gap that is over, and not in the list yet. */
export interface UnlistedGap extends Readonly<OpenGap> {
  readonly toMs: number;
}

/** What does not last so long is no gap: the next file begins where the last one ended. */
export const noGapMs = 100;
/** A gap whose cause changes within so long has the later cause. */
const fickleMs = 1000;

export class Gaps {
  /** Nothing before it is recorded again, so that times of files never overlap. */
  floorMs = Number.NEGATIVE_INFINITY;
  readonly #ledger: Ledger;
  readonly #head: (recordingId: string) => EntryHead;
  #open: OpenGap | undefined;
  #left: readonly UnlistedGap[] = [];
  readonly #ended = new Map<OpenGap, number>();

  constructor(ledger: Ledger, head: (recordingId: string) => EntryHead) {
    this.#ledger = ledger;
    this.#head = head;
  }

  get open(): OpenGap | undefined {
    return this.#open;
  }

  /** For the note, oldest first: whoever is killed before they are in the list must hand them on. */
  get unlisted(): UnlistedGap[] {
    return [...this.#left, ...[...this.#ended].map(([gap, toMs]) => ({ ...gap, toMs }))];
  }

  /** Those of earlier processes, until they are in the list; then none. */
  setLeft(left: readonly UnlistedGap[]): void {
    this.#left = left;
  }

  begin(gap: OpenGap): void {
    this.#open = gap;
  }

  /** The open gap has another cause from now on. False when it has that already, or there is none. */
  rename(cause: GapCause, detail: string | undefined, nowMs: number): boolean {
    const gap = this.#open;
    if (gap === undefined || gap.cause === cause) return false;
    const isYoung = nowMs - gap.fromMs < fickleMs;
    if (!isYoung) this.end(nowMs);
    this.#open = { recordingId: gap.recordingId, cause, detail, fromMs: isYoung ? gap.fromMs : nowMs };
    return true;
  }

  /** The open gap, when it has that cause, is told in other words. */
  explain(cause: GapCause, detail: string): void {
    if (this.#open?.cause === cause) this.#open = { ...this.#open, detail };
  }

  end(toMs: number): void {
    const gap = this.#open;
    if (gap === undefined) return;
    this.#open = undefined;
    this.floorMs = Math.max(this.floorMs, toMs);
    this.#ended.set(gap, toMs);
    void this.#ledger.run(async () => {
      // Looked at in its turn: the recovery of an earlier file may move its begin.
      if (toMs - gap.fromMs >= noGapMs) await this.#ledger.append(this.draft(gap, toMs));
      this.#ended.delete(gap);
    });
  }

  /** Notes that the clock was set. Set back, nothing is missing: the entry only says why times come twice. */
  noteJump(recordingId: string, fromMs: number, toMs: number, jumpMs: number): void {
    const detail = `The clock was set ${jumpMs < 0 ? 'back' : 'forward'} by ${(Math.abs(jumpMs) / 1000).toFixed(1)} s`;
    const gap: OpenGap = { recordingId, cause: 'clock_changed', detail, fromMs: jumpMs < 0 ? toMs : fromMs };
    void this.#ledger.run(() => this.#ledger.append(this.draft(gap, toMs)));
  }

  draft({ recordingId, cause, detail, fromMs }: OpenGap, toMs: number): EntryDraft {
    const sentence = detail === undefined ? {} : { detail: detail.slice(0, 500) };
    return { ...this.#head(recordingId), kind: 'gap', from: iso(fromMs), to: iso(toMs), cause, ...sentence };
  }
}

/** What every entry of one recording begins with. */
export interface EntryHead {
  readonly stream_id: string;
  readonly spoke_id: string;
  readonly recording_id: string;
}

export function iso(ms: number): string {
  return new Date(ms).toISOString();
}
