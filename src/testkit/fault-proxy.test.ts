import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { startFaultProxy } from './fault-proxy.js';
import { waitFor, withDeadline } from './wait-for.js';

async function echo(): Promise<{ port: number; sockets: Set<Socket>; close(): void }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('data', (chunk) => socket.write(chunk)).on('error', () => undefined);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    sockets,
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

const next = (socket: Socket, event: string, deadlineMs = 5000) => withDeadline(once(socket, event) as Promise<[Buffer]>, deadlineMs, event);

test('stall, delay, corrupt, half-close, cut and refuse do what they say', async () => {
  const server = await echo();
  await using proxy = await startFaultProxy({ port: server.port });
  const open = async () => {
    const client = connect(proxy.port, '127.0.0.1');
    await once(client, 'connect');
    client.on('error', () => undefined);
    return client;
  };
  const say = async (client: Socket, text: string) => {
    const answer = next(client, 'data');
    client.write(text);
    return (await answer)[0].toString('latin1');
  };
  const client = await open();
  assert.equal(await say(client, 'hello'), 'hello');

  proxy.stall();
  const late = next(client, 'data', 200);
  client.write('stalled');
  await assert.rejects(late);
  const released = next(client, 'data');
  proxy.resume();
  assert.equal((await released)[0].toString(), 'stalled');

  proxy.delay(150);
  const askedAt = performance.now();
  await say(client, 'slow');
  assert.ok(performance.now() - askedAt >= 140);
  proxy.delay(0);

  proxy.corrupt(2);
  const damaged = await say(client, 'abcd');
  assert.notEqual(damaged, 'abcd');
  assert.equal(damaged.length, 4);
  proxy.corrupt(0);

  const ended = next(client, 'end');
  proxy.halfClose();
  await ended;

  const second = await open();
  await say(second, 'x');
  proxy.cut();
  await waitFor(() => second.destroyed);
  await waitFor(() => proxy.open === 0);

  const port = proxy.port;
  await proxy.refuse();
  await assert.rejects(open(), { code: 'ECONNREFUSED' });
  await proxy.accept();
  assert.equal(proxy.port, port);
  const third = await open();
  assert.equal(await say(third, 'again'), 'again');
  third.destroy();
  server.close();
});
