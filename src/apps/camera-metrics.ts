/** Metrics of cameras, recordings, storage, JSON-RPC and the gateway; each is looked at when somebody reads. */
import {
  type Camera,
  cameraStatuses,
  type GatewayPath,
  type GatewayState,
  gatewayStateSchema,
  type Recording,
  recordingStates,
  type Storage,
  storageStates,
} from '../contracts/index.js';
import type { RpcCallRecord, RpcCounters } from '../http/index.js';
import type { Metrics } from '../telemetry/index.js';

/** A part that is left out exports nothing. What throws is left out of that one reading. */
export interface CameraMetricsSources {
  readonly cameras?: () => readonly Pick<Camera, 'camera_id' | 'status'>[];
  /** Recordings that have not ended. */
  readonly recordings?: () => readonly Pick<Recording, 'stream_id' | 'state' | 'elapsed_s' | 'size_bytes' | 'segments' | 'dropped_fragments'>[];
  readonly storage?: () => MeasuredStorage | Promise<MeasuredStorage>;
  readonly rpc?: () => RpcCounters | undefined;
  readonly gateway?: () => Pick<GatewayState, 'kind' | 'state'>;
  /** Paths with their readers, as the gateway tells them. */
  readonly gatewayPaths?: () => MeasuredPaths | Promise<MeasuredPaths>;
}

type MeasuredStorage = Pick<
  Storage,
  'total_space' | 'available_space' | 'recordings_size' | 'snapshots_size' | 'exports_size' | 'state' | 'full_in_days' | 'streams'
>;
type MeasuredPaths = readonly Pick<GatewayPath, 'stream_id' | 'ready' | 'readers' | 'bytes_received' | 'bytes_sent'>[];

const gatewayStates = gatewayStateSchema.shape.state.options;

/** Brings the metrics up to date before each reading. Returns the way to end that. */
export function collectCameraMetrics(metrics: Metrics, sources: CameraMetricsSources): () => void {
  const { cameras, recordings, storage, rpc, gateway, gatewayPaths } = sources;
  const ends: (() => void)[] = [];
  if (cameras !== undefined) ends.push(metrics.onCollect(cameraCollector(metrics, cameras)));
  if (recordings !== undefined) ends.push(metrics.onCollect(recordingCollector(metrics, recordings)));
  if (storage !== undefined) ends.push(metrics.onCollect(storageCollector(metrics, storage)));
  if (rpc !== undefined) ends.push(metrics.onCollect(() => collectRpc(metrics, rpc())));
  if (gateway !== undefined) {
    ends.push(
      metrics.onCollect(() => {
        const { kind, state } = gateway();
        for (const one of gatewayStates) metrics.set('weir_gateway_state', one === state ? 1 : 0, { kind, state: one });
      }),
    );
  }
  if (gatewayPaths !== undefined) ends.push(metrics.onCollect(pathCollector(metrics, gatewayPaths)));
  return () => {
    for (const end of ends) end();
  };
}

/** Counts one finished JSON-RPC call; hand it to the server as `observe`. */
export function rpcObserver(metrics: Metrics): (record: RpcCallRecord) => void {
  return ({ method, outcome, seconds }) => {
    metrics.add('weir_rpc_requests_total', 1, { method, outcome: String(outcome) });
    metrics.observe('weir_rpc_request_duration_seconds', seconds, { method });
  };
}

/** Calls back with the ids that were there at the last reading and are not now, so that their series end. */
function leaver(): (present: readonly string[], forget: (streamId: string) => void) => void {
  let known = new Set<string>();
  return (present, forget) => {
    const now = new Set(present);
    for (const streamId of known) if (!now.has(streamId)) forget(streamId);
    known = now;
  };
}

function cameraCollector(metrics: Metrics, cameras: NonNullable<CameraMetricsSources['cameras']>): () => void {
  const left = leaver();
  return () => {
    const all = cameras();
    for (const status of cameraStatuses) metrics.set('weir_cameras', all.filter((camera) => camera.status === status).length, { status });
    for (const { camera_id, status } of all) metrics.set('weir_camera_up', status === 'CONNECTED' ? 1 : 0, { stream_id: camera_id });
    left(
      all.map((camera) => camera.camera_id),
      (stream_id) => metrics.remove('weir_camera_up', { stream_id }),
    );
  };
}

const recordingSeries = [
  'weir_recording_active',
  'weir_recording_elapsed_seconds',
  'weir_recording_size_bytes',
  'weir_recording_segments',
  'weir_recording_dropped_fragments',
] as const;

