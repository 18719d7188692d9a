import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { WebSocket } from 'ws';
import type { SystemHealth } from '../contracts/index.js';
import { TestClient } from './rpc/testing/client.js';
import { startRpcFixture } from './rpc/testing/fixture.js';
import { startHealthListener, startRpcListener } from './side-listeners.js';

const address = { host: '127.0.0.1', port: 0 };

describe('the port for JSON-RPC', () => {
  test('serves sockets and downloads, and nothing else', async () => {
    const fixture = await startRpcFixture();
    const listener = await startRpcListener(fixture.server, address);
    const root = `http://127.0.0.1:${listener.port}`;
    const client = await TestClient.open(`ws://127.0.0.1:${listener.port}/ws`, 'viewer');
    assert.equal((await client.call('get_camera_list')).total, 2);
    assert.equal((await fetch(`${root}/files/recordings/x`)).status, 401);
    assert.notEqual((await fetch(`${root}/files/recordings/x`, { headers: { authorization: 'Bearer viewer' } })).status, 404);
    for (const path of ['/', '/api/v1/session', '/health', '/ws', '/files/../api/v1/setup', '/metrics']) {
      assert.equal((await fetch(`${root}${path}`)).status, 404, path);
    }
    const bus = new WebSocket(`ws://127.0.0.1:${listener.port}/nats`);
    bus.on('error', () => undefined);
    const [, response] = await once(bus, 'unexpected-response');
    assert.equal(response.statusCode, 404);
    await listener.close();
    await assert.rejects(fetch(`${root}/files/recordings/x`));
    await client.close();
    await fixture.stop();
  });

  test('says so when it is taken', async () => {
    const fixture = await startRpcFixture();
    const listener = await startRpcListener(fixture.server, address);
    await assert.rejects(startRpcListener(fixture.server, { ...address, port: listener.port }), { code: 'failed_precondition' });
    await listener.close();
    await fixture.stop();
  });
});

test('the port for health answers without login, with the bodies of older services', async () => {
  let status: SystemHealth['status'] = 'healthy';
  let missing: string | undefined;
  const details = { pid: 1, path: '/var/lib' };
  const health = (): SystemHealth => ({
    status,
    version: '0.1.0',
    uptime_s: 5,
    components: [{ name: 'broker', status, message: 'well', details }],
    timestamp: '2026-11-20T12:00:00.000Z',
  });
  const listener = await startHealthListener({ health, notReady: () => missing }, address);
  const ask = async (path: string, method = 'GET') => {
    const answer = await fetch(`http://127.0.0.1:${listener.port}${path}`, { method });
    assert.equal(answer.headers.get('cache-control'), 'no-store');
    return { code: answer.status, body: (method === 'HEAD' ? {} : await answer.json()) as Record<string, unknown> };
  };
  const head = { status: 'healthy', timestamp: '2026-11-20T12:00:00.000Z', version: '0.1.0', uptime: 5 };
  assert.deepEqual(await ask('/health'), { code: 200, body: head });
  const detailed = await ask('/health/detailed');
  const component = { name: 'broker', status: 'healthy', message: 'well', last_checked: head.timestamp, details: {} };
  assert.deepEqual(detailed.body.components, [component]);
  assert.equal((detailed.body.metrics as Record<string, number>).components_healthy, 1);
  assert.equal((await ask('/health/ready')).body.ready, true);
  assert.equal((await ask('/health/live')).body.alive, true);
  assert.equal((await ask('/health/live', 'HEAD')).code, 200);
  assert.equal((await ask('/health', 'POST')).code, 405);
  assert.equal((await ask('/metrics')).code, 404);
  missing = 'starting';
  status = 'unhealthy';
  assert.equal((await ask('/health')).code, 500);
  assert.deepEqual([(await ask('/health/ready')).code, (await ask('/health/ready')).body.message], [503, 'starting']);
  assert.equal((await ask('/health/live')).code, 200);
  await listener.close();
});
