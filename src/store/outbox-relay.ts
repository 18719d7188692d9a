/** Carries events from the outbox to the bus. */
import { setTimeout as delay } from 'node:timers/promises';
import { type ChannelName, type ErrorCode, type MessageInput, type ParamsOf, WeirError } from '../contracts/index.js';
import type { Store } from './open-store.js';
import type { OutboxDepth, OutboxRow, Repositories } from './repositories.js';

/** Resolves when the bus has acknowledged. `eventId` goes along as message id: an event may be sent twice. */
export type PublishEvent = (eventId: string, name: ChannelName, params: ParamsOf<ChannelName>, message: MessageInput<ChannelName>) => Promise<void>;

/** One failed attempt; `dead` when the bus will never take the event and it was set aside. */
export interface OutboxFailure {
  readonly eventId: string;
  readonly attempts: number;
  readonly error: unknown;
  readonly dead: boolean;
}

export interface OutboxRelayOptions {
  readonly store: Pick<Store, 'outbox' | 'onOutbox' | 'exclusive'>;
  readonly publish: PublishEvent;
  /** Told of each failed attempt, and (without an event) of a database that does not answer. */
  readonly onFailure?: ((failure: OutboxFailure | { readonly eventId: undefined; readonly error: unknown }) => void) | undefined;
  /** Events read at a time; default 64. */
  readonly batchSize?: number | undefined;
  /** Looks after what another hub left behind; default every 5000 ms. */
  readonly pollMs?: number | undefined;
  /** Pause after a failure: doubles from `minMs` (default 100) to `maxMs` (default 5000). */
  readonly backoff?: { readonly minMs: number; readonly maxMs: number } | undefined;
  /** A publish that takes longer has failed; default 10,000 ms. */
  readonly publishTimeoutMs?: number | undefined;
  /** Events sent or set aside are forgotten after so many ms; default one hour. */
  readonly keepMs?: number | undefined;
}

export interface OutboxRelay {
  readonly counters: { readonly published: number; readonly failures: number; readonly dead: number };
  depth(): Promise<OutboxDepth>;
  /** Resolves when nothing waits any more; rejects when `signal` aborts first. */
  drained(signal: AbortSignal): Promise<void>;
  /** Ends after the publish under way. */
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** A batch ends after so long: on PostgreSQL its marks commit with it, and a transaction must not stay open for ever. */
const maxBatchMs = 10_000;

/** Somebody else sends at the moment. */
const busyMs = 100;

/** Codes that another attempt would meet again. */
const hopeless: readonly ErrorCode[] = ['invalid_argument', 'payload_too_large', 'unsupported'];

/** Publishes in the order of the outbox, each event at least once, as soon as its transaction commits. */
export function startOutboxRelay(options: OutboxRelayOptions): OutboxRelay {
  const relay = new Relay(options);
  return relay;
}

class Relay implements OutboxRelay {
  readonly counters = { published: 0, failures: 0, dead: 0 };
  readonly #options: OutboxRelayOptions;
  readonly #ending = new AbortController();
  readonly #unsubscribe: () => void;
  readonly #loop: Promise<void>;
  readonly #emptyListeners = new Set<() => void>();
  #wake = new AbortController();
  #nextPruneAt = 0;

  constructor(options: OutboxRelayOptions) {
    this.#options = options;
    this.#unsubscribe = options.store.onOutbox(() => this.#wake.abort());
    this.#loop = this.#run();
  }

  depth(): Promise<OutboxDepth> {
    return this.#options.store.outbox.depth();
  }

