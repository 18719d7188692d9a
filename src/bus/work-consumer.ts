/** Working off a queue: a place in the durable consumer, re-made when it is lost, and the fate of each item told to the server. */
import type { NatsConnection } from '@nats-io/nats-core';
import { WeirError } from '../contracts/index.js';
import { connectionEvents } from './connection-events.js';
import { toNanos } from './jetstream-api.js';
import { PulledJournalMessage } from './journal-message.js';
import { openPull, type Pull, type PulledMessage } from './pull.js';
import { requestRaw } from './request.js';
import { pause } from './waiting.js';
import type { ConsumeOptions, WorkConsumer, WorkItem, WorkOutcome, WorkQueueSpec } from './work-queue.js';

export interface Consuming {
  connection: NatsConnection;
  spec: WorkQueueSpec;
  /** Makes queue and consumer again after a loss. */
  ensure: (signal: AbortSignal) => Promise<void>;
  worker: (item: WorkItem, signal: AbortSignal) => Promise<WorkOutcome | undefined>;
  options: ConsumeOptions;
}

const retryMs = 250;
const ackTimeoutMs = 2000;
const defaultRetryDelaysMs = [1000, 5000, 30_000];
const encoder = new TextEncoder();
const acks = { done: encoder.encode('+ACK'), progress: encoder.encode('+WPI'), giveUp: encoder.encode('+TERM') };

class PulledWorkItem extends PulledJournalMessage implements WorkItem {
  get delivery(): number {
    return this.pulled.delivery;
  }
}

/** Begins to take items; see `WorkQueue.consume`. */
export function startConsuming({ connection, spec, ensure, worker, options }: Consuming): WorkConsumer {
  const intake = new AbortController();
  const work = new AbortController();
  const counters = { received: 0, done: 0, retried: 0, given_up: 0, active: 0 };
  const maxDeliver = spec.maxDeliver ?? 5;
  const delays = spec.retryDelaysMs ?? defaultRetryDelaysMs;
  const stopBySignal = () => intake.abort();
  options.signal?.addEventListener('abort', stopBySignal, { once: true });
  if (options.signal?.aborted) intake.abort();
  let idle: (() => void) | undefined;
  let opened: () => void = () => undefined;
  let failed: (error: unknown) => void = () => undefined;
  const ready = new Promise<void>((resolve, reject) => {
    opened = resolve;
    failed = reject;
  });
  ready.catch(() => undefined);

  /** An acknowledgement that the server confirms; one that is lost lets the item come again, which is safe. */
  async function settle(message: PulledMessage, answer: Uint8Array): Promise<void> {
    const reply = message.msg.reply ?? '';
    for (let attempt = 0; attempt < 3; attempt += 1) {
      const confirmed = await requestRaw(connection, reply, answer, { timeoutMs: ackTimeoutMs }).then(
        () => true,
        () => false,
      );
      if (confirmed) return;
    }
  }

  async function runWorker(item: PulledWorkItem): Promise<{ outcome: WorkOutcome; error?: unknown }> {
    const progress = setInterval(() => connection.publish(item.pulled.msg.reply ?? '', acks.progress), (spec.ackWaitMs ?? 30_000) / 3);
    try {
      return { outcome: (await worker(item, work.signal)) ?? 'done' };
    } catch (error) {
      return { outcome: 'retry', error };
    } finally {
      clearInterval(progress);
    }
  }

  async function workOff(message: PulledMessage, pull: Pull): Promise<void> {
    counters.received += 1;
    counters.active += 1;
    const item = new PulledWorkItem(message);
    const { outcome, error } = await runWorker(item);
    if (outcome === 'done') {
      await settle(message, acks.done);
      counters.done += 1;
    } else if (outcome === 'give_up' || item.delivery >= maxDeliver) {
      options.onFailure?.(item, error ?? new WeirError('failed_precondition', 'The worker gave the item up'), true);
      await settle(message, acks.giveUp);
      counters.given_up += 1;
    } else {
      const waitMs = typeof outcome === 'object' ? outcome.retryInMs : (delays[Math.min(item.delivery, delays.length) - 1] ?? 1000);
      options.onFailure?.(item, error ?? new WeirError('unavailable', 'The worker asked for another try'), false);
      // A stopped worker hands its item on at once.
      await settle(message, encoder.encode(`-NAK {"delay":${toNanos(work.signal.aborted ? 1 : waitMs)}}`));
      counters.retried += 1;
    }
    counters.active -= 1;
    pull.release(message);
    if (counters.active === 0) idle?.();
  }

  function pullOnce(): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        intake.signal.removeEventListener('abort', end);
        pull.close();
        resolve();
      };
      const pull = openPull(connection, {
        journal: spec.name,
        consumer: spec.durable,
        credit: options.concurrency ?? 1,
        creditBytes: 32 * 1024 ** 2,
        refillAt: 1,
        onMessage: (message) => void workOff(message, pull),
        onEnd: end,
      });
      opened();
      intake.signal.addEventListener('abort', end, { once: true });
    });
  }

  async function run(): Promise<void> {
    for (let first = true; !intake.signal.aborted; first = false) {
      try {
        await connectionEvents(connection).untilConnected(intake.signal);
        if (!first) await ensure(intake.signal);
        await pullOnce();
      } catch (error) {
        if (connection.isClosed()) throw error;
        await pause(retryMs, intake.signal);
      }
    }
  }
  run().catch(failed);

  return {
    counters,
    ready,
    async stop(drainMs = 5000) {
      intake.abort();
      options.signal?.removeEventListener('abort', stopBySignal);
      if (counters.active > 0) await untilIdle(drainMs);
      work.abort(new WeirError('cancelled', 'The worker stops'));
      if (counters.active > 0) await untilIdle(ackTimeoutMs);
    },
  };

  function untilIdle(atMostMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, atMostMs);
      idle = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
