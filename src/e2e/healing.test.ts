/** Promise: a source that goes away is noticed within a second, viewers see why in the same player, and it plays again soon after it is back. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { type FaultProxy, startFaultProxy } from '../testkit/fault-proxy.js';
import { assertWithin } from '../testkit/index.js';
import { type RtspServer, startRtspServer } from '../testkit/rtsp-server.js';
import { openBrowser, playerFacts, playerWhen, signIn, withoutBrowser } from './browser.js';
import { startWeir, type Weir } from './weir.js';

describe('a camera that goes away', { skip: withoutBrowser }, () => {
  let weir: Weir;
  let camera: RtspServer;
  let proxy: FaultProxy;
  let browser: Browser;
  let page: Page;

  before(async () => {
    camera = await startRtspServer();
    proxy = await startFaultProxy({ port: camera.port });
    weir = await startWeir({ env: { WEIR_STREAMS_TEST_PICTURE: 'false' } });
    const path = new URL(camera.url.replace('rtsp:', 'http:')).pathname;
    await weir.api('POST', '/api/v1/streams', { stream_id: 'yard', name: 'Yard', config: { device: `rtsp://127.0.0.1:${proxy.port}${path}` } });
    await weir.streamWhen('yard', (stream) => stream.status?.state === 'running' && stream.status.no_signal !== true, 'running', 30_000);
    browser = await openBrowser();
    page = await browser.newPage();
    await signIn(page, weir);
    await page.goto(`${weir.url}/streams/yard`);
    await playerWhen(page, 'yard', (player) => player.picture === 'source' && player.framesDecoded > 10, 'plays');
  });

  after(async () => {
    await browser?.close();
    await weir?.[Symbol.asyncDispose]();
    await proxy?.stop();
    await camera?.stop();
  });

  test('a copied source is not encoded again', async () => {
    const { status } = await weir.stream('yard');
    assert.equal(status?.mode, 'copy');
    assert.equal(status?.video?.width, 640);
  });

  test('it hangs: the no-signal picture with the reason appears, in the same player', async () => {
    proxy.stall();
    const stalledAt = performance.now();
    const stream = await weir.streamWhen('yard', (now) => now.status?.no_signal === true, 'no signal');
    const noticedMs = performance.now() - stalledAt;
    assert.equal(stream.status?.reason, 'source_silent');
    const facts = await playerWhen(page, 'yard', (player) => player.picture === 'no-signal', 'shows the no-signal picture');
    assert.equal(facts.rebuilds, 0);
    await playerWhen(page, 'yard', (player) => player.framesDecoded > facts.framesDecoded + 5, 'goes on with the no-signal picture');
    if (process.env.WEIR_SCREENSHOTS !== undefined) await page.screenshot({ path: `${process.env.WEIR_SCREENSHOTS}/no-signal.png` });
    // The figure itself is measured by the bench; here only the order of magnitude.
    await assertWithin(noticedMs, 4000, 'noticed');
  });

  test('it is back: the source plays again in the same player', async () => {
    await proxy.refuse();
    proxy.resume();
    await proxy.accept();
    const facts = await playerWhen(page, 'yard', (player) => player.picture === 'source', 'plays the source', 10_000);
    assert.equal(facts.rebuilds, 0);
    const stream = await weir.streamWhen('yard', (now) => now.status?.state === 'running' && now.status.no_signal !== true, 'running');
    assert.ok((stream.status?.restarts ?? 0) >= 1, 'restarts are counted');
  });

  test('an alert was raised and cleared', async () => {
    const { items } = await weir.api<{ items: { stream_id: string; cleared_at: string | null }[] }>('GET', '/api/v1/alerts');
    assert.ok(items.some((alert) => alert.stream_id === 'yard'));
  });

  test('it is unreachable: the reason changes, the player stays', async () => {
    await proxy.refuse();
    const stream = await weir.streamWhen('yard', (now) => now.status?.no_signal === true && now.status.reason !== undefined, 'no signal', 10_000);
    assert.ok(['source_silent', 'source_unreachable', 'source_ended'].includes(stream.status?.reason ?? ''), stream.status?.reason);
    await weir.streamWhen('yard', (now) => now.status?.reason === 'source_unreachable', 'unreachable', 15_000);
    await proxy.accept();
    await playerWhen(page, 'yard', (player) => player.picture === 'source', 'plays the source', 15_000);
    assert.equal((await playerFacts(page, 'yard'))?.rebuilds, 0);
  });
});
