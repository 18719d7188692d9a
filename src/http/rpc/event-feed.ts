/** From what the domains tell of themselves to the events of the JSON-RPC contract. Tells only changes; what a domain does not tell is never made up. */
import type { CameraEvent } from '../../cameras/index.js';
import type { Recording, Snapshot, StreamUrls, SystemHealth } from '../../contracts/index.js';
import { cameraIdSchema } from '../../contracts/index.js';
import type { RpcNotificationData } from '../../contracts/rpc/index.js';
import type { GatewayEvent } from '../../gateways/index.js';
import type { RecordingChange } from '../../recordings/hub/index.js';
import type { RpcEvent, RpcEvents } from './events.js';
import { healthWordOf, now, toRpcCamera } from './methods/words.js';

/** Give each domain's listener to the domain, and `events` to the JSON-RPC door. */
export interface RpcEventFeed {
  readonly events: RpcEvents;
  readonly camera: (event: CameraEvent) => void;
  readonly recording: (change: RecordingChange) => void;
  readonly gateway: (event: GatewayEvent) => void;
  /** Call it with every look at the health of the whole. */
  readonly health: (health: SystemHealth) => void;
  readonly startup: (version: string, buildInfo: string) => void;
  readonly shutdown: (reason: string) => void;
}

/** Where a camera's picture can be had by clients that reached the hub by `host`; undefined when the camera is gone. */
export type UrlsAt = (cameraId: string, host: string) => StreamUrls | undefined;

/**
 * Makes the feed. A listener that throws does not keep others from hearing; `onFailure` is told. Without `urlsAt` all clients are told
 * the addresses that the camera came with.
 */
export function createRpcEventFeed(onFailure: (error: unknown) => void, urlsAt?: UrlsAt): RpcEventFeed {
  const listeners = new Set<(event: RpcEvent) => void>();
  const tell = (...events: RpcEvent[]) => {
    for (const event of events) {
      for (const listener of listeners) {
        try {
          listener(event);
        } catch (error) {
          onFailure(error);
        }
      }
    }
  };
  const healthEvents = createHealthEvents();
  return {
    events: {
      on(listener) {
        listeners.add(listener);
        return () => void listeners.delete(listener);
      },
    },
    camera: (event) => tell(...cameraEvents(event, now(), urlsAt)),
    recording: (change) => tell(...recordingEvents(change)),
    gateway: (event) => tell(...gatewayEvents(event)),
    health: (health) => tell(...healthEvents(health)),
    startup: (version, build_info) => tell({ topic: 'system.startup', data: { version, build_info, timestamp: now() } }),
    shutdown: (reason) => tell({ topic: 'system.shutdown', data: { reason, timestamp: now() } }),
  };
}

/** Exported for tests: each event of a camera as what clients are told. */
export function cameraEvents(event: CameraEvent, timestamp = now(), urlsAt?: UrlsAt): RpcEvent[] {
  const { camera } = event;
  const device = camera.camera_id;
  const about = { streamId: device } as const;
  const base = { device, timestamp };
  const { name, status } = camera;
  const dataAt = (host: string) => toRpcCamera({ ...camera, streams: urlsAt?.(device, host) ?? camera.streams });
  const update: RpcEvent = {
    ...about,
    notification: 'camera_status_update',
    data: toRpcCamera(camera),
    ...(urlsAt === undefined ? {} : { dataAt }),
  };
  switch (event.type) {
    case 'connected': {
      const { driver, card } = camera.capabilities ?? {};
      const facts = { ...(driver === undefined ? {} : { driver }), ...(card === undefined ? {} : { card_name: card }) };
      return [{ ...about, topic: 'camera.connected', data: { ...base, name, status, ...facts } }];
    }
    case 'disconnected':
      return [{ ...about, topic: 'camera.disconnected', data: { ...base, status } }];
    case 'status_change': {
      const { old_status, new_status } = event;
      // The update goes with this one alone: `connected` and `disconnected` come beside a change of status.
      return [update, { ...about, topic: 'camera.status_change', data: { ...base, name, old_status, new_status } }];
    }
    case 'capability_detected': {
      const formats = [...new Set((camera.capabilities?.formats ?? []).map((format) => format.pixel_format))];
      return [{ ...about, topic: 'camera.capability_detected', data: { ...base, name, formats } }];
    }
    case 'capability_error':
      return [{ ...about, topic: 'camera.capability_error', data: { ...base, name, error: withoutNodes(event.error, device) } }];
    case 'added':
    case 'removed':
    case 'updated':
      return [update];
  }
}

