/** What the nouns of the queue share. */
import type { Bus } from '../../bus/index.js';
import type { VideoProfile } from '../../contracts/index.js';
import type { JobRecord, Transaction } from '../../store/index.js';
import type { QueueLog, QueueSettings, QueueStore, QueueTiming, QueueVideos } from './needs.js';

export interface QueueParts {
  readonly bus: Bus;
  readonly store: QueueStore;
  readonly log: QueueLog;
  readonly settings: QueueSettings;
  readonly profiles: ReadonlyMap<string, VideoProfile>;
  readonly videos: QueueVideos;
  readonly timing: QueueTiming;
  readonly now: () => number;
  /** Aborts when the hub stops. */
  readonly signal: AbortSignal;
}

/** One change of the queue: everything in it is kept, or nothing. */
export interface QueueChange {
  readonly tx: Transaction;
  /** Done once the change is kept. */
  after(effect: () => void): void;
}

/** Told of what was changed, after it is kept. */
export interface QueueListener {
  jobChanged(job: JobRecord): void;
  /** A job may start, or something is due at another time than before. */
  wake(): void;
  callbackAdded(): void;
}

/** Changes of the queue come one after the other, over all hubs on the database. */
export async function changeQueue<T>(store: QueueStore, work: (change: QueueChange) => Promise<T>): Promise<T> {
  let effects: (() => void)[] = [];
  const result = await store.transaction(async (tx) => {
    effects = [];
    await tx.lock('video_queue');
    return await work({ tx, after: (effect) => void effects.push(effect) });
  });
  for (const effect of effects) effect();
  return result;
}

export const defaultTiming: QueueTiming = {
  tickMs: 2000,
  reticketMs: 60_000,
  reconcileMs: 30_000,
  workerLostMs: 6500,
  ageingMs: 5 * 60_000,
  // About two days in all.
  callbackDelaysMs: [5, 30, 120, 600, 1800, 3600, 7200, 14_400, 28_800, 50_400, 64_800].map((seconds) => seconds * 1000),
  callbackTimeoutMs: 15_000,
};
