import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { describe, test } from 'node:test';
import { wsconnect } from '@nats-io/nats-core';
import { WebSocket } from 'ws';
import { startTestBroker, waitFor } from '../testkit/index.js';
import type { BusProxyOptions } from './bus-proxy.js';
import { createFixture, type Fixture } from './testing/fixture.js';

async function withServer(bus: BusProxyOptions, body: (fixture: Fixture, port: number) => Promise<void>): Promise<void> {
  const fixture = createFixture({}, { bus, allowedOrigins: ['https://wall.example'] });
  const port = await fixture.server.listen('127.0.0.1', 0);
  try {
    await body(fixture, port);
  } finally {
    await fixture.server.close();
  }
}

/** A broker that takes the handshake and then does as told. */
async function withPeer(onSocket: (socket: Socket) => void, body: (target: { host: string; port: number }) => Promise<void>): Promise<void> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    onSocket(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    await body({ host: '127.0.0.1', port: (server.address() as AddressInfo).port });
  } finally {
    for (const socket of sockets) socket.destroy();
    server.close();
  }
}

function handshake(headers: Record<string, string> = {}, path = '/nats'): string {
  const all = {
    Host: 'hub.example',
    Upgrade: 'websocket',
    Connection: 'Upgrade',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
  return `GET ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`;
}

/** Sends a raw handshake and resolves with the status of the answer. */
async function attempt(port: number, text: string): Promise<{ status: number; socket: Socket; body: string }> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.write(text);
  const [chunk] = (await once(socket, 'data')) as [Buffer];
  const body = chunk.toString();
  return { status: Number(/^HTTP\/1\.1 (\d+)/.exec(body)?.[1]), socket, body };
}

const bearer = { Authorization: 'Bearer viewer' };
const accept = (socket: Socket) => void socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n');