  async drained(signal: AbortSignal): Promise<void> {
    for (;;) {
      signal.throwIfAborted();
      const emptied = new Promise<void>((resolve, reject) => {
        const done = () => {
          this.#emptyListeners.delete(done);
          signal.removeEventListener('abort', aborted);
          resolve();
        };
        const aborted = () => {
          this.#emptyListeners.delete(done);
          reject(signal.reason);
        };
        this.#emptyListeners.add(done);
        signal.addEventListener('abort', aborted, { once: true });
      });
      // Listens before it looks, so that no emptying is missed in between.
      emptied.catch(() => undefined);
      if ((await this.depth()).waiting === 0) {
        for (const listener of this.#emptyListeners) listener();
        return;
      }
      this.#wake.abort();
      await emptied;
    }
  }

  async stop(): Promise<void> {
    this.#unsubscribe();
    this.#ending.abort();
    await this.#loop;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #run(): Promise<void> {
    const { minMs, maxMs } = this.#options.backoff ?? { minMs: 100, maxMs: 5000 };
    const pollMs = this.#options.pollMs ?? 5000;
    let pauseMs = 0;
    while (!this.#ending.signal.aborted) {
      const wake = new AbortController();
      this.#wake = wake;
      const outcome = await this.#round();
      if (outcome === 'more') {
        pauseMs = 0;
        continue;
      }
      pauseMs = outcome === 'failed' ? Math.min(maxMs, Math.max(minMs, pauseMs * 2)) : 0;
      // After a failure new commits do not shorten the pause: the bus is what is missing.
      const until = outcome === 'failed' ? this.#ending.signal : AbortSignal.any([this.#ending.signal, wake.signal]);
      // Another hub that sends may have looked before our last commit.
      const waitMs = outcome === 'failed' ? pauseMs : outcome === 'busy' ? Math.min(pollMs, busyMs) : pollMs;
      await delay(waitMs, undefined, { signal: until }).catch(() => undefined);
    }
  }

  /** Sends one batch. */
  async #round(): Promise<'more' | 'empty' | 'busy' | 'failed'> {
    let outcome: 'more' | 'empty' | 'failed' = 'empty';
    try {
      const ran = await this.#options.store.exclusive('outbox', async (repositories) => {
        outcome = await this.#sendBatch(repositories);
      });
      if (!ran) return 'busy';
      if (outcome === 'empty') for (const listener of this.#emptyListeners) listener();
      return outcome;
    } catch (error) {
      this.counters.failures++;
      this.#options.onFailure?.({ eventId: undefined, error });
      return 'failed';
    }
  }

  async #sendBatch(repositories: Repositories): Promise<'more' | 'empty' | 'failed'> {
    const batchSize = this.#options.batchSize ?? 64;
    const rows = await repositories.outbox.next(batchSize);
    const sent: number[] = [];
    let failed: { row: OutboxRow; error: unknown } | undefined;
    const end = performance.now() + maxBatchMs;
    for (const row of rows) {
      if (this.#ending.signal.aborted || performance.now() > end) break;
      try {
        await this.#publish(row);
        sent.push(row.outbox_id);
      } catch (error) {
        failed = { row, error };
        break;
      }
    }
    await repositories.outbox.markSent(sent);
    this.counters.published += sent.length;
    if (failed !== undefined) return await this.#setBack(repositories, failed.row, failed.error);
    await this.#prune(repositories);
    return rows.length === batchSize || sent.length < rows.length ? 'more' : 'empty';
  }

  async #publish(row: OutboxRow): Promise<void> {
    const timeoutMs = this.#options.publishTimeoutMs ?? 10_000;
    const answered = new AbortController();
    const late = delay(timeoutMs, undefined, { signal: answered.signal }).then(() => {
      throw new WeirError('deadline_exceeded', `The bus did not acknowledge within ${timeoutMs} ms`);
    });
    late.catch(() => undefined);
    try {
      await Promise.race([this.#options.publish(row.event_id, row.name, row.params, row.message), late]);
    } finally {
      answered.abort();
    }
  }

  async #setBack(repositories: Repositories, row: OutboxRow, error: unknown): Promise<'more' | 'failed'> {
    const known = WeirError.from(error);
    const dead = hopeless.includes(known.code);
    await repositories.outbox.markFailed(row.outbox_id, `${known.code}: ${known.message}`, dead);
    this.counters.failures++;
    if (dead) this.counters.dead++;
    this.#options.onFailure?.({ eventId: row.event_id, attempts: row.attempts + 1, error, dead });
    return dead ? 'more' : 'failed';
  }

  async #prune(repositories: Repositories): Promise<void> {
    const now = Date.now();
    if (now < this.#nextPruneAt) return;
    this.#nextPruneAt = now + 60_000;
    await repositories.outbox.prune(new Date(now - (this.#options.keepMs ?? 3_600_000)).toISOString());
  }
}
