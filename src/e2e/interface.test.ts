/** Promise: a person can add a source, watch it, change it and see what it did, on a desk and on a phone. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { waitFor } from '../testkit/index.js';
import { openBrowser, playerFacts, playerWhen, signIn, withoutBrowser } from './browser.js';
import { startWeir, type Weir } from './weir.js';

describe('the interface', { skip: withoutBrowser }, () => {
  let weir: Weir;
  let browser: Browser;
  let page: Page;
  const pageErrors: string[] = [];

  before(async () => {
    weir = await startWeir({ env: { WEIR_STREAMS_TEST_PICTURE: 'false' } });
    browser = await openBrowser();
    page = await browser.newPage();
    page.on('pageerror', (error) => pageErrors.push(error.message));
    await signIn(page, weir);
  });

  after(async () => {
    await browser?.close();
    await weir?.[Symbol.asyncDispose]();
  });

  test('an empty wall leads to adding a stream; the wizard says what it found and ends at the picture', async () => {
    await page.getByTestId('empty-add').first().click();
    await page.getByTestId('kind-network').click();
    await page.getByTestId('device').fill('ftp://nowhere/video');
    await page.getByTestId('probe').click();
    await page
      .getByText(/not|support|allow/i)
      .first()
      .waitFor();

    await page.getByTestId('kind-test').click();
    await page.getByTestId('probe').click();
    assert.match((await page.getByTestId('probe-result').textContent()) ?? '', /1280|720/);
    await page.getByTestId('name').fill('Front gate');
    assert.equal(await page.getByTestId('stream-id').inputValue(), 'front-gate');
    await page.getByTestId('create').click();
    await playerWhen(page, 'front-gate', (player) => player.picture === 'source' && player.framesDecoded > 5, 'plays', 20_000);
    assert.match(page.url(), /\/streams\/front-gate/);
  });

  test('a change says beforehand that viewers will see a gap, and the same player shows the new picture', async () => {
    await page.getByTestId('tab-settings').click();
    await page.getByTestId('config-bitrate').fill('900');
    await page.getByTestId('will-blink').waitFor();
    const before = await playerFacts(page, 'front-gate');
    await page.getByTestId('apply').click();
    await weir.streamWhen('front-gate', (stream) => stream.config.bitrate === 900 && stream.status?.state === 'running', 'changed');
    const facts = await playerWhen(
      page,
      'front-gate',
      (player) => player.epoch !== before?.epoch && player.phase === 'playing' && player.picture === 'source',
      'plays the new encode',
      20_000,
    );
    assert.equal(facts.rebuilds, 0);
  });

  test('a value out of range is refused at its field', async () => {
    await page.getByTestId('config-bitrate').fill('1');
    await page.getByText(/50/).first().waitFor();
    assert.ok(await page.getByTestId('apply').isDisabled());
  });

  test('charts are filled from the journal and have no hole after the hub was away', async () => {
    await page.getByTestId('tab-charts').click();
    const points = async () => Number(await page.getByTestId('chart-fps').getAttribute('data-points'));
    await waitFor(async () => (await points()) > 10, { deadlineMs: 15_000, what: 'points in the chart' });
    await weir.kill9();
    await weir.start();
    await waitFor(async () => (await page.getByTestId('link-state').getAttribute('data-state')) !== 'closed', {
      deadlineMs: 15_000,
      what: 'the bus again',
    });
    const fromHub = async () => {
      const since = new Date(Date.now() - 20_000).toISOString();
      const { items } = await weir.api<{ items: { message: { timestamp: string } }[] }>(
        'GET',
        `/api/v1/streams/front-gate/history?kind=metrics&since=${since}`,
      );
      return items.map((item) => Date.parse(item.message.timestamp));
    };
    const before = await points();
    await waitFor(async () => (await points()) > before + 3, { deadlineMs: 15_000, what: 'further points' });
    const times = await fromHub();
    const holes = times.slice(1).filter((time, index) => time - (times[index] ?? 0) > 1500);
    assert.ok(times.length > 20 && holes.length === 0, `${times.length} reports, ${holes.length} holes`);
  });

  test('the log can be searched', async () => {
    await page.getByTestId('tab-log').click();
    await page.getByTestId('log').waitFor();
    await page.getByTestId('log-search').fill('surely nowhere in the log');
    await waitFor(async () => !((await page.getByTestId('log').textContent()) ?? '').includes('libx264'), { what: 'no line left' });
  });

  test('on a phone everything stays within the width, in light and dark', async () => {
    for (const colorScheme of ['light', 'dark'] as const) {
      const context = await browser.newContext({
        viewport: { width: 390, height: 844 },
        colorScheme,
        storageState: await page.context().storageState(),
      });
      const phone = await context.newPage();
      for (const path of ['/', '/streams', '/streams/front-gate', '/streams/new', '/alerts', '/system', '/access']) {
        await phone.goto(`${weir.url}${path}`);
        await phone.locator('nav:visible').first().waitFor();
        const overflow = await phone.evaluate<number>('document.documentElement.scrollWidth - document.documentElement.clientWidth');
        assert.ok(overflow <= 0, `${path} (${colorScheme}) is ${overflow} pixels too wide`);
        if (process.env.WEIR_SCREENSHOTS !== undefined) {
          await waitFor(async () => (await phone.locator('.skeleton').count()) === 0, { what: 'no skeleton' }).catch(() => undefined);
          await phone.screenshot({ path: `${process.env.WEIR_SCREENSHOTS}/phone-${colorScheme}${path.replaceAll('/', '-')}.png` });
        }
      }
      await context.close();
    }
  });

  test('no page failed', () => {
    assert.deepEqual(pageErrors, []);
  });
});
