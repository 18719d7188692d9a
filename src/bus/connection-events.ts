/** One reading of a connection's status, shared by everything that lives on the connection. */
import type { NatsConnection, Status } from '@nats-io/nats-core';
import { WeirError } from '../contracts/index.js';

type Listener = () => void;
type ErrorListener = (error: Error) => void;

export interface ConnectionEvents {
  /** False between a loss and the reconnect. */
  readonly connected: boolean;
  onReconnect(listener: Listener): () => void;
  onDisconnect(listener: Listener): () => void;
  /** Errors the server sent that belong to no request: refused publishes and subscriptions. */
  onError(listener: ErrorListener): () => void;
  /** Called once when the connection is closed for good. */
  onClose(listener: Listener): () => void;
  /** Resolves when connected; throws `unavailable` when closed for good, `cancelled` when the signal fires. */
  untilConnected(signal?: AbortSignal): Promise<void>;
}

const known = new WeakMap<NatsConnection, ConnectionEvents>();

/** Events of this connection; the same object for each call. */
export function connectionEvents(connection: NatsConnection): ConnectionEvents {
  const present = known.get(connection);
  if (present !== undefined) return present;
  const made = watch(connection);
  known.set(connection, made);
  return made;
}

function watch(connection: NatsConnection): ConnectionEvents {
  let connected = !connection.isClosed();
  const sets = { reconnect: new Set<Listener>(), disconnect: new Set<Listener>(), close: new Set<Listener>() };
  const errors = new Set<ErrorListener>();
  const on = <T>(set: Set<T>, listener: T) => {
    set.add(listener);
    return () => {
      set.delete(listener);
    };
  };
  const take = (status: Status) => {
    if (status.type === 'error') for (const listener of [...errors]) listener(status.error);
    if (status.type === 'disconnect' && connected) {
      connected = false;
      for (const listener of [...sets.disconnect]) listener();
    }
    if (status.type === 'reconnect') {
      connected = true;
      for (const listener of [...sets.reconnect]) listener();
    }
  };
  void (async () => {
    for await (const status of connection.status()) take(status);
    connected = false;
    for (const listener of [...sets.close]) listener();
    for (const set of Object.values(sets)) set.clear();
    errors.clear();
  })();
  return {
    get connected() {
      return connected;
    },
    onReconnect: (listener) => on(sets.reconnect, listener),
    onDisconnect: (listener) => on(sets.disconnect, listener),
    onError: (listener) => on(errors, listener),
    onClose: (listener) => on(sets.close, listener),
    untilConnected(signal) {
      if (connected) return Promise.resolve();
      if (connection.isClosed()) return Promise.reject(new WeirError('unavailable', 'The connection to the bus is closed'));
      return new Promise((resolve, reject) => {
        const abort = () => done(() => reject(new WeirError('cancelled', 'Stopped while waiting for the bus')));
        const undo = [
          on(sets.reconnect, () => done(resolve)),
          on(sets.close, () => done(() => reject(new WeirError('unavailable', 'The connection to the bus is closed')))),
        ];
        const done = (end: () => void) => {
          for (const one of undo) one();
          signal?.removeEventListener('abort', abort);
          end();
        };
        if (signal?.aborted) abort();
        else signal?.addEventListener('abort', abort, { once: true });
      });
    },
  };
}