function withoutNodes(text: string, device: string): string {
  return text.replace(/\/dev\/[^\s'":]+/g, device);
}

/** Streams that are no cameras have recordings too; this door knows cameras only. */
function isCamera(streamId: string): boolean {
  return cameraIdSchema.safeParse(streamId).success;
}

/** Exported for tests: each change of a recording as what clients are told. */
export function recordingEvents(change: RecordingChange, timestamp = now()): RpcEvent[] {
  switch (change.kind) {
    case 'recording_started':
    case 'recording_stopped':
    case 'recording_error':
    case 'recording_progress':
      return isCamera(change.recording.stream_id) ? aboutRecording(change.kind, change.recording, timestamp) : [];
    case 'snapshot_taken':
      return isCamera(change.snapshot.stream_id) ? [snapshotTaken(change.snapshot)] : [];
    case 'snapshot_error': {
      const device = change.stream_id;
      if (!isCamera(device)) return [];
      return [{ streamId: device, topic: 'snapshot.error', data: { device, error: withoutNodes(change.error.detail, device), timestamp } }];
    }
    case 'storage_state':
      if (change.state !== 'blocked') return [];
      return [{ topic: 'system.error', data: { component: 'storage', error: 'There is no room: nothing new is recorded', timestamp } }];
    case 'segment_finished':
      return [];
  }
}

function aboutRecording(kind: RecordingChange['kind'], recording: Recording, timestamp: string): RpcEvent[] {
  const device = recording.stream_id;
  const about = { streamId: device } as const;
  const filename = recording.filename ?? '';
  const duration = Math.floor(recording.elapsed_s);
  const update = (status: RpcNotificationData<'recording_status_update'>['status']): RpcEvent => ({
    ...about,
    notification: 'recording_status_update',
    data: { device, status, filename, duration },
  });
  switch (kind) {
    case 'recording_started':
      return [update('STARTED'), { ...about, topic: 'recording.start', data: { device, status: 'STARTED', filename, duration, timestamp } }];
    case 'recording_stopped':
      return [update('STOPPED'), { ...about, topic: 'recording.stop', data: { device, status: 'STOPPED', filename, duration, timestamp } }];
    case 'recording_error': {
      const status = recording.state === 'failed' ? 'FAILED' : 'ERROR';
      const reason = recording.cause ?? recording.state;
      return [update(status), { ...about, topic: 'recording.error', data: { device, status, filename, duration, reason, timestamp } }];
    }
    default:
      return [{ ...about, topic: 'recording.progress', data: { device, filename, duration, file_size: recording.size_bytes, timestamp } }];
  }
}

function snapshotTaken({ stream_id, filename, width, height, taken_at }: Snapshot): RpcEvent {
  const data = { device: stream_id, filename, resolution: `${width}x${height}`, timestamp: taken_at };
  return { streamId: stream_id, topic: 'snapshot.taken', data };
}

/** Exported for tests: each event of the gateway as what clients are told. */
export function gatewayEvents(event: GatewayEvent, timestamp = now()): RpcEvent[] {
  switch (event.kind) {
    case 'state': {
      const { state, error } = event.state;
      if (state === 'running' || state === 'starting' || state === 'stopped') return [];
      return [{ topic: 'mediamtx.error', data: { error: error ?? `The gateway is ${state}`, timestamp } }];
    }
    case 'path_ready':
    case 'path_not_ready': {
      const device = event.streamId;
      if (!isCamera(device)) return [];
      const ready = event.kind === 'path_ready';
      const about = { streamId: device } as const;
      const stream = { device, stream_id: device, stream_type: 'live', timestamp } as const;
      return [
        { ...about, topic: 'mediamtx.path', data: { device, path: device, exists: true, ready, timestamp } },
        { ...about, topic: 'mediamtx.stream', data: { device, stream_id: device, state: ready ? 'ready' : 'not_ready', timestamp } },
        { ...about, topic: ready ? 'mediamtx.stream_started' : 'mediamtx.stream_stopped', data: stream },
      ];
    }
    case 'reader_joined':
    case 'reader_left':
      return [];
  }
}

/** Tells health when it changes, and each part once when it fails. */
function createHealthEvents(): (health: SystemHealth) => RpcEvent[] {
  let last: string | undefined;
  let ailing = new Set<string>();
  return ({ status, uptime_s, components, timestamp }) => {
    const failed = components.filter((component) => component.status === 'unhealthy');
    const events: RpcEvent[] = failed
      .filter(({ name }) => !ailing.has(name))
      .map(({ name, message = 'It does not work' }) => ({ topic: 'system.error', data: { component: name, error: message, timestamp } }));
    ailing = new Set(failed.map(({ name }) => name));
    const states = `${status} ${components.map((component) => `${component.name}=${component.status}`).join(' ')}`;
    if (states !== last) {
      last = states;
      const countOf = (wanted: string) => components.filter((component) => component.status === wanted).length;
      const metrics = {
        uptime_seconds: uptime_s,
        components_healthy: countOf('healthy'),
        components_degraded: countOf('degraded'),
        components_unhealthy: countOf('unhealthy'),
      };
      events.push({ topic: 'system.health', data: { status: healthWordOf[status], metrics, timestamp } });
    }
    return events;
  };
}
