/**
 * What every hub must do for clients of JSON-RPC: all methods through a real socket, each result held against its schema, each refusal
 * against the catalogue. Runs against fakes here and against the real hub end to end.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Role, roleAllows, roles } from '../../contracts/index.js';
import {
  commonErrors,
  permissionWords,
  type RpcErrorNumber,
  type RpcMethod,
  type RpcMethodName,
  type RpcResponse,
  rpcErrors,
  rpcMethodNames,
  rpcMethods,
  rpcTopicNames,
} from '../../contracts/rpc/index.js';
import { waitFor } from '../../testkit/index.js';
import { TestClient } from './testing/client.js';

export interface RpcTarget {
  /** `ws://…/ws` */
  readonly url: string;
  /** One token for each role, bound to no streams. */
  readonly tokens: Readonly<Record<Role, string>>;
  /** A connected camera that can be watched and recorded; it is started, stopped, recorded, and its files are deleted. */
  readonly camera: string;
  /** Address of a stream that may be added and removed; default one that nobody serves. */
  readonly externalUrl?: string;
}

/** Declares the suite; `open` is called once before it, `stop` of what it returns once after. */
export function describeRpc(name: string, open: () => Promise<RpcTarget & { stop?(): Promise<void> }>): void {
  describe(`JSON-RPC of ${name}`, () => {
    let target: Awaited<ReturnType<typeof open>>;
    const clients = new Map<Role | 'stranger', TestClient>();
    const as = (who: Role | 'stranger'): TestClient => {
      const client = clients.get(who);
      assert.ok(client);
      return client;
    };
    before(async () => {
      target = await open();
      for (const role of roles) clients.set(role, await TestClient.open(target.url, target.tokens[role]));
      clients.set('stranger', await TestClient.open(target.url));
    });
    after(async () => {
      for (const client of clients.values()) await client.close();
      await target.stop?.();
    });
    describeWork(() => target, as);
    describeRefusals(() => target, as);
  });
}

type As = (who: Role | 'stranger') => TestClient;

function errorOf(answer: RpcResponse) {
  assert.ok('error' in answer, `refused; received ${JSON.stringify(answer).slice(0, 300)}`);
  return answer.error;
}

/** Holds a refusal against the catalogue: number, name, keys. */
function assertRefused(answer: RpcResponse, code: RpcErrorNumber): Readonly<Record<string, unknown>> {
  const error = errorOf(answer);
  assert.equal(error.code, code, JSON.stringify(error));
  const row = rpcErrors[code];
  assert.equal(error.message, row.name);
  for (const key of row.keys) assert.ok(key in error.data, `${key} in ${JSON.stringify(error.data)}`);
  return error.data;
}

