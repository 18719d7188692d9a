/**
 * The browser's place on the bus: one connection for the whole app, renewed silently, taken up again for ever.
 * Short losses are healed inside the NATS client, so that subscriptions and players live on; when the login itself has
 * lapsed (a laptop slept too long) the connection is made anew and `live` changes.
 */
import { usernamePasswordAuthenticator, wsconnect } from '@nats-io/nats-core';
import { signal } from '@preact/signals';
import type { Bus } from '../../bus/bus.js';
import { createBus } from '../../bus/create-bus.js';
import type { BusCredentials } from '../../contracts/access.js';
import { defaultRoots } from '../../contracts/channels.js';
import { ApiError, call } from './api.js';
import { backoffMs } from './backoff.js';
import { linkState } from './link.js';
import { refreshSession, sessionState } from './session.js';
import { keepViewer } from './viewer-name.js';

export interface Live {
  bus: Bus;
  viewer: string;
  /** Streams this user is bound to; null for all. */
  streams: readonly string[] | null;
}

/** The open connection; undefined until the first one, and while there is none. */
export const live = signal<Live | undefined>(undefined);

let started = false;

/** Keeps a connection open from now on. `first` are credentials that were asked for already. */
export function startLive(first: Promise<BusCredentials>): void {
  if (started) return;
  started = true;
  void keepConnected(first);
}

async function keepConnected(first: Promise<BusCredentials>): Promise<void> {
  let pending: Promise<BusCredentials> | undefined = first;
  let viewer: string | undefined;
  for (let failures = 0; ; ) {
    await untilSignedIn();
    try {
      const credentials: BusCredentials = await (pending ?? askCredentials(viewer));
      pending = undefined;
      viewer = credentials.viewer;
      keepViewer(viewer);
      await serveConnection(credentials, () => {
        failures = 0;
      });
    } catch (thrown) {
      pending = undefined;
      // A name that the hub no longer knows must not be asked for again.
      if (thrown instanceof ApiError && thrown.code !== 'unavailable') {
        viewer = undefined;
        keepViewer(undefined);
      }
    }
    live.value = undefined;
    linkState.value = { kind: 'lost', since: sinceOf() };
    await pause(backoffMs(failures, document.visibilityState === 'visible'));
    failures += 1;
  }
}

function sinceOf(): number {
  const state = linkState.peek();
  return state.kind === 'lost' ? state.since : Date.now();
}

function askCredentials(viewer: string | undefined): Promise<BusCredentials> {
  return call('bus_credentials', { body: viewer === undefined ? {} : { viewer } });
}

/** Opens a connection and resolves when it is closed for good. */
async function serveConnection(credentials: BusCredentials, onOpen: () => void): Promise<void> {
  let current = credentials;
  let reconnecting = 0;
  const connection = await wsconnect({
    servers: `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}${credentials.url}`,
    authenticator: usernamePasswordAuthenticator(
      () => current.user,
      () => current.password,
    ),
    inboxPrefix: credentials.inbox_prefix,
    name: 'weir-ui',
    ignoreClusterUpdates: true,
    maxReconnectAttempts: -1,
    reconnectDelayHandler: () => {
      reconnecting += 1;
      if (reconnecting % 4 === 0) void refreshSession();
      return backoffMs(reconnecting, document.visibilityState === 'visible');
    },
    pingInterval: 10_000,
    maxPingOut: 2,
    timeout: 5000,
  });
  const bus = createBus(connection, { roots: { ...defaultRoots, ...credentials.roots } });
  bus.onDisconnect(() => {
    linkState.value = { kind: 'lost', since: sinceOf() };
  });
  bus.onReconnect(() => {
    reconnecting = 0;
    linkState.value = { kind: 'up' };
  });
  onOpen();
  live.value = { bus, viewer: credentials.viewer, streams: credentials.streams };
  linkState.value = { kind: 'up' };
  const ended = new AbortController();
  const wake = () => void checkAwake(bus);
  document.addEventListener('visibilitychange', wake, { signal: ended.signal });
  addEventListener('online', wake, { signal: ended.signal });
  void renew(current, ended.signal, (renewed) => {
    const same = renewed.user === current.user && renewed.inbox_prefix === current.inbox_prefix && sameStreams(renewed, current);
    current = renewed;
    // Other rights or another login need another connection.
    if (!same) void connection.close();
  });
  try {
    const reason = await connection.closed();
    if (reason !== undefined) throw reason;
  } finally {
    ended.abort();
    await bus.stop(0);
  }
}

function sameStreams(a: BusCredentials, b: BusCredentials): boolean {
  return JSON.stringify(a.streams) === JSON.stringify(b.streams);
}

/** A socket that slept may look open and be dead: one round trip tells. */
async function checkAwake(bus: Bus): Promise<void> {
  if (document.visibilityState !== 'visible') return;
  try {
    await bus.flush(AbortSignal.timeout(2500));
  } catch {
    await bus.connection.reconnect().catch(() => undefined);
  }
}

/** Prolongs the login at half its life, as long as the connection is in use. */
async function renew(first: BusCredentials, signal: AbortSignal, onRenewed: (credentials: BusCredentials) => void): Promise<void> {
  let current = first;
  while (!signal.aborted) {
    const left = Date.parse(current.expires_at) - Date.now();
    await pause(Math.min(Math.max(left / 2, 5000), 2 ** 31 - 1), signal);
    if (signal.aborted || sessionState.peek().kind !== 'open') continue;
    try {
      current = await askCredentials(current.viewer);
      if (!signal.aborted) onRenewed(current);
    } catch {
      // Asked again a little later; the connection itself tells when it is too late.
    }
  }
}

function untilSignedIn(): Promise<void> {
  return new Promise((resolve) => {
    const stop = sessionState.subscribe((state) => {
      if (state.kind !== 'open' && state.kind !== 'unknown') return;
      queueMicrotask(() => stop());
      resolve();
    });
  });
}

/** Waits; ends early when the page is seen again, the network is back, or `signal` aborts. */
function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = new AbortController();
    const end = () => {
      done.abort();
      clearTimeout(timer);
      resolve();
    };
    const timer = setTimeout(end, ms);
    const onVisible = () => {
      if (document.visibilityState === 'visible' && signal === undefined) end();
    };
    document.addEventListener('visibilitychange', onVisible, { signal: done.signal });
    if (signal === undefined) addEventListener('online', end, { signal: done.signal });
    signal?.addEventListener('abort', end, { signal: done.signal });
  });
}
