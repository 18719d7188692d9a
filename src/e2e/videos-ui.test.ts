/** Promise: in a browser a person sends a video, sees how it goes, plays it in the quality that is wished, and shows it to others by a link. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import type { Video, VideoLink } from '../contracts/index.js';
import { runProgram } from '../media/index.js';
import { makeTempFolder, removeFolder, waitFor } from '../testkit/index.js';
import { openBrowser, signIn, withoutBrowser } from './browser.js';
import { startWeir, type Weir } from './weir.js';

const wait = { timeout: 60_000 };
const durationS = 12;
/** Two steps that are cheap to make. */
const profile = {
  name: 'two',
  preset: 'ultrafast',
  segment_s: 2,
  renditions: [
    { name: '360p', height: 360, video_kbps: 700 },
    { name: '180p', height: 180, video_kbps: 250, audio_kbps: 64 },
  ],
};

interface VideoElement {
  currentTime: number;
  duration: number;
  videoHeight: number;
  ended: boolean;
  paused: boolean;
}

describe('videos in the browser', { skip: withoutBrowser }, () => {
  let weir: Weir;
  let browser: Browser;
  let page: Page;
  let folder: string;
  let file: string;
  let video: Video;
  const complaints: string[] = [];

  const element = (where: Page) =>
    where
      .getByTestId('player')
      .locator('video')
      .evaluate((found) => {
        const { currentTime, duration, videoHeight, ended, paused } = found as unknown as VideoElement;
        return { currentTime, duration, videoHeight, ended, paused };
      });
  const fits = (where: Page) => where.evaluate('document.documentElement.scrollWidth <= document.documentElement.clientWidth');
  const playsOn = async (where: Page) => {
    const { currentTime: from } = await element(where);
    await waitFor(async () => (await element(where)).currentTime > from + 0.5, { what: 'the picture moves on', everyMs: 100 });
  };

  before(async () => {
    folder = await makeTempFolder('videos-ui');
    file = join(folder, 'A walk by the sea.mp4');
    const source = [
      '-f',
      'lavfi',
      '-i',
      `testsrc2=size=640x360:rate=25:duration=${durationS}`,
      '-f',
      'lavfi',
      '-i',
      `sine=440:duration=${durationS}`,
    ];
    const made = await runProgram('ffmpeg', ['-v', 'error', ...source, '-c:v', 'libx264', '-preset', 'ultrafast', '-c:a', 'aac', file], {
      timeoutMs: 60_000,
    });
    assert.equal(made.code, 0, made.stderr);
    weir = await startWeir({
      env: {
        WEIR_STREAMS_TEST_PICTURE: 'false',
        WEIR_VOD_PROFILES: JSON.stringify([profile]),
        WEIR_VOD_PROFILE: 'two',
        WEIR_VOD_MIN_FREE_BYTES: '0',
      },
    });
    browser = await openBrowser();
    page = await browser.newPage();
    page.setDefaultTimeout(wait.timeout);
    page.on('pageerror', (error) => complaints.push(error.message));
    await signIn(page, weir);
  });

  after(async () => {
    await browser?.close();
    await weir?.[Symbol.asyncDispose]();
    await removeFolder(folder);
  });

  test('a file is sent, and its way to a finished video is seen', async () => {
    await page.goto(`${weir.url}/videos`);
    await page.getByTestId('empty-upload').click();
    await page.getByTestId('file-input').setInputFiles(file);
    await page.getByTestId('transfer').waitFor();
    video = await waitFor(async () => (await weir.api<{ items: Video[] }>('GET', '/api/v1/videos')).items[0], {
      what: 'the video',
      deadlineMs: 30_000,
    });
    assert.equal(video.title, 'A walk by the sea');
    await page.goto(`${weir.url}/videos`);
    await page.getByTestId(`video-${video.video_id}`).and(page.locator('[data-state="ready"]')).waitFor(wait);
    assert.ok(await fits(page), 'the library fits its window');
  });

  test('it plays, in the quality that is chosen, to its end, and seeks', async () => {
    await page.goto(`${weir.url}/videos/${video.video_id}`);
    await page
      .getByTestId('player')
      .locator('video')
      .waitFor({ ...wait, state: 'attached' });
    if ((await element(page)).paused) await page.getByTestId('big-play').click();
    await playsOn(page);
    assert.ok(Math.abs((await element(page)).duration - durationS) < 0.5, 'as long as its source');
    for (const [name, height] of [
      ['180p', 180],
      ['360p', 360],
    ] as const) {
      await page.getByTestId('player').hover();
      await page.getByLabel('Quality and speed').click();
      await page.getByTestId('player-menu').getByText(name, { exact: true }).click();
      await page.keyboard.press('Escape');
      await waitFor(async () => (await element(page)).videoHeight === height, { what: `the picture in ${name}`, everyMs: 100 });
      await playsOn(page);
    }
    await page
      .getByTestId('player')
      .locator('video')
      .evaluate((found) => {
        (found as unknown as VideoElement).currentTime = 9;
      });
    await waitFor(async () => (await element(page)).ended, { what: 'its end', everyMs: 100, deadlineMs: 30_000 });
  });

  test('who has a link watches without an account, in a frame as well; a revoked link shows nothing', async () => {
    await weir.api('PATCH', `/api/v1/videos/${video.video_id}`, { visibility: 'link' });
    const link = await weir.api<VideoLink>('POST', `/api/v1/videos/${video.video_id}/links`, { name: 'for a friend' });
    const stranger = await browser.newContext();
    try {
      for (const path of [link.watch_url, link.embed_url]) {
        const guest = await stranger.newPage();
        guest.setDefaultTimeout(wait.timeout);
        await guest.goto(new URL(path, weir.url).href);
        await guest.getByTestId('player').locator('video').waitFor({ state: 'attached' });
        if ((await element(guest)).paused) await guest.getByTestId('big-play').click();
        await playsOn(guest);
        await guest.close();
      }
      const answer = await fetch(new URL(link.embed_url, weir.url));
      assert.match(answer.headers.get('content-security-policy') ?? '', /frame-ancestors \*/);
      assert.equal(answer.headers.get('x-frame-options'), null);
      const { status } = await fetch(`${weir.url}/files/videos/${video.video_id}/master.m3u8`);
      assert.ok([401, 403, 404].includes(status), `without the link: ${status}`);
      await weir.api('DELETE', `/api/v1/videos/${video.video_id}/links/${link.link_id}`);
      await waitFor(async () => (await fetch(new URL(link.playback_url, weir.url))).status === 403, { what: 'the link is gone' });
    } finally {
      await stranger.close();
    }
  });

  test('it fits a phone, goes to the trash and comes back', async () => {
    await page.setViewportSize({ width: 390, height: 844 });
    for (const path of ['/videos', `/videos/${video.video_id}`, '/videos/queue', '/videos/upload']) {
      await page.goto(`${weir.url}${path}`);
      await page.locator('main').waitFor();
      assert.ok(await fits(page), `${path} is no wider than a phone`);
    }
    await weir.api('DELETE', `/api/v1/videos/${video.video_id}`);
    await waitFor(async () => (await weir.api<{ total: number }>('GET', '/api/v1/videos')).total === 0, { what: 'an empty library' });
    await weir.api('POST', `/api/v1/videos/${video.video_id}/restore`);
    assert.equal((await weir.api<{ total: number }>('GET', '/api/v1/videos')).total, 1);
    assert.deepEqual(complaints, []);
  });
});
