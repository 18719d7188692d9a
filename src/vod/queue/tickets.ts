/** Keeps every job that may start openable: one that has no living message in the queue gets a new one. */
import type { StartFilter } from '../../store/index.js';
import type { BusSide } from './bus-side.js';
import type { Gate } from './gate.js';
import type { JobBook } from './job-book.js';
import { changeQueue, type QueueParts } from './parts.js';

/** Messages published at a time; the rest follows with the next look. */
const batch = 200;

/** What may start, by what is running. */
export async function startFilter(jobs: { running(): Promise<readonly { video_id: string; place: string }[]> }, nowMs: number): Promise<StartFilter> {
  const running = await jobs.running();
  return { nowMs, busyVideos: running.map((job) => job.video_id), busyPlaces: running.map((job) => job.place) };
}

export class Tickets {
  readonly #parts: QueueParts;
  readonly #book: JobBook;
  readonly #gate: Gate;
  readonly #busSide: BusSide;

  constructor(parts: QueueParts, book: JobBook, gate: Gate, busSide: BusSide) {
    this.#parts = parts;
    this.#book = book;
    this.#gate = gate;
    this.#busSide = busSide;
  }

  /** Jobs that lost their message, or are due again. While the bus is away nothing is made: it would only pile up. */
  async renew(): Promise<void> {
    const { timing, now } = this.#parts;
    if (!this.#busSide.isReady || (await this.#gate.closed()) !== undefined) return;
    await this.#send({ ticketBeforeMs: 0, unknownOnly: true });
    // Published, but nothing was seen of it.
    await this.#send({ ticketBeforeMs: now() - timing.reticketMs, unknownOnly: true });
  }

  /** Compares with the broker: messages that aged out or were purged, or were given out so often that they do not come again. */
  async reconcile(): Promise<void> {
    const { store, timing, now } = this.#parts;
    if (!this.#busSide.isReady) return;
    const [journal, consumer] = await Promise.all([this.#busSide.journal(), this.#busSide.consumer()]);
    if (journal === undefined || consumer === undefined) return;
    const first = journal.messages === 0 ? journal.lastSequence + 1 : journal.firstSequence;
    await changeQueue(store, ({ tx }) => tx.jobs.forgetTickets(first));
    await this.renew();
    // What was given out and came back to nobody is still there, but its time is over; another message does no harm.
    if (consumer.waiting === 0 && (await this.#gate.closed()) === undefined) {
      await this.#send({ ticketBeforeMs: now() - timing.reticketMs, unknownOnly: false });
    }
  }

  async #send(options: { ticketBeforeMs: number; unknownOnly: boolean }): Promise<void> {
    const { store, now } = this.#parts;
    const filter = await startFilter(store.jobs, now());
    if ((await store.jobs.withoutTicket(filter, { ...options, limit: 1 })).length === 0) return;
    await changeQueue(store, async (change) => {
      const { tx } = change;
      const inside = await startFilter(tx.jobs, now());
      for (const job of await tx.jobs.withoutTicket(inside, { ...options, limit: batch })) {
        await tx.jobs.update(job.job_id, { ticket_seq: null, ticket_ms: now() });
        await this.#book.sendTicket(change, job);
      }
    });
  }
}
