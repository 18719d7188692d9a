/** Promise: everybody sees only what was granted, in HTTP and on the bus, and what is revoked ends at once. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type NatsConnection, wsconnect } from '@nats-io/nats-core';
import WebSocket from 'ws';
import type { BusCredentials, Token, User } from '../contracts/index.js';
import { waitFor } from '../testkit/index.js';
import { startWeir, type Weir } from './weir.js';

const password = 'neighbours-password';

describe('a viewer bound to one stream', () => {
  let weir: Weir;
  let cookie = '';
  let user: User;
  let credentials: BusCredentials;
  let nc: NatsConnection;

  const asViewer = (method: string, path: string, body?: unknown) =>
    fetch(`${weir.url}${path}`, {
      method,
      headers: { cookie, origin: weir.url, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });

  const openBus = (given: BusCredentials) =>
    wsconnect({
      servers: `${weir.url.replace('http', 'ws')}/nats`,
      user: given.user,
      pass: given.password,
      inboxPrefix: given.inbox_prefix,
      reconnect: false,
      wsFactory: async (url) => ({ socket: new WebSocket(url, { headers: { cookie, origin: weir.url } }) as never, encrypted: false }),
    });

  before(async () => {
    weir = await startWeir({ env: { WEIR_STREAMS_TEST_PICTURE: 'false' } });
    for (const id of ['front', 'back']) {
      await weir.api('POST', '/api/v1/streams', { stream_id: id, config: { device: 'test:', resolution: '320x180', framerate: 10 } });
    }
    user = await weir.api<User>('POST', '/api/v1/users', { username: 'neighbour', password, role: 'viewer', streams: ['front'] });
    const login = await fetch(`${weir.url}/api/v1/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin: weir.url },
      body: JSON.stringify({ username: 'neighbour', password }),
    });
    assert.equal(login.status, 200);
    cookie = (login.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
    assert.match(login.headers.get('set-cookie') ?? '', /HttpOnly.*SameSite=Strict/i);
    credentials = (await (await asViewer('POST', '/api/v1/bus/credentials', {})).json()) as BusCredentials;
    nc = await openBus(credentials);
  });

  after(async () => {
    await nc?.close();
    await weir?.[Symbol.asyncDispose]();
  });

  test('sees one stream in the list, and 403 or 404 for the other', async () => {
    const list = (await (await asViewer('GET', '/api/v1/streams')).json()) as { items: { stream_id: string }[] };
    assert.deepEqual(
      list.items.map((stream) => stream.stream_id),
      ['front'],
    );
    for (const path of ['', '/status', '/still.jpg', '/live.mp4', '/hls/index.m3u8', '/history?kind=log']) {
      const { status } = await asViewer('GET', `/api/v1/streams/back${path}`);
      assert.ok([403, 404].includes(status), `${path}: ${status}`);
    }
  });

  test('may not command, neither by HTTP nor on the bus', async () => {
    assert.equal((await asViewer('POST', '/api/v1/streams/front/stop')).status, 403);
    await assert.rejects(
      nc.request('videonode.stream.front.command', JSON.stringify({ action: 'stop', stream_id: 'front', timestamp: new Date().toISOString() }), {
        timeout: 2000,
      }),
      /permission/i,
    );
    assert.equal((await weir.stream('front')).desired, 'running');
  });

  test('hears its own stream on the bus, and is refused the other', async () => {
    const own = nc.subscribe('videonode.stream.front.progress', { max: 1 });
    const heard = new Promise<string>((resolve) => {
      void (async () => {
        for await (const message of own) resolve(message.subject);
      })();
    });
    assert.equal(await heard, 'videonode.stream.front.progress');
    for (const subject of [
      'videonode.stream.back.progress',
      'videonode.stream.*.progress',
      'videonode.>',
      'videonode.stream.front.media.key',
      '_INBOX.>',
      '$SYS.>',
    ]) {
      const refused = await new Promise<boolean>((resolve) => {
        nc.subscribe(subject, { callback: (error) => resolve(error !== null) });
        void nc.flush().then(() => setTimeout(() => resolve(false), 300));
      });
      assert.ok(refused, `${subject} was allowed`);
    }
  });

  test('gets a place to watch its own stream, none for the other, none in another’s name', async () => {
    const ask = (streamId: string, viewer: string) => nc.request(`videonode.stream.${streamId}.watch`, JSON.stringify({ viewer }), { timeout: 3000 });
    const own = (await ask('front', credentials.viewer)).json<{ consumer?: string }>();
    assert.equal(own.consumer, credentials.viewer);
    await assert.rejects(ask('back', credentials.viewer), /permission/i);
    const stolen = await ask('front', 'somebody-else');
    assert.notEqual(stolen.headers?.get('Nats-Service-Error-Code') ?? '', '', 'refused by the hub');
    await assert.rejects(nc.request('$JS.API.CONSUMER.MSG.NEXT.MEDIA_back.x', '{}', { timeout: 1000 }), /permission/i);
    await assert.rejects(nc.request('$JS.API.STREAM.LIST', '{}', { timeout: 1000 }), /permission/i);
  });

  test('is cut from the bus and from HTTP when disabled', async () => {
    const closed = nc.closed();
    await weir.api('PATCH', `/api/v1/users/${user.user_id}`, { disabled: true });
    await closed;
    assert.equal((await asViewer('GET', '/api/v1/streams')).status, 401);
    await assert.rejects(openBus(credentials));
  });
});

describe('API tokens', () => {
  let weir: Weir;

  before(async () => {
    weir = await startWeir({ env: { WEIR_STREAMS_TEST_PICTURE: 'false' } });
  });
  after(async () => {
    await weir?.[Symbol.asyncDispose]();
  });

  test('a token works until it is revoked', async () => {
    const token = await weir.api<Token & { secret: string }>('POST', '/api/v1/tokens', { name: 'panel', role: 'viewer' });
    assert.equal((await weir.request('GET', '/api/v1/streams', undefined, token.secret)).status, 200);
    assert.equal((await weir.request('POST', '/api/v1/streams', { config: { device: 'test:' } }, token.secret)).status, 403);
    await weir.api('DELETE', `/api/v1/tokens/${token.token_id}`);
    assert.equal((await weir.request('GET', '/api/v1/streams', undefined, token.secret)).status, 401);
  });

  test('guessing passwords is slowed down', async () => {
    const guess = () =>
      fetch(`${weir.url}/api/v1/session`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', origin: weir.url },
        body: JSON.stringify({ username: 'admin', password: 'wrong-password' }),
      });
    const limited = await waitFor(
      async () => {
        const answer = await guess();
        return answer.status === 429 ? answer : undefined;
      },
      { deadlineMs: 30_000, what: 'a limit on guesses' },
    );
    assert.ok(Number(limited.headers.get('retry-after')) > 0);
  });

  test('what was changed stands in the audit log, without secrets', async () => {
    const text = JSON.stringify(await weir.api('GET', '/api/v1/audit'));
    assert.match(text, /token/);
    assert.ok(!text.includes('wrong-password') && !text.includes('weir_'));
  });
});
