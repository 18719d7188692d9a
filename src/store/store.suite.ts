/** What every database under the store must do alike. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { WeirError } from '../contracts/index.js';
import { nextItem, withDeadline } from '../testkit/index.js';
import { describeJobs } from './jobs.suite.js';
import type { Store } from './open-store.js';
import { startOutboxRelay } from './outbox-relay.js';
import type { RecordingRecord, SegmentQuery, SegmentRecord } from './recordings-repository.js';
import type { NewStream, OutboxEvent, SessionRecord, UserRecord } from './repositories.js';
import { describeVideos } from './videos.suite.js';

/** A database of its own for one group of cases; `reopen` gives a second store on the same data. */
export interface SuiteDatabase {
  store: Store;
  reopen(): Promise<Store>;
  /** Ends the first store as well. */
  drop(): Promise<void>;
}

const stream = (stream_id: string, extra: Partial<NewStream> = {}): NewStream => ({
  stream_id,
  name: `Stream ${stream_id}`,
  config: { device: 'test:', resolution: '640x360', framerate: 25 },
  desired: 'running',
  on_demand: false,
  managed: true,
  spoke: null,
  ...extra,
});

const user = (username: string, extra: Partial<UserRecord> = {}): UserRecord => ({
  user_id: randomUUID(),
  username,
  password_hash: 'scrypt$x',
  role: 'viewer',
  streams: null,
  disabled: false,
  created_at: '2026-01-01T00:00:00.000Z',
  last_login_at: null,
  ...extra,
});

const session = (user_id: string, extra: Partial<SessionRecord> = {}): SessionRecord => ({
  session_id: randomUUID(),
  token_hash: randomUUID(),
  user_id,
  created_at: '2026-01-01T00:00:00.000Z',
  expires_at: '2026-02-01T00:00:00.000Z',
  ends_at: '2026-03-01T00:00:00.000Z',
  last_seen_at: '2026-01-01T00:00:00.000Z',
  address: '127.0.0.1',
  user_agent: null,
  ...extra,
});

const change = (event_id: string): OutboxEvent<'system_config'> => ({
  event_id,
  name: 'system_config',
  params: {},
  message: { event_id, entity: 'stream', entity_id: 'cam', change: 'updated', timestamp: '2026-01-01T00:00:00.000Z' },
});

const withCode = (code: string) => (error: unknown) => error instanceof WeirError && error.code === code;

export function describeStore(name: string, open: () => Promise<SuiteDatabase>): void {
  describe(`store on ${name}`, () => {
    const each = (title: string, body: (store: Store, database: SuiteDatabase) => Promise<void>) =>
      it(title, async () => {
        const database = await open();
        try {
          await body(database.store, database);
        } finally {
          await database.drop();
        }
      });
    describeStreams(each);
    describePeople(each);
    describeAlertsAndAudit(each);
    describeCameras(each);
    describeJobs(each);
    describeTransactions(each);
    describeOutbox(each);
    describeRecordings(each);
    describeSettingsVersions(each);
    describeVideos(each);
    describePaging(open);
  });
}

type Each = (title: string, body: (store: Store, database: SuiteDatabase) => Promise<void>) => void;

function describeStreams(each: Each): void {
  each('a stream comes back as it was put in, with revision 1', async ({ streams }) => {
    const put = await streams.insert(stream('cam', { on_demand: true, spoke: 'east' }));
    assert.deepEqual(await streams.get('cam'), put);
    assert.equal(put.revision, 1);
    assert.equal(put.on_demand, true);
    assert.deepEqual(put.config, { device: 'test:', resolution: '640x360', framerate: 25 });
    assert.equal(await streams.get('other'), undefined);
    assert.equal(await streams.count(), 1);
  });

  each('a second stream by the same id is already_exists, naming field and id', async ({ streams }) => {
    await streams.insert(stream('cam'));
    await assert.rejects(streams.insert(stream('cam')), withCode('already_exists'));
    await assert.rejects(streams.insert(stream('cam')), {
      errors: [{ field: 'stream_id', message: 'There is a stream cam already', received: 'cam' }],
    });
  });

  each('an update counts the revision up and is refused for an old one', async ({ streams }) => {
    await streams.insert(stream('cam'));
    const second = await streams.update('cam', { name: 'Door', config: { device: '/dev/video0' } }, 1);
    assert.deepEqual([second.revision, second.name, second.config], [2, 'Door', { device: '/dev/video0' }]);
    await assert.rejects(streams.update('cam', { name: 'Late' }, 1), withCode('failed_precondition'));
    assert.equal((await streams.update('cam', { desired: 'stopped' })).revision, 3);
    assert.equal((await streams.get('cam'))?.name, 'Door');
    await assert.rejects(streams.update('gone', { name: 'x' }), withCode('not_found'));
    assert.equal((await streams.update('cam', {})).revision, 4);
  });

  each('of two updates from the same revision exactly one holds', async ({ streams }) => {
    await streams.insert(stream('cam'));
    const results = await Promise.allSettled(Array.from({ length: 8 }, (_, index) => streams.update('cam', { name: `n${index}` }, 1)));
    assert.equal(results.filter((result) => result.status === 'fulfilled').length, 1);
    assert.equal((await streams.get('cam'))?.revision, 2);
  });

  each('delete tells whether there was one', async ({ streams }) => {
    await streams.insert(stream('cam'));
    assert.equal(await streams.delete('cam'), true);
    assert.equal(await streams.delete('cam'), false);
  });

  each('a list is bound to ids and text, and what looks like a pattern is plain text', async ({ streams }) => {
    for (const [id, title] of [
      ['a', 'Front Door'],
      ['b', 'Back_yard'],
      ['c', '100%'],
    ] as const) {
      await streams.insert(stream(id, { name: title, config: { device: 'rtsp://u:hunter2@cam/' } }));
    }
    const ids = async (query: object) => (await streams.list({ limit: 10, ...query })).items.map((item) => item.stream_id);
    assert.deepEqual(await ids({ text: 'door' }), ['a']);
    assert.deepEqual(await ids({ text: '_' }), ['b']);
    assert.deepEqual(await ids({ text: '%' }), ['c']);
    assert.deepEqual(await ids({ text: '\\' }), []);
    assert.deepEqual(await ids({ text: 'hunter2' }), [], 'addresses of sources are not searched');
    assert.deepEqual(await ids({ ids: ['c', 'a', 'zzz'] }), ['a', 'c']);
    assert.deepEqual(await ids({ ids: [] }), []);
    assert.deepEqual(await ids({ ids: null }), ['a', 'b', 'c']);
  });
}

