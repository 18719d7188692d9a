/** Where each waiting job stands in the queue; looked at again only after something has changed. */
import { startOrder } from './order.js';
import type { QueueParts } from './parts.js';

/** Beyond so many waiting jobs no position is told. */
const maxJobs = 2000;
const keepMs = 1000;

export class Positions {
  readonly #parts: QueueParts;
  #known: { at: number; order: ReadonlyMap<string, number> } | undefined;

  constructor(parts: QueueParts) {
    this.#parts = parts;
  }

  /** Something was queued, started or ended. */
  forget(): void {
    this.#known = undefined;
  }

  /** Job to its place, 1 is next; in that order. */
  async order(): Promise<ReadonlyMap<string, number>> {
    const at = performance.now();
    if (this.#known !== undefined && at - this.#known.at < keepMs) return this.#known.order;
    const { store, timing, now } = this.#parts;
    const [waiting, running, lastStarts] = await Promise.all([store.jobs.waiting(maxJobs), store.jobs.running(), store.jobs.lastStarts(500)]);
    const byOwner = new Map<string, number>();
    for (const { owner } of running) byOwner.set(owner, (byOwner.get(owner) ?? 0) + 1);
    const busy = { videos: new Set(running.map((job) => job.video_id)), places: new Set(running.map((job) => job.place)) };
    const facts = { nowMs: now(), ageingMs: timing.ageingMs, running: byOwner, lastStarts };
    const order = new Map(startOrder(waiting, facts, busy).map((job, index) => [job.job_id, index + 1]));
    this.#known = { at, order };
    return order;
  }
}
