import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMetrics } from '../telemetry/index.js';
import { type CameraMetricsSources, collectCameraMetrics, rpcObserver } from './camera-metrics.js';

/** Lines of the exposition about these names, without help and type. */
async function read(sources: CameraMetricsSources, pattern: RegExp, more: (metrics: ReturnType<typeof createMetrics>) => void = () => undefined) {
  const metrics = createMetrics({ processMetrics: false });
  collectCameraMetrics(metrics, sources);
  more(metrics);
  const lines = async () => (await metrics.text()).split('\n').filter((line) => !line.startsWith('#') && pattern.test(line));
  return { metrics, lines };
}

test('cameras are counted by status, and the series of one that is gone ends', async () => {
  let cameras: ReturnType<NonNullable<CameraMetricsSources['cameras']>> = [
    { camera_id: 'camera0', status: 'CONNECTED' },
    { camera_id: 'camera1', status: 'ERROR' },
  ];
  const { lines } = await read({ cameras: () => cameras }, /^weir_camera/);
  assert.deepEqual(await lines(), [
    'weir_cameras{status="CONNECTED"} 1',
    'weir_cameras{status="DISCONNECTED"} 0',
    'weir_cameras{status="ERROR"} 1',
    'weir_camera_up{stream_id="camera0"} 1',
    'weir_camera_up{stream_id="camera1"} 0',
  ]);
  cameras = cameras.slice(1);
  assert.deepEqual((await lines()).slice(3), ['weir_camera_up{stream_id="camera1"} 0']);
});

test('recordings of one stream are summed, and end with the last of them', async () => {
  let recordings: ReturnType<NonNullable<CameraMetricsSources['recordings']>> = [
    { stream_id: 'camera0', state: 'recording', elapsed_s: 10, size_bytes: 100, segments: 1 },
    { stream_id: 'camera0', state: 'waiting', elapsed_s: 4, size_bytes: 20, segments: 2 },
  ];
  const { lines } = await read({ recordings: () => recordings }, /^weir_recording(?:_|s\{state="(?:recording|waiting)")/);
  assert.deepEqual(await lines(), [
    'weir_recordings{state="recording"} 1',
    'weir_recordings{state="waiting"} 1',
    'weir_recording_active{stream_id="camera0"} 1',
    'weir_recording_elapsed_seconds{stream_id="camera0"} 10',
    'weir_recording_size_bytes{stream_id="camera0"} 120',
    'weir_recording_dropped_fragments{stream_id="camera0"} 0',
    'weir_recording_segments{stream_id="camera0"} 3',
  ]);
  recordings = [];
  assert.deepEqual(await lines(), ['weir_recordings{state="recording"} 0', 'weir_recordings{state="waiting"} 0']);
});

test('storage tells its state and, when it will be full, when', async () => {
  const storage = {
    total_space: 1000,
    available_space: 400,
    recordings_size: 300,
    snapshots_size: 20,
    exports_size: 1,
    state: 'warning' as const,
    full_in_days: 2.5 as number | null,
    streams: [{ stream_id: 'camera0', size: 300, segments: 3, bytes_per_day: 100, oldest_at: null }],
  };
  const { lines } = await read({ storage: async () => ({ ...storage }) }, /^weir_storage/);
  const all = await lines();
  assert.ok(all.includes('weir_storage_state{state="warning"} 1') && all.includes('weir_storage_state{state="ok"} 0'), all.join('\n'));
  assert.ok(all.includes('weir_storage_kept_bytes{kind="recordings"} 300') && all.includes('weir_storage_stream_bytes{stream_id="camera0"} 300'));
  assert.ok(all.includes('weir_storage_full_in_days 2.5'));
  storage.full_in_days = null;
  storage.streams = [];
  assert.deepEqual(
    (await lines()).filter((line) => /full_in|stream_bytes/.test(line)),
    [],
  );
});

test('JSON-RPC counts sockets, refusals, cuts and calls with their outcome', async () => {
  const counters = {
    open: 5,
    authenticated: 3,
    accepted: 9,
    refused: { origin: 1, limit: 2, handshake: 0 },
    calls: 7,
    failed: 1,
    notifications: 11,
    cut: { too_slow: 1, no_pong: 0, half_message: 0, revoked: 2 },
  };
  const { lines } = await read({ rpc: () => counters }, /^weir_rpc(?!.*bucket)/, (metrics) => {
    rpcObserver(metrics)({ method: 'ping', outcome: 'ok', seconds: 0.001 });
    rpcObserver(metrics)({ method: 'ping', outcome: -32001, seconds: 0.001 });
  });
  const all = new Set(await lines());
  for (const line of [
    'weir_rpc_sockets{state="authenticated"} 3',
    'weir_rpc_sockets{state="anonymous"} 2',
    'weir_rpc_connections_total 9',
    'weir_rpc_refused_total{reason="limit"} 2',
    'weir_rpc_cut_total{reason="revoked"} 2',
    'weir_rpc_requests_total{method="ping",outcome="ok"} 1',
    'weir_rpc_requests_total{method="ping",outcome="-32001"} 1',
    'weir_rpc_request_duration_seconds_count{method="ping"} 2',
    'weir_rpc_notifications_total 11',
  ])
    assert.ok(all.has(line), `${line} is missing in ${[...all].join('\n')}`);
});

test('the gateway tells its state and paths; a gateway that does not answer spoils no reading', async () => {
  let answers = true;
  const sources: CameraMetricsSources = {
    gateway: () => ({ kind: 'mediamtx', state: answers ? 'running' : 'unavailable' }),
    gatewayPaths: () => {
      if (!answers) throw new Error('does not answer');
      return [{ stream_id: 'camera0', ready: true, readers: [], bytes_received: 10, bytes_sent: 20 }];
    },
    cameras: () => [{ camera_id: 'camera0', status: 'CONNECTED' }],
  };
  const { metrics, lines } = await read(sources, /^weir_(?:gateway|camera_up)/);
  const before = await lines();
  for (const line of [
    'weir_gateway_state{kind="mediamtx",state="running"} 1',
    'weir_gateway_paths{ready="true"} 1',
    'weir_gateway_sent_bytes_total{stream_id="camera0"} 20',
  ])
    assert.ok(before.includes(line), before.join('\n'));
  answers = false;
  const after = await lines();
  assert.ok(after.includes('weir_gateway_state{kind="mediamtx",state="unavailable"} 1') && after.includes('weir_camera_up{stream_id="camera0"} 1'));
  assert.doesNotMatch(await metrics.text({ streams: ['other'] }), /camera0|weir_gateway_paths\{/);
});