function describePeople(each: Each): void {
  each('names of users differ by more than their case', async ({ users }) => {
    const anna = user('Anna', { streams: ['a', 'b'], role: 'admin' });
    await users.insert(anna);
    assert.deepEqual(await users.findByName('aNNA'), anna);
    assert.deepEqual(await users.get(anna.user_id), anna);
    await assert.rejects(users.insert(user('anna')), withCode('already_exists'));
    assert.equal(await users.countAdmins(), 1);
    const changed = await users.update(anna.user_id, { disabled: true, streams: null });
    assert.deepEqual([changed.disabled, changed.streams, changed.role], [true, null, 'admin']);
    assert.equal(await users.countAdmins(), 0);
    await assert.rejects(users.update('nobody', { disabled: true }), withCode('not_found'));
  });

  each('a session is found with its user, and goes with it', async ({ users, sessions }) => {
    const anna = user('anna', { streams: [] });
    await users.insert(anna);
    const open = session(anna.user_id);
    await sessions.insert(open);
    assert.deepEqual(await sessions.findByHash(open.token_hash), { session: open, user: anna });
    await sessions.touch(open.session_id, { last_seen_at: '2026-01-02T00:00:00.000Z', expires_at: '2026-02-02T00:00:00.000Z' });
    assert.equal((await sessions.findByHash(open.token_hash))?.session.expires_at, '2026-02-02T00:00:00.000Z');
    assert.equal(await users.delete(anna.user_id), true);
    assert.equal(await sessions.findByHash(open.token_hash), undefined);
    await assert.rejects(sessions.insert(session('nobody')), withCode('failed_precondition'));
  });

  each('sessions end by user, by age and one by one', async ({ users, sessions }) => {
    const anna = user('anna');
    await users.insert(anna);
    const [kept, other, old] = [session(anna.user_id), session(anna.user_id), session(anna.user_id, { expires_at: '2026-01-01T00:00:00.000Z' })];
    for (const one of [kept, other, old]) await sessions.insert(one);
    assert.deepEqual(await sessions.deleteExpired('2026-01-01T00:00:00.000Z'), [old.session_id]);
    assert.deepEqual(await sessions.deleteOfUser(anna.user_id, kept.session_id), [other.session_id]);
    assert.deepEqual(await sessions.ofUser(anna.user_id), [kept]);
    assert.equal(await sessions.delete(kept.session_id), true);
    assert.deepEqual(await sessions.deleteOfUser(anna.user_id), []);
  });

  each('tokens, bus users and bus logins come back as they were put in', async ({ tokens, bus_users, bus_logins }) => {
    const created_at = '2026-01-01T00:00:00.000Z';
    const token = {
      token_id: 't1',
      secret_hash: 'h',
      name: 'ci',
      role: 'operator' as const,
      streams: ['a'],
      created_at,
      created_by: 'anna',
      expires_at: null,
      last_used_at: null,
    };
    await tokens.insert(token);
    await tokens.touch('t1', '2026-01-05T00:00:00.000Z');
    assert.deepEqual(await tokens.all(), [{ ...token, last_used_at: '2026-01-05T00:00:00.000Z' }]);
    assert.equal(await tokens.delete('t1'), true);
    assert.equal(await tokens.get('t1'), undefined);

    const plain = { name: 'go', password_hash: '$2a$', publish: ['a.>'], subscribe: [], allow_responses: true, grants: null, created_at };
    await bus_users.insert(plain);
    assert.deepEqual(await bus_users.all(), [plain]);
    const granted = { ...plain, publish: ['b.>'], subscribe: ['c'], allow_responses: false, grants: { role: 'viewer' as const } };
    await bus_users.regrant({ ...granted, password_hash: 'another' });
    assert.deepEqual(await bus_users.all(), [granted], 'the password stays');
    await bus_users.regrant({ ...granted, name: 'nobody' });
    assert.equal((await bus_users.all()).length, 1);
    await assert.rejects(bus_users.insert(plain), withCode('already_exists'));
    assert.equal(await bus_users.delete('go'), true);

    const login = {
      viewer: 'v1',
      principal_id: 's1',
      user_id: null,
      username: 'ci',
      password_hash: '$2a$',
      role: 'viewer' as const,
      streams: ['a'],
      created_at,
      expires_at: created_at,
    };
    await bus_logins.put(login);
    await bus_logins.put({ ...login, expires_at: '2027-01-01T00:00:00.000Z' });
    assert.deepEqual(await bus_logins.all(), [{ ...login, expires_at: '2027-01-01T00:00:00.000Z' }]);
    await bus_logins.delete(['v1', 'v2']);
    await bus_logins.delete([]);
    assert.deepEqual(await bus_logins.all(), []);
  });

  each('settings and spokes are replaced, not doubled', async ({ settings, spokes }) => {
    assert.equal(await settings.get('codes'), undefined);
    await settings.set('codes', ['a']);
    await settings.set('codes', { b: [1, null] });
    assert.deepEqual(await settings.get('codes'), { b: [1, null] });
    assert.equal(await settings.delete('codes'), true);
    assert.equal(await settings.delete('codes'), false);
    const spoke = {
      spoke_id: 'east',
      state: 'online' as const,
      host: 'h',
      pid: 1,
      version: '1',
      streams: ['cam'],
      capabilities: { encoders: ['libx264'] },
      cpu_percent: null,
      rss_bytes: null,
      last_seen_at: '2026-01-01T00:00:00.000Z',
    };
    await spokes.put(spoke);
    await spokes.put({ ...spoke, state: 'lost' });
    assert.deepEqual(await spokes.all(), [{ ...spoke, state: 'lost' }]);
  });
}

