/** Work queue: each item is worked on by one worker at a time until it is done, with spaced retries. */
import type { NatsConnection } from '@nats-io/nats-core';
import { type ConsumerSettings, createConsumer, storeMessage, toNanos } from './jetstream-api.js';
import { ensureJournal, type JournalMessage, type JournalSpec } from './journal.js';
import { checkSize } from './outlet.js';
import { startConsuming } from './work-consumer.js';

export interface WorkQueueSpec extends Omit<JournalSpec, 'retention'> {
  /** Name of the durable consumer that all workers share. */
  durable: string;
  /** Tries per item before it is given up; default 5. */
  maxDeliver?: number;
  /** An item whose worker was silent for so long goes to another; default 30 000. */
  ackWaitMs?: number;
  /** Pause before the second, third, ... try; the last one repeats. Default 1, 5, 30 seconds. */
  retryDelaysMs?: number[];
  /** Items given out at the same time, over all workers; default 1000. */
  maxPending?: number;
}

export interface WorkItem extends JournalMessage {
  /** 1 for the first try; the only retry counter there is. */
  readonly delivery: number;
}

/** What becomes of an item: `done`, another try after the pause, or given up at once. A thrown error is `retry`, nothing is `done`. */
export type WorkOutcome = 'done' | 'retry' | 'give_up' | { retryInMs: number };

export interface ConsumeOptions {
  /** Items worked on at the same time; default 1. */
  concurrency?: number;
  signal?: AbortSignal;
  /** Told when an item failed; `final` when it will not be tried again. */
  onFailure?: (item: WorkItem, error: unknown, final: boolean) => void;
}

export interface WorkConsumer {
  readonly counters: Readonly<{ received: number; done: number; retried: number; given_up: number; active: number }>;
  readonly ready: Promise<void>;
  /** Takes nothing new, waits for what is being worked on (default up to 5000 ms), then aborts it and gives it back. */
  stop(drainMs?: number): Promise<void>;
}

export interface WorkQueue {
  /** Adds an item; the same id within the duplicate window is added once. Resolves when the server has stored it. */
  add(
    subject: string,
    payload: Uint8Array | string,
    options: { id: string; headers?: Record<string, string>; signal?: AbortSignal },
  ): Promise<{ sequence: number; duplicate: boolean }>;
  /** Works items off; progress is told to the server by itself while the worker runs. */
  consume(worker: (item: WorkItem, signal: AbortSignal) => Promise<WorkOutcome | undefined>, options?: ConsumeOptions): WorkConsumer;
}

/**
 * Declares the queue and its durable consumer, then hands out both ends. An item is worked on at least once: after a crash of
 * the broker the last ones may come again, so work must be safe to repeat.
 */
export async function workQueue(connection: NatsConnection, spec: WorkQueueSpec, signal?: AbortSignal): Promise<WorkQueue> {
  const ensure = async (until?: AbortSignal) => {
    await ensureJournal(connection, { ...spec, retention: 'work_queue' }, until);
    await createConsumer(connection, spec.name, consumerOf(spec), until);
  };
  await ensure(signal);
  return {
    async add(subject, payload, options) {
      const bytes = typeof payload === 'string' ? new TextEncoder().encode(payload) : payload;
      checkSize(connection, subject, bytes.length);
      const ack = await storeMessage(connection, subject, bytes, { ...options.headers, 'Nats-Msg-Id': options.id }, options.signal);
      return { sequence: ack.seq, duplicate: ack.duplicate === true };
    },
    consume: (worker, options = {}) => startConsuming({ connection, spec, ensure, worker, options }),
  };
}

function consumerOf(spec: WorkQueueSpec): ConsumerSettings {
  return {
    durable_name: spec.durable,
    ack_policy: 'explicit',
    deliver_policy: 'all',
    ack_wait: toNanos(spec.ackWaitMs ?? 30_000),
    max_deliver: spec.maxDeliver ?? 5,
    max_ack_pending: spec.maxPending ?? 1000,
  };
}
