/** The cameras this user may see, kept up to date by what the bus tells. */
import { computed, effect, signal } from '@preact/signals';
import type { Camera } from '../../contracts/camera.js';
import { type ApiError, call, toApiError } from '../core/api.js';
import { type Loaded, lastChange, streams } from '../core/data.js';
import { live } from '../core/live.js';
import { may, session } from '../core/session.js';
import { leaving } from '../parts/undo.js';

const items = signal<readonly Camera[] | undefined>(undefined);
const failure = signal<ApiError | undefined>(undefined);

/** In the order of their numbers, without those that are being removed. */
export const cameras = computed<Loaded<readonly Camera[]>>(() => {
  const all = items.value;
  if (all === undefined) return failure.value === undefined ? { kind: 'loading' } : { kind: 'failed', error: failure.value };
  return { kind: 'ready', value: all.filter((camera) => !leaving.value.has(camera.camera_id)) };
});

/** Reads the list anew, all pages of it. */
export async function loadCameras(): Promise<void> {
  try {
    const found: Camera[] = [];
    let cursor: string | undefined;
    do {
      const page = await call('list_cameras', { query: cursor === undefined ? { limit: 500 } : { limit: 500, cursor } });
      found.push(...page.items);
      cursor = page.next_cursor ?? undefined;
    } while (cursor !== undefined && found.length < 2000);
    items.value = found.sort(byNumber);
    failure.value = undefined;
  } catch (thrown) {
    failure.value = toApiError(thrown);
  }
}

function byNumber(a: Camera, b: Camera): number {
  return a.camera_id.localeCompare(b.camera_id, undefined, { numeric: true });
}

/** Takes over a camera that the hub answered. */
export function takeCamera(camera: Camera): void {
  const all = items.peek();
  if (all === undefined) return;
  items.value = [...all.filter((one) => one.camera_id !== camera.camera_id), camera].sort(byNumber);
}

/** Forgets one that was removed. */
export function dropCamera(id: string): void {
  items.value = items.peek()?.filter((one) => one.camera_id !== id);
}

let timer: ReturnType<typeof setTimeout> | undefined;

function reloadSoon(): void {
  if (timer !== undefined) return;
  timer = setTimeout(() => {
    timer = undefined;
    void loadCameras();
  }, 120);
}

/** Said at once; the hub's own words follow with the next reading. */
function markGone(deviceId: string): void {
  const all = items.peek();
  if (all === undefined || !all.some((camera) => camera.device_id === deviceId && camera.status !== 'DISCONNECTED')) return;
  items.value = all.map((camera) => (camera.device_id === deviceId ? { ...camera, status: 'DISCONNECTED', streaming: false, error: null } : camera));
}

const slowMs = 15_000;
let users = 0;
let stop: (() => void) | undefined;

/** Follows the cameras while a page shows them; call what is returned at its end. */
export function followCameras(): () => void {
  users += 1;
  stop ??= start();
  return () => {
    users -= 1;
    if (users > 0) return;
    stop?.();
    stop = undefined;
  };
}

function start(): () => void {
  void loadCameras();
  const undo = [
    effect(() => {
      const current = live.value;
      if (current === undefined || !hearsDevices(current.streams)) return;
      const controller = new AbortController();
      const { signal } = controller;
      current.bus.subscribe('device_discovered', {}, reloadSoon, { signal });
      current.bus.subscribe(
        'device_removed',
        {},
        (device) => {
          markGone(device.device_id);
          reloadSoon();
        },
        { signal },
      );
      const undoReconnect = current.bus.onReconnect(reloadSoon);
      return () => {
        undoReconnect();
        controller.abort();
      };
    }),
    effect(() => {
      if (lastChange.value?.entity === 'camera') reloadSoon();
    }),
    // A stream begins or ends: the camera's figures may be others.
    effect(() => {
      if (streamStates() !== '') reloadSoon();
    }),
  ];
  // Devices are no business of viewers on the bus: they look again now and then.
  const slow = setInterval(() => {
    if (document.visibilityState === 'visible' && !hearsDevices(live.peek()?.streams)) reloadSoon();
  }, slowMs);
  return () => {
    clearInterval(slow);
    for (const one of undo) one();
  };
}

function hearsDevices(bound: readonly string[] | null | undefined): boolean {
  return session.peek() !== undefined && may('operator') && bound === null;
}

function streamStates(): string {
  const list = streams.value;
  if (list.kind !== 'ready') return '';
  return list.value.map((model) => `${model.id}:${model.status.value?.state ?? ''}`).join(' ');
}
