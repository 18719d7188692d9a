/** Pulling from a consumer with bounded credit, and with a word as soon as it does not work any more. */
import type { Msg, NatsConnection } from '@nats-io/nats-core';
import { connectionEvents } from './connection-events.js';
import { newInbox } from './inbox.js';
import { toNanos } from './jetstream-api.js';

/** A message with what JetStream knows of it. */
export interface PulledMessage {
  msg: Msg;
  /** Sequence in the journal. */
  sequence: number;
  /** 1 for the first delivery. */
  delivery: number;
  /** Counts the deliveries of the consumer; a jump means that one was lost. */
  consumerSequence: number;
  /** When the journal took it, milliseconds since 1970. */
  time: number;
  /** Messages that follow this one in the journal. */
  pending: number;
}

/** Why a pull ended: the connection or the server's heartbeats are lost; the consumer is gone; the server refuses the request. */
export type PullEnd = 'lost' | 'gone' | 'refused';

export interface PullSettings {
  journal: string;
  consumer: string;
  /** Messages on their way or not yet released, at most. */
  credit: number;
  /** Payload bytes per request; grown by itself when a single message is larger. */
  creditBytes: number;
  /** Credit that must be free before more is asked for while some is on its way; default half. */
  refillAt?: number;
  onMessage: (message: PulledMessage) => void;
  /** Called once; the pull is closed then. */
  onEnd: (reason: PullEnd) => void;
}

export interface Pull {
  /** Gives the credit of a message back. */
  release(message: PulledMessage): void;
  /** Ends without `onEnd`. */
  close(): void;
}

const expiresMs = 30_000;
const heartbeatMs = 500;
/** The server sends a heartbeat after so much silence; three missed ones mean that it does not know the request any more. */
const silenceMs = 3 * heartbeatMs;
const statusHeartbeat = 100;

/** Starts pulling at once. */
export function openPull(connection: NatsConnection, settings: PullSettings): Pull {
  const inbox = newInbox(connection);
  const subject = `$JS.API.CONSUMER.MSG.NEXT.${settings.journal}.${settings.consumer}`;
  const refillAt = settings.refillAt ?? Math.ceil(settings.credit / 2);
  let bytesPerRequest = settings.creditBytes;
  let underWay = 0;
  let held = 0;
  let heldBytes = 0;
  let heardAt = performance.now();
  let closed = false;

  const subscription = connection.subscribe(inbox, {
    callback: (error, msg) => {
      if (error !== null) end('refused');
      else take(msg);
    },
  });
  const lost = connectionEvents(connection).onDisconnect(() => end('lost'));
  const watchdog = setInterval(() => {
    if (underWay > 0 && performance.now() - heardAt > silenceMs) end('lost');
  }, heartbeatMs);

  function close(): void {
    if (closed) return;
    closed = true;
    clearInterval(watchdog);
    lost();
    if (!subscription.isClosed()) subscription.unsubscribe();
  }

  function end(reason: PullEnd): void {
    if (closed) return;
    close();
    settings.onEnd(reason);
  }

  function refill(): void {
    const free = settings.credit - underWay - held;
    if (closed || free <= 0 || (underWay > 0 && free < refillAt) || heldBytes > bytesPerRequest / 2) return;
    if (underWay === 0) heardAt = performance.now();
    underWay += free;
    const request = { batch: free, max_bytes: bytesPerRequest, expires: toNanos(expiresMs), idle_heartbeat: toNanos(heartbeatMs) };
    connection.publish(subject, JSON.stringify(request), { reply: inbox });
  }

  function take(msg: Msg): void {
    if (closed) return;
    heardAt = performance.now();
    const message = readDelivery(msg);
    if (message === undefined) {
      takeStatus(msg);
      return;
    }
    if (underWay > 0) underWay -= 1;
    held += 1;
    heldBytes += msg.data.length;
    settings.onMessage(message);
    refill();
  }

  function takeStatus(msg: Msg): void {
    const code = msg.headers?.code ?? 0;
    if (code === statusHeartbeat) return;
    const final = endOf(code, msg.headers?.description ?? '');
    if (final !== undefined) {
      end(final);
      return;
    }
    // A message larger than what was asked for, and nothing else is held back: ask for more.
    if (code === 409 && held === 0) bytesPerRequest *= 2;
    const unused = Number(msg.headers?.get('Nats-Pending-Messages') || 0);
    underWay = unused > 0 ? Math.max(0, underWay - unused) : 0;
    refill();
  }

  refill();
  return {
    release(message) {
      held -= 1;
      heldBytes -= message.msg.data.length;
      refill();
    },
    close,
  };
}

/** What a status means for the pull; undefined when the request has only run its course. */
function endOf(code: number, description: string): PullEnd | undefined {
  if (code === 503) return 'gone';
  if (code === 400 || code === 403) return 'refused';
  // Only the text tells a request that met its byte limit from a consumer that is gone.
  return code === 409 && !/max\s?bytes/i.test(description) ? 'gone' : undefined;
}

/** The facts that travel in the reply subject: `$JS.ACK.{stream}.{consumer}.{delivery}.{sequence}.{consumer sequence}.{time}.{pending}`, newer servers with two tokens before. */
function readDelivery(msg: Msg): PulledMessage | undefined {
  if (!msg.reply?.startsWith('$JS.ACK.')) return undefined;
  const tokens = msg.reply.split('.');
  const offset = tokens.length >= 11 ? 6 : 4;
  const at = (index: number) => Number(tokens[offset + index]);
  return { msg, delivery: at(0), sequence: at(1), consumerSequence: at(2), time: Math.floor(at(3) / 1e6), pending: at(4) };
}
