/** Feeds JSON-RPC with what happens in the hub: cameras, recordings, snapshots, health, gateway. */
import type { CameraEvent, Cameras } from '../cameras/index.js';
import type { Recording, Stream, SystemHealth } from '../contracts/index.js';
import type { Gateway, GatewayEvent } from '../gateways/index.js';
import { type RpcEvent, type RpcEvents, type RpcTopicEvent, toRpcCamera } from '../http/index.js';
import type { RecordingChange, Recordings } from '../recordings/hub/index.js';
import type { StreamsHub } from '../streams/hub/index.js';
import type { HubHealth } from './hub-health.js';
import { version } from './version.js';

export interface RpcEventSources {
  readonly cameras: Pick<Cameras, 'onChange' | 'get'>;
  readonly recordings: Pick<Recordings, 'onChange'>;
  readonly gateway: Pick<Gateway, 'onEvent'>;
  /** True for the id of a camera: JSON-RPC tells of nothing else. */
  readonly isCamera: (streamId: string) => boolean;
  readonly version: string;
}

export interface HubRpcEvents extends RpcEvents {
  /** The health of the whole as it is now; told when its state differs from the one before. */
  health(health: SystemHealth): void;
  /** A stream's state may have changed. */
  stream(stream: Stream): void;
  /** The hub is ready, or about to stop. */
  started(): void;
  stopping(reason: string): void;
  stop(): void;
}

type Tell = (event: RpcEvent) => void;

/** Feeds it from the whole hub; listens until stopped. */
export function feedRpc(hub: {
  readonly streams: StreamsHub;
  readonly cameras: Cameras;
  readonly recordings: Recordings;
  readonly gateway: Gateway;
  readonly health: HubHealth;
}): HubRpcEvents {
  const { streams, cameras, health } = hub;
  const events = createRpcEvents({ ...hub, isCamera: (streamId) => cameras.get(streamId) !== undefined, version });
  const ends = [
    streams.owned.onChange((streamId) => {
      const stream = streams.owned.shown(streamId);
      if (stream !== undefined) events.stream(stream);
    }),
    health.onChange(() => events.health(health.now())),
  ];
  return {
    ...events,
    stop() {
      for (const end of ends) end();
      events.stop();
    },
  };
}