function describeCameras(each: Each): void {
  const camera = (number: number, extra: object = {}) => ({
    camera_id: `camera${number}`,
    number,
    identity: `v4l2:usb-${number}`,
    name: `Camera ${number}`,
    kind: 'v4l2' as const,
    device_id: `usb-${number}`,
    spoke_id: 'east',
    source: `/dev/video${number}`,
    resolution: null,
    framerate: null,
    always_on: false,
    capabilities: null,
    connected_at: null,
    last_seen_at: null,
    ...extra,
  });

  each('cameras come back as they were put in, and no number or identity twice', async ({ cameras }) => {
    const capabilities = { formats: [], controls: [], probed_at: '2026-01-01T00:00:00.000Z', took_ms: 1.5 };
    const put = await cameras.insert(camera(1, { framerate: 29.97, always_on: true, capabilities }));
    assert.deepEqual(await cameras.get('camera1'), put);
    assert.deepEqual([put.framerate, put.always_on, put.capabilities, put.deleted_at], [29.97, true, capabilities, null]);
    await cameras.insert(camera(0));
    assert.deepEqual(
      (await cameras.all()).map((one) => one.camera_id),
      ['camera0', 'camera1'],
    );
    for (const taken of [camera(1), camera(2, { number: 1 }), camera(2, { identity: 'v4l2:usb-1' })]) {
      await assert.rejects(cameras.insert(taken), withCode('already_exists'));
    }
    const changed = await cameras.update('camera0', { name: 'Door', capabilities, connected_at: '2026-01-02T00:00:00.000Z' });
    assert.deepEqual([changed.name, changed.capabilities, changed.spoke_id], ['Door', capabilities, 'east']);
    assert.deepEqual(await cameras.update('camera0', {}), changed);
    await assert.rejects(cameras.update('camera9', { name: 'x' }), withCode('not_found'));
  });

  each('a forgotten camera is not listed, but keeps number and identity', async ({ cameras }) => {
    await cameras.insert(camera(0));
    await cameras.insert(camera(1));
    await cameras.update('camera0', { deleted_at: '2026-01-02T00:00:00.000Z' });
    assert.deepEqual(
      (await cameras.all()).map((one) => one.camera_id),
      ['camera1'],
    );
    assert.deepEqual(await cameras.numbers(), [0, 1]);
    assert.equal((await cameras.findByIdentity('v4l2:usb-0'))?.camera_id, 'camera0');
    assert.equal(await cameras.findByIdentity('v4l2:other'), undefined);
    await assert.rejects(cameras.insert(camera(0)), withCode('already_exists'));
  });

  each('streams of others are replaced by their URL', async ({ external_streams }) => {
    const found = {
      url: 'rtsp://192.168.42.10:5554/subject',
      type: 'skydio_stanag4609' as const,
      name: 'Skydio',
      status: 'DISCOVERED' as const,
      discovered_at: '2026-01-01T00:00:00.000Z',
      last_seen: '2026-01-01T00:00:00.000Z',
      camera_id: null,
      capabilities: { protocol: 'rtsp' as const, stream_type: 'eo' as const, port: 5554 },
    };
    await external_streams.put(found);
    await external_streams.put({ ...found, status: 'ERROR', camera_id: 'camera3' });
    assert.deepEqual(await external_streams.all(), [{ ...found, status: 'ERROR', camera_id: 'camera3' }]);
    assert.equal((await external_streams.get(found.url))?.camera_id, 'camera3');
    assert.equal(await external_streams.delete(found.url), true);
    assert.equal(await external_streams.delete(found.url), false);
  });
}

