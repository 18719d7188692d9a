import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AlertMessage, CommandResult, StreamStatus, SystemHealth } from '../../contracts/index.js';
import { WeirError } from '../../contracts/index.js';
import { waitFor } from '../../testkit/index.js';
import { admin, type Bench, calm, input, startBench, startTestSpoke } from './fixture.test.js';

const codeOf = (code: string) => (error: unknown) => error instanceof WeirError && error.code === code;
const now = () => new Date().toISOString();

const create = (bench: Bench, body: Record<string, unknown>) =>
  bench.hub.operations.create_stream(admin, input('create_stream', { body: { config: { device: 'test:' }, ...body } as never }), calm);
const show = (bench: Bench, streamId: string) =>
  bench.hub.operations.get_stream(admin, input('get_stream', { params: { stream_id: streamId } }), calm);
const stateOf = async (bench: Bench, streamId: string) => {
  const { status } = await show(bench, streamId);
  return `${status?.state} ${status?.reason ?? '-'}`;
};

test('an on-demand stream that is released ends now and starts again for the next viewer', async () => {
  await using bench = await startBench();
  await using spoke = await startTestSpoke(bench, 's1');
  const { operations } = bench.hub;
  await create(bench, { stream_id: 'cam', on_demand: true });
  const target = { params: { stream_id: 'cam' } };
  await operations.start_stream(admin, input('start_stream', target), calm);
  assert.equal(spoke.state('cam'), 'running');
  const released = await operations.stop_stream(admin, input('stop_stream', { ...target, body: { release: true } }), calm);
  assert.deepEqual([released.result.ok, released.stream.desired, spoke.state('cam')], [true, 'running', 'stopped']);
  bench.hub.want('cam');
  await waitFor(() => spoke.state('cam') === 'running', { what: 'running again' });
});

test('a stream that is defined is assigned, started, stopped, restarted and deleted', async () => {
  await using bench = await startBench();
  await using spoke = await startTestSpoke(bench, 's1');
  const { operations } = bench.hub;
  const created = await create(bench, { name: 'Front door' });
  assert.equal(created.stream_id, 'front-door');
  await waitFor(async () => (await stateOf(bench, 'front-door')) === 'running -', { what: 'running' });

  const target = { params: { stream_id: 'front-door' } };
  const stopped = await operations.stop_stream(admin, input('stop_stream', target), calm);
  assert.equal(stopped.result.ok, true);
  assert.equal(stopped.stream.desired, 'stopped');
  assert.equal(spoke.state('front-door'), 'stopped');

  await operations.start_stream(admin, input('start_stream', target), calm);
  assert.equal(spoke.state('front-door'), 'running');

  await operations.restart_stream(admin, input('restart_stream', target), calm);
  assert.deepEqual(spoke.commands, ['stop front-door', 'start front-door']);
  // The hub's own words must not come back to it as wishes of somebody else.
  assert.equal((await show(bench, 'front-door')).desired, 'running');

  const status = await operations.stream_status(admin, input('stream_status', target), calm);
  assert.equal(status.state, 'running');

  await operations.delete_stream(admin, input('delete_stream', target), calm);
  assert.deepEqual(spoke.assignments.at(-1)?.streams, []);
  await assert.rejects(show(bench, 'front-door'), codeOf('not_found'));
  await bench.bus.flush();
  assert.deepEqual(bench.hub.streams(), []);
  assert.deepEqual(bench.complaints, []);
});

test('a restarted hub takes over what runs and changes nothing', async () => {
  await using bench = await startBench();
  await using spoke = await startTestSpoke(bench, 's1');
  await create(bench, { stream_id: 'cam' });
  await waitFor(() => spoke.state('cam') === 'running');
  const before = spoke.assignments.at(-1);
  await bench.restartHub();
  await waitFor(() => spoke.assignments.length > 1, { what: 'the assignment of the new hub' });
  const after = spoke.assignments.at(-1);
  assert.deepEqual(after?.streams, before?.streams);
  assert.ok((after?.revision ?? 0) > (before?.revision ?? 0));
  await waitFor(async () => (await stateOf(bench, 'cam')) === 'running -');
});

