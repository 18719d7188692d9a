/** What is observed of each stream: last status, progress and metrics, and who reported them. */
import { randomUUID } from 'node:crypto';
import type { Bus, BusSubscription, MessageMeta } from '../../bus/index.js';
import type { ChannelName, StreamMetrics, StreamProgress, StreamStatus } from '../../contracts/index.js';
import { originHeader } from './local-events.js';

/** Last reports of one stream. */
export interface Observed {
  status: StreamStatus | undefined;
  progress: StreamProgress | undefined;
  metrics: StreamMetrics | undefined;
  /** On the clock of `performance.now()`, which nobody sets: a jump of the wall clock makes no stream silent. */
  lastSeenAt: number;
}

export interface ObservationOptions {
  readonly bus: Bus;
  /** Name of this hub's own messages, which are no observation. */
  readonly origin: string;
  /** A spoke reported; `isNews` when state, reason or spoke differ from the report before. */
  readonly onReport: (streamId: string, observed: Observed, isNews: boolean) => void;
}

/** More streams than this are not remembered; the oldest gives way. */
const maxRemembered = 2000;

/** Owns what was reported. Progress and metrics merge: only the newest per stream waits for the hub. */
export class Observations {
  readonly #reports = new Map<string, Observed>();
  readonly #subscriptions: BusSubscription[];
  readonly #options: ObservationOptions;

  constructor(options: ObservationOptions) {
    this.#options = options;
    const { bus } = options;
    const merge = { policy: 'merge_by_subject', limit: maxRemembered } as const;
    this.#subscriptions = [
      bus.subscribe('stream_status', {}, (status, meta) => this.#onStatus(status, meta), { limit: 4096 }),
      bus.subscribe('stream_progress', {}, (progress, meta) => this.#note(streamIdOf(meta), { progress }), merge),
      bus.subscribe('stream_metrics', {}, (metrics, meta) => this.#note(streamIdOf(meta), { metrics }), merge),
    ];
  }

  /** Resolves when reports can arrive. */
  async ready(): Promise<void> {
    await Promise.all(this.#subscriptions.map((subscription) => subscription.ready));
  }

  get(streamId: string): Observed | undefined {
    return this.#reports.get(streamId);
  }

  ids(): IterableIterator<string> {
    return this.#reports.keys();
  }

  /** Takes an answer to `status.get` like a report. */
  take(status: StreamStatus): void {
    this.#noteStatus(status);
  }

  forget(streamId: string): void {
    this.#reports.delete(streamId);
  }

  stop(): void {
    for (const subscription of this.#subscriptions) subscription.stop();
  }

  #onStatus(status: StreamStatus, meta: MessageMeta<ChannelName>): void {
    if (meta.header(originHeader) !== undefined) return;
    // The subject is what permissions guard; a status that names another stream is somebody's mistake or mischief.
    if (streamIdOf(meta) !== status.stream_id) return;
    this.#noteStatus(status);
  }

  #noteStatus(status: StreamStatus): void {
    const before = this.#reports.get(status.stream_id)?.status;
    const isNews =
      before === undefined ||
      before.state !== status.state ||
      before.reason !== status.reason ||
      before.spoke_id !== status.spoke_id ||
      before.error !== status.error;
    this.#note(status.stream_id, { status }, isNews);
  }

  #note(streamId: string, report: Partial<Observed>, isNews = false): void {
    const known = this.#reports.get(streamId);
    const observed = known ?? { status: undefined, progress: undefined, metrics: undefined, lastSeenAt: 0 };
    Object.assign(observed, report, { lastSeenAt: performance.now() });
    if (known === undefined) {
      if (this.#reports.size >= maxRemembered) this.#forgetOldest();
      this.#reports.set(streamId, observed);
    }
    this.#options.onReport(streamId, observed, isNews || known === undefined);
  }

  #forgetOldest(): void {
    let oldest: string | undefined;
    for (const [streamId, observed] of this.#reports) {
      if (oldest === undefined || observed.lastSeenAt < (this.#reports.get(oldest)?.lastSeenAt ?? 0)) oldest = streamId;
    }
    if (oldest !== undefined) this.#reports.delete(oldest);
  }
}

/** The stream that the subject names. */
export function streamIdOf(meta: { readonly params: object }): string {
  return (meta.params as { stream_id: string }).stream_id;
}

/** A name for this run of the hub, sent along with its own messages. */
export function createOrigin(): string {
  return `hub-${randomUUID().slice(0, 8)}`;
}
