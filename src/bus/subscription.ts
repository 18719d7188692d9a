/** Receiving side: check, then hand on one by one, with a bounded queue before a slow receiver. */
import type { Msg, NatsConnection } from '@nats-io/nats-core';
import { type ChannelName, type MessageOf, type Roots, WeirError } from '../contracts/index.js';
import { createBoundedQueue } from './bounded-queue.js';
import type { BusSubscription, Receiver, SubscribeSettings, SubscriptionCounters } from './bus.js';
import { decodeMessage, LazyMeta } from './codec.js';
import { fromNatsError } from './nats-error.js';

export interface SubscriptionContext {
  connection: NatsConnection;
  roots: Roots;
  report: (error: WeirError, subject: string) => void;
}

interface Waiting<N extends ChannelName> {
  message: MessageOf<N>;
  meta: LazyMeta<N>;
}

const reportEveryMs = 1000;

/** Subscribes a channel; see `Bus.subscribe`. */
export function openSubscription<N extends ChannelName>(
  context: SubscriptionContext,
  name: N,
  subject: string,
  receiver: Receiver<N>,
  settings: SubscribeSettings,
): BusSubscription {
  const counters: SubscriptionCounters = { received: 0, delivered: 0, dropped: 0, merged: 0, invalid: 0, queued: 0 };
  const queue = createBoundedQueue<Waiting<N>>({
    items: settings.limit ?? 1024,
    bytes: settings.limitBytes ?? 16 * 1024 ** 2,
    policy: settings.policy ?? 'drop_oldest',
  });
  let busy = false;
  let stopped = false;
  let reportedAt = Number.NEGATIVE_INFINITY;

  function reject(error: WeirError, at: string): void {
    counters.invalid += 1;
    settings.onInvalid?.(error, at);
    const now = performance.now();
    if (now - reportedAt < reportEveryMs) return;
    reportedAt = now;
    context.report(new WeirError(error.code, `Invalid message on ${at} (${counters.invalid} so far): ${error.message}`, { cause: error }), at);
  }

  /** Runs the receiver; true when it went on asynchronously. */
  function run(message: MessageOf<N>, meta: LazyMeta<N>): boolean {
    counters.delivered += 1;
    try {
      const running = receiver(message, meta);
      if (!(running instanceof Promise)) return false;
      busy = true;
      running.then(drain, (error: unknown) => {
        context.report(WeirError.from(error), meta.subject);
        drain();
      });
      return true;
    } catch (error) {
      context.report(WeirError.from(error), meta.subject);
      return false;
    }
  }

  function drain(): void {
    busy = false;
    while (!stopped) {
      const next = queue.shift();
      counters.queued = queue.size;
      if (next === undefined || run(next.message, next.meta)) return;
    }
  }

  function take(msg: Msg): void {
    counters.received += 1;
    const decoded = decodeMessage(name, msg);
    if (!decoded.ok) {
      reject(decoded.error, msg.subject);
      return;
    }
    const meta = new LazyMeta(name, msg, context.roots);
    if (!busy) {
      run(decoded.message, meta);
      return;
    }
    meta.detach();
    const outcome = queue.push({ message: decoded.message, meta }, msg.data.length, msg.subject);
    if (outcome.merged) counters.merged += 1;
    counters.dropped += outcome.dropped;
    counters.queued = queue.size;
  }

  const { stop, ready } = subscribeRaw(context, subject, settings, take, () => {
    stopped = true;
    queue.clear();
    counters.queued = 0;
  });
  return { subject, counters, ready, stop };
}

/** A core subscription with a promise for the server's consent and an end by signal. */
export function subscribeRaw(
  context: SubscriptionContext,
  subject: string,
  settings: { queue?: string; signal?: AbortSignal },
  take: (msg: Msg) => void,
  onStop: () => void,
): { stop: () => void; ready: Promise<void> } {
  let refuse: (error: WeirError) => void = () => undefined;
  const refused = new Promise<never>((_resolve, reject) => {
    refuse = reject;
  });
  const subscription = guard(subject, () =>
    context.connection.subscribe(subject, {
      ...(settings.queue === undefined ? {} : { queue: settings.queue }),
      callback: (error, msg) => {
        if (error === null) {
          take(msg);
          return;
        }
        const failure = fromNatsError(error, subject);
        refuse(failure);
        context.report(failure, subject);
      },
    }),
  );
  const ready = Promise.race([context.connection.flush().catch((error: unknown) => Promise.reject(fromNatsError(error, subject))), refused]);
  // Nobody has to await it: a refusal is reported as well.
  ready.catch(() => undefined);
  refused.catch(() => undefined);
  const stop = () => {
    settings.signal?.removeEventListener('abort', stop);
    if (!subscription.isClosed()) subscription.unsubscribe();
    onStop();
  };
  if (settings.signal?.aborted) stop();
  else settings.signal?.addEventListener('abort', stop, { once: true });
  return { stop, ready };
}

function guard<T>(subject: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw fromNatsError(error, subject);
  }
}
