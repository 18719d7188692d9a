/** Taking items one at a time from a queue that somebody else made; needs no right to make anything. */
import type { NatsConnection } from '@nats-io/nats-core';
import { WeirError } from '../contracts/index.js';
import { connectionEvents } from './connection-events.js';
import { consumerInfo, storeMessage, toNanos } from './jetstream-api.js';
import type { JournalMessage } from './journal.js';
import { PulledJournalMessage } from './journal-message.js';
import { checkSize } from './outlet.js';
import { openPull, type PulledMessage } from './pull.js';
import { requestRaw } from './request.js';
import { pause } from './waiting.js';

/** An item in the hands of this worker. Whatever is not answered within the ack wait of the queue goes to another. */
export interface TakenWork extends JournalMessage {
  /** 1 for the first time it is given out. */
  readonly delivery: number;
  /** Keeps it for another ack wait. Call it only while the work really goes on. */
  working(): void;
  /** Done: it does not come again. Resolves to false when the server did not confirm; it may come again then. */
  done(): Promise<boolean>;
  /** Gives it back, to be given out again after the pause (at least 1 ms). */
  giveBack(delayMs: number): Promise<boolean>;
}

export interface WorkTaker {
  /**
   * Waits for the next item, through losses of the connection and of the consumer. Throws `cancelled` when the signal fires (nothing is
   * taken then), `unavailable` when the connection is closed for good.
   */
  next(signal: AbortSignal): Promise<TakenWork>;
}

const retryMs = 250;
const ackTimeoutMs = 2000;
const encoder = new TextEncoder();
const acks = { done: encoder.encode('+ACK'), progress: encoder.encode('+WPI') };

/** Takes from this durable consumer, which must exist before anything comes. Several calls of `next` may wait at the same time. */
export function takeWork(connection: NatsConnection, place: { journal: string; durable: string }): WorkTaker {
  return {
    async next(signal) {
      for (;;) {
        if (signal.aborted) throw new WeirError('cancelled', 'Stopped while waiting for work');
        await connectionEvents(connection).untilConnected(signal);
        const pulled = await pullOne(connection, place, signal);
        if (pulled !== undefined) return new PulledWork(connection, pulled);
        await pause(retryMs, signal);
      }
    },
  };
}

/** Adds an item to a queue that somebody else made; the same id within its duplicate window is added once. Resolves when it is stored. */
export async function addWork(
  connection: NatsConnection,
  subject: string,
  payload: Uint8Array | string,
  options: { id: string; headers?: Record<string, string>; signal?: AbortSignal },
): Promise<{ sequence: number; duplicate: boolean }> {
  const bytes = typeof payload === 'string' ? encoder.encode(payload) : payload;
  checkSize(connection, subject, bytes.length);
  const ack = await storeMessage(connection, subject, bytes, { ...options.headers, 'Nats-Msg-Id': options.id }, options.signal);
  return { sequence: ack.seq, duplicate: ack.duplicate === true };
}

/** How many takers wait for an item now, over all connections. One that went away without a word is counted for a little longer. */
export async function countWaitingTakers(
  connection: NatsConnection,
  place: { journal: string; durable: string },
  signal?: AbortSignal,
): Promise<number> {
  return (await consumerInfo(connection, place.journal, place.durable, signal)).num_waiting;
}

class PulledWork extends PulledJournalMessage implements TakenWork {
  readonly #connection: NatsConnection;

  constructor(connection: NatsConnection, pulled: PulledMessage) {
    super(pulled);
    this.#connection = connection;
  }

  get delivery(): number {
    return this.pulled.delivery;
  }

  working(): void {
    if (!this.#connection.isClosed()) this.#connection.publish(this.pulled.msg.reply ?? '', acks.progress);
  }

  done(): Promise<boolean> {
    return this.#settle(acks.done);
  }

  giveBack(delayMs: number): Promise<boolean> {
    return this.#settle(encoder.encode(`-NAK {"delay":${toNanos(Math.max(1, Math.round(delayMs)))}}`));
  }

  async #settle(answer: Uint8Array): Promise<boolean> {
    for (let attempt = 0; attempt < 3; attempt += 1) {
      const confirmed = await requestRaw(this.#connection, this.pulled.msg.reply ?? '', answer, { timeoutMs: ackTimeoutMs }).then(
        () => true,
        () => false,
      );
      if (confirmed) return true;
    }
    return false;
  }
}

/** One item, or undefined when the pull broke. */
function pullOne(connection: NatsConnection, place: { journal: string; durable: string }, signal: AbortSignal): Promise<PulledMessage | undefined> {
  return new Promise((resolve) => {
    let taken: PulledMessage | undefined;
    const end = () => {
      signal.removeEventListener('abort', end);
      pull.close();
      resolve(taken);
    };
    const pull = openPull(connection, {
      journal: place.journal,
      consumer: place.durable,
      credit: 1,
      creditBytes: 32 * 1024 ** 2,
      refillAt: 1,
      onMessage(message) {
        taken = message;
        end();
      },
      onEnd: end,
    });
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
  });
}
