import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { describe, test } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import {
  type Problem,
  problemSchema,
  type Role,
  type Route,
  type RouteName,
  roleAllows,
  roles,
  routeNames,
  routes,
  WeirError,
} from '../contracts/index.js';
import { assertWithin, waitFor } from '../testkit/index.js';
import type { StaticFiles } from './operations.js';
import { createFixture } from './testing/fixture.js';

const own = { host: 'hub.example:8080', origin: 'http://hub.example:8080' };

function pathOf(name: RouteName, values: Record<string, string> = {}): string {
  const samples: Record<string, string> = { stream_id: 'front', camera_id: 'camera0', part: '1-2.m4s', name: 'plain', version: '3', revision: '7' };
  return routes[name].path.replace(/\{(\w+)\}/g, (_whole, key: string) => values[key] ?? samples[key] ?? 'some-id');
}

const validBodies: Partial<Record<RouteName, unknown>> = {
  create_stream: { config: { device: 'test:' } },
  probe_source: { device: 'test:' },
  preview_command: { config: { device: 'test:' } },
  update_stream: { name: 'Door' },
  setup_admin: { code: 'c', username: 'root', password: 'long enough 1' },
  login: { username: 'root', password: 'x' },
  change_password: { current: 'x', password: 'long enough 1' },
  create_user: { username: 'u', password: 'long enough 1', role: 'viewer' },
  update_user: { disabled: true },
  create_token: { name: 't', role: 'viewer' },
  create_bus_user: { name: 'plain' },
  add_camera: { source: 'rtsp://door.lan/1' },
  update_camera: { name: 'Door' },
  add_external_stream: { stream_url: 'rtsp://door.lan/1', stream_name: 'Door' },
  set_scan_interval: { scan_interval: 60 },
  set_recording_policy: { mode: 'always' },
  update_segment: { protected: true },
  delete_segments: { filenames: ['front-1'] },
  create_export: { stream_id: 'front', from: '2026-11-20T12:00:00Z', to: '2026-11-20T13:00:00Z' },
  set_retention: { policy_type: 'age', enabled: true, max_age_days: 30 },
  gateway_auth: { action: 'read', path: 'front' },
  change_settings: { changes: { 'log.level': 'debug' } },
  check_upload: { size_bytes: 1 },
  reuse_upload: { size_bytes: 1, sha256: '0'.repeat(64) },
  upload_path: { path: '/films/a.mp4' },
  upload_url: { url: 'https://films.example/a.mp4' },
  update_video: { title: 'Door' },
  set_poster: { at_s: 1 },
  video_from_recording: { stream_id: 'front', from: '2026-11-20T12:00:00Z', to: '2026-11-20T13:00:00Z' },
  update_job: { priority: 1 },
};

const hour = 'from=2026-11-20T12:00:00Z&to=2026-11-20T13:00:00Z';
const neededQueries: Partial<Record<RouteName, string>> = {
  stream_history: '?kind=log',
  coverage: `?${hour}`,
  playback: `?${hour}`,
  thumbnail: '?at=2026-11-20T12:00:00Z',
  remove_external_stream: '?stream_url=rtsp%3A%2F%2Fdoor.lan%2F1',
};

function queryOf(name: RouteName): string {
  return neededQueries[name] ?? '';
}

function request(name: RouteName, headers: Record<string, string> = {}, body: unknown = validBodies[name], path = pathOf(name) + queryOf(name)) {
  const payload = body === undefined ? {} : { payload: JSON.stringify(body) };
  const type = body === undefined ? {} : { 'content-type': 'application/json' };
  return { method: routes[name].method, url: path, headers: { host: own.host, ...type, ...headers }, ...payload } as const;
}

const asToken = (secret: string) => ({ authorization: `Bearer ${secret}` });
const asSession = (secret: string) => ({ cookie: `other=1; weir_session=${secret}` });

