/** Promise: after `npm start` a moving picture is in the browser within seconds, with nothing but the one-time link. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { waitFor } from '../testkit/index.js';
import { countFrames, openBrowser, playerFacts, playerWhen, withoutBrowser } from './browser.js';
import { startWeir, type Weir } from './weir.js';

describe('a newcomer', { skip: withoutBrowser }, () => {
  let weir: Weir;
  let browser: Browser;
  let page: Page;

  before(async () => {
    weir = await startWeir({ withoutAdmin: true });
    browser = await openBrowser();
    page = await browser.newPage();
  });

  after(async () => {
    await browser?.close();
    await weir?.[Symbol.asyncDispose]();
  });

  test('makes the first admin with the one-time link and sees a moving picture', async () => {
    assert.ok(weir.ready.admin_link, 'a one-time link was printed');
    await page.goto(weir.ready.admin_link ?? '');
    const passwords = page.locator('input[type="password"]');
    await page.locator('input[autocomplete="username"]').fill('boss');
    for (const field of await passwords.all()) await field.fill('a-long-enough-secret');
    await page.keyboard.press('Enter');

    const facts = await playerWhen(page, 'test', (player) => player.hasPicture && player.picture === 'source', 'shows the source');
    assert.ok(facts.rebuilds === 0);

    const take = await countFrames(page, 'test');
    const seen = await waitFor(
      async () => {
        frames.push(...(await take()));
        return frames.length >= 60 ? frames : undefined;
      },
      { what: '60 frames shown', everyMs: 200 },
    );
    const numbers = seen.filter((frame) => frame >= 0);
    assert.ok(numbers.length >= 50, `readable frame numbers: ${numbers.join(' ')}`);
    const backwards = numbers.flatMap((number, index) => (number > (numbers[index - 1] ?? -1) ? [] : [`${numbers[index - 1]} -> ${number}`]));
    const { epochs, rebuilds, jumps } = (await playerFacts(page, 'test')) ?? {};
    assert.deepEqual(backwards, [], `the picture moves forward: ${numbers.join(' ')}; ${JSON.stringify({ epochs, rebuilds, jumps })}`);
  });
  const frames: number[] = [];

  test('the link opens only once', async () => {
    const code = new URL((weir.ready.admin_link ?? '').replace('/#', '')).searchParams.get('code');
    const answer = await weir.request('POST', '/api/v1/setup', { code, username: 'second', password: 'a-long-enough-secret' }, '');
    assert.ok([401, 403, 409].includes(answer.status), `answered ${answer.status}`);
  });

  test('a graceful stop leaves no process behind', async () => {
    assert.equal(await weir.stop(), 0);
    assert.deepEqual(weir.processes(), []);
  });
});