/** Listens until stopped. */
export function createRpcEvents(sources: RpcEventSources): HubRpcEvents {
  const listeners = new Set<Tell>();
  const tell: Tell = (event) => {
    if (event.streamId !== undefined && !sources.isCamera(event.streamId)) return;
    for (const listener of listeners) listener(event);
  };
  const tellAll = (events: readonly RpcEvent[]) => {
    for (const event of events) tell(event);
  };
  const playing = new Map<string, boolean>();
  let lastHealth: string | undefined;
  const ends = [
    sources.cameras.onChange((event) => tellAll(cameraEvents(event))),
    sources.recordings.onChange((change) => tellAll(recordingEvents(change))),
    sources.gateway.onEvent((event) => tellAll(gatewayEvents(event))),
  ];
  return {
    on(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    health(health) {
      if (health.status === lastHealth) return;
      lastHealth = health.status;
      const metrics = { uptime: health.uptime_s, components: health.components.length };
      tell({ topic: 'system.health', data: { status: healthWords[health.status], metrics, timestamp: health.timestamp } });
    },
    stream(stream) {
      const { stream_id: device } = stream;
      if (!sources.isCamera(device)) return;
      const isPlaying = stream.status?.state === 'running' && stream.status.no_signal !== true;
      if (playing.get(device) === isPlaying) return;
      playing.set(device, isPlaying);
      const data = { device, stream_id: device, stream_type: 'live' as const, timestamp: now() };
      tell({ topic: isPlaying ? 'mediamtx.stream_started' : 'mediamtx.stream_stopped', streamId: device, data });
    },
    started: () => tell({ topic: 'system.startup', data: { version: sources.version, build_info: `weir ${sources.version}`, timestamp: now() } }),
    stopping: (reason) => tell({ topic: 'system.shutdown', data: { reason, timestamp: now() } }),
    stop() {
      for (const end of ends) end();
      listeners.clear();
    },
  };
}

const healthWords = { healthy: 'HEALTHY', degraded: 'DEGRADED', unhealthy: 'UNHEALTHY' } as const;

function cameraEvents(event: CameraEvent): RpcEvent[] {
  const { camera } = event;
  const about = { streamId: camera.camera_id };
  const update: RpcEvent[] = event.type === 'removed' ? [] : [{ ...about, notification: 'camera_status_update', data: toRpcCamera(camera) }];
  const told = cameraTopic(event);
  return told === undefined ? update : [...update, { ...about, ...told }];
}

function cameraTopic(event: CameraEvent): RpcTopicEvent | undefined {
  const { camera_id: device, name, status, capabilities } = event.camera;
  const timestamp = now();
  switch (event.type) {
    case 'connected': {
      const { driver, card } = capabilities ?? {};
      const drivers = { ...(driver === undefined ? {} : { driver }), ...(card === undefined ? {} : { card_name: card }) };
      return { topic: 'camera.connected', data: { device, name, status, ...drivers, timestamp } };
    }
    case 'disconnected':
      return { topic: 'camera.disconnected', data: { device, status, timestamp } };
    case 'status_change':
      return { topic: 'camera.status_change', data: { device, name, old_status: event.old_status, new_status: event.new_status, timestamp } };
    case 'capability_detected': {
      const formats = [...new Set((capabilities?.formats ?? []).map((format) => format.pixel_format))];
      return { topic: 'camera.capability_detected', data: { device, name, formats, timestamp } };
    }
    case 'capability_error':
      return { topic: 'camera.capability_error', data: { device, name, error: event.error, timestamp } };
    default:
      return undefined;
  }
}

function recordingEvents(change: RecordingChange): RpcEvent[] {
  const timestamp = now();
  switch (change.kind) {
    case 'recording_started':
      return recordingUpdate(change.recording, 'STARTED');
    case 'recording_stopped':
      return recordingUpdate(change.recording, 'STOPPED');
    case 'recording_error':
      return recordingUpdate(change.recording, change.recording.state === 'failed' ? 'FAILED' : 'ERROR');
    case 'recording_progress': {
      const { stream_id: device, filename, elapsed_s, size_bytes } = change.recording;
      const data = { device, filename: filename ?? '', duration: Math.floor(elapsed_s), file_size: size_bytes, timestamp };
      return [{ streamId: device, topic: 'recording.progress', data }];
    }
    case 'snapshot_taken': {
      const { stream_id: device, filename, width, height } = change.snapshot;
      return [{ streamId: device, topic: 'snapshot.taken', data: { device, filename, resolution: `${width}x${height}`, timestamp } }];
    }
    case 'snapshot_error':
      return [{ streamId: change.stream_id, topic: 'snapshot.error', data: { device: change.stream_id, error: change.error.detail, timestamp } }];
    default:
      return [];
  }
}

/** The notification, the topic, and the gateway's topic, which tells of recordings whoever writes them. */
function recordingUpdate(recording: Recording, status: 'STARTED' | 'STOPPED' | 'ERROR' | 'FAILED'): RpcEvent[] {
  const { stream_id: device, cause, error } = recording;
  const timestamp = now();
  const filename = recording.filename ?? '';
  const duration = Math.floor(recording.elapsed_s);
  const reason = error ?? cause ?? 'unknown';
  const data = { device, status, filename, duration };
  const about = { streamId: device };
  const notification: RpcEvent = { ...about, notification: 'recording_status_update', data };
  if (status === 'ERROR' || status === 'FAILED') {
    return [
      notification,
      { ...about, topic: 'recording.error', data: { ...data, reason, timestamp } },
      { ...about, topic: 'mediamtx.recording_failed', data: { device, reason, duration, timestamp } },
    ];
  }
  const isStart = status === 'STARTED';
  return [
    notification,
    { ...about, topic: isStart ? 'recording.start' : 'recording.stop', data: { ...data, timestamp } },
    { ...about, topic: isStart ? 'mediamtx.recording_started' : 'mediamtx.recording_stopped', data: { device, filename, duration, timestamp } },
  ];
}

function gatewayEvents(event: GatewayEvent): RpcEvent[] {
  const timestamp = now();
  if (event.kind === 'state') {
    const { state, error } = event.state;
    return state === 'running' || error === null ? [] : [{ topic: 'mediamtx.error', data: { error, timestamp } }];
  }
  const { streamId, kind } = event;
  if (kind === 'path_ready' || kind === 'path_not_ready') {
    const data = { device: streamId, path: streamId, exists: true, ready: kind === 'path_ready', timestamp };
    return [{ streamId, topic: 'mediamtx.path', data }];
  }
  return [{ streamId, topic: 'mediamtx.stream', data: { device: streamId, stream_id: streamId, state: kind, timestamp } }];
}

function now(): string {
  return new Date().toISOString();
}