function describeAlertsAndAudit(each: Each): void {
  const down = { severity: 'error' as const, kind: 'stream_down', message: 'no source', hint: null, stream_id: 'cam' };

  each('an alert raised while open is counted, cleared once, and opens anew', async ({ alerts }) => {
    const first = await alerts.raise({ ...down, raised_at: '2026-01-01T02:00:00+02:00' });
    assert.equal(first.opened, true);
    assert.equal(first.alert.raised_at, '2026-01-01T00:00:00.000Z');
    const again = await alerts.raise({ ...down, severity: 'warning', message: 'still no source' });
    assert.deepEqual([again.opened, again.alert.count, again.alert.alert_id], [false, 2, first.alert.alert_id]);
    assert.deepEqual([again.alert.message, again.alert.severity, again.alert.raised_at], ['still no source', 'warning', first.alert.raised_at]);
    assert.equal((await alerts.raise({ ...down, stream_id: null })).opened, true);
    assert.equal((await alerts.raise({ ...down, stream_id: null })).opened, false);
    assert.equal((await alerts.clear('stream_down', 'cam'))?.alert_id, first.alert.alert_id);
    assert.equal(await alerts.clear('stream_down', 'cam'), undefined);
    const anew = await alerts.raise(down);
    assert.equal(anew.opened, true);
    assert.notEqual(anew.alert.alert_id, first.alert.alert_id);
    assert.equal((await alerts.open()).length, 2);
  });

  each('alerts raised at the same time open one', async ({ alerts }) => {
    const raised = await Promise.all(Array.from({ length: 10 }, () => alerts.raise(down)));
    assert.equal(raised.filter((one) => one.opened).length, 1);
    assert.equal((await alerts.open())[0]?.count, 10);
  });

  each('the first acknowledgement stays', async ({ alerts }) => {
    const { alert } = await alerts.raise(down);
    const seen = await alerts.acknowledge(alert.alert_id, 'anna');
    assert.equal(seen.acknowledged_by, 'anna');
    assert.deepEqual(await alerts.acknowledge(alert.alert_id, 'bert'), seen);
    await assert.rejects(alerts.acknowledge('none', 'anna'), withCode('not_found'));
  });

  each('alerts are listed newest first, by state and by stream', async ({ alerts }) => {
    for (const stream_id of ['a', 'b', null]) await alerts.raise({ ...down, stream_id });
    await alerts.clearStream('a');
    const streams = async (query: object) => (await alerts.list({ limit: 10, ...query })).items.map((alert) => alert.stream_id);
    assert.deepEqual(await streams({}), [null, 'b', 'a']);
    assert.deepEqual(await streams({ open: true }), [null, 'b']);
    assert.deepEqual(await streams({ open: false }), ['a']);
    assert.deepEqual(await streams({ ids: ['a'] }), ['a']);
    assert.deepEqual(await streams({ ids: [] }), []);
    assert.equal(await alerts.prune('2999-01-01T00:00:00.000Z'), 1);
    assert.deepEqual(await streams({}), [null, 'b']);
  });

  each('the audit log forgets by age and by number', async ({ audit }) => {
    const entry = { actor: 'anna', action: 'login', target: null, outcome: 'allowed' as const, address: null, detail: 'x'.repeat(5000) };
    for (let day = 1; day <= 6; day++) await audit.append({ ...entry, time: `2026-01-0${day}T00:00:00.000Z` });
    assert.equal((await audit.list({ limit: 1 })).items[0]?.detail?.length, 1024);
    assert.equal(await audit.prune({ before: '2026-01-02T00:00:00.000Z' }), 1);
    assert.equal(await audit.prune({ keep: 3 }), 2);
    assert.equal(await audit.prune({ keep: 3 }), 0);
    const days = (await audit.list({ limit: 10 })).items.map((item) => item.time.slice(9, 10));
    assert.deepEqual(days, ['6', '5', '4']);
  });
}

