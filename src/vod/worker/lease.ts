/** The hub's side of a job, seen from the worker: what it is told, and whether the job is still ours. */
import { setTimeout as delay } from 'node:timers/promises';
import { type JobOrder, type JobReport, type MessageInput, type ReplyOf, WeirError } from '../../contracts/index.js';
import type { WorkerParts } from './needs.js';

type Head = 'job_id' | 'worker_id' | 'revision';
type WithoutHead<T> = T extends unknown ? Omit<T, Head> : never;
/** A report without what every report begins with. */
export type Report = WithoutHead<JobReport>;

const requestMs = 5000;

/** Why the work on a job ended before its time: cancelled by somebody, the worker stops, or the job is another's by now. */
export type LeaseEnd = 'cancelled' | 'stopping' | 'lost';

/** One lease: renewed while it is held; its signal fires when the job is another's, cancelled, or given back. */
export class Lease {
  readonly #parts: WorkerParts;
  readonly #order: JobOrder;
  readonly #abort = new AbortController();
  readonly #timer: NodeJS.Timeout;
  readonly #renewMs: number;
  #isRenewing = false;
  #ended: LeaseEnd | undefined;

  constructor(parts: WorkerParts, order: JobOrder) {
    this.#parts = parts;
    this.#order = order;
    // Two may get lost.
    this.#renewMs = Math.min(parts.timing.renewMs, (order.lease_s * 1000) / 3);
    this.#timer = setInterval(() => void this.#renew(), this.#renewMs);
  }

  /** Fires when the work has to end. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Undefined while the work goes on. */
  get ended(): LeaseEnd | undefined {
    return this.#ended;
  }

  /** Ends the work; the first reason counts. */
  end(why: LeaseEnd, detail: string): void {
    this.#ended ??= why;
    this.#abort.abort(new WeirError('cancelled', detail));
  }

  /** Tells the hub once; undefined when it does not answer. A verdict `stop` ends the work. */
  async tell(report: Report, timeoutMs = requestMs): Promise<ReplyOf<'job_report'> | undefined> {
    const head = { job_id: this.#order.job_id, worker_id: this.#parts.workerId, revision: this.#order.revision };
    const message = { ...head, ...report } as MessageInput<'job_report'>;
    try {
      const reply = await this.#parts.bus.request('job_report', { worker_id: this.#parts.workerId }, message, { timeoutMs });
      if (reply.verdict === 'stop') this.end('lost', `The job is no longer ours: ${reply.reason ?? 'its lease has ended'}`);
      return reply;
    } catch (error) {
      this.#parts.log.debug({ err: error, job_id: this.#order.job_id, kind: report.kind }, 'the hub did not take a report');
      return undefined;
    }
  }

  /** Tells the hub until it answers: it may be away for a while, and this is what nobody else knows. Throws when `signal` fires. */
  async tellSurely(report: Report, signal: AbortSignal): Promise<ReplyOf<'job_report'>> {
    for (;;) {
      signal.throwIfAborted();
      const reply = await this.tell(report);
      if (reply !== undefined) return reply;
      await delay(this.#parts.timing.askAgainMs, undefined, { signal });
    }
  }

  /** No more renewals. */
  close(): void {
    clearInterval(this.#timer);
  }

  async #renew(): Promise<void> {
    if (this.#isRenewing || this.signal.aborted) return;
    this.#isRenewing = true;
    await this.tell({ kind: 'renew' }, this.#renewMs);
    this.#isRenewing = false;
  }
}
