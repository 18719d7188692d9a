import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { WeirError } from '../../contracts/index.js';
import { guardedRequest, isPublicAddress } from './guarded-request.js';

const withCode = (code: string) => (error: unknown) => error instanceof WeirError && error.code === code;

async function serve(
  listener: RequestListener,
): Promise<{ url: string; host: string; server: Server; hits: () => number; close: () => Promise<void> }> {
  let hits = 0;
  const server = createServer((request, response) => {
    hits += 1;
    listener(request, response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const close = async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  };
  return { url: `http://127.0.0.1:${port}`, host: `127.0.0.1:${port}`, server, hits: () => hits, close };
}

test('only addresses of the public internet are public', () => {
  const inside = [
    ...[
      '127.0.0.1',
      '127.9.9.9',
      '0.0.0.0',
      '10.1.2.3',
      '172.16.0.1',
      '192.168.1.1',
      '169.254.169.254',
      '100.64.0.1',
      '224.0.0.1',
      '255.255.255.255',
    ],
    ...[
      '::1',
      '::',
      'fe80::1',
      'fd00::1',
      'fd00:ec2::254',
      'ff02::1',
      '::ffff:127.0.0.1',
      '::ffff:10.0.0.1',
      '64:ff9b::7f00:1',
      '2002:7f00:1::',
      'nonsense',
    ],
  ];
  for (const address of inside) assert.equal(isPublicAddress(address), false, address);
  for (const address of ['93.184.216.34', '2606:2800:220:1:248:1893:25c8:1946']) assert.equal(isPublicAddress(address), true, address);
});

test('addresses inside the network are refused before anything is sent, however they are written', async () => {
  const target = await serve((_request, response) => response.end('secret'));
  const { port } = new URL(target.url);
  try {
    const urls = [
      `http://127.0.0.1:${port}/`,
      `http://localhost:${port}/`,
      `http://127.1:${port}/`,
      `http://2130706433:${port}/`,
      `http://0x7f000001:${port}/`,
      `http://0177.0.0.1:${port}/`,
      `http://[::1]:${port}/`,
      `http://[::ffff:127.0.0.1]:${port}/`,
      'http://169.254.169.254/latest/meta-data/',
      'http://10.0.0.1/',
    ];
    for (const url of urls) {
      await assert.rejects(guardedRequest(url, { allowedHosts: [] }), (error: unknown) => {
        assert.ok(error instanceof WeirError, url);
        assert.equal(error.code, 'permission_denied', url);
        assert.match(error.hint ?? '', /vod\.fetch_hosts/);
        return true;
      });
    }
    assert.equal(target.hits(), 0);
  } finally {
    await target.close();
  }
});

test('what is no HTTP address is refused', async () => {
  for (const url of ['ftp://example.org/', 'file:///etc/passwd', 'nonsense', 'http://user:password@example.org/']) {
    await assert.rejects(guardedRequest(url, { allowedHosts: [] }), (error: unknown) => {
      assert.ok(withCode('invalid_argument')(error));
      assert.ok(!JSON.stringify((error as WeirError).errors).includes('password@'));
      return true;
    });
  }
});

test('a host that was named is reached by name or by name and port; a redirect is not followed', async () => {
  const inner = await serve((_request, response) => response.end('inside'));
  const target = await serve((request, response) => {
    if (request.url === '/away') response.writeHead(302, { location: inner.url }).end();
    else response.end(`${request.method} ${request.headers.host}`);
  });
  try {
    for (const allowed of ['127.0.0.1', target.host]) {
      const response = await guardedRequest(`${target.url}/x`, { allowedHosts: [allowed] });
      let body = '';
      for await (const chunk of response.body) body += Buffer.from(chunk).toString();
      assert.deepEqual([response.status, response.address, body], [200, '127.0.0.1', `GET ${target.host}`]);
    }
    await assert.rejects(guardedRequest(target.url, { allowedHosts: ['127.0.0.1:1'] }), withCode('permission_denied'));
    const away = await guardedRequest(`${target.url}/away`, { allowedHosts: ['127.0.0.1'] });
    away.discard();
    assert.equal(away.status, 302);
    assert.equal(inner.hits(), 0);
    const { port } = new URL(target.url);
    assert.equal(
      (await guardedRequest(`http://localhost:${port}/`, { allowedHosts: ['LOCALHOST'] })).status,
      200,
      'the name decides, whatever its case',
    );
  } finally {
    await target.close();
    await inner.close();
  }
});

test('a server that does not answer, falls silent or breaks off ends the request with its code; the body may take longer than the headers', async () => {
  const target = await serve((request, response) => {
    if (request.url === '/never') return;
    response.writeHead(200, { 'content-length': '10' });
    response.write('12345');
    if (request.url === '/break') setTimeout(() => response.destroy(), 20);
    if (request.url === '/slow') setTimeout(() => response.end('67890'), 400);
  });
  const read = async (path: string, extra: { timeoutMs?: number; idleMs?: number; signal?: AbortSignal } = {}) => {
    const response = await guardedRequest(target.url + path, { allowedHosts: ['127.0.0.1'], ...extra });
    let bytes = 0;
    for await (const chunk of response.body) bytes += chunk.length;
    return bytes;
  };
  try {
    await assert.rejects(read('/never', { timeoutMs: 100 }), withCode('deadline_exceeded'));
    await assert.rejects(read('/silent', { idleMs: 100 }), withCode('deadline_exceeded'));
    await assert.rejects(read('/break'), withCode('unavailable'));
    assert.equal(await read('/slow', { timeoutMs: 300 }), 10);
    const abort = new AbortController();
    setTimeout(() => abort.abort(), 50);
    await assert.rejects(read('/silent', { signal: abort.signal }), withCode('cancelled'));
    await assert.rejects(read('/x', { signal: AbortSignal.abort() }), withCode('cancelled'));
  } finally {
    await target.close();
  }
  await assert.rejects(read('/closed'), withCode('unavailable'));
});
