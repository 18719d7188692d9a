/** The nats-server of Weir, as its owner sees it. */
import type { RestartOptions } from '../supervisor/index.js';
import type { BrokerPorts } from './config.js';
import type { HealthTiming } from './health-watch.js';
import type { LaunchOptions } from './launch.js';
import type { BusServer } from './state.js';
import type { BrokerUser } from './users.js';
import type { ServerVersion } from './version.js';

export interface BrokerOptions extends LaunchOptions {
  /** Program; default: nats-server on PATH. */
  binary?: string;
  /** At least one; others follow with {@link Broker.setUsers}. */
  users: readonly BrokerUser[];
  /** Cancels the start. */
  signal?: AbortSignal;
  /** Longest wait for the first readiness, a large store included; default 60 000 ms. */
  readyTimeoutMs?: number;
  /** Below this free space of the disk the state is `degraded`; default 128 MiB. */
  minFreeBytes?: number;
  timing?: Partial<HealthTiming>;
  /** Default: at once, then 250 ms doubling to 10 s; five ends within a minute are `failed`. */
  restart?: RestartOptions;
}

export interface Broker extends BusServer {
  readonly kind: 'supervised';
  readonly version: ServerVersion;
  /** Of the running server; those of the last one while none runs. */
  readonly ports: BrokerPorts;
  /** Of the running server, else undefined. */
  readonly pid: number | undefined;
  /** `http://127.0.0.1:<port>` with /healthz, /varz, /connz, /jsz. */
  readonly monitorUrl: string;
  /**
   * Replaces all users by rewriting the configuration and a reload, and resolves when the server has read it (some milliseconds).
   * Calls that overlap are taken together. Connections that are open then: of a user that is gone, or whose password changed, they are
   * cut; of one whose subjects changed they stay and are held to the new list at once, and subscriptions that it no longer allows are
   * ended by the server. All others notice nothing.
   * Fails with `invalid_argument` before anything is touched, or `unavailable` when the server does not take it in time; a server
   * that starts later starts with these users.
   */
  setUsers(users: readonly BrokerUser[]): Promise<void>;
  /** Ends the server and starts it anew on the same ports. */
  restart(reason: string): Promise<void>;
  /**
   * Ends the server: with clients connected it warns them (lame duck) and waits `lameDuckMs` (default 500), then SIGTERM, then after
   * 1.5 s SIGKILL.
   */
  stop(options?: { lameDuckMs?: number }): Promise<void>;
}
