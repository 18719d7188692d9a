import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { WebSocket } from 'ws';
import { withTempFolder } from '../testkit/index.js';
import { createFixture } from './testing/fixture.js';

function makeCertificate(folder: string): { cert: string; key: string } {
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1'];
  execFileSync(
    'openssl',
    ['req', '-x509', ...kind, '-keyout', key, '-out', cert, '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'],
    {
      stdio: 'pipe',
    },
  );
  return { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') };
}

test('over TLS the cookie is Secure, browsers are told to stay with it, and the way to the bus is open', async () => {
  await withTempFolder(async (folder) => {
    const tls = makeCertificate(folder);
    const broker = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', (data) => {
        const key = /sec-websocket-key: (.+)\r/i.exec(data.toString())?.[1] ?? '';
        socket.write(
          `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${acceptOf(key)}\r\n\r\n`,
        );
      });
    }).listen(0, '127.0.0.1');
    await once(broker, 'listening');
    const address = broker.address() as { port: number };
    const { server } = createFixture(
      {
        login: (_input, context) => {
          context.setSession('s', 60);
          return { user_id: 'u', username: 'u', role: 'viewer', streams: null, expires_at: null };
        },
      },
      { tls, bus: { target: () => ({ host: '127.0.0.1', port: address.port }) } },
    );
    const port = await server.listen('127.0.0.1', 0);
    try {
      const call = request({
        host: 'localhost',
        port,
        ca: tls.cert,
        method: 'POST',
        path: '/api/v1/session',
        headers: { 'content-type': 'application/json', origin: `https://localhost:${port}` },
        family: 4,
      });
      call.end(JSON.stringify({ username: 'u', password: 'p' }));
      const [answer] = await once(call, 'response');
      answer.resume();
      assert.equal(answer.statusCode, 200);
      assert.match(answer.headers['set-cookie'][0], /; Secure$/);
      assert.match(answer.headers['strict-transport-security'], /max-age=\d+/);
      const socket = new WebSocket(`wss://localhost:${port}/nats`, {
        ca: tls.cert,
        family: 4,
        headers: { cookie: 'weir_session=viewer', origin: `https://localhost:${port}` },
      });
      await once(socket, 'open');
      assert.equal(server.bus?.counters().open, 1);
      const closed = once(socket, 'close');
      await server.close();
      await closed;
    } finally {
      broker.close();
    }
  });
});

function acceptOf(key: string): string {
  return execFileSync('openssl', ['dgst', '-sha1', '-binary'], { input: `${key.trim()}258EAFA5-E914-47DA-95CA-C5AB0DC85B11` }).toString('base64');
}
