import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type NatsConnection, wsconnect } from '@nats-io/nats-core';
import { WebSocket } from 'ws';
import { createBus, openMediaReader } from '../bus/index.js';
import type { BusCredentials } from '../contracts/index.js';
import { startTestBroker, waitFor, withTempFolder } from '../testkit/index.js';
import { browser, startWeir } from './testing/run-weir.js';

function connectAs(url: string, cookie: string, credentials: BusCredentials): Promise<NatsConnection> {
  return wsconnect({
    servers: `${url.replace('http', 'ws')}${credentials.url}`,
    user: credentials.user,
    pass: credentials.password,
    inboxPrefix: credentials.inbox_prefix,
    reconnectTimeWait: 100,
    maxReconnectAttempts: -1,
    wsFactory: async (address) => ({ socket: new WebSocket(address, { headers: { cookie, origin: url } }) as never, encrypted: false }),
  });
}

describe('with an external NATS', () => {
  test('the whole works by configuration alone, browsers included, within their rights', { timeout: 60_000 }, async () => {
    await using broker = await startTestBroker();
    await withTempFolder(async (folder) => {
      const env = { NATS_URL: broker.url, NATS_USER: 'hub', NATS_PASSWORD: 'hub', WEIR_ADMIN_PASSWORD: 'a good password' };
      const weir = await startWeir(folder, { env });
      try {
        const admin = browser(weir.ready.url);
        await admin.call('login', { body: { username: 'admin', password: 'a good password' } });
        await admin.call('create_stream', { body: { stream_id: 'mine', config: { device: 'test:', resolution: '320x180', framerate: 10 } } });
        await admin.call('create_user', { body: { username: 'guest', password: 'a good password', role: 'viewer', streams: ['mine'] } });
        const guest = browser(weir.ready.url);
        await guest.call('login', { body: { username: 'guest', password: 'a good password' } });
        const credentials = await guest.call('bus_credentials', { body: {} });
        const connection = await connectAs(weir.ready.url, guest.cookie(), credentials);
        const bus = createBus(connection);

        await assertPlays(connection, credentials);
        await assert.rejects(
          bus.request('stream_status_get', { stream_id: 'test' }, undefined),
          (error: { code?: string }) => error.code === 'permission_denied',
        );
        assert.equal((await bus.request('stream_status_get', { stream_id: 'mine' }, undefined)).state, 'running');
        await assert.rejects(bus.subscribe('stream_status', { stream_id: 'test' }, () => undefined).ready);
        await assert.rejects(connectAs(weir.ready.url, guest.cookie(), { ...credentials, password: 'wrong' }), /uthoriz/);
        await assert.rejects(admin.call('create_bus_user', { body: { name: 'plain' } }), /422.*external NATS/s);

        await broker.kill9();
        await broker.restart();
        await waitFor(() => !connection.isClosed() && connection.info !== undefined && weirHealthy(admin), { deadlineMs: 10_000 });
        await assertPlays(connection, credentials);

        const { items } = await admin.call('list_users');
        const guestId = items.find((one) => one.username === 'guest')?.user_id ?? '';
        const status = connection.status();
        await admin.call('update_user', { params: { user_id: guestId }, body: { disabled: true } });
        for await (const one of status) if (one.type === 'disconnect') break;
        await connection.close();
      } finally {
        assert.equal(await weir.end('SIGTERM'), 0, weir.log());
      }
    });
  });
});

async function weirHealthy(admin: ReturnType<typeof browser>): Promise<boolean> {
  return (await admin.call('system_health')).components.some((part) => part.name === 'bus' && part.status === 'healthy');
}

/** Ten fragments in order, from a keyframe on. */
async function assertPlays(connection: NatsConnection, credentials: BusCredentials): Promise<void> {
  const kinds: string[] = [];
  const bus = createBus(connection);
  const reader = openMediaReader({
    connection,
    streamId: 'mine',
    viewer: credentials.viewer,
    watch: (request, signal) => bus.request('stream_watch', { stream_id: 'mine' }, request, { signal }),
    onInit: () => void kinds.push('init'),
    onFragment: (fragment) => void kinds.push(fragment.kind),
  });
  try {
    await waitFor(() => kinds.length > 10, { deadlineMs: 20_000, everyMs: 50, what: 'eleven parts of the picture' });
    assert.deepEqual(kinds.slice(0, 2), ['init', 'key']);
  } finally {
    await reader.stop();
  }
}
