/** The client in `examples/rpc-client`, run as a newcomer would. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { WebSocket } from 'ws';
import { waitFor } from '../../testkit/index.js';
import { type RpcFixture, startRpcFixture } from './testing/fixture.js';

const picture = Buffer.from('a picture');

async function start(): Promise<RpcFixture> {
  return startRpcFixture({
    operations: {
      snapshot_file: () => ({
        contentType: 'image/jpeg',
        filename: 'camera0.jpg',
        sizeBytes: picture.length,
        modifiedAt: new Date(),
        etag: '"1"',
        async *open() {
          yield picture;
        },
      }),
    },
  });
}

test('the example lists, takes a picture, records, and ends', async () => {
  const { url, stop } = await start();
  const env = { ...process.env, WEIR_TOKEN: 'operator' };
  const { stdout } = await promisify(execFile)(process.execPath, ['examples/rpc-client/cameras.mjs', url, '0.3'], { env, timeout: 20_000 });
  await stop();
  assert.match(stdout, /^signed in as operator\ncamera0 {2}Camera camera0 {2}CONNECTED {2}1280x720 30 fps\n/);
  assert.match(stdout, /snapshot camera0\.jpg: 9 bytes of image\/jpeg\n/);
  assert.match(stdout, /recorded 1 s\n/);
  assert.match(stdout, /recording camera0_1: 4096 bytes, 3 s\n$/);
});

interface Client {
  connect(): Promise<unknown>;
  call(method: string, params?: object): Promise<unknown>;
  on(name: string, listener: (data: unknown) => void): () => void;
  subscribe(topics: string[]): Promise<void>;
  close(): void;
}

test('its client comes back after a break, signed in and subscribed', async () => {
  const fixture = await start();
  const { RpcClient } = (await import(pathToFileURL('examples/rpc-client/rpc-client.mjs').href)) as {
    RpcClient: new (options: object) => Client;
  };
  const states: boolean[] = [];
  const options = { url: fixture.url, token: 'viewer', WebSocket, onConnection: (connected: boolean) => states.push(connected) };
  const client = new RpcClient(options);
  await client.connect();
  await client.subscribe(['system.shutdown']);
  await assert.rejects(client.call('get_metrics'), (error: Error & { code: number }) => error.code === -32002);
  fixture.server.connections.cutAll('a break');
  await waitFor(() => states.length === 3, { deadlineMs: 10_000 });
  assert.deepEqual(states, [true, false, true]);
  const heard = new Promise((resolve) => {
    client.on('system.shutdown', resolve);
  });
  const data = { reason: 'asked', timestamp: '2026-11-20T12:00:00.000Z' };
  fixture.events.tell({ topic: 'system.shutdown', data });
  assert.deepEqual(await heard, data);
  client.close();
  await fixture.stop();
});

test('its client says when there is nobody to connect to', async () => {
  const fixture = await start();
  await fixture.stop();
  const { RpcClient } = (await import(pathToFileURL('examples/rpc-client/rpc-client.mjs').href)) as {
    RpcClient: new (options: object) => Client;
  };
  await assert.rejects(new RpcClient({ url: fixture.url, token: 'viewer', WebSocket }).connect(), /cannot connect/);
});
