/**
 * The hub's own event bus: what happens inside the process, told to whoever listens in the process.
 *
 * Bridge to NATS: `bridgeToBus` is the only place that forwards these events, each to one subject, once:
 *   status -> stream.{id}.status (only states the hub itself speaks, for a spoke that cannot)
 *   log    -> stream.{id}.log        alert -> alert.error | alert.warning        health -> system.health
 * Changes of definitions do not pass here: they leave through the outbox in the transaction that makes them.
 * What comes from NATS is never forwarded back: forwarded messages carry `originHeader`, by which the hub knows its own.
 */
import type { Bus } from '../../bus/index.js';
import type { AlertMessage, StreamLog, StreamStatus, SystemHealth } from '../../contracts/index.js';

export interface LocalEvents {
  /** A state the hub speaks for a stream whose spoke is silent. */
  status: StreamStatus;
  log: StreamLog;
  /** Raised or cleared by the hub itself; already stored. */
  alert: { severity: 'error' | 'warning'; message: AlertMessage; messageId: string };
  health: SystemHealth;
}

/** Marks messages of the hub with the instance that sent them. */
export const originHeader = 'Weir-Origin';

type Listener<N extends keyof LocalEvents> = (event: LocalEvents[N]) => void;

/** Synchronous and in order; a listener that throws does not keep others from hearing. */
export class LocalEventBus {
  readonly #listeners = new Map<keyof LocalEvents, Set<Listener<never>>>();
  readonly #onFailure: (error: unknown) => void;

  constructor(onFailure: (error: unknown) => void) {
    this.#onFailure = onFailure;
  }

  /** Returns the way to unsubscribe. */
  on<N extends keyof LocalEvents>(name: N, listener: Listener<N>): () => void {
    const listeners = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, listeners);
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
    };
  }

  emit<N extends keyof LocalEvents>(name: N, event: LocalEvents[N]): void {
    for (const listener of this.#listeners.get(name) ?? []) {
      try {
        (listener as Listener<N>)(event);
      } catch (error) {
        this.#onFailure(error);
      }
    }
  }
}

/** Forwards local events to their subjects; see the head of this file. Returns the way to end it. */
export function bridgeToBus(events: LocalEventBus, bus: Bus, origin: string): () => void {
  const headers = { [originHeader]: origin };
  const ends = [
    events.on('status', (status) => bus.publish('stream_status', { stream_id: status.stream_id }, status, { headers })),
    events.on('log', (line) => bus.publish('stream_log', { stream_id: line.stream_id }, line, { headers })),
    events.on('health', (health) => bus.publish('system_health', {}, health, { headers })),
    events.on('alert', ({ severity, message, messageId }) =>
      // The id lets the journal drop what a repeated forward would store twice.
      bus.publish(severity === 'error' ? 'alert_error' : 'alert_warning', {}, message, { headers: { ...headers, 'Nats-Msg-Id': messageId } }),
    ),
  ];
  return () => {
    for (const end of ends) end();
  };
}
