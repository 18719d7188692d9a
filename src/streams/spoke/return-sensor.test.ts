import assert from 'node:assert/strict';
import { once } from 'node:events';
import { rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Source } from '../../media/index.js';
import { startFaultProxy } from '../../testkit/fault-proxy.js';
import { assertWithin, waitFor, withTempFolder } from '../../testkit/index.js';
import { startRtspServer } from '../../testkit/rtsp-server.js';
import { isSourceThere, startReturnSensor } from './return-sensor.js';

const httpSource = (port: number): Source => ({
  kind: 'http',
  device: `http://127.0.0.1:${port}/live.ts`,
  display: 'http',
  url: `http://name:word@127.0.0.1:${port}/live.ts`,
  host: '127.0.0.1',
  port,
  secrets: [],
});

test('a file that comes back is seen, one that was there all along is not', async () => {
  await withTempFolder(async (folder) => {
    const path = join(folder, 'film.mp4');
    const source: Source = { kind: 'file', path, device: path, display: path };
    await writeFile(path, '');
    const abort = new AbortController();
    let backs = 0;
    startReturnSensor({ source, signal: abort.signal, everyMs: 10, onBack: () => (backs += 1) });
    await waitFor(() => isSourceThere(source, abort.signal));
    await rm(path);
    await waitFor(async () => !(await isSourceThere(source, abort.signal)));
    assert.equal(backs, 0);
    await new Promise((resolve) => setTimeout(resolve, 50));
    await writeFile(path, '');
    await waitFor(() => backs === 1, { what: 'the return' });
    abort.abort();
  });
});

test('an HTTP source counts as there when content flows: not when refused, frozen or failing; credentials are not sent', async () => {
  let status = 200;
  let authorization: string | undefined;
  const server = createServer((request, response) => {
    authorization = request.headers.authorization;
    response.writeHead(status);
    response.write('x');
    if (status !== 200) response.end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const proxy = await startFaultProxy({ port: (server.address() as AddressInfo).port });
  const source = httpSource(proxy.port);
  const look = () => isSourceThere(source, AbortSignal.timeout(300));
  assert.equal(await look(), true);
  assert.equal(authorization, undefined);
  proxy.stall();
  assert.equal(await look(), false);
  proxy.resume();
  assert.equal(await look(), true);
  status = 404;
  assert.equal(await look(), false);
  status = 401;
  assert.equal(await look(), true);
  await proxy.refuse();
  assert.equal(await look(), false);

  status = 200;
  const abort = new AbortController();
  let backs = 0;
  startReturnSensor({ source, signal: abort.signal, everyMs: 20, onBack: () => (backs += 1) });
  await new Promise((resolve) => setTimeout(resolve, 60));
  await proxy.accept();
  await waitFor(() => backs === 1, { what: 'the return' });
  // A frozen server that thaws is a return as well: the look that hung is answered.
  proxy.stall();
  await new Promise((resolve) => setTimeout(resolve, 1500));
  assert.equal(backs, 1);
  const thawedAt = performance.now();
  proxy.resume();
  await waitFor(() => backs === 2, { what: 'the thaw' });
  await assertWithin(performance.now() - thawedAt, 500, 'the thaw');
  abort.abort();
  await proxy.stop();
  server.closeAllConnections();
  server.close();
});

test('an RTSP source counts as there when it describes the stream or asks for a password; credentials are not sent', async () => {
  const rtspSource = (port: number): Source => ({
    kind: 'rtsp',
    device: `rtsp://127.0.0.1:${port}/live`,
    display: 'rtsp',
    url: `rtsp://name:word@127.0.0.1:${port}/live`,
    host: '127.0.0.1',
    port,
    secrets: [],
  });
  const look = (port: number) => isSourceThere(rtspSource(port), AbortSignal.timeout(2000));
  const open = await startRtspServer();
  assert.equal(await look(open.port), true);
  open.refuseDescribe('404 Not Found');
  assert.equal(await look(open.port), false);
  open.refuseDescribe('503 Service Unavailable');
  assert.equal(await look(open.port), false);
  open.refuseDescribe('403 Forbidden');
  assert.equal(await look(open.port), true);
  await open.stop();
  assert.equal(await look(open.port), false);
  const closed = await startRtspServer({ credentials: { user: 'name', password: 'word' } });
  closed.refuseDescribe('404 Not Found');
  // With the credentials it would be told that the stream is missing.
  assert.equal(await look(closed.port), true);
  await closed.stop();
});