function describeTransactions(each: Each): void {
  each('all of a transaction is kept or nothing', async (store) => {
    await store.transaction(async (tx) => {
      await tx.streams.insert(stream('kept'));
      await tx.outbox.add(change('e1'));
    });
    const broken = store.transaction(async (tx) => {
      await tx.streams.insert(stream('lost'));
      await tx.outbox.add(change('e2'));
      throw new Error('changed my mind');
    });
    await assert.rejects(broken, /changed my mind/);
    assert.deepEqual(
      (await store.streams.all()).map((one) => one.stream_id),
      ['kept'],
    );
    assert.deepEqual(
      (await store.outbox.next(10)).map((one) => one.event_id),
      ['e1'],
    );
  });

  each('a transaction cannot commit after one of its statements failed, even when that was caught', async (store) => {
    await store.streams.insert(stream('cam'));
    const swallowed = store.transaction(async (tx) => {
      await tx.streams.insert(stream('half'));
      await tx.streams.insert(stream('cam')).catch(() => undefined);
    });
    await assert.rejects(swallowed, withCode('already_exists'));
    assert.equal(await store.streams.get('half'), undefined);
  });

  each('transactions at the same time do not see halves of each other and lose nothing', async (store) => {
    await store.settings.set('total', 0);
    const add = (index: number) =>
      store.transaction(async (tx) => {
        await tx.lock('total');
        const total = (await tx.settings.get('total')) as number;
        // Gives every other transaction a chance to interfere.
        await new Promise((resolve) => setImmediate(resolve));
        await tx.settings.set('total', total + 1);
        if (index % 5 === 0) throw new Error('rolled back');
      });
    const results = await Promise.allSettled(Array.from({ length: 40 }, (_, index) => add(index)));
    assert.equal(results.filter((result) => result.status === 'fulfilled').length, 32);
    assert.equal(await store.settings.get('total'), 32);
  });

  each('the store itself is refused inside a transaction instead of waiting for ever', async (store) => {
    const nested = store.transaction(() => store.streams.count());
    await assert.rejects(withDeadline(nested, 2000, 'nested use'), withCode('internal'));
    const twice = store.transaction(() => store.transaction(async () => 1));
    await assert.rejects(withDeadline(twice, 2000, 'nested transaction'), withCode('internal'));
    assert.equal(await store.streams.count(), 0);
  });

  each('work left running by a transaction may use the store afterwards', async (store) => {
    let later: Promise<number> = Promise.resolve(-1);
    let open: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    await store.transaction(async (tx) => {
      await tx.streams.insert(stream('cam'));
      later = gate.then(() => store.streams.count());
    });
    open();
    assert.equal(await later, 1);
  });

  each('what was written is there for the next process', async (store, database) => {
    await store.streams.insert(stream('cam'));
    const second = await database.reopen();
    try {
      assert.equal((await second.streams.get('cam'))?.name, 'Stream cam');
    } finally {
      await second.stop();
    }
  });
}

