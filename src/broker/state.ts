/** States of a broker as others see them, and the interface that a supervised and an external one share. */
import type { BrokerPorts } from './config.js';
import type { ServerFigures } from './monitor.js';
import type { BrokerUser } from './users.js';

export type BrokerState =
  | { kind: 'starting' }
  | { kind: 'ready'; pid: number; ports: BrokerPorts; adopted: boolean }
  /** It runs but does not answer, does not answer well, or its disk is nearly full. */
  | { kind: 'degraded'; pid: number; reason: string }
  /** It takes no new clients and is about to end. */
  | { kind: 'lame_duck'; pid: number }
  /** It ended without being asked, and is started again after `retryInMs`. */
  | { kind: 'backoff'; retryInMs: number; reason: string }
  /** It ended too often in too short a time. It is still tried again after `retryInMs`. */
  | { kind: 'failed'; retryInMs: number; reason: string }
  | { kind: 'stopped' }
  /** It runs on without us. */
  | { kind: 'detached' }
  /** Somebody else runs it. */
  | { kind: 'external' };

/** A NATS server as `apps` sees it, whoever runs it. */
export interface BusServer {
  readonly kind: 'supervised' | 'external';
  /** Where clients of this machine connect; comma-separated when several. */
  readonly url: string;
  readonly state: BrokerState;
  /** Calls back after each change; returns the way to end that. */
  onState(listener: (state: BrokerState) => void): () => void;
  /** Starts after an end that nobody asked for. */
  readonly restarts: number;
  /** Where the hub finds the WebSocket listener; undefined while there is none. */
  readonly websocket: { host: string; port: number } | undefined;
  /** Replaces all users; see {@link Broker.setUsers}. An external server fails with `unsupported`: it has its own. */
  setUsers(users: readonly BrokerUser[]): Promise<void>;
  /** Figures of the server; fails with `unavailable` when it does not tell. */
  figures(): Promise<ServerFigures>;
  stop(options?: { lameDuckMs?: number }): Promise<void>;
  /** Ends the supervision and leaves the server running. */
  detach(): void;
  [Symbol.asyncDispose](): Promise<void>;
}
