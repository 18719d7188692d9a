/** Promise: a video that is encoded again does not disturb who watches it; every address leads to one encode, or to the newest. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import * as HLS from 'hls-parser';
import type { Browser, Page } from 'playwright-core';
import { sharedVideoSchema, type Video, type VideoLink } from '../contracts/index.js';
import { readFrameCounter, runProgram } from '../media/index.js';
import { waitFor } from '../testkit/index.js';
import { openBrowser, signIn, withoutBrowser } from './browser.js';
import { VideosBed } from './videos-bed.js';

const deadlineMs = 90_000;
/** Longer than a player loads ahead. */
const seconds = 100;
const rate = 10;
const size = { width: 320, height: 180 };

interface Media {
  currentTime: number;
  ended: boolean;
}

describe('a video that is encoded again', () => {
  let bed: VideosBed;
  let source = '';
  const get = (videoId: string) => bed.weir.api<Video>('GET', `/api/v1/videos/${videoId}`);
  const file = (path: string, options: RequestInit = {}) =>
    fetch(bed.weir.url + path, { ...options, headers: { authorization: `Bearer ${bed.weir.localToken}` } });
  /** An attempt that was lost takes a number too, so the next one is any greater one. */
  const publishedAfter = (videoId: string, revision: number) =>
    waitFor(
      async () => {
        const video = await bed.weir.api<Video>('GET', `/api/v1/videos/${videoId}`).catch(() => undefined);
        return video?.output != null && video.output.revision > revision && video.published_at !== null ? video : undefined;
      },
      { deadlineMs, what: `a revision after ${revision} of ${videoId}` },
    );
  const revisionOf = async (videoId: string) => (await get(videoId)).output?.revision ?? 0;
  const encodeAgain = async (videoId: string, body = {}) => {
    const before = await revisionOf(videoId);
    await bed.weir.api('POST', `/api/v1/videos/${videoId}/process`, body);
    return await publishedAfter(videoId, before);
  };
  const framesOf = async (url: string) => {
    const auth = ['-headers', `Authorization: Bearer ${bed.weir.localToken}\r\n`];
    const run = await runProgram('ffmpeg', ['-nostdin', '-v', 'error', ...auth, '-i', url, '-map', '0:v:0', '-f', 'framecrc', '-'], {
      timeoutMs: deadlineMs,
    });
    assert.equal(run.code, 0, run.stderr);
    const lines = new TextDecoder().decode(run.stdout).split('\n');
    return lines.filter((line) => /^0,/.test(line)).length;
  };
  const numberIn = async (path: string) => {
    const picture = await file(path);
    assert.equal(picture.status, 200, path);
    const run = await runProgram(
      'ffmpeg',
      [
        '-nostdin',
        '-v',
        'error',
        '-f',
        'image2pipe',
        '-i',
        `data:image/jpeg;base64,${Buffer.from(await picture.arrayBuffer()).toString('base64')}`,
      ].concat(['-pix_fmt', 'gray', '-f', 'rawvideo', '-']),
      { timeoutMs: deadlineMs },
    );
    assert.equal(run.code, 0, run.stderr);
    return readFrameCounter(Buffer.from(run.stdout), size.width, size.height);
  };

  before(async () => {
    bed = await VideosBed.start();
    source = await bed.source('long', { seconds, rate });
    const { video_id } = await bed.weir.api<Video>('POST', '/api/v1/uploads/path', { path: source, draft: { title: 'kept', visibility: 'public' } });
    kept = video_id;
    await publishedAfter(kept, 0);
  });
  after(async () => {
    await bed?.[Symbol.asyncDispose]();
  });
  let kept = '';

  test('is found at the address that stays, in each revision that is kept, and there for ever the same', async () => {
    const first = await revisionOf(kept);
    const staying = `/files/videos/${kept}/master.m3u8`;
    const answer = await file(staying, { redirect: 'manual' });
    const { status, headers } = answer;
    assert.deepEqual([status, headers.get('location'), headers.get('cache-control')], [302, `r${first}/master.m3u8`, 'no-cache']);
    const { output, playback_url } = await encodeAgain(kept);
    const second = output?.revision ?? 0;
    assert.equal(playback_url, `/files/videos/${kept}/r${second}/master.m3u8`);
    for (const revision of [first, second]) {
      const playlist = await file(`/files/videos/${kept}/r${revision}/180p.m3u8`);
      assert.deepEqual([playlist.status, playlist.headers.get('cache-control')], [200, 'public, max-age=31536000, immutable']);
    }
    assert.equal((await file(`/files/videos/${kept}/r${second + 1}/master.m3u8`)).status, 404);
    const facts = await file(`/files/videos/${kept}/video.json`);
    assert.equal(sharedVideoSchema.strict().parse(await facts.json()).revision, second);
  });

  test('is read by players that know the address that stays only: FFmpeg, and a strict parser', async () => {
    const link = await bed.weir.api<VideoLink>('POST', `/api/v1/videos/${kept}/links`, {});
    HLS.setOptions({ strictMode: true });
    for (const path of [`/files/videos/${kept}/master.m3u8`, link.playback_url]) {
      assert.equal(await framesOf(bed.weir.url + path), seconds * rate, path);
      const answer = await file(path);
      const master = HLS.parse(await answer.text());
      assert.ok(master.isMasterPlaylist);
      for (const { uri } of master.variants) {
        const media = await fetch(new URL(uri, answer.url));
        assert.match(media.url, /\/r\d+\/\w+\.m3u8$/);
        assert.ok(!HLS.parse(await media.text()).isMasterPlaylist);
      }
    }
  });

  test('keeps the picture that a person chose', async () => {
    await bed.weir.api('PUT', `/api/v1/videos/${kept}/poster`, { at_s: 42 });
    const chosen = await get(kept);
    assert.equal(await numberIn(chosen.thumbnail_url ?? ''), 42 * rate);
    const again = await encodeAgain(kept);
    assert.notEqual(again.thumbnail_url, chosen.thumbnail_url);
    assert.equal(await numberIn(again.thumbnail_url ?? ''), 42 * rate);
    assert.equal(await numberIn(`/files/videos/${kept}/thumbnail.jpg`), 42 * rate);
    await encodeAgain(kept, { thumbnail_time: '0:07' });
    assert.equal(await numberIn(`/files/videos/${kept}/thumbnail.jpg`), 7 * rate);
  });

  describe('in the browser', { skip: withoutBrowser }, () => {
    let browser: Browser;
    let page: Page;
    let complaints: string[] = [];
    let asked: string[] = [];

    const media = () =>
      page.locator('video').evaluate((element) => {
        const { currentTime, ended } = element as unknown as Media;
        return { currentTime, ended };
      });
    const mediaWhen = (isSo: (found: Media) => boolean, what: string) => waitFor(async () => isSo(await media()) || undefined, { deadlineMs, what });
    const revisions = () => [...new Set(asked.filter((path) => path.endsWith('.ts')).map((path) => path.split('/').at(-2)))];
    /** Plays for a moment; then no more is loaded than a player wants ahead. */
    const begin = async (videoId: string) => {
      await page.goto(`${bed.weir.url}/videos/${videoId}`);
      await page.evaluate('localStorage.removeItem("weir.video_positions")');
      await page.getByTestId('big-play').click();
      await mediaWhen(({ currentTime }) => currentTime > 0.5, 'it plays');
      await page.keyboard.press('k');
    };
    const toItsEnd = async () => {
      await page.keyboard.press('k');
      await mediaWhen(({ currentTime }) => currentTime > 0.9 * seconds, 'it plays what was not loaded before');
      await page.locator('video').evaluate((element) => {
        (element as unknown as { playbackRate: number }).playbackRate = 4;
      });
      await mediaWhen(({ ended }) => ended, 'its end');
      assert.equal(await page.getByTestId('player-failure').count(), 0);
    };

    before(async () => {
      browser = await openBrowser();
      page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
      page.setDefaultTimeout(deadlineMs);
      page.on('pageerror', (error) => complaints.push(error.message));
      page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
      page.on('request', (request) => asked.push(new URL(request.url()).pathname));
      await signIn(page, bed.weir);
      complaints = [];
    });
    after(() => browser?.close());

    test('goes on to its end with the revision it began with, and a reload plays the new one', async () => {
      const before = await revisionOf(kept);
      await begin(kept);
      const { output } = await encodeAgain(kept);
      assert.equal(await numberIn(`/files/videos/${kept}/thumbnail.jpg`), 7 * rate, 'still the one that was chosen last');
      await page.keyboard.press('9');
      await toItsEnd();
      assert.deepEqual(revisions(), [`r${before}`]);
      asked = [];
      await begin(kept);
      assert.deepEqual(revisions(), [`r${output?.revision}`]);
      assert.deepEqual(complaints, []);
    });

    test('goes on with the new one at the same place where the old one is gone', async () => {
      const videoId = 'in-place';
      bed.publish(bed.request(videoId, source));
      const before = (await publishedAfter(videoId, 0)).output?.revision ?? 0;
      asked = [];
      await begin(videoId);
      bed.publish(bed.request(videoId, source));
      const { output } = await publishedAfter(videoId, before);
      await page.keyboard.press('9');
      await page.getByTestId('renewed').waitFor();
      await toItsEnd();
      assert.deepEqual(revisions(), [`r${before}`, `r${output?.revision}`]);
      // The browser itself tells of a file that is not there; nobody else complains.
      assert.deepEqual(
        complaints.filter((text) => !text.includes('404')),
        [],
      );
      complaints = [];
    });

    test('is played by a page of another site, over the address that stays', async () => {
      const site = createServer((_request, response) => response.setHeader('content-type', 'text/html').end('<p>another site')).listen(
        0,
        '127.0.0.1',
      );
      try {
        await new Promise((resolve) => site.once('listening', resolve));
        const outside = await browser.newPage();
        await outside.goto(`http://127.0.0.1:${(site.address() as AddressInfo).port}/`);
        const found = await outside.evaluate(async (url) => {
          const { status, url: at } = await fetch(url);
          return { status, at };
        }, `${bed.weir.url}/files/videos/${kept}/master.m3u8`);
        assert.equal(found.status, 200);
        assert.match(found.at, /\/r\d+\/master\.m3u8$/);
        await outside.close();
      } finally {
        site.close();
        site.closeAllConnections();
      }
    });

    test('may be called as a page once was: that page is elsewhere', async () => {
      await page.goto(`${bed.weir.url}/videos/queue`);
      await waitFor(() => page.url().endsWith('/queue') && !page.url().includes('/videos/'), { deadlineMs, what: 'the page of the queue' });
      const short = await bed.source('short', { seconds: 2 });
      for (const videoId of ['queue', 'upload', 'profiles']) {
        bed.publish(bed.request(videoId, short));
        await bed.ended(videoId);
        await page.goto(`${bed.weir.url}/videos/${videoId}`);
        await page.getByTestId('player').waitFor();
        assert.equal((await get(videoId)).video_id, videoId);
      }
    });
  });
});