function describeOutbox(each: Each): void {
  each('events leave in order, after their commit, once each', async (store) => {
    const sent: string[] = [];
    await using relay = startOutboxRelay({ store, publish: async (eventId) => void sent.push(eventId), batchSize: 4, pollMs: 60_000 });
    for (let index = 0; index < 10; index++) {
      await store.transaction(async (tx) => {
        await tx.outbox.add(change(`e${index}`));
        assert.equal(sent.includes(`e${index}`), false);
      });
    }
    await relay.drained(AbortSignal.timeout(5000));
    assert.deepEqual(
      sent,
      Array.from({ length: 10 }, (_, index) => `e${index}`),
    );
    assert.deepEqual(relay.counters, { published: 10, failures: 0, dead: 0 });
    assert.deepEqual(await relay.depth(), { waiting: 0, oldest_s: 0, dead: 0 });
  });

  each('a bus that is away delays events, keeps their order and loses none', async (store) => {
    const sent: string[] = [];
    let failing = 3;
    await using relay = startOutboxRelay({
      store,
      backoff: { minMs: 1, maxMs: 4 },
      pollMs: 60_000,
      publish: async (eventId) => {
        if (eventId === 'e1' && failing-- > 0) throw new WeirError('unavailable', 'no bus');
        sent.push(eventId);
      },
    });
    for (const id of ['e0', 'e1', 'e2']) await store.outbox.add(change(id));
    await relay.drained(AbortSignal.timeout(5000));
    assert.deepEqual(sent, ['e0', 'e1', 'e2']);
    assert.deepEqual(relay.counters, { published: 3, failures: 3, dead: 0 });
  });

  each('an event that the bus will never take is set aside and holds up nobody', async (store) => {
    const sent: string[] = [];
    const failures: unknown[] = [];
    await using relay = startOutboxRelay({
      store,
      pollMs: 60_000,
      onFailure: (failure) => failures.push([failure.eventId, 'dead' in failure && failure.dead]),
      publish: async (eventId) => {
        if (eventId === 'poison') throw new WeirError('payload_too_large', 'too large');
        sent.push(eventId);
      },
    });
    for (const id of ['e0', 'poison', 'e2']) await store.outbox.add(change(id));
    await relay.drained(AbortSignal.timeout(5000));
    assert.deepEqual(sent, ['e0', 'e2']);
    assert.deepEqual(failures, [['poison', true]]);
    assert.equal((await relay.depth()).dead, 1);
    assert.equal(await store.outbox.prune('2999-01-01T00:00:00.000Z'), 3);
  });

  each('an event whose mark was lost is sent again under the same id', async (store) => {
    await store.outbox.add(change('e0'));
    const sent: string[] = [];
    const crashed = startOutboxRelay({
      store: {
        outbox: store.outbox,
        onOutbox: store.onOutbox,
        exclusive: (name, work) =>
          store.exclusive(name, (repositories) =>
            work({ ...repositories, outbox: { ...repositories.outbox, markSent: () => Promise.reject(new WeirError('unavailable', 'gone')) } }),
          ),
      },
      backoff: { minMs: 60_000, maxMs: 60_000 },
      publish: async (eventId) => void sent.push(eventId),
      onFailure: () => failed?.(),
    });
    let failed: (() => void) | undefined;
    await nextItem<void>(
      (listener) => {
        failed = () => listener();
        return () => undefined;
      },
      () => true,
    );
    await crashed.stop();
    await using relay = startOutboxRelay({ store, publish: async (eventId) => void sent.push(eventId) });
    await relay.drained(AbortSignal.timeout(5000));
    assert.deepEqual(sent, ['e0', 'e0']);
  });

  each('two relays on one database do not send the same event both', async (store, database) => {
    // An SQLite file belongs to one hub, so there the two share a store.
    const second = store.dialect === 'sqlite' ? undefined : await database.reopen();
    const sent: string[] = [];
    const publish = async (eventId: string) => {
      await new Promise((resolve) => setImmediate(resolve));
      sent.push(eventId);
    };
    {
      await using one = startOutboxRelay({ store, publish, batchSize: 3, pollMs: 5 });
      await using _two = startOutboxRelay({ store: second ?? store, publish, batchSize: 3, pollMs: 5 });
      const ids = Array.from({ length: 30 }, (_, index) => `e${index}`);
      for (const id of ids) await store.outbox.add(change(id));
      await one.drained(AbortSignal.timeout(10_000));
      assert.deepEqual(sent, ids);
    }
    await second?.stop();
  });

  each('a bus that never answers is a failure after a while, and does not hold up the stop', async (store) => {
    await store.outbox.add(change('e0'));
    let tell: (failure: unknown) => void = () => undefined;
    const relay = startOutboxRelay({ store, publishTimeoutMs: 20, publish: () => new Promise(() => undefined), onFailure: (one) => tell(one) });
    const failure = await nextItem<unknown>(
      (listener) => {
        tell = listener;
        return () => undefined;
      },
      () => true,
    );
    assert.ok(withCode('deadline_exceeded')((failure as { error: unknown }).error));
    await withDeadline(relay.stop(), 2000, 'the stop');
    assert.equal((await store.outbox.next(1))[0]?.attempts, 1);
  });

  each('drained gives up with its signal', async (store) => {
    await store.outbox.add(change('e0'));
    await using relay = startOutboxRelay({ store, publish: () => Promise.reject(new WeirError('unavailable', 'no bus')) });
    await assert.rejects(relay.drained(AbortSignal.timeout(50)));
  });
}

function describePaging(open: () => Promise<SuiteDatabase>): void {
  describe('pages', () => {
    let database: SuiteDatabase;
    const ids = Array.from({ length: 23 }, (_, index) => `s${String(index).padStart(2, '0')}`);
    before(async () => {
      database = await open();
      for (const id of ids) await database.store.streams.insert(stream(id));
    });
    after(() => database.drop());

    it('of any size, put together, are the whole list without gap or repeat', async () => {
      await fc.assert(
        fc.asyncProperty(fc.integer({ min: 1, max: 30 }), fc.option(fc.subarray(ids), { nil: null }), async (limit, scope) => {
          const found: string[] = [];
          let cursor: string | undefined;
          do {
            const page = await database.store.streams.list({ limit, cursor, ids: scope });
            assert.ok(page.items.length <= limit);
            found.push(...page.items.map((item) => item.stream_id));
            cursor = page.next_cursor ?? undefined;
          } while (cursor !== undefined);
          assert.deepEqual(found, scope ?? ids);
        }),
        { numRuns: 30 },
      );
    });

    it('refuse a cursor that nobody gave out', async () => {
      const { streams, alerts, audit } = database.store;
      await assert.rejects(streams.list({ limit: 1, cursor: '%%' }), withCode('invalid_argument'));
      await assert.rejects(alerts.list({ limit: 1, cursor: Buffer.from('x').toString('base64url') }), withCode('invalid_argument'));
      await assert.rejects(audit.list({ limit: 1, cursor: '' }), withCode('invalid_argument'));
    });
  });
}

