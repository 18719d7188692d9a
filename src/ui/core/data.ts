/**
 * What the hub knows, as signals. Lists come over REST; everything that moves comes over the bus. A small component that
 * reads one signal is drawn again when that value changes, and nothing else is.
 */
import { batch, computed, effect, type Signal, signal } from '@preact/signals';
import type { Alert } from '../../contracts/alert.js';
import type { Stream, StreamProgress, StreamStatus } from '../../contracts/stream.js';
import type { SystemHealth } from '../../contracts/system.js';
import { alertCount } from './alert-count.js';
import { type ApiError, call, toApiError } from './api.js';
import { type Live, live } from './live.js';
import { loadRecordings, takeRecordingStatus } from './recording-state.js';
import { streamHref } from './routing.js';
import { may, session } from './session.js';
import { showToast } from './toasts.js';

export interface StreamModel {
  readonly id: string;
  readonly stream: Signal<Stream>;
  readonly status: Signal<StreamStatus | null>;
  readonly progress: Signal<StreamProgress | null>;
  /** Bitrate of the last minute, one value per second, for small curves. */
  readonly trail: Signal<readonly number[]>;
}

export type Loaded<T> = { kind: 'loading' } | { kind: 'failed'; error: ApiError } | { kind: 'ready'; value: T };

const models = new Map<string, StreamModel>();
const order = signal<readonly string[] | undefined>(undefined);
const listError = signal<ApiError | undefined>(undefined);
const trailLength = 60;

/** All streams this user may see, in the order of their names. */
export const streams = computed<Loaded<readonly StreamModel[]>>(() => {
  const ids = order.value;
  if (ids === undefined) return listError.value === undefined ? { kind: 'loading' } : { kind: 'failed', error: listError.value };
  return { kind: 'ready', value: ids.flatMap((id) => models.get(id) ?? []) };
});

/** The model of one stream; undefined when it is not (yet) known. */
export function streamModel(id: string): StreamModel | undefined {
  void order.value;
  return models.get(id);
}

export const health = signal<SystemHealth | undefined>(undefined);
export const openAlerts = signal<readonly Alert[] | undefined>(undefined);
/** Grows whenever alerts changed; lists that show more than the open ones read it. */
export const alertsChanged = signal(0);
/** The last change of a definition, whatever it was of. */
export const lastChange = signal<{ entity: string; at: number } | undefined>(undefined);

/** Reads the list of streams anew, all pages of it. */
export async function loadStreams(): Promise<void> {
  try {
    const items: Stream[] = [];
    let cursor: string | undefined;
    do {
      const page = await call('list_streams', { query: cursor === undefined ? { limit: 500 } : { limit: 500, cursor } });
      items.push(...page.items);
      cursor = page.next_cursor ?? undefined;
    } while (cursor !== undefined && items.length < 5000);
    setStreams(items);
  } catch (thrown) {
    listError.value = toApiError(thrown);
  }
}

function setStreams(items: readonly Stream[]): void {
  batch(() => {
    const sorted = [...items].sort((a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }));
    const kept = new Set(sorted.map((stream) => stream.stream_id));
    for (const id of models.keys()) if (!kept.has(id)) models.delete(id);
    for (const stream of sorted) takeStream(stream);
    order.value = sorted.map((stream) => stream.stream_id);
    listError.value = undefined;
  });
}

/** Takes over a definition that a mutation answered. */
export function takeStream(stream: Stream): void {
  const model = models.get(stream.stream_id);
  if (model === undefined) {
    models.set(stream.stream_id, {
      id: stream.stream_id,
      stream: signal(stream),
      status: signal(stream.status),
      progress: signal(stream.progress),
      trail: signal([]),
    });
    if (order.peek() !== undefined && !order.peek()?.includes(stream.stream_id)) order.value = [...(order.peek() ?? []), stream.stream_id];
    return;
  }
  batch(() => {
    model.stream.value = stream;
    if (stream.status !== null && isNewer(stream.status, model.status.peek())) model.status.value = stream.status;
  });
}

/** Forgets a stream that was deleted. */
export function dropStream(id: string): void {
  models.delete(id);
  order.value = order.peek()?.filter((one) => one !== id);
}

function isNewer(a: { timestamp: string }, b: { timestamp: string } | null): boolean {
  return b === null || Date.parse(a.timestamp) >= Date.parse(b.timestamp);
}