test('the streams of a lost spoke are shown as lost, then move; a stream pinned to it waits', async () => {
  await using bench = await startBench();
  const first = await startTestSpoke(bench, 's1');
  await create(bench, { stream_id: 'free' });
  await create(bench, { stream_id: 'pinned', spoke: 's1' });
  await waitFor(() => first.state('free') === 'running' && first.state('pinned') === 'running');
  const spoken: string[] = [];
  bench.bus.subscribe('stream_status', {}, (status: StreamStatus) => void spoken.push(`${status.stream_id} ${status.state} ${status.reason ?? '-'}`));
  await bench.bus.flush();
  await using second = await startTestSpoke(bench, 's2');
  await first.vanish();
  await waitFor(async () => (await stateOf(bench, 'free')) === 'error spoke_lost', { what: 'lost' });
  await waitFor(() => second.state('free') === 'running', { what: 'moved' });
  await waitFor(async () => (await stateOf(bench, 'free')) === 'running -');
  assert.equal(await stateOf(bench, 'pinned'), 'error spoke_lost');
  // The bus hears it too, once: browsers have no other source.
  assert.equal(spoken.filter((one) => one === 'pinned error spoke_lost').length, 1);
  // The one that has no spoke is told at the next look.
  const openAlerts = async () => {
    const { items } = await bench.hub.operations.list_alerts(admin, input('list_alerts', { query: { limit: 10, open: 'true' } }), calm);
    return items.map((alert) => alert.kind).sort();
  };
  await waitFor(async () => (await openAlerts()).length === 2, { what: 'both alerts' });
  assert.deepEqual(await openAlerts(), ['no_spoke', 'spoke_lost.s1']);

  await using back = await startTestSpoke(bench, 's1');
  await waitFor(() => back.state('pinned') === 'running');
  await waitFor(async () => (await bench.store.alerts.open()).length === 0, { what: 'alerts to clear' });
  assert.equal(back.state('free'), undefined);
});

test('a drained spoke gives its streams away, without another it keeps them', async () => {
  await using bench = await startBench();
  await using first = await startTestSpoke(bench, 's1');
  await create(bench, { stream_id: 'cam' });
  await waitFor(() => first.state('cam') === 'running');
  const drain = () => bench.hub.operations.drain_spoke(admin, input('drain_spoke', { params: { spoke_id: 's1' } }), calm);
  assert.deepEqual((await drain()).streams, ['cam']);
  assert.equal(first.state('cam'), 'running');
  await using second = await startTestSpoke(bench, 's2');
  await waitFor(() => second.state('cam') === 'running');
  assert.equal(first.state('cam'), 'stopped');
  await waitFor(() => first.agent.state === 'draining', { what: 'the order to drain' });
  const { items } = await bench.hub.operations.list_spokes(admin, input('list_spokes', {}), calm);
  assert.deepEqual(
    items.map((one) => [one.spoke_id, one.state, one.streams]),
    [
      ['s1', 'draining', []],
      ['s2', 'online', ['cam']],
    ],
  );
  await assert.rejects(bench.hub.operations.drain_spoke(admin, input('drain_spoke', { params: { spoke_id: 'nobody' } }), calm), codeOf('not_found'));
});

/** Sends a command as a request and gathers every answer that comes. */
async function askAll(bench: Bench, streamId: string, payload: string): Promise<CommandResult[]> {
  const { connection } = bench.bus;
  const inbox = `_INBOX.test.${crypto.randomUUID()}`;
  const answers: CommandResult[] = [];
  const subscription = connection.subscribe(inbox, { callback: (_error, message) => void answers.push(message.json()) });
  connection.publish(`videonode.stream.${streamId}.command`, payload, { reply: inbox });
  await waitFor(() => answers.length > 0, { what: `an answer to ${payload}` });
  // Whoever else would answer has had the message for longer than a second command takes to be answered.
  await bench.bus
    .request('stream_command', { stream_id: 'nobody' }, { action: 'stop', stream_id: 'nobody', timestamp: now() })
    .catch(() => undefined);
  await bench.bus.flush();
  subscription.unsubscribe();
  return answers;
}