function describeSettingsVersions(each: Each): void {
  const version = (level: string) => ({
    actor: 'anna',
    comment: null,
    changes: [{ key: 'log.level', before: null, after: level, applies: 'at_once' as const }],
    outcome: 'applied' as const,
    detail: null,
    settings: { 'log.level': level, 'streams.source_hosts': ['a', 'b'] },
  });

  each('versions of the configuration are numbered, come back whole one by one, and without their content in lists', async (store) => {
    assert.equal(await store.settings_versions.newest(), undefined);
    const first = await store.settings_versions.append(version('info'));
    const second = await store.settings_versions.append({ ...version('debug'), outcome: 'rejected', detail: 'no', comment: 'try' });
    assert.deepEqual(await store.settings_versions.get(first.version), { ...version('info'), version: first.version, time: first.time });
    assert.deepEqual(await store.settings_versions.newest(), second);
    assert.ok(second.version > first.version);
    const { settings: _settings, ...listed } = second;
    const page = await store.settings_versions.list({ limit: 1 });
    assert.deepEqual(page.items, [listed]);
    const rest = await store.settings_versions.list({ limit: 1, cursor: page.next_cursor ?? undefined });
    assert.deepEqual([rest.items.map((item) => item.version), rest.next_cursor], [[first.version], null]);
    assert.equal(await store.settings_versions.get(second.version + 1), undefined);
  });

  each('old versions of the configuration are forgotten beyond a number', async (store) => {
    for (const level of ['a', 'b', 'c']) await store.settings_versions.append(version(level));
    assert.equal(await store.settings_versions.prune(3), 0);
    assert.equal(await store.settings_versions.prune(2), 1);
    const left = (await store.settings_versions.list({ limit: 10 })).items.map(({ changes }) => changes[0]?.after);
    assert.deepEqual(left, ['c', 'b']);
  });
}

const hourMs = 3600_000;
const dayMs = 24 * hourMs;

const recorded = (recording_id: string, extra: Partial<RecordingRecord> = {}): RecordingRecord => ({
  recording_id,
  stream_id: 'cam',
  origin: 'manual',
  format: 'fmp4',
  segment_s: 600,
  segment_bytes: 1_048_576,
  pre_roll_s: 2.5,
  from_ms: dayMs,
  until_ms: null,
  duration_ms: null,
  ended_ms: null,
  state: 'starting',
  cause: null,
  error: null,
  filename: null,
  started_ms: null,
  stopped_ms: null,
  elapsed_ms: 0,
  size_bytes: 0,
  segments: 0,
  requested_by: 'ada',
  requested_ms: dayMs,
  ...extra,
});

const finished = (filename: string, started_ms: number, extra: Partial<SegmentRecord> = {}): SegmentRecord => ({
  filename,
  recording_id: 'r1',
  stream_id: 'cam',
  spoke_id: 's1',
  path: `cam/${filename}.mp4`,
  format: 'fmp4',
  started_ms,
  ended_ms: started_ms + hourMs,
  duration_ms: hourMs,
  size_bytes: 5_000_000_000,
  frames: 90_000,
  width: 1280,
  height: 720,
  codecs: 'avc1.42c01f',
  init_bytes: 800,
  protected: false,
  recovered: false,
  lost_ms: null,
  ...extra,
});

