/** Reading a journal on and on, through every kind of interruption. */
import { type NatsConnection, nuid } from '@nats-io/nats-core';
import { WeirError } from '../contracts/index.js';
import { connectionEvents } from './connection-events.js';
import { type ConsumerSettings, createConsumer, deleteConsumer, streamInfo, toNanos } from './jetstream-api.js';
import type { FollowJournalOptions, JournalFollower, JournalMessage } from './journal.js';
import { PulledJournalMessage } from './journal-message.js';
import { openPull, type Pull, type PulledMessage } from './pull.js';
import { pause } from './waiting.js';

const retryMs = 250;
const creditBytes = 8 * 1024 ** 2;

/**
 * Reads on and on, each message once and in order; recovers by itself from a broker restart, a lost consumer and a re-made
 * journal. A message whose receiver throws ends the reading: `closed` rejects.
 */
export function followJournal(
  connection: NatsConnection,
  name: string,
  receiver: (message: JournalMessage) => void | Promise<void>,
  options: FollowJournalOptions = {},
): JournalFollower {
  const abort = new AbortController();
  const stopBySignal = () => abort.abort();
  options.signal?.addEventListener('abort', stopBySignal, { once: true });
  if (options.signal?.aborted) abort.abort();
  const counters = { received: 0, restarts: 0 };
  const waiting: { message: PulledMessage; pull: Pull }[] = [];
  let wake: (() => void) | undefined;
  /** Sequence of the last message taken from the server; reading goes on behind it. */
  let taken = typeof options.from === 'number' ? options.from : -1;
  let finished = Math.max(0, taken);
  let journalId: string | undefined;
  let untilCurrent = 0;
  const ready = newSignal();

  /** Where to read on, seen from what is known of the journal. */
  function startOf(reset: boolean): Pick<ConsumerSettings, 'deliver_policy' | 'opt_start_seq'> {
    const anew = reset || taken < 0;
    if (anew && options.from === 'last_per_subject') return { deliver_policy: 'last_per_subject' };
    if (anew && (reset || options.from === 'first')) return { deliver_policy: 'all' };
    return { deliver_policy: 'by_start_sequence', opt_start_seq: taken + 1 };
  }

  async function openPlace(): Promise<string> {
    const info = await streamInfo(connection, name, abort.signal);
    const reset = journalId !== undefined && journalId !== info.created;
    journalId = info.created;
    if (reset) {
      taken = -1;
      options.onState?.('reset');
    } else if (taken < 0 && (options.from ?? 'new') === 'new') {
      taken = info.state.last_seq;
    }
    const subject = options.subject ?? (options.from === 'last_per_subject' ? info.config.subjects[0] : undefined);
    const settings: ConsumerSettings = {
      name: `follow-${nuid.next()}`,
      ack_policy: 'none',
      ...startOf(reset),
      inactive_threshold: toNanos(30_000),
      mem_storage: true,
      num_replicas: 1,
      ...(subject === undefined ? {} : { filter_subject: subject }),
    };
    const place = await createConsumer(connection, name, settings, abort.signal);
    untilCurrent = place.num_pending;
    return place.name;
  }

  /** Reads from one consumer until it does not work any more. */
  function readFrom(place: string): Promise<void> {
    return new Promise((resolve) => {
      let expected = 1;
      const end = () => {
        abort.signal.removeEventListener('abort', end);
        pull.close();
        resolve();
      };
      const pull = openPull(connection, {
        journal: name,
        consumer: place,
        credit: options.credit ?? 256,
        creditBytes,
        onMessage(message) {
          if (message.consumerSequence !== expected) {
            end();
            return;
          }
          expected += 1;
          taken = message.sequence;
          counters.received += 1;
          waiting.push({ message, pull });
          wake?.();
        },
        onEnd: end,
      });
      abort.signal.addEventListener('abort', end, { once: true });
    });
  }

  /** One life of a place, from making it to its loss; false when it could not be made. */
  async function readOnce(): Promise<boolean> {
    let place: string;
    try {
      await connectionEvents(connection).untilConnected(abort.signal);
      place = await openPlace();
    } catch (error) {
      if (isFinal(error) || connection.isClosed()) throw error;
      return false;
    }
    options.onState?.('flowing');
    ready.resolve();
    if (untilCurrent === 0) options.onCurrent?.();
    await readFrom(place);
    // The server would drop it by itself, only later; a lost one is not worth a word.
    void deleteConsumer(connection, name, place).catch(() => undefined);
    return true;
  }

  async function read(): Promise<void> {
    while (!abort.signal.aborted) {
      options.onState?.('waiting');
      const opened = await readOnce();
      counters.restarts += 1;
      if (!opened) await pause(retryMs, abort.signal);
    }
  }

  async function deliver(): Promise<void> {
    while (!abort.signal.aborted) {
      const next = waiting.shift();
      if (next === undefined) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        continue;
      }
      const running = receiver(new PulledJournalMessage(next.message));
      if (running instanceof Promise) await running;
      finished = next.message.sequence;
      next.pull.release(next.message);
      untilCurrent -= 1;
      if (untilCurrent === 0) options.onCurrent?.();
    }
  }

  abort.signal.addEventListener('abort', () => wake?.(), { once: true });
  const closed = (async () => {
    try {
      await Promise.race([read(), deliver()]);
    } finally {
      abort.abort();
      waiting.length = 0;
      options.signal?.removeEventListener('abort', stopBySignal);
      ready.reject(new WeirError('cancelled', `Following ${name} has ended`));
    }
  })();
  closed.catch(() => undefined);

  return {
    get last() {
      return finished;
    },
    counters,
    ready: ready.promise,
    closed,
    async stop() {
      abort.abort();
      await closed.catch(() => undefined);
    },
  };
}

/** Waiting does not help: the login is not allowed to read here, or the connection is closed for good. */
function isFinal(error: unknown): boolean {
  return error instanceof WeirError && (error.code === 'permission_denied' || error.code === 'unauthenticated' || error.code === 'invalid_argument');
}

function newSignal(): { promise: Promise<void>; resolve: () => void; reject: (error: WeirError) => void } {
  let resolve = () => {};
  let reject: (error: WeirError) => void = () => undefined;
  const promise = new Promise<void>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  promise.catch(() => undefined);
  return { promise, resolve, reject };
}
