/** A NATS that somebody else runs: absent supervision as a value. */
import { WeirError } from '../contracts/errors.js';
import type { BusServer } from './state.js';

/** Stands for the NATS at `url` (comma-separated when several). Its state is always `external`: whether it answers is known by the connection. */
export function externalBroker(url: string, websocket?: { host: string; port: number }): BusServer {
  const unsupported = (what: string) => new WeirError('unsupported', `${what} of an external NATS is not managed by Weir`, { hint: 'See nats.url' });
  return {
    kind: 'external',
    url,
    state: { kind: 'external' },
    onState: () => () => undefined,
    restarts: 0,
    websocket,
    setUsers: () => Promise.reject(unsupported('The user list')),
    figures: () => Promise.reject(unsupported('The monitoring')),
    stop: () => Promise.resolve(),
    detach: () => undefined,
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