function describeRecordings(each: Each): void {
  each('a file is indexed once, with its keyframes, and counts in its recording and its day', async (store) => {
    await store.recordings.insert(recorded('r1'));
    await assert.rejects(store.recordings.insert(recorded('r1')), withCode('already_exists'));
    const keyframes = [
      [0, 800],
      [1000, 3_000_000_000],
    ] as const;
    assert.equal(await store.recordings.addSegment(finished('a', dayMs), keyframes), true);
    assert.equal(await store.recordings.addSegment(finished('a', dayMs), keyframes), false);
    assert.deepEqual(await store.recordings.segment('a'), finished('a', dayMs));
    assert.deepEqual(await store.recordings.keyframes('a'), keyframes);
    const { elapsed_ms, size_bytes, segments, filename, started_ms } = (await store.recordings.get('r1')) ?? recorded('none');
    assert.deepEqual([elapsed_ms, size_bytes, segments, filename, started_ms], [hourMs, 5_000_000_000, 1, 'a', dayMs]);
    assert.deepEqual(await store.recordings.totals(), [{ stream_id: 'cam', segments: 1, size_bytes: 5_000_000_000, oldest_ms: dayMs }]);
    assert.equal(await store.recordings.lostBytes(), 0);
    await store.recordings.markLost('a', dayMs);
    assert.equal(await store.recordings.lostBytes(), 5_000_000_000);
    await store.recordings.markLost('a', null);
    assert.equal(await store.recordings.lostBytes(), 0);
    await store.recordings.removeSegment('a', { cause: 'deleted', detail: 'by hand' });
    assert.deepEqual(await store.recordings.totals(), []);
    assert.deepEqual(await store.recordings.keyframes('a'), []);
    const [gap] = await store.recordings.gapsWithin('cam', 0, 2 * dayMs);
    assert.deepEqual([gap?.from_ms, gap?.to_ms, gap?.cause], [dayMs, dayMs + hourMs, 'deleted']);
  });

  each('any page of the list is that of all files in order, and its total is exact', async (store) => {
    const all: SegmentRecord[] = [];
    await store.transaction(async (tx) => {
      for (let number = 0; number < 120; number += 1) {
        const stream_id = ['cam', 'door', 'yard'][number % 3] ?? 'cam';
        const one = finished(`f${String(number).padStart(3, '0')}`, dayMs * 20 + Math.floor(number / 3) * hourMs + (number % 3) * 60_000, {
          stream_id,
          protected: number % 7 === 0,
          recording_id: number < 60 ? 'r1' : 'r2',
        });
        all.push(one);
        await tx.recordings.addSegment(one, []);
      }
    });
    const time = fc.option(
      fc.integer({ min: 0, max: 44 }).map((hour) => dayMs * 20 + hour * hourMs + 30_000),
      { nil: undefined },
    );
    const query: fc.Arbitrary<SegmentQuery> = fc.record({
      limit: fc.integer({ min: 1, max: 40 }),
      offset: fc.integer({ min: 0, max: 130 }),
      streams: fc.constantFrom(null, ['cam'], ['cam', 'yard'], []),
      recording_id: fc.constantFrom(undefined, undefined, 'r2'),
      from_ms: time,
      to_ms: time,
      protected: fc.constantFrom(undefined, undefined, true, false),
    });
    await fc.assert(
      fc.asyncProperty(query, async (asked) => {
        const matches = all
          .filter((one) => asked.streams === null || asked.streams.includes(one.stream_id))
          .filter((one) => asked.recording_id === undefined || one.recording_id === asked.recording_id)
          .filter((one) => asked.from_ms === undefined || one.ended_ms > asked.from_ms)
          .filter((one) => asked.to_ms === undefined || one.started_ms < asked.to_ms)
          .filter((one) => asked.protected === undefined || one.protected === asked.protected)
          .sort((a, b) => b.started_ms - a.started_ms);
        const page = await store.recordings.segments(asked);
        assert.equal(page.total, matches.length);
        assert.deepEqual(
          page.items.map((one) => one.filename),
          matches.slice(asked.offset, asked.offset + asked.limit).map((one) => one.filename),
        );
      }),
      { numRuns: 150 },
    );
  });

  each('orders: open ones, those that touch a time, a list without those to come', async (store) => {
    await store.recordings.insert(recorded('past', { from_ms: 0, until_ms: hourMs, ended_ms: hourMs }));
    await store.recordings.insert(recorded('now', { from_ms: dayMs }));
    await store.recordings.insert(recorded('later', { from_ms: 3 * dayMs, until_ms: 4 * dayMs, origin: 'schedule' }));
    const ids = (records: readonly RecordingRecord[]) => records.map((one) => one.recording_id);
    assert.deepEqual(ids(await store.recordings.open()), ['now', 'later']);
    assert.deepEqual(ids(await store.recordings.within('cam', 0, 2 * dayMs)), ['past', 'now']);
    assert.deepEqual(ids(await store.recordings.within('cam', hourMs, dayMs)), []);
    const list = await store.recordings.list({ limit: 10, offset: 0, streams: null, nowMs: 2 * dayMs });
    assert.deepEqual([ids(list.items), list.total], [['now', 'past'], 2]);
    await store.recordings.setCursor('s1', 'cam', 5);
    await store.recordings.setCursor('s1', 'cam', 9);
    assert.equal(await store.recordings.cursor('s1', 'cam'), 9);
    assert.equal(await store.recordings.cursor('s2', 'cam'), 0);
  });

  each('snapshots and exports: names are taken once; the oldest beyond a number', async (store) => {
    const snapshot = (filename: string, taken_ms: number) =>
      ({
        filename,
        stream_id: 'cam',
        format: 'jpg',
        width: 16,
        height: 9,
        size_bytes: 3_000_000_000,
        taken_ms,
        taken_by: 'ada',
        protected: false,
      }) as const;
    for (const [index, name] of ['a.jpg', 'b.jpg', 'c.jpg'].entries()) await store.snapshots.insert(snapshot(name, index));
    await assert.rejects(store.snapshots.insert(snapshot('a.jpg', 9)), withCode('already_exists'));
    assert.deepEqual(
      (await store.snapshots.beyond(1)).map((one) => one.filename),
      ['a.jpg', 'b.jpg'],
    );
    assert.equal(await store.snapshots.totalBytes(), 9_000_000_000);
    const wanted = {
      export_id: 'e1',
      stream_id: 'cam',
      from_ms: 0,
      to_ms: 1,
      name: 'clip',
      state: 'queued',
      progress: 0,
      error: null,
      filename: 'clip.mp4',
      size_bytes: null,
      missing_ms: 0,
      created_ms: 0,
      created_by: 'ada',
      expires_ms: null,
    } as const;
    await store.exports.insert(wanted);
    await assert.rejects(store.exports.insert({ ...wanted, export_id: 'e2' }), withCode('already_exists'));
    assert.equal(await store.exports.update('e1', { state: 'running' }, ['queued']), true);
    assert.equal(await store.exports.update('e1', { state: 'running' }, ['queued']), false);
    assert.deepEqual((await store.exports.list({ limit: 5, streams: ['door'] })).items, []);
    assert.equal((await store.exports.unfinished())[0]?.state, 'running');
  });
}