function recordingCollector(metrics: Metrics, recordings: NonNullable<CameraMetricsSources['recordings']>): () => void {
  const left = leaver();
  return () => {
    const all = recordings();
    for (const state of recordingStates) metrics.set('weir_recordings', all.filter((one) => one.state === state).length, { state });
    const byStream = new Map<string, { active: number; elapsed: number; size: number; segments: number; dropped: number }>();
    for (const { stream_id, state, elapsed_s, size_bytes, segments, dropped_fragments = 0 } of all) {
      const sum = byStream.get(stream_id) ?? { active: 0, elapsed: 0, size: 0, segments: 0, dropped: 0 };
      byStream.set(stream_id, {
        active: state === 'recording' ? 1 : sum.active,
        elapsed: Math.max(sum.elapsed, elapsed_s),
        size: sum.size + size_bytes,
        segments: sum.segments + segments,
        // Each recording of a stream tells the same number.
        dropped: Math.max(sum.dropped, dropped_fragments),
      });
    }
    for (const [stream_id, sum] of byStream) {
      metrics.set('weir_recording_active', sum.active, { stream_id });
      metrics.set('weir_recording_elapsed_seconds', sum.elapsed, { stream_id });
      metrics.set('weir_recording_size_bytes', sum.size, { stream_id });
      metrics.set('weir_recording_segments', sum.segments, { stream_id });
      metrics.set('weir_recording_dropped_fragments', sum.dropped, { stream_id });
    }
    left([...byStream.keys()], (stream_id) => {
      for (const name of recordingSeries) metrics.remove(name, { stream_id });
    });
  };
}

function storageCollector(metrics: Metrics, storage: NonNullable<CameraMetricsSources['storage']>): () => Promise<void> {
  const left = leaver();
  return async () => {
    const now = await storage();
    metrics.set('weir_storage_total_bytes', now.total_space);
    metrics.set('weir_storage_available_bytes', now.available_space);
    metrics.set('weir_storage_kept_bytes', now.recordings_size, { kind: 'recordings' });
    metrics.set('weir_storage_kept_bytes', now.snapshots_size, { kind: 'snapshots' });
    metrics.set('weir_storage_kept_bytes', now.exports_size, { kind: 'exports' });
    for (const state of storageStates) metrics.set('weir_storage_state', state === now.state ? 1 : 0, { state });
    if (now.full_in_days === null) metrics.remove('weir_storage_full_in_days');
    else metrics.set('weir_storage_full_in_days', now.full_in_days);
    for (const { stream_id, size } of now.streams) metrics.set('weir_storage_stream_bytes', size, { stream_id });
    left(
      now.streams.map((stream) => stream.stream_id),
      (stream_id) => metrics.remove('weir_storage_stream_bytes', { stream_id }),
    );
  };
}

function collectRpc(metrics: Metrics, counters: RpcCounters | undefined): void {
  if (counters === undefined) return;
  metrics.set('weir_rpc_sockets', counters.authenticated, { state: 'authenticated' });
  metrics.set('weir_rpc_sockets', counters.open - counters.authenticated, { state: 'anonymous' });
  metrics.setTotal('weir_rpc_connections_total', counters.accepted);
  metrics.setTotal('weir_rpc_notifications_total', counters.notifications);
  for (const [reason, total] of Object.entries(counters.refused)) metrics.setTotal('weir_rpc_refused_total', total, { reason });
  for (const [reason, total] of Object.entries(counters.cut)) metrics.setTotal('weir_rpc_cut_total', total, { reason });
}

function pathCollector(metrics: Metrics, paths: NonNullable<CameraMetricsSources['gatewayPaths']>): () => Promise<void> {
  const left = leaver();
  return async () => {
    const all = await paths();
    for (const ready of [true, false]) {
      metrics.set('weir_gateway_paths', all.filter((path) => path.ready === ready).length, { ready: String(ready) });
    }
    for (const { stream_id, readers, bytes_received, bytes_sent } of all) {
      metrics.set('weir_gateway_readers', readers.length, { stream_id });
      metrics.setTotal('weir_gateway_received_bytes_total', bytes_received, { stream_id });
      metrics.setTotal('weir_gateway_sent_bytes_total', bytes_sent, { stream_id });
    }
    left(
      all.map((path) => path.stream_id),
      (stream_id) => {
        for (const name of ['weir_gateway_readers', 'weir_gateway_received_bytes_total', 'weir_gateway_sent_bytes_total'] as const)
          metrics.remove(name, { stream_id });
      },
    );
  };
}
