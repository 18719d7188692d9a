/** Operations that behave like those of a hub with two cameras, in memory. */
import {
  type Camera,
  type ExternalStream,
  type Recording,
  type RetentionPolicy,
  type Segment,
  type Snapshot,
  type Stream,
  type StreamStatus,
  WeirError,
} from '../../../contracts/index.js';
import type { RpcOperations } from '../call.js';
import type { RpcEvent, RpcEvents } from '../events.js';

const at = '2026-11-20T12:00:00.000Z';

export const fakeCamera = (camera_id: string): Camera => ({
  camera_id,
  name: `Camera ${camera_id}`,
  kind: 'v4l2',
  status: 'CONNECTED',
  error: null,
  resolution: '1280x720',
  fps: 30,
  source: '/dev/video0',
  device_id: 'usb-1',
  spoke_id: 'local',
  streaming: false,
  recording: false,
  streams: { rtsp: `rtsp://hub:8554/${camera_id}`, hls: `http://hub/hls/${camera_id}.m3u8`, live_mp4: `http://hub/${camera_id}.mp4` },
  capabilities: {
    driver: 'uvcvideo',
    card: 'A camera',
    bus: 'usb-1',
    formats: [
      { pixel_format: 'YUYV', sizes: [{ width: 640, height: 480, frame_rates: [30, 29.97, 15] }] },
      { pixel_format: 'MJPG', sizes: [{ width: 1280, height: 720, frame_rates: [30] }] },
    ],
    controls: [],
    probed_at: at,
    took_ms: 12,
  },
  created_at: at,
  connected_at: at,
  last_seen_at: at,
});

const fakeStream = (stream_id: string): Stream => ({
  stream_id,
  name: stream_id,
  config: { device: '/dev/video0' },
  desired: 'running',
  on_demand: true,
  managed: true,
  spoke: null,
  revision: 1,
  created_at: at,
  updated_at: at,
  status: { stream_id, state: 'stopped', timestamp: at },
  progress: null,
  viewers: 0,
  links: { live_mp4: '', hls: '', still: '' },
});

export interface FakeHub {
  readonly operations: RpcOperations;
  readonly events: RpcEvents & { tell(event: RpcEvent): void };
}

const none = (resource: string, id: string) => new WeirError('not_found', `There is no ${resource} ${id}`, { facts: { resource, id } });

/** Makes it; every field of every answer is that of the contract. */
export function createFakeHub(cameraIds: readonly string[] = ['camera0', 'camera1']): FakeHub {
  const cameras = new Map(cameraIds.map((id) => [id, fakeCamera(id)]));
  const streams = new Map(cameraIds.map((id) => [id, fakeStream(id)]));
  const events = createFakeEvents();
  const running = new Map<string, Recording>();
  return {
    events,
    operations: {
      ...cameraOperations(cameras, running),
      ...streamOperations(streams, running),
      ...recordingOperations(events, running),
      ...snapshotOperations(),
      ...externalOperations(),
      ...systemOperations(),
    },
  };
}

