/** Health of the whole hub: broker, bus, database, streams, spokes, from what each part knows now. */

import type { BusServer } from '../broker/index.js';
import type { ComponentHealth, HealthState, SystemHealth } from '../contracts/index.js';
import type { Store } from '../store/index.js';
import { createHealthRegistry, type HealthComponent } from '../telemetry/index.js';
import type { Closers } from './closers.js';
import type { ConnectedBus } from './connect-bus.js';
import { version } from './version.js';

export interface HubHealthOptions {
  readonly broker: BusServer;
  readonly version: string;
  /** Components that another part reports; asked each time. */
  readonly others: () => ComponentHealth[];
  /** Called when a part has changed its state. */
  readonly onChange: () => void;
}

export interface HubHealth {
  now(): SystemHealth;
  busIsConnected(connected: boolean): void;
  /** The outcome of the last look at the database. */
  databaseAnswers(error: unknown): void;
  /** Calls back when a part has changed its state; returns the way to unsubscribe. */
  onChange(listener: () => void): () => void;
  stop(): void;
}

const order: readonly HealthState[] = ['healthy', 'degraded', 'unhealthy'];

/** Follows broker and bus; everything is healthy once it has said so. */
export function createHubHealth(options: HubHealthOptions): HubHealth {
  const registry = createHealthRegistry();
  const startedAt = performance.now();
  const broker = registry.component('broker');
  const bus = registry.component('bus');
  const database = registry.component('database');
  reportBroker(broker, options.broker);
  const ends = [options.broker.onState(() => reportBroker(broker, options.broker)), registry.onChange(options.onChange)];
  return {
    now() {
      const components = [...(registry.components() as ComponentHealth[]), ...options.others()];
      const worst = Math.max(0, ...components.map((component) => order.indexOf(component.status)));
      return {
        status: order[worst] ?? 'unhealthy',
        version: options.version,
        uptime_s: Math.round((performance.now() - startedAt) / 100) / 10,
        components,
        timestamp: new Date().toISOString(),
      };
    },
    busIsConnected: (connected) => (connected ? bus.report('healthy') : bus.report('unhealthy', 'the connection is lost; it is tried again')),
    databaseAnswers: (error) => (error === undefined ? database.report('healthy') : database.report('unhealthy', 'the database does not answer')),
    onChange: (listener) => registry.onChange(listener),
    stop: () => {
      for (const end of ends) end();
    },
  };
}

function reportBroker(component: HealthComponent, broker: BusServer): void {
  const { state } = broker;
  switch (state.kind) {
    case 'ready':
      component.report('healthy', undefined, { pid: state.pid, adopted: state.adopted, restarts: broker.restarts });
      break;
    case 'external':
      component.report('healthy', 'an external NATS');
      break;
    case 'degraded':
      component.report('degraded', state.reason);
      break;
    case 'backoff':
    case 'failed':
      component.report('unhealthy', state.reason);
      break;
    default:
      component.report('unhealthy', `it is ${state.kind}`);
  }
}

const databaseLookMs = 5000;

export interface WatchedParts {
  readonly broker: BusServer;
  readonly connected: ConnectedBus;
  readonly store: Pick<Store, 'check'>;
  /** Components of the other parts. */
  readonly others: () => ComponentHealth[];
  readonly onChange: () => void;
}

/** Makes the health of the hub and keeps it true: hears of the bus, looks at the database. Ends with `closers`. */
export function watchHubHealth({ broker, connected, store, others, onChange }: WatchedParts, closers: Closers): HubHealth {
  const health = createHubHealth({ broker, version, others, onChange });
  const look = () => {
    store.check().then(
      () => health.databaseAnswers(undefined),
      (error: unknown) => health.databaseAnswers(error),
    );
  };
  health.busIsConnected(true);
  look();
  const timer = setInterval(look, databaseLookMs);
  const ends = [connected.bus.onDisconnect(() => health.busIsConnected(false)), connected.bus.onReconnect(() => health.busIsConnected(true))];
  closers.push({
    close: () => {
      clearInterval(timer);
      for (const end of ends) end();
      health.stop();
    },
  });
  return health;
}