function checkAnswer(route: Route, held: Role, answer: { statusCode: number; body: string }): void {
  const expected = route.status ?? (route.answer === undefined && route.produces === undefined ? 204 : 200);
  const allowed = roleAllows(held, route.role as Role);
  assert.equal(answer.statusCode, allowed ? expected : 403, `${held}: ${answer.body}`);
  if (!allowed) assert.equal(problemSchema.parse(JSON.parse(answer.body)).code, 'permission_denied');
}

describe('every route of the contract', () => {
  for (const name of routeNames) {
    const route: Route = routes[name];
    if (route.role === 'anyone') {
      test(`${name} answers anyone`, async () => {
        const { server, calls } = createFixture();
        const answer = await server.inject(request(name));
        assert.ok(answer.statusCode < 300, `${answer.statusCode} ${answer.body}`);
        assert.equal(calls.length, 1);
      });
      continue;
    }
    test(`${name} refuses strangers, bad credentials and lesser roles, and takes its own role`, async () => {
      const { server, calls } = createFixture();
      for (const headers of [{}, asToken('nonsense'), asSession('nonsense'), { authorization: 'Basic eDp5' }]) {
        const answer = await server.inject(request(name, headers));
        assert.equal(answer.statusCode, 401, answer.body);
        assert.equal(problemSchema.parse(answer.json()).code, 'unauthenticated');
      }
      for (const held of roles) {
        for (const headers of [asToken(held), { ...asSession(held), origin: own.origin }]) {
          checkAnswer(route, held, await server.inject(request(name, headers)));
        }
      }
      assert.ok(calls.every((call) => roleAllows(call.context.principal?.session.role ?? 'viewer', route.role as Role)));
    });
    if (/\{(?:stream|camera)_id\}/.test(route.path)) {
      const granted = route.path.includes('{stream_id}') ? 'front' : 'camera0';
      test(`${name} refuses a login that is bound to another stream`, async () => {
        const { server, calls } = createFixture();
        assert.equal((await server.inject(request(name, asToken('admin.back')))).statusCode, 403);
        assert.equal(calls.length, 0);
        assert.ok((await server.inject(request(name, asToken(`admin.${granted}`)))).statusCode < 300);
      });
    }
    if (route.method !== 'GET') {
      test(`${name} takes a cookie only from the hub's own pages`, async () => {
        const { server, calls } = createFixture();
        const foreign: Record<string, string>[] = [
          {},
          { origin: 'https://evil.example' },
          { origin: 'null' },
          { origin: 'http://hub.example:9999' },
          { 'sec-fetch-site': 'cross-site', origin: own.origin },
          { 'sec-fetch-site': 'same-site' },
        ];
        for (const headers of foreign) {
          const answer = await server.inject(request(name, { ...asSession('admin'), ...headers }));
          assert.equal(answer.statusCode, 403, JSON.stringify(headers));
        }
        assert.equal(calls.length, 0);
        assert.ok((await server.inject(request(name, { ...asSession('admin'), 'sec-fetch-site': 'same-origin' }))).statusCode < 300);
      });
    }
  }
});