describe('the way to the bus', () => {
  test('a signed-in client speaks NATS through it; the counters tell what went through', async () => {
    await using broker = await startTestBroker({ users: [{ user: 'b', password: 'p' }] });
    const { hostname, port: brokerPort } = new URL(broker.websocketUrl);
    await withServer({ target: () => ({ host: hostname, port: Number(brokerPort) }) }, async ({ server }, port) => {
      const connection = await wsconnect({
        servers: `ws://127.0.0.1:${port}/nats`,
        user: 'b',
        pass: 'p',
        wsFactory: async (url) => {
          const socket = new WebSocket(url, { headers: { cookie: 'weir_session=viewer', origin: `http://127.0.0.1:${port}` } });
          return { socket: socket as never, encrypted: false };
        },
      });
      const subscription = connection.subscribe('a', { max: 1 });
      connection.publish('a', new Uint8Array(1_000_000));
      for await (const message of subscription) assert.equal(message.data.length, 1_000_000);
      const counters = server.bus?.counters();
      assert.equal(counters?.open, 1);
      assert.ok((counters?.bytesFromClients ?? 0) > 1_000_000 && (counters?.bytesToClients ?? 0) > 1_000_000);
      await connection.close();
      await waitFor(() => server.bus?.counters().open === 0);
      assert.equal(server.bus?.counters().accepted, 1);
      assert.ok((server.bus?.counters().bytesToClients ?? 0) > 1_000_000);
    });
  });

  const refusals: [name: string, headers: Record<string, string>, path: string, status: number, kind: string][] = [
    ['without a login', {}, '/nats', 401, 'session'],
    ['with a revoked one', { Authorization: 'Bearer nobody' }, '/nats', 401, 'session'],
    ['from a page of another site', { ...bearer, Origin: 'https://evil.example' }, '/nats', 403, 'origin'],
    ['from a sandboxed page', { ...bearer, Origin: 'null' }, '/nats', 403, 'origin'],
    ['at another address', bearer, '/nats/x', 404, 'path'],
    ['of another version', { ...bearer, 'Sec-WebSocket-Version': '8' }, '/nats', 400, 'method'],
    ['with a key that is none', { ...bearer, 'Sec-WebSocket-Key': 'x\u0020y' }, '/nats', 400, 'method'],
  ];
  test('refuses before the broker hears of it', async () => {
    let reached = 0;
    await withPeer(
      () => reached++,
      async (target) => {
        await withServer({ target: () => target }, async ({ server }, port) => {
          for (const [name, headers, path, status, kind] of refusals) {
            const before = server.bus?.counters().refused[kind as 'path'] ?? 0;
            const answer = await attempt(port, handshake(headers, path));
            assert.equal(answer.status, status, name);
            assert.match(answer.body, /application\/problem\+json/);
            assert.equal(server.bus?.counters().refused[kind as 'path'], before + 1, name);
          }
        });
      },
    );
    assert.equal(reached, 0);
  });

  test('takes own pages and allowed ones, and passes neither cookie nor extensions on', async () => {
    const seen: string[] = [];
    await withPeer(
      (socket) => {
        socket.once('data', (data) => {
          seen.push(data.toString());
          accept(socket);
        });
      },
      async (target) => {
        await withServer({ target: () => target }, async (_fixture, port) => {
          for (const origin of ['http://hub.example', 'https://wall.example']) {
            const headers = { Cookie: 'weir_session=viewer', Origin: origin, 'Sec-WebSocket-Extensions': 'permessage-deflate' };
            const answer = await attempt(port, handshake(headers));
            assert.equal(answer.status, 101, origin);
            answer.socket.destroy();
          }
        });
      },
    );
    assert.equal(seen.length, 2);
    assert.doesNotMatch(seen.join(''), /cookie|origin|extensions|viewer/i);
  });

  test('limits the sockets of one user and of all, also when they come at once', async () => {
    await withPeer(
      (socket) => socket.once('data', () => accept(socket)),
      async (target) => {
        await withServer({ target: () => target, maxPerUser: 2, max: 3 }, async ({ server }, port) => {
          const mine = await Promise.all(Array.from({ length: 5 }, () => attempt(port, handshake({ Cookie: 'weir_session=viewer' }))));
          assert.deepEqual(mine.map((one) => one.status).sort(), [101, 101, 429, 429, 429]);
          const others = await Promise.all(Array.from({ length: 2 }, () => attempt(port, handshake({ Cookie: 'weir_session=admin' }))));
          assert.deepEqual(others.map((one) => one.status).sort(), [101, 429]);
          assert.deepEqual([server.bus?.counters().refused.user_limit, server.bus?.counters().refused.total_limit], [3, 1]);
          for (const one of mine) one.socket.destroy();
          await waitFor(() => server.bus?.counters().open === 1);
          assert.equal((await attempt(port, handshake({ Cookie: 'weir_session=viewer' }))).status, 101);
        });
      },
    );
  });

  test('cuts the sockets of a revoked login and no other', async () => {
    await withPeer(
      (socket) => socket.once('data', () => accept(socket)),
      async (target) => {
        await withServer({ target: () => target }, async ({ server }, port) => {
          const mine = await attempt(port, handshake({ Cookie: 'weir_session=viewer' }));
          const other = await attempt(port, handshake({ Cookie: 'weir_session=admin' }));
          const ended = once(mine.socket, 'close');
          assert.equal(server.connections.cut({ principalId: 'session-viewer' }, 'revoked'), 1);
          await ended;
          assert.equal(other.socket.destroyed, false);
          await waitFor(() => server.bus?.counters().open === 1);
          assert.equal(server.bus?.counters().revokedCut, 1);
        });
      },
    );
  });

  test('ends a socket over which nothing moves any more', async () => {
    await withPeer(
      (socket) => socket.once('data', () => accept(socket)),
      async (target) => {
        await withServer({ target: () => target, idleMs: 100 }, async ({ server }, port) => {
          const { socket } = await attempt(port, handshake(bearer));
          await once(socket, 'close');
          await waitFor(() => server.bus?.counters().open === 0);
          assert.equal(server.bus?.counters().idleCut, 1);
        });
      },
    );
  });

  test('a client that does not read holds the broker back instead of filling the memory', async () => {
    let sent = 0;
    await withPeer(
      (socket) => {
        socket.once('data', () => {
          accept(socket);
          const flood = () => {
            while (socket.writable && socket.write(Buffer.alloc(65_536))) sent += 65_536;
          };
          socket.on('drain', flood);
          flood();
        });
      },
      async (target) => {
        await withServer({ target: () => target }, async (_fixture, port) => {
          const { socket } = await attempt(port, handshake(bearer));
          socket.pause();
          let before = -1;
          await waitFor(
            () => {
              const stands = sent === before;
              before = sent;
              return stands;
            },
            { everyMs: 200 },
          );
          assert.ok(sent < 64 * 1024 * 1024, `${sent} bytes were taken for a client that reads none`);
          socket.destroy();
        });
      },
    );
  });

  test('says 503 while the broker is away', async () => {
    await withServer({ target: () => undefined }, async (_fixture, port) => {
      assert.equal((await attempt(port, handshake(bearer))).status, 503);
    });
    await withServer({ target: () => ({ host: '127.0.0.1', port: 1 }) }, async ({ server }, port) => {
      assert.equal((await attempt(port, handshake(bearer))).status, 503);
      assert.equal(server.bus?.counters().open, 0);
    });
  });
});