function describeWork(target: () => RpcTarget, as: As): void {
  const answered = new Set<RpcMethodName>();

  /** Calls with the least role, and holds what comes back against the contract; `mayFail` where this hub may not be able to. */
  async function does(name: RpcMethodName, params?: unknown, mayFail: readonly RpcErrorNumber[] = []): Promise<Record<string, unknown>> {
    const method: RpcMethod = rpcMethods[name];
    const answer = await as(method.role === 'anyone' ? 'viewer' : method.role).ask(name, params);
    answered.add(name);
    if ('error' in answer && (mayFail as readonly number[]).includes(answer.error.code)) {
      assert.ok([...commonErrors, ...method.errors].includes(answer.error.code));
      return {};
    }
    assert.ok('result' in answer, `${name} answers; received ${JSON.stringify(answer)}`);
    const checked = method.result.safeParse(answer.result);
    assert.ok(checked.success, `${name}: ${checked.error?.message} in ${JSON.stringify(answer.result)}`);
    return answer.result as Record<string, unknown>;
  }

  test('ping and authenticate, as each role', async () => {
    assert.equal(await does('ping'), 'pong');
    for (const role of roles) {
      const result = (await as(role).ask('authenticate', { auth_token: target().tokens[role] })) as { result: Record<string, unknown> };
      assert.deepEqual(rpcMethods.authenticate.result.parse(result.result).permissions, permissionWords.slice(0, roles.indexOf(role) + 1));
      assert.equal(result.result.role, role);
    }
    await does('authenticate', { auth_token: target().tokens.viewer });
  });

  test('cameras', async () => {
    const device = target().camera;
    const list = await does('get_camera_list');
    const cameras = list.cameras as { device: string; status: string }[];
    assert.ok(cameras.some((camera) => camera.device === device));
    assert.equal(list.total, cameras.length);
    assert.equal(list.connected, cameras.filter(({ status }) => status === 'CONNECTED').length);
    assert.equal((await does('get_camera_status', { device })).device, device);
    assert.equal((await does('get_camera_capabilities', { device })).device, device);
    assert.doesNotMatch(JSON.stringify(await as('admin').ask('get_camera_list')), /\/dev\//);
  });

  test('a live stream: start, look, stop', async () => {
    const device = target().camera;
    const started = await does('start_streaming', { device });
    assert.equal(started.status, 'STARTED');
    assert.doesNotMatch(String(started.ffmpeg_command), /\/dev\//);
    await waitFor(async () => (await does('get_stream_status', { device })).status === 'ACTIVE', {
      deadlineMs: 15_000,
      what: 'the stream is active',
    });
    assert.equal((await does('get_stream_url', { device })).stream_status, 'READY');
    const streams = (await does('get_streams')) as unknown as { name: string; ready: boolean }[];
    assert.ok(streams.some((stream) => stream.name === device && stream.ready));
    assert.equal((await does('stop_streaming', { device })).device, device);
  });

  test('a recording: start, refused twice, stop, listed, described, deleted', async () => {
    const device = target().camera;
    await does('start_streaming', { device });
    const started = await does('start_recording', { device, duration: 600, format: 'fmp4' });
    assert.ok(['STARTING', 'RECORDING', 'PAUSED'].includes(String(started.status)), String(started.status));
    const again = assertRefused(await as('operator').ask('start_recording', { device }), -32020);
    assert.match(String(again.state), /^[A-Z_]+$/);
    await as('operator').call('subscribe_events', { topics: ['recording.progress'], filters: { device } });
    const progress = await as('operator').told('recording.progress', 20_000);
    assert.equal(progress.device, device);
    assert.equal((await does('stop_streaming', { device })).stream_continues, true);
    assert.equal((await does('get_stream_status', { device })).status, 'ACTIVE');
    assert.equal((await does('stop_recording', { device })).device, device);
    assertRefused(await as('operator').ask('stop_recording', { device }), -32020);
    const list = await waitFor(async () => {
      const page = await does('list_recordings', { limit: 10 });
      return (page.files as unknown[]).length > 0 && page;
    });
    const { filename, file_size } = (list.files as { filename: string; file_size: number }[])[0] ?? { filename: '', file_size: 0 };
    assert.equal((await does('get_recording_info', { filename })).file_size, file_size);
    assert.equal((await does('delete_recording', { filename })).deleted, true);
    const gone = assertRefused(await as('viewer').ask('get_recording_info', { filename }), -32010);
    assert.equal(gone.id, filename);
  });

  test('a snapshot: take, listed, described, deleted', async () => {
    const device = target().camera;
    const taken = await does('take_snapshot', { device, filename: 'suite-picture.jpg' });
    assert.equal(taken.status, 'SUCCESS');
    const { filename } = taken as { filename: string };
    const list = await does('list_snapshots', { limit: 1000, offset: 0 });
    assert.ok((list.files as { filename: string }[]).some((file) => file.filename === filename));
    assert.equal((await does('get_snapshot_info', { filename })).file_size, taken.file_size);
    assert.equal((await does('delete_snapshot', { filename })).deleted, true);
    assertRefused(await as('operator').ask('delete_snapshot', { filename }), -32010);
  });

  test('the service and its room', async () => {
    const status = await does('get_system_status');
    assert.notEqual(status.status, 'starting');
    assert.ok((status.available_cameras as string[]).includes(target().camera));
    await does('get_server_info');
    await does('get_status');
    await does('get_metrics');
    await does('get_storage_info');
    const policy = { policy_type: 'age', enabled: true, max_age_days: 30 };
    const { message: _words, ...kept } = await does('set_retention_policy', policy);
    assert.deepEqual(kept, policy);
    await does('cleanup_old_files', undefined, [-32020]);
  });

  test('subscriptions', async () => {
    const client = as('viewer');
    const subscribed = await does('subscribe_events', { topics: [...rpcTopicNames], filters: { device: target().camera } });
    assert.deepEqual(subscribed.topics, rpcTopicNames);
    const stats = await client.call('get_subscription_stats');
    assert.deepEqual(new Set(stats.client_topics), new Set(rpcTopicNames));
    assert.ok(stats.global_stats.active_clients >= 1);
    await does('get_subscription_stats');
    assert.deepEqual((await does('unsubscribe_events', { topics: ['snapshot.taken'] })).topics, ['snapshot.taken']);
    assert.equal(((await does('unsubscribe_events')).topics as string[]).length, rpcTopicNames.length - 1);
  });

  test('streams of others', async () => {
    const stream_url = target().externalUrl ?? 'rtsp://127.0.0.1:9/suite';
    await does('discover_external_streams', { skydio_enabled: false }, [-32030]);
    await does('set_discovery_interval', { scan_interval: 0 }, [-32030]);
    const added = await does('add_external_stream', { stream_url, stream_name: 'Suite' }, [-32030]);
    await does('get_external_streams');
    await does('remove_external_stream', { stream_url }, [-32030, -32010]);
    if (added.status === 'ADDED') assertRefused(await as('operator').ask('remove_external_stream', { stream_url }), -32010);
  });

  test('no method was forgotten', () => {
    assert.deepEqual(
      rpcMethodNames.filter((name) => !answered.has(name)),
      [],
    );
  });
}

/** Parameters that are right, to spoil them one by one. */
function rightParams(name: RpcMethodName, device: string): Record<string, unknown> {
  const shape = rpcMethods[name].params.shape;
  const samples: Record<string, unknown> = {
    device,
    filename: 'no-such-file',
    auth_token: 'no-such-token',
    topics: ['snapshot.taken'],
    policy_type: 'age',
    enabled: true,
    stream_url: 'rtsp://127.0.0.1:9/none',
    stream_name: 'None',
    scan_interval: 0,
  };
  return Object.fromEntries(Object.keys(shape).flatMap((key) => (key in samples ? [[key, samples[key]]] : [])));
}

function describeRefusals(target: () => RpcTarget, as: As): void {
  for (const name of rpcMethodNames) {
    const method: RpcMethod = rpcMethods[name];
    const shape = method.params.shape;
    const needed = Object.keys(shape).filter((key) => !method.params.safeParse({}).success && !shape[key]?.safeParse(undefined).success);
    const right = () => rightParams(name, target().camera);
    const refused = (params: unknown) => as(method.role === 'anyone' ? 'stranger' : method.role).ask(name, params);

    test(`${name} refuses parameters that are not its own`, async () => {
      assert.equal(assertRefused(await refused({ ...right(), surprise: 7 }), -32602).param, 'surprise');
      for (const params of [[], ['x'], 'x', 7, null]) assertRefused(await refused(params), -32602);
      for (const key of needed) {
        const { [key]: _missing, ...rest } = right();
        assert.equal(assertRefused(await refused(rest), -32602).param, key);
      }
    });

    const keys = Object.keys(shape);
    if (keys.length > 0) {
      test(`${name} refuses parameters of a wrong type or length`, async () => {
        for (const key of keys) {
          for (const wrong of [{ deep: [1] }, 'x'.repeat(9000), Number.MAX_VALUE]) {
            const data = assertRefused(await refused({ ...right(), [key]: wrong }), -32602);
            assert.ok(String(data.param).startsWith(key), `${key}: ${JSON.stringify(data)}`);
            assert.ok(JSON.stringify(data).length < 2000);
          }
        }
      });
    }

    if ('device' in shape) {
      test(`${name} tells a camera that is not there from what is no camera`, async () => {
        const data = assertRefused(await refused({ ...right(), device: 'camera99999' }), -32010);
        assert.deepEqual([data.resource, data.id], ['camera', 'camera99999']);
        for (const device of ['/dev/video0', 'camera', 'camera-1', '../camera0', 'camera0/..', '', 'CAMERA0']) {
          assert.equal(assertRefused(await refused({ ...right(), device }), -32602).param, 'device');
        }
      });
    }

    if ('filename' in shape) {
      test(`${name} refuses names that leave the folder`, async () => {
        for (const filename of ['../x', '/etc/passwd', 'a/b', 'a\\b', '..', '.hidden', 'a..b', 'a\u0000b', '%2e%2e', '']) {
          assert.equal(assertRefused(await refused({ ...right(), filename }), -32602).param, 'filename', filename);
        }
      });
    }

    if (method.role !== 'anyone') {
      test(`${name} needs the role ${method.role}`, async () => {
        assert.equal(assertRefused(await as('stranger').ask(name, right()), -32001).reason, 'token_missing');
        // The role is looked at before the parameters.
        for (const role of roles.filter((held) => !roleAllows(held, method.role as Role))) {
          const data = assertRefused(await as(role).ask(name, { surprise: 7 }), -32002);
          assert.deepEqual([data.required_role, data.have_role], [method.role, role]);
        }
      });
    }
  }

  test('messages that are no request', async () => {
    const client = as('viewer');
    const rows: [text: string, code: RpcErrorNumber, id: string | number | null][] = [
      ['{', -32700, null],
      ['', -32700, null],
      ['nonsense', -32700, null],
      ['[]', -32600, null],
      ['[{"jsonrpc":"2.0","id":1,"method":"ping"}]', -32600, null],
      ['7', -32600, null],
      ['null', -32600, null],
      ['{"id":"a","method":"ping"}', -32600, 'a'],
      ['{"jsonrpc":"1.0","id":"b","method":"ping"}', -32600, 'b'],
      ['{"jsonrpc":"2.0","id":"c"}', -32600, 'c'],
      ['{"jsonrpc":"2.0","id":"d","method":7}', -32600, 'd'],
      ['{"jsonrpc":"2.0","id":{},"method":"ping"}', -32600, null],
      ['{"jsonrpc":"2.0","id":null,"method":"ping"}', -32600, null],
      ['{"jsonrpc":"2.0","id":true,"method":"ping"}', -32600, null],
      ['{"jsonrpc":"2.0","id":"e","method":"no_such_method"}', -32601, 'e'],
      ['{"jsonrpc":"2.0","id":"f","method":"constructor"}', -32601, 'f'],
      ['{"jsonrpc":"2.0","id":"g","method":"__proto__"}', -32601, 'g'],
      ['{"jsonrpc":"2.0","id":"h","method":"camera_status_update"}', -32601, 'h'],
      ['{"jsonrpc":"2.0","id":"i","method":"rpc.discover"}', -32601, 'i'],
    ];
    for (const [text, code, id] of rows) {
      client.raw(text);
      assertRefused(await client.answer(id), code);
    }
    client.raw('{"jsonrpc":"2.0","id":-0.5,"method":"ping","more":1}');
    assert.ok('result' in (await client.answer(-0.5)));
  });

  test('a notification is never answered, not even when it fails', async () => {
    const client = as('viewer');
    client.raw('{"jsonrpc":"2.0","method":"ping"}');
    client.raw('{"jsonrpc":"2.0","method":"no_such_method"}');
    client.raw('{"jsonrpc":"2.0","method":"get_metrics"}');
    client.raw('{"jsonrpc":"2.0","id":"after","method":"ping"}');
    await client.answer('after');
    await assert.rejects(client.answer(null, 50));
  });
}