test('plain clients: start defines an unknown stream, and each command has exactly one answer', async () => {
  await using bench = await startBench();
  const command = (action: string, streamId: string, config?: object) =>
    JSON.stringify({ action, stream_id: streamId, timestamp: now(), ...(config === undefined ? {} : { config }) });
  const goConfig = { device: 'test:', resolution: '', framerate: 0, codec: '', bitrate: 0, output_url: '' };

  const unknown = await askAll(bench, 'ghost', command('stop', 'ghost'));
  assert.deepEqual(
    unknown.map((answer) => [answer.ok, answer.error?.code]),
    [[false, 'not_found']],
  );
  const broken = await askAll(bench, 'ghost', '{"action":');
  assert.deepEqual(
    broken.map((answer) => answer.error?.code),
    ['invalid_argument'],
  );
  const wrong = await askAll(bench, 'ghost', JSON.stringify({ action: 'explode', stream_id: 'ghost', timestamp: now() }));
  assert.deepEqual(
    wrong.map((answer) => answer.error?.errors?.[0]?.field),
    ['action'],
  );
  const foreign = await askAll(bench, 'ghost', command('start', 'other', goConfig));
  assert.deepEqual(
    foreign.map((answer) => answer.error?.errors?.[0]?.field),
    ['stream_id'],
  );
  const forbidden = await askAll(bench, 'ghost', command('start', 'ghost', { device: '/etc/passwd' }));
  assert.equal(forbidden[0]?.ok, false);

  await using spoke = await startTestSpoke(bench, 's1');
  await waitFor(() => spoke.assignments.length > 0);
  const made = await askAll(bench, 'door', command('start', 'door', goConfig));
  assert.deepEqual(
    made.map((answer) => [answer.ok, answer.action, answer.stream_id]),
    [[true, 'start', 'door']],
  );
  assert.equal((await show(bench, 'door')).config.device, 'test:');
  assert.equal(spoke.state('door'), 'running');

  const served = await askAll(bench, 'door', command('stop', 'door'));
  assert.deepEqual(
    served.map((answer) => [answer.ok, answer.state]),
    [[true, 'stopped']],
  );
  const servedBroken = await askAll(bench, 'door', '{"action":');
  assert.equal(servedBroken.length, 1);
  assert.equal((await show(bench, 'door')).desired, 'stopped');
});

test('plain clients: a plain publish changes what is wanted, and is not undone', async () => {
  await using bench = await startBench();
  await using spoke = await startTestSpoke(bench, 's1');
  await create(bench, { stream_id: 'cam' });
  await waitFor(() => spoke.state('cam') === 'running');
  bench.bus.publish('stream_command', { stream_id: 'cam' }, { action: 'stop', stream_id: 'cam', timestamp: now() });
  await waitFor(async () => (await bench.store.streams.get('cam'))?.desired === 'stopped');
  bench.bus.publish('stream_command', { stream_id: 'cam' }, { action: 'configure', stream_id: 'cam', config: { bitrate: 900 }, timestamp: now() });
  await waitFor(async () => (await bench.store.streams.get('cam'))?.config.bitrate === 900);
  assert.equal((await bench.store.streams.get('cam'))?.config.device, 'test:');
  await waitFor(() => spoke.assignments.at(-1)?.streams[0]?.config.bitrate === 900);
  assert.equal(spoke.state('cam'), 'stopped');
});

test('a plain spoke that only reports is shown, commanded and missed', async () => {
  await using bench = await startBench();
  const plain = await bench.broker.connect();
  const obeyed: string[] = [];
  let state = 'running';
  const status = () => JSON.stringify({ stream_id: 'roof', state, pid: 77, timestamp: now() });
  plain.subscribe('videonode.stream.roof.command', {
    callback: (_error, message) => {
      const { action } = message.json<{ action: string }>();
      obeyed.push(action);
      state = action === 'start' ? 'running' : 'stopped';
      plain.publish('videonode.stream.roof.status', status());
    },
  });
  plain.subscribe('videonode.stream.roof.status.get', { callback: (_error, message) => void message.respond(status()) });
  plain.publish('videonode.stream.roof.status', status());
  const seen = await waitFor(() => show(bench, 'roof'), { what: 'the foreign stream' });
  assert.equal(seen.managed, false);
  assert.equal(seen.status?.pid, 77);

  const target = { params: { stream_id: 'roof' } };
  const stopped = await bench.hub.operations.stop_stream(admin, input('stop_stream', target), calm);
  assert.deepEqual([stopped.result.ok, stopped.result.state, obeyed], [true, 'stopped', ['stop']]);
  await bench.hub.operations.start_stream(admin, input('start_stream', target), calm);
  assert.deepEqual(obeyed, ['stop', 'start']);

  await plain.close();
  await waitFor(async () => (await stateOf(bench, 'roof')) === 'error spoke_lost', { what: 'missed' });
  await assert.rejects(bench.hub.operations.start_stream(admin, input('start_stream', target), calm), codeOf('unavailable'));
});

