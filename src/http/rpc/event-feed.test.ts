import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Recording, SystemHealth } from '../../contracts/index.js';
import { rpcNotifications, rpcTopics } from '../../contracts/rpc/index.js';
import type { GatewayEvent } from '../../gateways/index.js';
import { cameraEvents, createRpcEventFeed, gatewayEvents, recordingEvents } from './event-feed.js';
import type { RpcEvent } from './events.js';
import { fakeCamera } from './testing/fake-operations.js';

const at = '2026-11-20T12:00:00.000Z';
const camera = fakeCamera('camera0');

const recording: Recording = {
  recording_id: 'r1',
  stream_id: 'camera0',
  origin: 'manual',
  state: 'recording',
  cause: null,
  error: null,
  format: 'fmp4',
  filename: 'camera0_1',
  started_at: at,
  ended_at: null,
  until: null,
  elapsed_s: 4.9,
  size_bytes: 1000,
  segments: 0,
  requested_by: 'operator',
  requested_at: at,
};

/** Names of what is told; each event is held against its schema, and about its camera only. */
function namesOf(events: readonly RpcEvent[]): string[] {
  return events.map((event) => {
    if ('topic' in event) rpcTopics[event.topic].parse(event.data);
    else rpcNotifications[event.notification].parse(event.data);
    if ('device' in event.data) assert.equal(event.streamId, event.data.device);
    assert.doesNotMatch(JSON.stringify(event), /\/dev\//);
    return 'topic' in event ? event.topic : event.notification;
  });
}

describe('a camera', () => {
  for (const [type, names] of [
    ['connected', ['camera.connected']],
    ['disconnected', ['camera.disconnected']],
    ['capability_detected', ['camera.capability_detected']],
    ['added', ['camera_status_update']],
    ['updated', ['camera_status_update']],
    ['removed', ['camera_status_update']],
  ] as const) {
    test(`${type} is told as ${names}`, () => assert.deepEqual(namesOf(cameraEvents({ type, camera }, at)), names));
  }

  test('that changes its status is told once to all, and as a topic', () => {
    const events = cameraEvents({ type: 'status_change', camera, old_status: 'DISCONNECTED', new_status: 'CONNECTED' }, at);
    assert.deepEqual(namesOf(events), ['camera_status_update', 'camera.status_change']);
  });

  test('is told with the addresses at the host of each client, those of now', () => {
    const [update] = cameraEvents({ type: 'updated', camera }, at, (id, host) => (host === 'gone' ? undefined : { rtsp: `rtsp://${host}/${id}` }));
    assert.ok(update !== undefined && 'notification' in update && update.notification === 'camera_status_update');
    assert.deepEqual(update.dataAt?.('nvr.lan').streams, { rtsp: 'rtsp://nvr.lan/camera0', hls: '' });
    assert.deepEqual(update.dataAt?.('gone'), update.data);
  });

  test('whose capabilities cannot be read does not tell its device node', () => {
    const events = cameraEvents({ type: 'capability_error', camera, error: '/dev/video0: busy' }, at);
    assert.deepEqual(namesOf(events), ['camera.capability_error']);
  });
});

describe('a recording', () => {
  for (const [kind, state, names, status] of [
    ['recording_started', 'recording', ['recording_status_update', 'recording.start'], 'STARTED'],
    ['recording_stopped', 'stopped', ['recording_status_update', 'recording.stop'], 'STOPPED'],
    ['recording_error', 'waiting', ['recording_status_update', 'recording.error'], 'ERROR'],
    ['recording_error', 'failed', ['recording_status_update', 'recording.error'], 'FAILED'],
  ] as const) {
    test(`${kind} in the state ${state} is told as ${status}`, () => {
      const events = recordingEvents({ kind, recording: { ...recording, state } }, at);
      assert.deepEqual(namesOf(events), names);
      for (const { data } of events) assert.deepEqual({ ...data, device: 'camera0', duration: 4, status }, data);
    });
  }

  test('in progress is told to those who asked for it', () => {
    assert.deepEqual(namesOf(recordingEvents({ kind: 'recording_progress', recording }, at)), ['recording.progress']);
  });

  test('of a stream that is no camera is not told here', () => {
    assert.deepEqual(recordingEvents({ kind: 'recording_started', recording: { ...recording, stream_id: 'front' } }, at), []);
  });

  test('that runs out of room is an error of the system', () => {
    assert.deepEqual(namesOf(recordingEvents({ kind: 'storage_state', state: 'blocked', usage_percentage: 95 }, at)), ['system.error']);
    assert.deepEqual(recordingEvents({ kind: 'storage_state', state: 'ok', usage_percentage: 5 }, at), []);
  });
});

test('the gateway tells of paths and of its failures', () => {
  const rows: [GatewayEvent, string[]][] = [
    [{ kind: 'path_ready', streamId: 'camera0' }, ['mediamtx.path', 'mediamtx.stream', 'mediamtx.stream_started']],
    [{ kind: 'path_not_ready', streamId: 'camera0' }, ['mediamtx.path', 'mediamtx.stream', 'mediamtx.stream_stopped']],
    [{ kind: 'path_ready', streamId: 'front' }, []],
    [
      { kind: 'state', state: { kind: 'mediamtx', state: 'unavailable', managed: 'child', version: null, features: {}, error: 'gone', since: at } },
      ['mediamtx.error'],
    ],
  ];
  for (const [event, names] of rows) assert.deepEqual(namesOf(gatewayEvents(event, at)), names);
});

test('health is told when it changes, and a part once when it fails', () => {
  const feed = createRpcEventFeed(assert.ifError);
  const told: RpcEvent[] = [];
  feed.events.on((event) => told.push(event));
  const look = (status: SystemHealth['status']) => {
    feed.health({ status, version: '1', uptime_s: 1, components: [{ name: 'broker', status, message: 'gone' }], timestamp: at });
    return namesOf(told.splice(0));
  };
  assert.deepEqual(look('healthy'), ['system.health']);
  assert.deepEqual(look('healthy'), []);
  assert.deepEqual(look('unhealthy'), ['system.error', 'system.health']);
  assert.deepEqual(look('unhealthy'), []);
  assert.deepEqual(look('healthy'), ['system.health']);
});

test('a listener that throws keeps nobody from hearing', () => {
  const failures: unknown[] = [];
  const feed = createRpcEventFeed((error) => failures.push(error));
  const told: RpcEvent[] = [];
  feed.events.on(() => {
    throw new Error('deaf');
  });
  feed.events.on((event) => told.push(event));
  feed.startup('1', 'built today');
  feed.shutdown('asked');
  assert.deepEqual(namesOf(told), ['system.startup', 'system.shutdown']);
  assert.equal(failures.length, 2);
});