function createFakeEvents(): FakeHub['events'] {
  const listeners = new Set<(event: RpcEvent) => void>();
  return {
    on(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    tell(event) {
      for (const listener of listeners) listener(event);
    },
  };
}

function cameraOperations(cameras: Map<string, Camera>, running: ReadonlyMap<string, Recording>): Pick<RpcOperations, 'list_cameras' | 'get_camera'> {
  return {
    list_cameras: ({ query }) => {
      // Pages of one, so that whoever forgets to turn them is found out.
      const all = [...cameras.values()];
      const index = Number(query.cursor ?? 0);
      return {
        items: all.slice(index, index + 1),
        next_cursor: index + 1 < all.length ? String(index + 1) : null,
        total: all.length,
        connected: all.length,
      };
    },
    get_camera: ({ params }) => {
      const camera = cameras.get(params.camera_id);
      if (camera === undefined) throw none('camera', params.camera_id);
      return { ...camera, recording: running.has(camera.camera_id) };
    },
  };
}

type StreamNames = 'list_streams' | 'get_stream' | 'start_stream' | 'stop_stream' | 'stream_command_preview';

function streamOperations(streams: Map<string, Stream>, running: ReadonlyMap<string, Recording>): Pick<RpcOperations, StreamNames> {
  const get = (id: string): Stream => {
    const stream = streams.get(id);
    if (stream === undefined) throw none('stream', id);
    return stream;
  };
  const set = (id: string, desired: Stream['desired'], status: StreamStatus) => {
    const stream = { ...get(id), desired, status };
    streams.set(id, stream);
    return { result: { ok: true, timestamp: at }, stream };
  };
  return {
    list_streams: () => ({ items: [...streams.values()], next_cursor: null }),
    get_stream: ({ params }) => get(params.stream_id),
    start_stream: ({ params: { stream_id } }) => set(stream_id, 'running', { stream_id, state: 'running', pid: 4711, started_at: at, timestamp: at }),
    stop_stream: ({ params: { stream_id } }) => {
      const isRecorded = running.has(stream_id);
      return set(stream_id, 'stopped', { stream_id, state: isRecorded ? 'running' : 'stopped', timestamp: at });
    },
    stream_command_preview: () => ({ command: ['ffmpeg', '-f', 'v4l2', '-i', '/dev/video0', '-f', 'mp4', 'pipe:1'] }),
  };
}

type RecordingNames = 'get_recording' | 'start_recording' | 'stop_recording' | 'list_recordings' | 'list_segments' | 'get_segment' | 'delete_segment';

function recordingOperations(events: FakeHub['events'], running: Map<string, Recording>): Pick<RpcOperations, RecordingNames> {
  const segments = new Map<string, Segment>();
  const get = (filename: string): Segment => {
    const segment = segments.get(filename);
    if (segment === undefined) throw none('recording', filename);
    return segment;
  };
  const begin = (stream_id: string) => {
    const recording = running.get(stream_id);
    if (recording === undefined) return;
    const filename = `${stream_id}_1`;
    running.set(stream_id, { ...recording, state: 'recording', filename, started_at: at });
    events.tell({
      topic: 'recording.start',
      streamId: stream_id,
      data: { device: stream_id, status: 'STARTED', filename, duration: 0, timestamp: at },
    });
  };
  return {
    get_recording: ({ params }) => ({ recording: running.get(params.stream_id) ?? null, policy: { mode: 'off' } }),
    start_recording({ params: { stream_id }, body }) {
      if (running.has(stream_id)) {
        throw new WeirError('failed_precondition', `${stream_id} is recorded already`, {
          facts: { state: 'recording', allowed_states: ['stopped'] },
        });
      }
      const recording = fakeRecording(stream_id, body?.format ?? 'fmp4');
      running.set(stream_id, recording);
      setImmediate(() => begin(stream_id));
      // The operator subscribes after the start; a hub tells about once a second.
      const timer = setInterval(() => {
        if (!running.has(stream_id)) {
          clearInterval(timer);
          return;
        }
        events.tell({
          topic: 'recording.progress',
          streamId: stream_id,
          data: { device: stream_id, filename: `${stream_id}_1`, duration: 1, file_size: 4096, timestamp: at },
        });
      }, 20);
      timer.unref();
      return recording;
    },
    stop_recording({ params: { stream_id } }) {
      const recording = running.get(stream_id);
      if (recording === undefined) {
        throw new WeirError('failed_precondition', `${stream_id} is not recorded`, { facts: { state: 'stopped', allowed_states: ['recording'] } });
      }
      running.delete(stream_id);
      segments.set(`${stream_id}_1`, fakeSegment(stream_id, recording));
      return { ...recording, state: 'stopped', filename: `${stream_id}_1`, started_at: at, ended_at: at, elapsed_s: 3.7, size_bytes: 4096 };
    },
    list_recordings: ({ query }) => ({ items: [...running.values()], total: running.size, ...query }),
    list_segments: ({ query: { limit, offset } }) => {
      const all = [...segments.values()];
      return { items: all.slice(offset, offset + limit), total: all.length, limit, offset };
    },
    get_segment: ({ params }) => get(params.filename),
    delete_segment({ params }) {
      get(params.filename);
      segments.delete(params.filename);
      return { filename: params.filename, deleted: true, message: 'Deleted' };
    },
  };
}

function fakeRecording(stream_id: string, format: Recording['format']): Recording {
  return {
    recording_id: `${stream_id}-1`,
    stream_id,
    origin: 'manual',
    state: 'starting',
    cause: null,
    error: null,
    format,
    filename: null,
    started_at: null,
    ended_at: null,
    until: null,
    elapsed_s: 0,
    size_bytes: 0,
    segments: 0,
    requested_by: 'operator',
    requested_at: at,
  };
}

function fakeSegment(stream_id: string, { recording_id, format }: Recording): Segment {
  return {
    filename: `${stream_id}_1`,
    recording_id,
    stream_id,
    format,
    started_at: at,
    ended_at: at,
    duration_s: 3.7,
    file_size: 4096,
    frames: 111,
    width: 1280,
    height: 720,
    protected: false,
    recovered: false,
    spoke_id: 'local',
    download_url: `/files/recordings/${stream_id}_1`,
  };
}

function snapshotOperations(): Pick<RpcOperations, 'take_snapshot' | 'list_snapshots' | 'get_snapshot' | 'delete_snapshot'> {
  const snapshots = new Map<string, Snapshot>();
  const get = (filename: string): Snapshot => {
    const snapshot = snapshots.get(filename);
    if (snapshot === undefined) throw none('snapshot', filename);
    return snapshot;
  };
  return {
    take_snapshot({ params: { stream_id }, body }) {
      const filename = body?.filename ?? `${stream_id}.jpg`;
      const download_url = `/files/snapshots/${filename}`;
      const taken = { taken_at: at, taken_by: 'operator', protected: false, download_url };
      const snapshot: Snapshot = { filename, stream_id, format: 'jpg', width: 1280, height: 720, file_size: 1000, ...taken };
      snapshots.set(filename, snapshot);
      return snapshot;
    },
    list_snapshots: ({ query }) => ({ items: [...snapshots.values()], total: snapshots.size, ...query }),
    get_snapshot: ({ params }) => get(params.filename),
    delete_snapshot({ params }) {
      get(params.filename);
      snapshots.delete(params.filename);
      return { filename: params.filename, deleted: true, message: 'Deleted' };
    },
  };
}

type ExternalNames = 'scan_external_streams' | 'add_external_stream' | 'remove_external_stream' | 'list_external_streams' | 'set_scan_interval';

function externalOperations(): Pick<RpcOperations, ExternalNames> {
  const streams = new Map<string, ExternalStream>();
  return {
    scan_external_streams() {
      throw new WeirError('unsupported', 'The network is not scanned', { facts: { feature: 'external_discovery' } });
    },
    add_external_stream({ body: { stream_url, stream_name, stream_type = 'generic_rtsp' } }) {
      const seen = { discovered_at: at, last_seen: at, camera_id: 'camera7', capabilities: { protocol: 'rtsp' as const } };
      const stream: ExternalStream = { url: stream_url, type: stream_type, name: stream_name, status: 'DISCOVERED', ...seen };
      streams.set(stream_url, stream);
      return stream;
    },
    remove_external_stream({ query: { stream_url } }) {
      if (!streams.delete(stream_url)) throw none('stream', stream_url);
      return undefined;
    },
    list_external_streams: () => ({ items: [...streams.values()], scan_interval: 0 }),
    set_scan_interval: ({ body }) => body,
  };
}

function systemOperations(): Pick<RpcOperations, 'get_storage' | 'set_retention' | 'cleanup_storage' | 'system_health' | 'get_gateway'> {
  let retention: RetentionPolicy = { policy_type: 'manual', enabled: true };
  return {
    get_storage: () => ({
      path: '/var/lib/weir/recordings',
      total_space: 1000,
      used_space: 400,
      available_space: 600,
      usage_percentage: 40,
      recordings_size: 300,
      snapshots_size: 10,
      exports_size: 0,
      state: 'ok',
      low_space_warning: false,
      warn_percent: 80,
      block_percent: 90,
      retention,
      oldest_at: null,
      bytes_per_day: 0,
      full_in_days: null,
      streams: [],
    }),
    set_retention({ body }) {
      retention = body;
      return body;
    },
    cleanup_storage() {
      if (retention.policy_type === 'manual')
        throw new WeirError('failed_precondition', 'Nothing is deleted by itself', { facts: { state: 'manual' } });
      return { cleanup_executed: true, files_deleted: 0, space_freed: 0, message: 'Nothing was old enough' };
    },
    system_health: () => ({ status: 'healthy', version: '0.1.0', uptime_s: 12.5, components: [], timestamp: at }),
    get_gateway: () => ({ kind: 'builtin', state: 'running', managed: 'none', version: null, features: {}, error: null, since: at }),
  };
}
