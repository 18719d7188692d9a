/** Which order is due when, and whose the segments are. Pure. */
import type { GapCause, RecordingOrder, StreamReason } from '../../contracts/index.js';
import { iso } from './gaps.js';

/** What an order has so far. */
export interface Tally {
  startedAtMs: number | null;
  elapsedMs: number;
  sizeBytes: number;
  segments: number;
  /** Newest file. */
  filename: string | null;
}

/** An order that was begun and whose end is not in the list yet. */
export interface BegunOrder {
  order: RecordingOrder;
  readonly beganAtMs: number;
  readonly tally: Tally;
  /** Set when it has ended and waits for the end of its file. */
  endsAtMs?: number;
}

/** An order that should have begun so long ago was on its way; one that should have begun earlier begins now. */
const lateMs = 2000;

const ranks: Record<RecordingOrder['origin'], number> = { manual: 0, schedule: 1, always: 2 };

export class OrderBook {
  readonly #begun = new Map<string, BegunOrder>();
  #wanted: readonly RecordingOrder[] = [];
  #boundaryMs = Number.NEGATIVE_INFINITY;

  constructor(wanted: readonly RecordingOrder[] = [], begun: readonly BegunOrder[] = []) {
    this.#wanted = wanted;
    for (const one of begun) this.#begun.set(one.order.recording_id, one);
  }

  get wanted(): readonly RecordingOrder[] {
    return this.#wanted;
  }

  get begun(): readonly BegunOrder[] {
    return [...this.#begun.values()];
  }

  /** `settle` has nothing to do before this time. */
  get boundaryMs(): number {
    return this.#boundaryMs;
  }

  /** Replaces the list; `settle` makes it so. */
  set(wanted: readonly RecordingOrder[]): void {
    this.#wanted = wanted;
    this.#boundaryMs = Number.NEGATIVE_INFINITY;
  }

  /** What begins and what ends by this time. Those that end stay begun until `forget`. */
  settle(nowMs: number): { begins: BegunOrder[]; ends: BegunOrder[] } {
    const begins: BegunOrder[] = [];
    const ends: BegunOrder[] = [];
    const wanted = new Map(this.#wanted.map((order) => [order.recording_id, order]));
    for (const one of this.#begun.values()) {
      if (one.endsAtMs !== undefined) continue;
      const order = wanted.get(one.order.recording_id);
      one.order = order ?? one.order;
      const { untilMs } = spanOf(one.order);
      if (order !== undefined && untilMs > nowMs) continue;
      one.endsAtMs = Math.max(one.beganAtMs, Math.min(untilMs, nowMs));
      ends.push(one);
    }
    for (const order of wanted.values()) {
      if (this.#begun.has(order.recording_id) || !isDue(order, nowMs)) continue;
      const { fromMs } = spanOf(order);
      const beganAtMs = fromMs >= nowMs - lateMs ? fromMs : nowMs;
      const one: BegunOrder = { order, beganAtMs, tally: { startedAtMs: null, elapsedMs: 0, sizeBytes: 0, segments: 0, filename: null } };
      this.#begun.set(order.recording_id, one);
      begins.push(one);
    }
    this.#boundaryMs = nextBoundary([...this.#wanted, ...[...this.#begun.values()].map((one) => one.order)], nowMs);
    return { begins, ends };
  }

  get(recordingId: string): BegunOrder | undefined {
    return this.#begun.get(recordingId);
  }

  forget(recordingId: string): void {
    this.#begun.delete(recordingId);
  }

  /** Whose the next segment is; undefined when nothing is to be recorded. */
  get owner(): BegunOrder | undefined {
    let owner: BegunOrder | undefined;
    for (const one of this.#begun.values()) {
      if (one.endsAtMs === undefined && (owner === undefined || precedes(one, owner))) owner = one;
    }
    return owner;
  }
}

function precedes(one: BegunOrder, other: BegunOrder): boolean {
  const byRank = ranks[one.order.origin] - ranks[other.order.origin];
  return byRank < 0 || (byRank === 0 && one.beganAtMs < other.beganAtMs);
}

function nextBoundary(orders: readonly RecordingOrder[], nowMs: number): number {
  const times = orders.flatMap((order) => Object.values(spanOf(order)));
  return Math.min(Number.POSITIVE_INFINITY, ...times.filter((time) => time > nowMs));
}

/** Times of the order in milliseconds; `Infinity` without an end. */
export function spanOf({ from, until }: RecordingOrder): { fromMs: number; untilMs: number } {
  return { fromMs: Date.parse(from), untilMs: until === null ? Number.POSITIVE_INFINITY : Date.parse(until) };
}

/**
 * The orders as they are carried out: a manual one is due on receipt, however far the clock of the hub is ahead, and lasts as long as it
 * was to last. `known`: those of before, as they are carried out, which keep their begin however often they are received.
 */
export function onReceipt(orders: readonly RecordingOrder[], known: readonly RecordingOrder[], nowMs: number): RecordingOrder[] {
  const begins = new Map(known.map((order) => [order.recording_id, Date.parse(order.from)]));
  return orders.map((order) => {
    if (order.origin !== 'manual') return order;
    const { fromMs, untilMs } = spanOf(order);
    const leadMs = fromMs - (begins.get(order.recording_id) ?? nowMs);
    if (leadMs <= 0) return order;
    return { ...order, from: iso(fromMs - leadMs), until: order.until === null ? null : iso(untilMs - leadMs) };
  });
}

export function isDue(order: RecordingOrder, nowMs: number): boolean {
  const { fromMs, untilMs } = spanOf(order);
  return fromMs <= nowMs && nowMs < untilMs;
}

const causes: Partial<Record<StreamReason | 'configured', GapCause>> = {
  configured: 'configured',
  // A stopped stream is started for its recording.
  requested: 'starting',
  waiting_for_viewer: 'starting',
  forbidden_source: 'configured',
  source_missing: 'source_missing',
  source_unreachable: 'source_unreachable',
  source_refused: 'source_unreachable',
  source_silent: 'source_silent',
  encoder_failed: 'ffmpeg_failed',
  ffmpeg_missing: 'ffmpeg_failed',
  crash_loop: 'ffmpeg_failed',
  output_failed: 'ffmpeg_failed',
  draining: 'spoke_stopped',
};

/** Why there is nothing to record, in the words of gaps. */
export function causeOf(reason: StreamReason | 'configured'): GapCause {
  return causes[reason] ?? 'source_failed';
}
