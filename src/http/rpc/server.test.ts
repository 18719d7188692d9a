/** Sockets that behave badly, limits, logins that end, events: what the table of methods does not show. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, describe, test } from 'node:test';
import { WebSocket } from 'ws';
import { configSchema, problemSchema, WeirError } from '../../contracts/index.js';
import { rpcNotifications } from '../../contracts/rpc/index.js';
import { waitFor, withDeadline } from '../../testkit/index.js';
import { noRpcEvents } from './events.js';
import { toRpcCamera } from './methods/words.js';
import type { RpcSettings } from './settings.js';
import { TestClient } from './testing/client.js';
import { fakeCamera } from './testing/fake-operations.js';
import { type RpcFixture, type RpcFixtureOptions, startRpcFixture } from './testing/fixture.js';

const running: RpcFixture[] = [];
const open: { terminate(): void }[] = [];

async function start(options: RpcFixtureOptions = {}): Promise<RpcFixture> {
  const fixture = await startRpcFixture(options);
  running.push(fixture);
  return fixture;
}

async function client(fixture: RpcFixture, token?: string, headers?: Record<string, string>): Promise<TestClient> {
  const made = await TestClient.open(fixture.url, token, headers);
  open.push(made.socket);
  return made;
}

afterEach(async () => {
  for (const socket of open.splice(0)) socket.terminate();
  for (const fixture of running.splice(0)) await fixture.stop();
});

const counters = ({ server }: RpcFixture) => {
  assert.ok(server.rpc);
  return server.rpc.counters();
};

async function codeOf(made: TestClient, method: string, params?: unknown): Promise<number | undefined> {
  const answer = await made.ask(method, params);
  return 'error' in answer ? answer.error.code : undefined;
}

/** A socket that speaks bytes, after the handshake. */
async function rawSocket(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  open.push({ terminate: () => socket.destroy() });
  socket.on('error', () => undefined);
  socket.write(
    `GET /ws HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
  );
  const [head] = (await once(socket, 'data')) as [Buffer];
  assert.match(head.toString(), /^HTTP\/1.1 101 /);
  return socket;
}

/** The code of the close frame that the server sends. */
async function closeCode(socket: Socket): Promise<number> {
  const bytes: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => bytes.push(chunk));
  await withDeadline(once(socket, 'close'), 5000, 'the socket is closed');
  const all = Buffer.concat(bytes);
  const at = all.indexOf(0x88);
  return at < 0 ? 0 : all.readUInt16BE(at + 2);
}

/** How the handshake is refused. */
async function refusal(fixture: RpcFixture, headers: Record<string, string> = {}, path = '/ws') {
  const ws = new WebSocket(`ws://127.0.0.1:${fixture.port}${path}`, { headers });
  ws.on('error', () => undefined);
  const [, response] = await withDeadline(once(ws, 'unexpected-response'), 5000);
  const body = await new Response(response).text();
  return { status: response.statusCode as number, problem: problemSchema.parse(JSON.parse(body)) };
}

describe('the handshake', () => {
  test('is refused to pages of others, and taken from the hub’s own and from programs', async () => {
    const fixture = await start({ server: { allowedOrigins: ['https://friend.example'] } });
    assert.equal((await refusal(fixture, { origin: 'https://evil.example' })).status, 403);
    assert.equal((await refusal(fixture, { origin: 'null' })).status, 403);
    assert.ok(fixture.audited.some(({ action, outcome }) => action === 'rpc_socket' && outcome === 'refused'));
    for (const origin of [`http://127.0.0.1:${fixture.port}`, 'https://friend.example']) {
      await client(fixture, 'viewer', { origin });
    }
    await client(fixture, 'viewer');
    assert.equal(counters(fixture).refused.origin, 2);
  });

  test('is refused with 503 when all places are taken', async () => {
    const fixture = await start({ limits: { max_connections: 2 } });
    const first = await client(fixture);
    await client(fixture);
    const { status, problem } = await refusal(fixture);
    assert.deepEqual([status, problem.code], [503, 'unavailable']);
    await first.close();
    await waitFor(() => counters(fixture).open === 1);
    await client(fixture);
  });

  test('elsewhere leads to no socket', async () => {
    const fixture = await start({ server: { bus: { target: () => undefined } } });
    assert.equal((await refusal(fixture, {}, '/ws/more')).status, 404);
  });
});

describe('limits', () => {
  test('hold per client, over all of its connections, and say when to come again', async () => {
    const fixture = await start({ limits: { method_limits: true } });
    /** Calls 30 times at once. */
    const burst = async (made: TestClient) => {
      const ids = Array.from({ length: 30 }, (_none, id) => id);
      for (const id of ids) made.raw(JSON.stringify({ jsonrpc: '2.0', id, method: 'get_camera_list' }));
      const answers = await Promise.all(ids.map((id) => made.answer(id)));
      const refused = answers.flatMap((answer) => ('error' in answer ? [answer.error] : []));
      for (const { code, data } of refused) {
        assert.equal(code, -32040);
        assert.ok(Number(data.retry_after_ms) > 0 && Number(data.retry_after_ms) <= 200);
      }
      return answers.length - refused.length;
    };
    const startedAt = performance.now();
    const first = await client(fixture, 'viewer');
    const passed = await burst(first);
    await first.close();
    // A new connection is the same client.
    const passedAgain = await burst(await client(fixture, 'viewer'));
    const refilled = Math.ceil(((performance.now() - startedAt) / 1000) * 5);
    assert.ok(passed >= 10 && passed + passedAgain <= 10 + refilled, `${passed} + ${passedAgain} passed, ${refilled} came free meanwhile`);
    assert.ok((await burst(await client(fixture, 'operator'))) >= 10, 'another client has its own');
  });

  test('of tokens that do not hold protect against guessing, and leave those that do alone', async () => {
    const fixture = await start();
    const guesser = await client(fixture);
    const guesses = Array.from({ length: 20 }, (_none, guess) => guess);
    for (const guess of guesses) {
      guesser.raw(JSON.stringify({ jsonrpc: '2.0', id: guess, method: 'authenticate', params: { auth_token: `guess-${guess}` } }));
    }
    const answers = await Promise.all(guesses.map((guess) => guesser.answer(guess)));
    const codes = answers.map((answer) => ('error' in answer ? answer.error.code : 0));
    assert.deepEqual(codes.slice(0, 3), [-32001, -32001, -32001]);
    assert.ok(codes.filter((code) => code === -32040).length >= 10, String(codes));
    const looked = codes.filter((code) => code === -32001).length;
    assert.equal(fixture.audited.filter(({ action }) => action === 'rpc_login').length, looked);
    // Behind the same address, and with nothing left for failures.
    for (const guess of guesses) {
      guesser.raw(JSON.stringify({ jsonrpc: '2.0', id: 100 + guess, method: 'authenticate', params: { auth_token: 'guess' } }));
    }
    await Promise.all([guesser.call('authenticate', { auth_token: 'operator' }), client(fixture, 'viewer')]);
    const last = await guesser.answer(119);
    assert.equal('error' in last && last.error.code, -32040);
  });

  test('let any number of clients behind one address sign in', async () => {
    const fixture = await start({ limits: { method_limits: true } });
    await Promise.all(Array.from({ length: 30 }, () => client(fixture, 'viewer')));
    assert.equal(counters(fixture).authenticated, 30);
  });

  test('per minute hold for all calls together', async () => {
    const fixture = await start({ limits: { rate_limit_per_minute: 3 } });
    const made = await client(fixture);
    for (let id = 0; id < 4; id += 1) made.raw(JSON.stringify({ jsonrpc: '2.0', id, method: 'ping' }));
    const answers = await Promise.all([0, 1, 2, 3].map((id) => made.answer(id)));
    assert.deepEqual(
      answers.map((answer) => ('error' in answer ? answer.error.code : 'ok')),
      ['ok', 'ok', 'ok', -32040],
    );
  });
});

describe('a login', () => {
  test('that expires ends on the open socket: calls are refused, events stop, a new token helps', async () => {
    const fixture = await start({ limits: { ping_interval_s: 0.1 } });
    const ends = Date.now() + 300;
    fixture.expiresAt.set('viewer', new Date(ends).toISOString());
    const made = await client(fixture, 'viewer');
    const signedIn = await made.call('authenticate', { auth_token: 'viewer' });
    assert.equal(signedIn.expires_at, new Date(ends).toISOString());
    await made.call('subscribe_events', { topics: ['system.shutdown'] });
    const error = await waitFor(async () => {
      const answer = await made.ask('get_camera_list');
      return 'error' in answer && answer.error;
    });
    assert.ok(Date.now() >= ends);
    assert.deepEqual([error.code, error.data.reason], [-32001, 'token_expired']);
    await waitFor(() => fixture.server.rpc !== undefined && Date.now() > ends + 100);
    fixture.events.tell({ topic: 'system.shutdown', data: { reason: 'x', timestamp: new Date().toISOString() } });
    assert.equal(await codeOf(made, 'ping'), undefined);
    assert.deepEqual(made.notifications, []);
    const again = await made.ask('authenticate', { auth_token: 'viewer' });
    assert.ok('error' in again);
    assert.deepEqual([again.error.code, again.error.data.reason, again.error.data.details], [-32001, 'token_expired', 'The token has expired']);
    await made.call('authenticate', { auth_token: 'operator' });
    assert.equal((await made.call('get_camera_list')).total, 2);
  });

  test('that was over before says so of a JWT', async () => {
    const fixture = await start();
    const made = await client(fixture);
    const part = (claims: object) => Buffer.from(JSON.stringify(claims)).toString('base64url');
    const jwt = (exp: number) => `${part({ alg: 'HS256' })}.${part({ exp })}.c2ln`;
    for (const [token, reason] of [
      [jwt(1_000_000_000), 'token_expired'],
      [jwt(9_000_000_000), 'token_invalid'],
      ['nonsense', 'token_invalid'],
    ] as const) {
      const answer = await made.ask('authenticate', { auth_token: token });
      assert.ok('error' in answer);
      assert.equal(answer.error.data.reason, reason);
    }
  });

  test('that is revoked cuts the socket', async () => {
    const fixture = await start();
    const made = await client(fixture, 'viewer');
    fixture.server.connections.cut({ principalId: 'token-viewer' }, 'revoked');
    assert.deepEqual(await made.closed, { code: 1008, reason: 'revoked' });
    await waitFor(() => counters(fixture).cut.revoked === 1 && fixture.server.connections.size === 0);
  });

  test('bound to a stream reaches its own camera only, and does not learn of others', async () => {
    const fixture = await start();
    const made = await client(fixture, 'admin.camera0');
    assert.equal((await made.call('get_camera_status', { device: 'camera0' })).device, 'camera0');
    for (const device of ['camera1', 'camera12345']) {
      for (const method of ['get_camera_status', 'start_recording', 'take_snapshot', 'start_streaming']) {
        assert.equal(await codeOf(made, method, { device }), -32002, `${method} ${device}`);
      }
    }
  });

  test('of a token without an end is told a date that clients can read', async () => {
    const made = await client(await start());
    assert.ok(Date.parse((await made.call('authenticate', { auth_token: 'viewer' })).expires_at) > Date.now());
  });
});

describe('calls', () => {
  test('are refused while the hub is starting, but for those that tell so', async () => {
    const fixture = await start();
    fixture.notReady('The hub is starting');
    const made = await client(fixture, 'admin');
    assert.equal(await codeOf(made, 'ping'), undefined);
    assert.equal((await made.call('get_system_status')).status, 'starting');
    const answer = await made.ask('get_camera_list', { surprise: 1 });
    assert.ok('error' in answer);
    assert.deepEqual([answer.error.code, answer.error.data.reason], [-32050, 'service_initializing']);
    fixture.notReady(undefined);
    assert.equal((await made.call('get_system_status')).status, 'ready');
  });

  test('that fail inside tell nothing but a name for the log', async () => {
    const fixture = await start({
      operations: {
        get_camera: () => {
          throw new Error('/secret/path is broken');
        },
      },
    });
    const made = await client(fixture, 'viewer');
    const answer = await made.ask('get_camera_status', { device: 'camera0' });
    assert.ok('error' in answer);
    assert.equal(answer.error.code, -32603);
    assert.equal(answer.error.data.request_id, answer.metadata.request_id);
    assert.doesNotMatch(JSON.stringify(answer), /secret/);
  });

  test('carry over what an operation says of its state', async () => {
    const fixture = await start({
      operations: {
        start_recording: () => {
          throw new WeirError('failed_precondition', 'The disk is full', { facts: { state: 'storage_blocked', allowed_states: [] } });
        },
      },
    });
    const answer = await (await client(fixture, 'operator')).ask('start_recording', { device: 'camera0' });
    assert.ok('error' in answer);
    assert.deepEqual([answer.error.code, answer.error.data.state], [-32020, 'storage_blocked']);
  });

  test('that start a recording are answered with its file once it has begun, and after a second in any case', async () => {
    const fixture = await start();
    const made = await client(fixture, 'operator');
    const begun = await made.call('start_recording', { device: 'camera0' });
    assert.deepEqual([begun.filename, begun.status], ['camera0_1', 'RECORDING']);
    const deaf = await start({ settings: { events: noRpcEvents } });
    const startedAt = performance.now();
    const late = await (await client(deaf, 'operator')).call('start_recording', { device: 'camera0' });
    assert.ok(performance.now() - startedAt >= 990);
    assert.equal(late.device, 'camera0');
  });

  test('that change something are audited as the route they stand for, with what came of them', async () => {
    const fixture = await start();
    const made = await client(fixture, 'operator');
    await made.call('start_recording', { device: 'camera0' });
    await codeOf(made, 'start_recording', { device: 'camera0' });
    await codeOf(await client(fixture, 'viewer'), 'start_recording', { device: 'camera0' });
    await made.call('get_camera_list');
    const lines = fixture.audited.map(({ actor, action, target, outcome }) => [actor, action, target, outcome]);
    assert.deepEqual(lines, [
      ['operator-name', 'start_recording', 'camera0', 'allowed'],
      ['operator-name', 'start_recording', 'camera0', 'failed'],
      ['viewer-name', 'start_recording', null, 'refused'],
    ]);
  });

  test('of a client that went away are told to stop', async () => {
    let signal: AbortSignal | undefined;
    const fixture = await start({
      operations: {
        list_cameras: (_input, context) => {
          signal = context.signal;
          return new Promise(() => undefined);
        },
      },
    });
    const made = await client(fixture, 'viewer');
    made.raw('{"jsonrpc":"2.0","id":1,"method":"get_camera_list"}');
    await waitFor(() => signal);
    made.socket.terminate();
    await waitFor(() => signal?.aborted);
  });

  test('beyond 64 at a time wait their turn, and all are answered', async () => {
    const fixture = await start();
    const made = await client(fixture, 'viewer');
    for (let id = 0; id < 500; id += 1) made.raw(JSON.stringify({ jsonrpc: '2.0', id, method: 'get_camera_list' }));
    await Promise.all(Array.from({ length: 500 }, (_none, id) => made.answer(id)));
  });
});

describe('limits that change while the hub runs', () => {
  const changed = (fixture: RpcFixture, limits: Partial<RpcSettings['limits']>) =>
    fixture.server.rpc?.configure({ ...configSchema.parse({}).rpc, method_limits: false, ...limits });

  test('let more or fewer sockets in, and cut none that is open', async () => {
    const fixture = await start({ limits: { max_connections: 1 } });
    const first = await client(fixture);
    assert.equal((await refusal(fixture)).status, 503);
    changed(fixture, { max_connections: 2 });
    await client(fixture);
    changed(fixture, { max_connections: 1 });
    assert.equal((await refusal(fixture)).status, 503);
    assert.equal(await codeOf(first, 'ping'), undefined);
    assert.equal(counters(fixture).open, 2);
  });

  test('of messages hold for sockets that open from then on', async () => {
    const fixture = await start();
    const before = await client(fixture);
    changed(fixture, { max_message_bytes: 2000 });
    const after = await client(fixture);
    const long = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping', params: { x: 'x'.repeat(3000) } });
    for (const one of [before, after]) one.raw(long);
    assert.equal((await after.closed).code, 1009);
    await before.answer(1);
  });

  test('of pings and silence hold for sockets that are open', async () => {
    const fixture = await start({ limits: { ping_interval_s: 0 } });
    const idle = await client(fixture, 'viewer');
    const mute = await rawSocket(fixture.port);
    changed(fixture, { ping_interval_s: 0.05, pong_wait_s: 0.2 });
    assert.equal(await closeCode(mute), 1008);
    assert.equal(counters(fixture).cut.no_pong, 1);
    assert.equal(await codeOf(idle, 'ping'), undefined);
  });

  test('of calls hold from the next call on', async () => {
    const fixture = await start();
    const made = await client(fixture, 'viewer');
    assert.equal(await codeOf(made, 'ping'), undefined);
    changed(fixture, { rate_limit_per_minute: 1 });
    for (const id of ['a', 'b']) made.raw(JSON.stringify({ jsonrpc: '2.0', id, method: 'ping' }));
    const codes = await Promise.all(['a', 'b'].map(async (id) => made.answer(id).then((answer) => ('error' in answer ? answer.error.code : 0))));
    assert.deepEqual(codes, [0, -32040]);
    changed(fixture, { rate_limit_per_minute: 0 });
    assert.equal(await codeOf(made, 'ping'), undefined);
  });

  test('of waiting bytes cut an open reader that does not read', async () => {
    const fixture = await start();
    const slow = await client(fixture, 'viewer');
    await slow.call('subscribe_events', { topics: ['system.shutdown'] });
    slow.socket.pause();
    const reason = 'x'.repeat(50_000);
    changed(fixture, { max_queue_bytes: 65_536 });
    await waitFor(
      () => {
        fixture.events.tell({ topic: 'system.shutdown', data: { reason, timestamp: new Date().toISOString() } });
        return counters(fixture).cut.too_slow === 1;
      },
      { deadlineMs: 20_000, everyMs: 1 },
    );
  });
});

describe('sockets that behave badly', () => {
  test('with a message that is too large are closed with 1009, and others live on', async () => {
    const fixture = await start({ limits: { max_message_bytes: 2000 } });
    const other = await client(fixture, 'viewer');
    const made = await client(fixture, 'viewer');
    made.raw(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping', params: { x: 'x'.repeat(3000) } }));
    assert.equal((await made.closed).code, 1009);
    assert.equal(await codeOf(other, 'ping'), undefined);
  });

  test('that send bytes instead of text are closed with 1003', async () => {
    const made = await client(await start());
    made.raw(Buffer.from('{"jsonrpc":"2.0","id":1,"method":"ping"}'));
    assert.equal((await made.closed).code, 1003);
  });

  test('that stop in the middle of a frame are closed', async () => {
    const fixture = await start({ settings: { messageTimeoutS: 0.2 } });
    const socket = await rawSocket(fixture.port);
    socket.write(Buffer.from([0x81, 0x90, 1, 2, 3, 4, 5, 6]));
    assert.equal(await closeCode(socket), 1008);
    assert.equal(counters(fixture).cut.half_message, 1);
  });

  test('that stop between two fragments are closed, though they answer pings', async () => {
    const fixture = await start({ settings: { messageTimeoutS: 0.2 }, limits: { ping_interval_s: 0.05, pong_wait_s: 5 } });
    const socket = await rawSocket(fixture.port);
    socket.on('data', (chunk: Buffer) => {
      if (chunk[0] === 0x89) socket.write(Buffer.from([0x8a, 0x80, 0, 0, 0, 0]));
    });
    socket.write(Buffer.from([0x01, 0x81, 0, 0, 0, 0, 0x7b]));
    assert.equal(await closeCode(socket), 1008);
    assert.equal(counters(fixture).cut.half_message, 1);
  });

  test('that answer no ping are closed, and idle ones that do live on', async () => {
    const fixture = await start({ limits: { ping_interval_s: 0.05, pong_wait_s: 0.2 } });
    const idle = await client(fixture, 'viewer');
    const mute = await rawSocket(fixture.port);
    assert.equal(await closeCode(mute), 1008);
    assert.equal(counters(fixture).cut.no_pong, 1);
    assert.equal(await codeOf(idle, 'get_camera_list'), undefined);
  });

  test('that do not read are cut, and cost others nothing', async () => {
    const fixture = await start({ limits: { max_queue_bytes: 65_536 } });
    const slow = await client(fixture, 'viewer');
    const quick = await client(fixture, 'viewer');
    for (const one of [slow, quick]) await one.call('subscribe_events', { topics: ['system.shutdown'] });
    slow.socket.pause();
    const reason = 'x'.repeat(50_000);
    let told = 0;
    await waitFor(
      async () => {
        fixture.events.tell({ topic: 'system.shutdown', data: { reason, timestamp: new Date().toISOString() } });
        told += 1;
        await waitFor(() => quick.notifications.length === told);
        return counters(fixture).cut.too_slow === 1;
      },
      { deadlineMs: 20_000, everyMs: 1 },
    );
    await waitFor(() => counters(fixture).open === 1);
    assert.equal(await codeOf(quick, 'ping'), undefined);
  });

  test('that are open when the hub stops are told to go', async () => {
    const fixture = await start();
    const made = await client(fixture, 'viewer');
    const stopped = fixture.server.close();
    assert.equal((await made.closed).code, 1001);
    await stopped;
    running.pop();
  });
});

describe('events', () => {
  const camera = toRpcCamera(fakeCamera('camera0'));

  test('a notification goes to all who are signed in and may see the camera', async () => {
    const fixture = await start();
    const [viewer, bound, stranger] = [await client(fixture, 'viewer'), await client(fixture, 'viewer.camera1'), await client(fixture)];
    fixture.events.tell({ notification: 'camera_status_update', streamId: 'camera0', data: camera });
    assert.deepEqual(rpcNotifications.camera_status_update.parse(await viewer.told('camera_status_update')), camera);
    for (const one of [bound, stranger]) {
      assert.equal(await codeOf(one, 'ping'), undefined);
      assert.deepEqual(one.notifications, []);
    }
  });

  test('a topic goes to those who subscribed and whose filters let it pass', async () => {
    const fixture = await start();
    const [all, filtered, other] = [await client(fixture, 'viewer'), await client(fixture, 'viewer'), await client(fixture, 'viewer')];
    await all.call('subscribe_events', { topics: ['camera.disconnected'] });
    await filtered.call('subscribe_events', { topics: ['camera.disconnected'], filters: { device: 'camera1' } });
    await other.call('subscribe_events', { topics: ['camera.connected'] });
    const data = { device: 'camera0', status: 'DISCONNECTED', timestamp: new Date().toISOString() } as const;
    fixture.events.tell({ topic: 'camera.disconnected', streamId: 'camera0', data });
    assert.deepEqual(await all.told('camera.disconnected'), data);
    for (const one of [filtered, other]) {
      assert.equal(await codeOf(one, 'ping'), undefined);
      assert.deepEqual(one.notifications, []);
    }
    await all.call('unsubscribe_events');
    fixture.events.tell({ topic: 'camera.disconnected', streamId: 'camera0', data });
    assert.equal(await codeOf(all, 'ping'), undefined);
    assert.deepEqual(all.notifications, []);
  });

  test('unknown topics and filters that are none are refused', async () => {
    const made = await client(await start(), 'viewer');
    for (const params of [
      { topics: ['camera.exploded'] },
      { topics: [] },
      { topics: ['system.health'], filters: { timestamp_after: 'yesterday' } },
      { topics: ['system.health'], filters: { device: { deep: 1 } } },
      { topics: ['system.health'], filters: Object.fromEntries(Array.from({ length: 17 }, (_none, index) => [`k${index}`, 1])) },
    ]) {
      assert.equal(await codeOf(made, 'subscribe_events', params), -32602, JSON.stringify(params));
    }
  });
});