test('a stream that is just deleted is not taken for a foreign one', async () => {
  await using bench = await startBench();
  await create(bench, { stream_id: 'cam' });
  await bench.hub.operations.delete_stream(admin, input('delete_stream', { params: { stream_id: 'cam' } }), calm);
  bench.bus.publish('stream_status', { stream_id: 'cam' }, { stream_id: 'cam', state: 'stopped', timestamp: now() });
  bench.bus.publish('stream_status', { stream_id: 'other' }, { stream_id: 'other', state: 'stopped', timestamp: now() });
  await waitFor(() => show(bench, 'other'));
  await assert.rejects(show(bench, 'cam'), codeOf('not_found'));
});

test('a spoke with fixed streams brings them along; one that is defined here obeys the definition', async () => {
  await using bench = await startBench();
  await using any = await startTestSpoke(bench, 's1');
  await create(bench, { stream_id: 'mine' });
  await waitFor(() => any.state('mine') === 'running');
  await using fixed = await startTestSpoke(bench, 'box', { fixed: ['mine', 'theirs'] });
  await waitFor(() => fixed.state('mine') === 'running' && any.state('mine') === 'stopped', { what: 'the move to the fixed spoke' });
  assert.deepEqual(
    fixed.assignments.at(-1)?.streams.map((stream) => stream.stream_id),
    ['mine'],
  );
});

test('a stream that a fixed spoke waits for is defined by creating, by configuring and by a plain start', async () => {
  await using bench = await startBench();
  await using fixed = await startTestSpoke(bench, 'box', { fixed: ['made', 'configured', 'started'] });
  for (const stream_id of ['made', 'configured', 'started', 'plain']) {
    bench.bus.publish('stream_status', { stream_id }, { stream_id, state: 'stopped', timestamp: now() });
    assert.equal((await waitFor(() => show(bench, stream_id))).managed, false);
  }
  const config = { device: 'test:', framerate: 25 };
  await create(bench, { stream_id: 'made', config });
  const change = { config, desired: 'running' as const };
  await bench.hub.operations.update_stream(admin, input('update_stream', { params: { stream_id: 'configured' }, body: change }), calm);
  const [answer, ...more] = await askAll(bench, 'started', JSON.stringify({ action: 'start', stream_id: 'started', config, timestamp: now() }));
  assert.deepEqual([answer?.ok, more.length], [true, 0]);
  await waitFor(() => fixed.assignments.at(-1)?.streams.length === 3, { what: 'the assignment of all three' });
  for (const stream_id of ['made', 'configured', 'started']) {
    const stream = await show(bench, stream_id);
    assert.deepEqual([stream.managed, stream.desired, stream.config], [true, 'running', config], stream_id);
    await waitFor(() => fixed.state(stream_id) === 'running', { what: stream_id });
  }
  await assert.rejects(create(bench, { stream_id: 'plain' }), codeOf('already_exists'));
});

test('rights: lists hold what a session may see; the rest is refused', async () => {
  await using bench = await startBench();
  for (const stream_id of ['a', 'b', 'c']) await create(bench, { stream_id, desired: 'stopped' });
  const viewer = { ...admin, role: 'viewer', streams: ['a', 'c'] } as const;
  const session = { ...viewer, streams: [...viewer.streams] };
  const { operations } = bench.hub;
  const page = await operations.list_streams(session, input('list_streams', { query: { limit: 1 } }), calm);
  assert.deepEqual(
    page.items.map((stream) => stream.stream_id),
    ['a'],
  );
  assert.ok(page.next_cursor !== null);
  const rest = await operations.list_streams(session, input('list_streams', { query: { limit: 10, cursor: page.next_cursor } }), calm);
  assert.deepEqual([rest.items.map((stream) => stream.stream_id), rest.next_cursor], [['c'], null]);
  await assert.rejects(operations.get_stream(session, input('get_stream', { params: { stream_id: 'b' } }), calm), codeOf('permission_denied'));
  await assert.rejects(operations.stop_stream(session, input('stop_stream', { params: { stream_id: 'a' } }), calm), codeOf('permission_denied'));
  await assert.rejects(
    operations.list_streams(session, input('list_streams', { query: { limit: 1, cursor: '!' } }), calm),
    codeOf('invalid_argument'),
  );
});