describe('the input of every route', () => {
  for (const name of routeNames) {
    const route: Route = routes[name];
    const parameters = [...route.path.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? '');
    for (const parameter of parameters) {
      // The id of a reader is the gateway's own word, a file name that of a client: only their lengths are known.
      const lengths: Record<string, number> = { reader_id: 129, ...(name === 'upload_put' ? { filename: 1025 } : {}) };
      const malformed = lengths[parameter] === undefined ? 'not%20a%20token' : 'x'.repeat(lengths[parameter]);
      test(`${name} answers 400 naming ${parameter} when it is malformed`, async () => {
        const { server, calls } = createFixture();
        const bad = await server.inject(request(name, asToken('admin'), validBodies[name], pathOf(name, { [parameter]: malformed })));
        assert.equal(bad.statusCode, 400, bad.body);
        assert.ok(
          problemSchema
            .parse(bad.json())
            .errors?.some(
              (error) =>
                error.field === parameter && [decodeURIComponent(malformed), `${malformed.slice(0, 117)}...`, '***'].includes(String(error.received)),
            ),
        );
        assert.equal(calls.length, 0);
      });
    }
    // What a gateway sends grows with its versions: it alone may say more than is known.
    if (route.body !== undefined && name !== 'gateway_auth') {
      const mayBeEmpty = route.body.safeParse(undefined).success;
      test(`${name} answers 400 naming an unknown field of its body${mayBeEmpty ? '' : ', and one for no body'}`, async () => {
        const { server, calls } = createFixture();
        const unknown = await server.inject(request(name, asToken('admin'), { ...(validBodies[name] as object), surprise: 7 }));
        assert.equal(unknown.statusCode, 400);
        assert.ok(problemSchema.parse(unknown.json()).errors?.some((error) => error.field === 'surprise' && error.received === 7));
        assert.equal(calls.length, 0);
        const empty = await server.inject({ ...request(name, asToken('admin'), {}), payload: '' });
        assert.equal(empty.statusCode === 400, !mayBeEmpty, empty.body);
      });
    }
    if (route.query !== undefined && 'limit' in route.query.shape) {
      test(`${name} answers 400 naming a limit that is no number`, async () => {
        const { server } = createFixture();
        const answer = await server.inject(request(name, asToken('admin'), undefined, `${pathOf(name)}?kind=log&limit=many`));
        assert.equal(answer.statusCode, 400);
        assert.deepEqual(
          problemSchema.parse(answer.json()).errors?.map((error) => [error.field, error.received]),
          [['limit', 'many']],
        );
      });
    }
  }
});

describe('requests that no route takes', () => {
  test('an unknown address is 404, a wrong method 405 with Allow, both as problems', async () => {
    const { server } = createFixture();
    const missing = await server.inject({ method: 'GET', url: '/api/v1/nothing' });
    assert.equal(missing.statusCode, 404);
    assert.equal((missing.json() as Problem).code, 'not_found');
    const long = await server.inject({ method: 'GET', url: `/api/v1/streams/${'x'.repeat(5000)}` });
    assert.deepEqual([long.statusCode, problemSchema.parse(long.json()).code], [414, 'invalid_argument']);
    const wrong = await server.inject({ method: 'PUT', url: '/api/v1/streams/front' });
    assert.equal(wrong.statusCode, 405);
    assert.equal(wrong.headers.allow, 'GET, PATCH, DELETE');
    assert.equal(wrong.headers['content-type'], 'application/problem+json');
    assert.equal((wrong.json() as Problem).status, 405);
    assert.equal((await server.inject({ method: 'GET', url: '/api/v1/bus/credentials' })).headers.allow, 'POST');
    assert.equal((await server.inject({ method: 'OPTIONS', url: '/api/v1/streams' })).statusCode, 405);
  });

  test('no answer allows another origin to read it', async () => {
    const { server } = createFixture();
    const answer = await server.inject({ method: 'GET', url: '/api/v1/streams', headers: { ...asSession('admin'), origin: 'https://evil.example' } });
    assert.equal(answer.headers['access-control-allow-origin'], undefined);
    assert.equal(answer.headers['cross-origin-resource-policy'], 'same-origin');
  });

  const broken: [name: string, headers: Record<string, string>, payload: string, status: number, field: string | undefined][] = [
    ['half JSON', { 'content-type': 'application/json' }, '{"config":', 400, '(body)'],
    ['a form', { 'content-type': 'application/x-www-form-urlencoded' }, 'a=b', 415, 'content-type'],
    ['no content type', {}, '{}', 415, 'content-type'],
    ['a prototype', { 'content-type': 'application/json' }, '{"__proto__":{"a":1}}', 400, '(body)'],
    ['more than 1 MiB', { 'content-type': 'application/json' }, JSON.stringify({ name: 'x'.repeat(1_100_000) }), 413, undefined],
  ];
  for (const [name, headers, payload, status, field] of broken) {
    test(`a body of ${name} is ${status}`, async () => {
      const { server, calls } = createFixture();
      const answer = await server.inject({ method: 'POST', url: '/api/v1/streams', headers: { ...asToken('admin'), ...headers }, payload });
      assert.equal(answer.statusCode, status, answer.body);
      const problem = problemSchema.parse(answer.json());
      assert.equal(problem.status, status);
      assert.equal(problem.errors?.[0]?.field, field);
      assert.equal(calls.length, 0);
    });
  }

  test('a body is not read from a stranger', async () => {
    const { server } = createFixture();
    const answer = await server.inject({
      method: 'POST',
      url: '/api/v1/streams',
      headers: { 'content-type': 'application/json' },
      payload: '{"config":',
    });
    assert.equal(answer.statusCode, 401);
  });

  test('a malformed address is a 400 problem', async () => {
    const { server } = createFixture();
    const answer = await server.inject({ method: 'GET', url: '/api/v1/streams/%E0%A4%A' });
    assert.equal(answer.statusCode, 400);
    assert.equal((answer.json() as Problem).code, 'invalid_argument');
  });
});

