/** Publishing with an end: what the server has not taken yet is bounded. */
import type { MsgHdrs, NatsConnection } from '@nats-io/nats-core';
import { WeirError } from '../contracts/index.js';
import { connectionEvents } from './connection-events.js';
import { fromNatsError } from './nats-error.js';

export interface OutletCounters {
  published: number;
  /** Not sent: the connection was away, or the server stood still and the limit was met. */
  dropped: number;
}

export interface Outlet {
  readonly counters: Readonly<OutletCounters>;
  publish(subject: string, payload: Uint8Array, headers: MsgHdrs | undefined): void;
}

const pingEveryBytes = 1024 ** 2;

/**
 * The client library buffers without end towards a server that stands still. Here, each mebibyte is followed by a ping, and
 * beyond `limitBytes` without its answer, messages are dropped and counted.
 */
export function createOutlet(connection: NatsConnection, limitBytes: number): Outlet {
  const counters: OutletCounters = { published: 0, dropped: 0 };
  const events = connectionEvents(connection);
  let unconfirmed = 0;
  let sincePing = 0;
  let generation = 0;
  events.onReconnect(() => {
    generation += 1;
    unconfirmed = 0;
    sincePing = 0;
  });

  function ping(): void {
    const [bytes, sentIn] = [sincePing, generation];
    sincePing = 0;
    connection.flush().then(
      () => {
        if (sentIn === generation) unconfirmed -= bytes;
      },
      // The connection was lost; the reconnect starts the count anew.
      () => undefined,
    );
  }

  return {
    counters,
    publish(subject, payload, headers) {
      if (!events.connected || unconfirmed > limitBytes) {
        if (connection.isClosed()) throw new WeirError('unavailable', 'The connection to the bus is closed');
        counters.dropped += 1;
        return;
      }
      checkSize(connection, subject, payload.length);
      try {
        if (headers === undefined) connection.publish(subject, payload);
        else connection.publish(subject, payload, { headers });
      } catch (error) {
        throw fromNatsError(error, subject);
      }
      counters.published += 1;
      unconfirmed += payload.length;
      sincePing += payload.length;
      if (sincePing >= pingEveryBytes) ping();
    },
  };
}

/** Throws `payload_too_large` with both sizes, before anything is sent. */
export function checkSize(connection: NatsConnection, subject: string, size: number): void {
  const allowed = connection.info?.max_payload;
  if (allowed === undefined || size <= allowed) return;
  throw new WeirError('payload_too_large', `A message of ${size} bytes does not fit on ${subject}: the bus takes ${allowed}`, {
    hint: 'raise nats.max_payload_bytes, or send less',
  });
}