let reloadTimer: ReturnType<typeof setTimeout> | undefined;

/** Reads the list soon; many reasons within a moment make one request. */
export function reloadSoon(delayMs = 150): void {
  if (reloadTimer !== undefined) return;
  reloadTimer = setTimeout(() => {
    reloadTimer = undefined;
    void loadStreams();
  }, delayMs);
}

/** Follows the bus from now on: subscriptions are made for each connection, and lists read again after each loss. */
export function startData(): void {
  effect(() => {
    const current = live.value;
    if (current === undefined) return;
    const controller = new AbortController();
    follow(current, controller.signal);
    const undo = current.bus.onReconnect(() => {
      reloadSoon();
      void loadAlerts();
      void loadRecordings();
    });
    return () => {
      undo();
      controller.abort();
    };
  });
  effect(() => {
    if (session.value === undefined) return;
    reloadSoon(0);
    void loadAlerts();
    void loadRecordings();
  });
  // Viewer counts ride on the list; nothing on the bus tells them.
  setInterval(() => {
    if (document.visibilityState === 'visible' && session.peek() !== undefined) reloadSoon(0);
  }, 15_000);
}

function follow(current: Live, signal: AbortSignal): void {
  const bound = current.streams === null ? [{}] : current.streams.map((id) => ({ stream_id: id }));
  const settings = { signal, policy: 'merge_by_subject', limit: 512 } as const;
  for (const params of bound) {
    current.bus.subscribe('stream_status', params, takeStatus, settings);
    current.bus.subscribe('stream_progress', params, takeProgress, settings);
    current.bus.subscribe('recording_status', params, takeRecordingStatus, settings);
  }
  current.bus.subscribe(
    'system_health',
    {},
    (message) => {
      health.value = message;
    },
    settings,
  );
  if (!may('operator') || current.streams !== null) return;
  current.bus.subscribe(
    'system_config',
    {},
    (change) => {
      lastChange.value = { entity: change.entity, at: Date.now() };
      if (change.entity === 'stream') reloadSoon();
    },
    { signal },
  );
  for (const severity of ['alert_error', 'alert_warning'] as const) {
    current.bus.subscribe(
      severity,
      {},
      (alert) => {
        if (alert.cleared !== true && !isOpen(alert.kind, alert.stream_id)) {
          const href = alert.stream_id === undefined ? '/alerts' : streamHref(alert.stream_id);
          showToast({ tone: severity === 'alert_error' ? 'bad' : 'warn', title: alert.message, text: alert.hint, href });
        }
        alertsSoon();
      },
      { signal },
    );
  }
  void loadAlerts();
}

function isOpen(kind: string, streamId: string | undefined): boolean {
  return openAlerts.peek()?.some((alert) => alert.kind === kind && alert.stream_id === (streamId ?? null)) ?? false;
}

let alertTimer: ReturnType<typeof setTimeout> | undefined;

function alertsSoon(): void {
  if (alertTimer !== undefined) return;
  // The hub stores an alert a moment after it went over the bus.
  alertTimer = setTimeout(() => {
    alertTimer = undefined;
    void loadAlerts();
  }, 300);
}

/** Reads the open alerts anew; throws ApiError. */
export async function readAlerts(): Promise<void> {
  const { items } = await call('list_alerts', { query: { open: 'true', limit: 200 } });
  openAlerts.value = items;
  alertCount.value = items.filter((alert) => alert.acknowledged_at === null).length;
  alertsChanged.value += 1;
}

/** Reads the open alerts where the user may; on failure the last known list stays, and the next event or reconnect asks again. */
export async function loadAlerts(): Promise<void> {
  if (may('operator')) await readAlerts().catch(() => undefined);
}

function takeStatus(status: StreamStatus): void {
  const model = models.get(status.stream_id);
  if (model === undefined) {
    if (order.peek() !== undefined) reloadSoon();
    return;
  }
  if (isNewer(status, model.status.peek())) model.status.value = status;
}

function takeProgress(progress: StreamProgress): void {
  const model = models.get(progress.stream_id);
  if (model === undefined) return;
  batch(() => {
    model.progress.value = progress;
    model.trail.value = [...model.trail.peek().slice(1 - trailLength), progress.bitrate_kbps];
  });
}
