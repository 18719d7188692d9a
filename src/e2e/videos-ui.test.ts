/** Promise: in a browser a person uploads a video, watches it with keys, shares it by a link that needs no account, and takes a deletion back. */
import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import type { Browser, Frame, Page } from 'playwright-core';
import type { Video } from '../contracts/index.js';
import { waitFor } from '../testkit/index.js';
import { keepComplaints, openBrowser, signIn, withoutBrowser } from './browser.js';
import { VideosBed } from './videos-bed.js';

const deadlineMs = 90_000;

interface Media {
  currentTime: number;
  playbackRate: number;
  paused: boolean;
}

describe('videos in the browser', { skip: withoutBrowser }, () => {
  let bed: VideosBed;
  let browser: Browser;
  let page: Page;
  let videoId = '';
  let link = '';
  const complaints: string[] = [];

  const listen = (to: Page) => {
    to.setDefaultTimeout(deadlineMs);
    keepComplaints(to, complaints);
  };
  const media = (where: Page | Frame) =>
    where.locator('video').evaluate((element) => {
      const { currentTime, playbackRate, paused } = element as unknown as Media;
      return { currentTime, playbackRate, paused };
    });
  const mediaWhen = (where: Page | Frame, isSo: (media: Media) => boolean) =>
    waitFor(async () => ((found) => (isSo(found) ? found : undefined))(await media(where)), { deadlineMs });
  const videos = async () => (await bed.weir.api<{ items: Video[] }>('GET', '/api/v1/videos')).items;

  before(async () => {
    bed = await VideosBed.start();
    browser = await openBrowser();
    page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    listen(page);
    await signIn(page, bed.weir);
  });
  after(async () => {
    await browser?.close();
    await bed?.[Symbol.asyncDispose]();
    assert.deepEqual(complaints, []);
  });

  test('an empty library leads to the upload, and a picked file becomes a video that can be played', async () => {
    const path = await bed.source('holiday', { seconds: 20 });
    await page.goto(`${bed.weir.url}/videos`);
    await page.getByTestId('empty-upload').click();
    await page.getByTestId('file-input').setInputFiles(path);
    await page.locator('[data-testid=transfer][data-state=done]').getByRole('link').click();
    await page.getByTestId('player').waitFor();
    const made = await waitFor(async () => (await videos()).find(({ state }) => state === 'ready' || state === 'failed'), { deadlineMs });
    assert.deepEqual([made.state, made.title], ['ready', 'holiday'], made.error ?? '');
    videoId = made.video_id;
  });

  test('keys go to a tenth of it, change its speed and pause it', async () => {
    await page.goto(`${bed.weir.url}/videos/${videoId}`);
    await page.getByTestId('big-play').click();
    await mediaWhen(page, ({ currentTime }) => currentTime > 0.5);
    await page.keyboard.press('5');
    await mediaWhen(page, ({ currentTime }) => currentTime >= 10);
    await page.keyboard.press('>');
    await mediaWhen(page, ({ playbackRate }) => playbackRate === 1.25);
    await page.keyboard.press('k');
    const { currentTime } = await mediaWhen(page, ({ paused }) => paused);
    await page.keyboard.press('j');
    await mediaWhen(page, (found) => Math.abs(found.currentTime - Math.max(0, currentTime - 10)) < 0.6);
  });

  test('each quality is shown when it is chosen, and it plays to its end', async () => {
    const height = () => page.locator('video').evaluate((element) => (element as unknown as { videoHeight: number }).videoHeight);
    await page.getByTestId('big-play').or(page.getByTestId('play')).first().click();
    await mediaWhen(page, ({ paused }) => !paused);
    for (const wished of [90, 180]) {
      await page.getByTestId('player').hover();
      await page.getByLabel('Quality and speed').click();
      await page.getByTestId('player-menu').getByText(`${wished}p`, { exact: true }).click();
      await page.keyboard.press('Escape');
      await waitFor(async () => (await height()) === wished, { deadlineMs, what: `the picture in ${wished}p` });
      const { currentTime } = await media(page);
      await mediaWhen(page, (found) => found.currentTime > currentTime + 0.5);
    }
    await page.getByTestId('player').focus();
    await page.keyboard.press('9');
    await waitFor(() => page.locator('video').evaluate((element) => (element as unknown as { ended: boolean }).ended), {
      deadlineMs,
      what: 'its end',
    });
  });

  test('its title is changed where it stands', async () => {
    await page.getByTestId('edit-title').click();
    await page.getByTestId('title-field').fill('A week at the sea');
    await page.keyboard.press('Enter');
    await page.getByTestId('title').filter({ hasText: 'A week at the sea' }).waitFor();
    assert.equal((await videos())[0]?.title, 'A week at the sea');
  });

  test('a link plays without an account, and asks the hub for nothing else', async () => {
    await page.goto(`${bed.weir.url}/videos/${videoId}/share`);
    await page.getByTestId('visibility-link').click();
    await page.getByTestId('make-link').click();
    link = (await page.getByTestId('link').locator('a[target=_blank]').getAttribute('href')) ?? '';
    assert.match(link, /^\/watch\/[\w.-]+$/);
    const stranger = await browser.newContext();
    const watching = await stranger.newPage();
    listen(watching);
    const asked: string[] = [];
    watching.on('request', (request) => asked.push(new URL(request.url()).pathname));
    await watching.goto(bed.weir.url + link);
    await watching.getByTestId('big-play').click();
    await mediaWhen(watching, ({ currentTime }) => currentTime > 0.5);
    assert.deepEqual(
      asked.filter((path) => /^\/(?:api|nats|ws)\//.test(path)),
      [],
    );
    await stranger.close();
  });

  test('another site shows it in a frame', async () => {
    const site: Server = createServer((_request, response) => {
      response.setHeader('content-type', 'text/html');
      response.end(`<iframe src="${bed.weir.url}${link.replace('/watch/', '/embed/')}" width="640" height="360"></iframe>`);
    }).listen(0, '127.0.0.1');
    try {
      await new Promise((resolve) => site.once('listening', resolve));
      const stranger = await browser.newContext();
      const outside = await stranger.newPage();
      await outside.goto(`http://127.0.0.1:${(site.address() as AddressInfo).port}/`);
      const frame = await waitFor(() => outside.frames().find((one) => one.url().includes('/embed/')), { deadlineMs });
      await frame.getByTestId('big-play').click();
      await mediaWhen(frame, ({ currentTime }) => currentTime > 0.5);
      await stranger.close();
    } finally {
      site.close();
      site.closeAllConnections();
    }
  });

  test('a revoked link opens nothing', async () => {
    const playlist = `${bed.weir.url}${link.replace('/watch/', '/v/')}/master.m3u8`;
    assert.equal((await fetch(playlist)).status, 200);
    await page.goto(`${bed.weir.url}/videos/${videoId}/share`);
    await page.getByTestId('revoke').click();
    await waitFor(async () => (await fetch(playlist)).status === 403, { deadlineMs, what: 'a link that is over' });
  });

  test('no page is wider than a phone', async () => {
    const phone = await browser.newPage({ viewport: { width: 390, height: 844 } });
    listen(phone);
    await signIn(phone, bed.weir);
    for (const path of ['/videos', '/uploads', '/queue', `/videos/${videoId}`, `/videos/${videoId}/share`]) {
      await phone.goto(bed.weir.url + path);
      await phone.locator('main').waitFor();
      const isWider = await phone.evaluate('document.documentElement.scrollWidth > document.documentElement.clientWidth');
      assert.equal(isWider, false, path);
    }
    await phone.close();
  });

  test('a deleted video is gone from the library until the deletion is taken back', async () => {
    await page.goto(`${bed.weir.url}/videos`);
    await page.getByTestId(`choose-${videoId}`).check({ force: true });
    await page.getByTestId('delete-chosen').click();
    await page.getByTestId(`video-${videoId}`).waitFor({ state: 'detached' });
    assert.deepEqual(await videos(), []);
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.getByTestId(`video-${videoId}`).waitFor();
    assert.equal((await videos()).length, 1);
  });
});
