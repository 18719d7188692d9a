/** What is due by time: leases that run out, jobs to try again, tickets to renew, old history to forget. */
import type { BusSide } from './bus-side.js';
import type { JobBook } from './job-book.js';
import { changeQueue, type QueueParts } from './parts.js';
import type { Tickets } from './tickets.js';

const pruneMs = 3600_000;
const dayMs = 86_400_000;
/** Messages are gone after seven days. */
const ticketKeepMs = 15 * dayMs;

export class Beat {
  readonly #parts: QueueParts;
  readonly #book: JobBook;
  readonly #tickets: Tickets;
  readonly #busSide: BusSide;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #isAsked = false;
  #isStopped = false;
  #reconcileAt = 0;
  #pruneAt = 0;

  constructor(parts: QueueParts, nouns: { book: JobBook; tickets: Tickets; busSide: BusSide }) {
    this.#parts = parts;
    this.#book = nouns.book;
    this.#tickets = nouns.tickets;
    this.#busSide = nouns.busSide;
  }

  /** Leases begin anew: while nobody listened no worker could keep its own. */
  async start(): Promise<void> {
    await this.extendLeases();
    this.kick();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#running;
  }

  /** Something is due, maybe at once. */
  kick(): void {
    if (this.#isStopped) return;
    this.#isAsked = true;
    if (this.#running !== undefined) return;
    clearTimeout(this.#timer);
    this.#running = this.#run().finally(() => {
      this.#running = undefined;
      if (this.#isAsked) this.kick();
    });
  }

  /** The next look also compares with the broker. */
  reconcileSoon(): void {
    this.#reconcileAt = 0;
    this.kick();
  }

  async extendLeases(): Promise<void> {
    const { store, settings, now } = this.#parts;
    await changeQueue(store, async ({ tx }) => {
      const until = now() + settings.lease_s * 1000;
      for (const job of await tx.jobs.running()) if ((job.lease_ms ?? 0) < until) await tx.jobs.update(job.job_id, { lease_ms: until });
    });
  }

  async #run(): Promise<void> {
    const { log, signal } = this.#parts;
    this.#isAsked = false;
    try {
      await this.#expire();
      await this.#tickets.renew();
      await this.#seldom();
    } catch (error) {
      if (!signal.aborted) log.warn({ err: error }, 'the queue of videos could not be looked after; trying again');
    }
    if (!this.#isStopped) this.#timer = setTimeout(() => this.kick(), await this.#untilNext());
    this.#timer?.unref();
  }

  async #seldom(): Promise<void> {
    const at = performance.now();
    if (at >= this.#reconcileAt) {
      this.#reconcileAt = at + this.#parts.timing.reconcileMs;
      await this.#tickets.reconcile();
    }
    if (at >= this.#pruneAt) {
      this.#pruneAt = at + pruneMs;
      await this.#prune();
    }
  }

  /** While the bus is away no worker can keep its lease. */
  async #expire(): Promise<void> {
    const { store, now } = this.#parts;
    if (!this.#busSide.isReady) return;
    const isOver = (job: { lease_ms: number | null }) => job.lease_ms !== null && job.lease_ms <= now();
    if (!(await store.jobs.running()).some(isOver)) return;
    await changeQueue(store, async (change) => {
      for (const job of await change.tx.jobs.running()) {
        if (isOver(job)) await this.#book.step(change, job, { kind: 'lost', detail: `worker ${job.worker_id} was silent for too long` });
      }
    });
  }

  async #untilNext(): Promise<number> {
    const { store, now, timing } = this.#parts;
    const at = await store.jobs.nextDue(now()).catch(() => null);
    return at === null ? timing.tickMs : Math.min(timing.tickMs, Math.max(5, at - now()));
  }

  async #prune(): Promise<void> {
    const { store, settings, now } = this.#parts;
    const before = now() - settings.keep_jobs_days * dayMs;
    const text = new Date(before).toISOString();
    await store.jobs.prune(before);
    await store.jobs.pruneTickets(now() - ticketKeepMs);
    await store.dead_letters.prune(text);
    await store.callbacks.prune(text);
  }
}