test('alerts: raised by anybody, counted while open, cleared, acknowledged', async () => {
  await using bench = await startBench();
  const say = (alert: Partial<AlertMessage>) =>
    bench.bus.publish('alert_warning', {}, { kind: 'frozen', message: 'no change', stream_id: 'cam', timestamp: now(), ...alert });
  say({});
  say({});
  const list = async (open?: 'true' | 'false') =>
    (await bench.hub.operations.list_alerts(admin, input('list_alerts', { query: { limit: 10, open } }), calm)).items;
  const [alert] = await waitFor(async () => {
    const items = await list('true');
    return items[0]?.count === 2 ? items : undefined;
  });
  assert.deepEqual([alert?.severity, alert?.kind, alert?.stream_id], ['warning', 'frozen', 'cam']);
  const acknowledged = await bench.hub.operations.acknowledge_alert(
    admin,
    input('acknowledge_alert', { params: { alert_id: alert?.alert_id ?? '' } }),
    calm,
  );
  assert.equal(acknowledged.acknowledged_by, 'ada');
  say({ cleared: true });
  await waitFor(async () => (await list('true')).length === 0);
  assert.equal((await list('false')).length, 1);
  const bound = { ...admin, streams: ['other'] };
  assert.deepEqual((await bench.hub.operations.list_alerts(bound, input('list_alerts', { query: { limit: 10 } }), calm)).items, []);
});

test('what a spoke still raises of a deleted stream is not kept', async () => {
  await using bench = await startBench();
  for (const stream_id of ['cam', 'other']) await create(bench, { stream_id, desired: 'stopped' });
  const say = (stream_id: string) => bench.bus.publish('alert_error', {}, { kind: 'source_silent', message: 'late', stream_id, timestamp: now() });
  await bench.hub.operations.delete_stream(admin, input('delete_stream', { params: { stream_id: 'cam' } }), calm);
  say('cam');
  say('other');
  const open = await waitFor(async () => {
    const alerts = await bench.store.alerts.open();
    return alerts.some((alert) => alert.stream_id === 'other') ? alerts : undefined;
  });
  assert.deepEqual(
    open.map((alert) => alert.stream_id),
    ['other'],
  );
});

test('health is published at its beat, and at once on change', async () => {
  let status: SystemHealth['status'] = 'healthy';
  const health = (): SystemHealth => ({ status, version: '0', uptime_s: 1, components: [], timestamp: now() });
  await using bench = await startBench({ health, timing: { healthMs: 60_000 } });
  const heard: string[] = [];
  bench.bus.subscribe('system_health', {}, (one) => void heard.push(one.status));
  await bench.bus.flush();
  bench.hub.healthChanged();
  status = 'degraded';
  bench.hub.healthChanged();
  await waitFor(() => heard.length > 0);
  assert.deepEqual(heard, ['degraded']);
});

test('the limits of recording are in each assignment, and a change of them reaches a running spoke with the next look', async () => {
  let limits = { block_percent: 90, min_free_bytes: 1000, check_s: 5 };
  const recordings = { ordersOf: () => [], isWanted: () => false, limits: () => limits };
  await using bench = await startBench({ recordings });
  await using spoke = await startTestSpoke(bench, 's1');
  await waitFor(() => spoke.assignments.at(-1)?.storage?.block_percent === 90);
  limits = { ...limits, block_percent: 50 };
  bench.hub.kick();
  await waitFor(() => spoke.assignments.at(-1)?.storage?.block_percent === 50);
  assert.deepEqual(spoke.assignments.at(-1)?.storage, limits);
});

test('an on-demand stream lingers for as long as is set now', async () => {
  await using bench = await startBench();
  await using spoke = await startTestSpoke(bench, 's1');
  bench.hub.configure({ linger_s: 3600 });
  await create(bench, { stream_id: 'lazy', on_demand: true });
  bench.hub.want('lazy');
  await waitFor(() => spoke.state('lazy') === 'running');
  const wantedAtMs = performance.now();
  // Viewers are counted several times meanwhile; with the second that the hub was started with it would have ended.
  await waitFor(() => performance.now() - wantedAtMs > 1500);
  assert.equal(spoke.state('lazy'), 'running');
  bench.hub.configure({ linger_s: 0 });
  await waitFor(() => spoke.state('lazy') === 'stopped', { deadlineMs: 10_000 });
});