describe('answers', () => {
  test('carry security headers, the request id and the trace of the caller', async () => {
    const { server } = createFixture({
      get_stream: () => {
        throw new WeirError('not_found', 'no such stream');
      },
    });
    const trace = '0af7651916cd43dd8448eb211c80319c';
    const headers = { ...asToken('viewer'), traceparent: `00-${trace}-b7ad6b7169203331-01`, 'x-request-id': 'abc-1' };
    const answer = await server.inject({ method: 'GET', url: '/api/v1/streams/front', headers });
    assert.equal(answer.statusCode, 404);
    assert.equal((answer.json() as Problem).trace_id, trace);
    assert.equal(answer.headers['x-request-id'], 'abc-1');
    assert.match(String(answer.headers.traceparent), new RegExp(`^00-${trace}-(?!b7ad6b7169203331)[0-9a-f]{16}-01$`));
    assert.match(String(answer.headers['content-security-policy']), /default-src 'none'/);
    assert.equal(answer.headers['x-content-type-options'], 'nosniff');
    const odd = await server.inject({ method: 'GET', url: '/health', headers: { 'x-request-id': 'a b\n', traceparent: '00-xyz' } });
    assert.match(String(odd.headers['x-request-id']), /^[0-9a-f]{16}$/);
    assert.match(String(odd.headers.traceparent), /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
  });

  test('an unplanned failure tells nothing of the inside', async () => {
    const { server } = createFixture({
      list_streams: () => {
        throw new Error('password=hunter2 at /home/x');
      },
    });
    const answer = await server.inject({ method: 'GET', url: '/api/v1/streams', headers: asToken('viewer') });
    assert.equal(answer.statusCode, 500);
    assert.doesNotMatch(answer.body, /hunter2|home/);
  });

  test('the session cookie is HttpOnly, SameSite=Strict, and Secure where the hub is reached by https', async () => {
    const login = (_input: unknown, context: { setSession(secret: string, maxAgeS: number): void }) => {
      context.setSession('s3cret', 60);
      return { user_id: 'u', username: 'u', role: 'viewer', streams: null, expires_at: null } as const;
    };
    const plain = await createFixture({ login }).server.inject(request('login'));
    assert.equal(plain.headers['set-cookie'], 'weir_session=s3cret; Path=/; Max-Age=60; HttpOnly; SameSite=Strict');
    const secure = await createFixture({ login }, { publicUrl: 'https://weir.example' }).server.inject(request('login'));
    assert.match(String(secure.headers['set-cookie']), /; Secure$/);
    assert.ok(secure.headers['strict-transport-security']);
  });

  test('a page of another site can neither sign in nor set up', async () => {
    const { server, calls } = createFixture();
    for (const name of ['login', 'setup_admin'] as const) {
      assert.equal((await server.inject(request(name, { origin: 'https://evil.example' }))).statusCode, 403);
      assert.equal((await server.inject(request(name, { 'sec-fetch-site': 'cross-site' }))).statusCode, 403);
    }
    assert.equal(calls.length, 0);
  });

  test('attempts to sign in are limited by address, and the answer says when to try again', async () => {
    const { server } = createFixture();
    for (let attempt = 0; attempt < 10; attempt++) assert.equal((await server.inject(request('login'))).statusCode, 200);
    const late = await server.inject(request('login'));
    assert.equal(late.statusCode, 429);
    assert.ok(Number(late.headers['retry-after']) >= 1);
    assert.equal((await server.inject({ ...request('login'), remoteAddress: '192.0.2.7' })).statusCode, 200);
  });

  test('changes and refusals are audited without secrets; strangers leave no lines', async () => {
    const { server, audited } = createFixture({
      delete_user: () => {
        throw new WeirError('failed_precondition', 'the last admin stays');
      },
    });
    await server.inject(request('create_user', asToken('admin')));
    await server.inject(request('delete_user', asToken('admin')));
    await server.inject(request('create_user', asToken('viewer')));
    await server.inject(request('list_users', asToken('wrong')));
    await server.inject(request('list_users'));
    await server.inject(request('list_streams', asToken('viewer')));
    assert.deepEqual(
      audited.map(({ actor, action, target, outcome }) => [actor, action, target, outcome]),
      [
        ['admin-name', 'create_user', 'u', 'allowed'],
        ['admin-name', 'delete_user', 'some-id', 'failed'],
        ['viewer-name', 'create_user', null, 'refused'],
        ['anonymous', 'list_users', null, 'refused'],
      ],
    );
    assert.doesNotMatch(JSON.stringify(audited), /long enough/);
  });

  test('a known picture is answered with 304', async () => {
    const { server } = createFixture({ stream_still: () => ({ body: Buffer.from('jpeg'), etag: '"1"' }) });
    const first = await server.inject(request('stream_still', asToken('viewer')));
    assert.deepEqual([first.statusCode, first.headers.etag, first.headers['content-type'], first.body], [200, '"1"', 'image/jpeg', 'jpeg']);
    const again = await server.inject(request('stream_still', { ...asToken('viewer'), 'if-none-match': '"0", "1"' }));
    assert.deepEqual([again.statusCode, again.body], [304, '']);
  });

  test('HEAD of a health check answers without a body', async () => {
    const { server } = createFixture();
    const answer = await server.inject({ method: 'HEAD', url: '/health/live' });
    assert.deepEqual([answer.statusCode, answer.body], [200, '']);
  });
});

describe('answers without an end', () => {
  test('a slow reader slows the source down, and going away ends it', async () => {
    let produced = 0;
    let ended = false;
    const { server, calls } = createFixture({
      stream_live_mp4: () => ({
        body: (async function* () {
          try {
            for (;;) {
              produced += 65_536;
              yield new Uint8Array(65_536);
            }
          } finally {
            ended = true;
          }
        })(),
      }),
    });
    const port = await server.listen('127.0.0.1', 0);
    const socket = connect(port, '127.0.0.1');
    socket.write(`GET ${pathOf('stream_live_mp4')} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer viewer\r\n\r\n`);
    await once(socket, 'readable');
    socket.pause();
    let before = -1;
    // Produced until the buffers between are full, then no more.
    await waitFor(
      () => {
        const still = produced === before;
        before = produced;
        return still;
      },
      { everyMs: 100 },
    );
    assert.ok(produced < 64 * 1024 * 1024, `${produced} bytes were produced for a reader that takes none`);
    assert.equal(server.connections.size, 1);
    socket.destroy();
    await waitFor(() => ended && server.connections.size === 0);
    assert.equal(calls[0]?.context.signal.aborted, true);
    await server.close();
  });

  test('events are sent as they come, and end when the login is revoked', async () => {
    const waiting: (() => void)[] = [];
    const { server } = createFixture({
      events: (_input, context) => ({
        events: (async function* () {
          yield { id: '7', event: 'stream_status', data: '{"a":1}' };
          await new Promise<void>((resolve) => {
            waiting.push(resolve);
            context.signal.addEventListener('abort', () => resolve(), { once: true });
          });
        })(),
      }),
    });
    const port = await server.listen('127.0.0.1', 0);
    const response = await fetch(`http://127.0.0.1:${port}/api/v1/events`, { headers: asToken('viewer') });
    assert.equal(response.headers.get('content-type'), 'text/event-stream');
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    while (!text.includes('data: ')) text += (await reader?.read())?.value ?? '';
    assert.equal(text, ': connected\n\nid: 7\nevent: stream_status\ndata: {"a":1}\n\n');
    assert.equal(server.connections.cut({ principalId: 'token-operator' }, 'revoked'), 0);
    assert.equal(server.connections.cut({ principalId: 'token-viewer' }, 'revoked'), 1);
    await assert.rejects(async () => {
      for (;;) if ((await reader?.read())?.done === true) throw new Error('ended');
    });
    await server.close();
  });

  test('a live picture ends with its login, and those of others go on', async () => {
    const live = async function* (signal: AbortSignal) {
      yield Buffer.from('picture');
      await once(signal, 'abort');
    };
    const { server, revoked } = createFixture({ stream_live_mp4: (_input, { signal }) => ({ body: live(signal) }) });
    const port = await server.listen('127.0.0.1', 0);
    const watch = async (login: string) => {
      const response = await fetch(`http://127.0.0.1:${port}/api/v1/streams/front/live.mp4`, { headers: asToken(login) });
      const reader = response.body?.getReader();
      await reader?.read();
      return reader;
    };
    const [gone, stays] = [await watch('viewer'), await watch('operator')];
    await server.checkLogins();
    assert.equal(server.connections.size, 2);
    revoked.add('viewer');
    await server.checkLogins();
    await assert.rejects(async () => {
      for (;;) if ((await gone?.read())?.done === true) throw new Error('ended');
    });
    assert.equal(server.connections.size, 1);
    await stays?.cancel();
    await server.close();
  });

  test('a stop ends open answers at once', async () => {
    const { server } = createFixture({
      events: (_input, context) => ({
        events: (async function* () {
          yield { data: '1' };
          await new Promise<void>((resolve) => context.signal.addEventListener('abort', () => resolve(), { once: true }));
        })(),
      }),
    });
    const port = await server.listen('127.0.0.1', 0);
    const response = await fetch(`http://127.0.0.1:${port}/api/v1/events`, { headers: asToken('viewer') });
    const began = performance.now();
    await Promise.all([server.close(), response.text().catch(() => '')]);
    await assertWithin(performance.now() - began, 1500, 'the stop');
  });
});

describe('the listener', () => {
  test('moves to another address while open answers go on, and stays where it is when that one is taken', async () => {
    let end: () => void = () => undefined;
    const { server } = createFixture({
      events: () => ({
        events: (async function* () {
          yield { data: '1' };
          await new Promise<void>((resolve) => {
            end = resolve;
          });
          yield { data: '2' };
        })(),
      }),
    });
    // A kept-alive connection without a request is closed by the move, which a client notices at its next request.
    const single = { headers: { connection: 'close' } };
    const first = await server.listen('127.0.0.1', 0);
    const open = await fetch(`http://127.0.0.1:${first}/api/v1/events`, { headers: asToken('viewer') });
    const second = await server.listen('127.0.0.2', 0);
    assert.equal((await fetch(`http://127.0.0.2:${second}/health`, single)).status, 200);
    await assert.rejects(fetch(`http://127.0.0.1:${first}/health`));
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const taken = (other.address() as AddressInfo).port;
    await assert.rejects(server.listen('127.0.0.1', taken), (error) => error instanceof WeirError && error.code === 'failed_precondition');
    assert.equal((await fetch(`http://127.0.0.2:${second}/health`, single)).status, 200);
    end();
    assert.match(await open.text(), /data: 1\n\ndata: 2/);
    other.close();
    await server.close();
  });
});

describe('files of the interface', () => {
  const page = Buffer.from('<!doctype html>');
  const script = gzipSync('export {}');
  const files: StaticFiles = {
    find: async (path, encodings) => {
      if (path === '/index.html') return { body: page, contentType: 'text/html; charset=utf-8', etag: '"p"', immutable: false };
      if (path === '/assets/app-1.js' && encodings.has('gzip'))
        return { body: script, contentType: 'text/javascript', etag: '"s"', immutable: true, encoding: 'gzip' };
      return undefined;
    },
  };

  test('hashed files are kept for ever and sent as they were compressed', async () => {
    const { server } = createFixture({}, { files });
    const answer = await server.inject({ method: 'GET', url: '/assets/app-1.js', headers: { 'accept-encoding': 'gzip, br;q=0.9' } });
    assert.equal(answer.headers['cache-control'], 'public, max-age=31536000, immutable');
    assert.equal(answer.headers['content-encoding'], 'gzip');
    assert.equal(gunzipSync(answer.rawPayload).toString(), 'export {}');
  });

  test('an address of the interface gets the page with a policy that lets media and the bus through', async () => {
    const { server } = createFixture({}, { files });
    for (const url of ['/', '/streams/front', '/login?next=%2F']) {
      const answer = await server.inject({ method: 'GET', url, headers: { accept: 'text/html' } });
      assert.deepEqual(
        [answer.statusCode, answer.headers['content-type'], answer.headers['cache-control']],
        [200, 'text/html; charset=utf-8', 'no-cache'],
      );
      const policy = String(answer.headers['content-security-policy']);
      for (const part of ["media-src 'self' blob:", "connect-src 'self'", "frame-ancestors 'none'", "script-src 'self'"])
        assert.ok(policy.includes(part));
    }
  });

  test('a page that shows one video may be framed by any site, and is as strict as the others otherwise', async () => {
    const { server } = createFixture({}, { files });
    const headersOf = async (url: string) => {
      const answer = await server.inject({ method: 'GET', url, headers: { accept: 'text/html' } });
      assert.deepEqual([answer.statusCode, answer.headers['content-type']], [200, 'text/html; charset=utf-8'], url);
      return answer.headers;
    };
    const usual = await headersOf('/');
    const watched = await headersOf('/watch/5f0c.a_b-c');
    assert.equal(watched['content-security-policy'], usual['content-security-policy']);
    assert.equal(watched['x-frame-options'], 'DENY');
    const embedded = await headersOf('/embed/5f0c.a_b-c');
    assert.equal(embedded['x-frame-options'], undefined);
    assert.equal(
      embedded['content-security-policy'],
      String(usual['content-security-policy']).replace("frame-ancestors 'none'", 'frame-ancestors *'),
    );
  });

  test('what lies below a link, or only looks like a page that may be framed, is no page', async () => {
    const { server } = createFixture({}, { files });
    for (const url of ['/v/5f0c.abc', '/embed/a/../../b.c', '/embed/a/b.js', '/embeds/5f0c.abc']) {
      const answer = await server.inject({ method: 'GET', url, headers: { accept: 'text/html' } });
      assert.equal(answer.statusCode, 404, url);
      assert.equal(answer.headers['x-frame-options'], 'DENY', url);
    }
  });

  test('a missing file, an API address and another method get no page', async () => {
    const { server } = createFixture({}, { files });
    assert.equal((await server.inject({ method: 'GET', url: '/assets/app-2.js' })).statusCode, 404);
    assert.equal((await server.inject({ method: 'GET', url: '/api/v2' })).statusCode, 404);
    assert.equal((await server.inject({ method: 'POST', url: '/' })).statusCode, 404);
  });
});
