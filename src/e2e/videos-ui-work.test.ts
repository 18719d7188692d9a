/** Promise: what is done to a video after its upload, and to the queue, is done in the browser; a viewer is offered nothing that is refused. */
import assert from 'node:assert/strict';
import { createReadStream } from 'node:fs';
import { copyFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import type { Job, Video } from '../contracts/index.js';
import { waitFor } from '../testkit/index.js';
import { keepComplaints, openBrowser, signIn, withoutBrowser } from './browser.js';
import { RecordedCamera } from './recorded-camera.js';
import { tinyProfile, VideosBed } from './videos-bed.js';

const deadlineMs = 90_000;
const profiles = [
  { ...tinyProfile, posters: 2 },
  { ...tinyProfile, name: 'small', renditions: tinyProfile.renditions.slice(1) },
];
const viewer = { username: 'vera', password: 'only-here-to-watch', role: 'viewer' };

describe('work on videos in the browser', { skip: withoutBrowser }, () => {
  let bed: VideosBed;
  let browser: Browser;
  let page: Page;
  let origin: Server;
  let film = '';
  let videoId = '';
  let camera: RecordedCamera;
  const complaints: string[] = [];
  const callbacks: string[] = [];

  const video = () => bed.weir.api<Video>('GET', `/api/v1/videos/${videoId}`);
  const videoWhen = (isSo: (video: Video) => boolean, what: string) =>
    waitFor(async () => ((now) => (isSo(now) ? now : undefined))(await video()), { deadlineMs, what });
  const jobs = async () => (await bed.weir.api<{ items: Job[] }>('GET', `/api/v1/jobs?video_id=${videoId}`)).items;
  const open = (path: string) => page.goto(bed.weir.url + path);
  const choose = async (action: string) => {
    // The bar of a phone has one too, which is there first.
    await page.locator('main').getByLabel('More', { exact: true }).click();
    await page.getByTestId(action).click();
  };

  before(async () => {
    bed = await VideosBed.start({ env: { WEIR_VOD_PROFILES: JSON.stringify(profiles), WEIR_VOD_FETCH_HOSTS: '127.0.0.1' } });
    film = await bed.source('film', { seconds: 8 });
    await bed.weir.api('POST', '/api/v1/users', viewer);
    camera = await RecordedCamera.add(bed.weir);
    await camera.start();
    origin = createServer((request, response) => {
      if (request.method === 'POST') {
        callbacks.push(request.url ?? '');
        response.end();
      } else createReadStream(film).pipe(response.setHeader('content-type', 'video/mp4'));
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => origin.once('listening', resolve));
    browser = await openBrowser();
    page = await (await browser.newContext({ viewport: { width: 1280, height: 800 } })).newPage();
    page.setDefaultTimeout(deadlineMs);
    keepComplaints(page, complaints);
    await signIn(page, bed.weir);
  });
  after(async () => {
    await browser?.close();
    origin?.close();
    origin?.closeAllConnections();
    await bed?.[Symbol.asyncDispose]();
    assert.deepEqual(complaints, []);
  });

  test('a file is fetched from an address, and the callback that was asked for arrives, twice if wished', async () => {
    const host = `http://127.0.0.1:${(origin.address() as AddressInfo).port}`;
    await open('/uploads');
    await page.getByTestId('way-url').click();
    await page.getByTestId('url').fill(`${host}/film.mp4`);
    await page.getByTestId('more-settings').click();
    await page.getByTestId('callback-url').fill(`${host}/told`);
    await page.getByTestId('fetch-url').click();
    const made = await waitFor(
      async () =>
        (await bed.weir.api<{ items: Video[] }>('GET', '/api/v1/videos')).items.find(({ state }) => state === 'ready' || state === 'failed'),
      { deadlineMs, what: 'the video' },
    );
    assert.deepEqual([made.state, made.title], ['ready', 'film'], made.error ?? '');
    videoId = made.video_id;
    await waitFor(() => callbacks.length === 1, { deadlineMs, what: 'the callback' });
    await open('/queue/callbacks');
    await page.locator('[data-testid=callback][data-state=delivered]').getByTestId('deliver-again').click();
    await waitFor(() => callbacks.length === 2, { deadlineMs, what: 'the callback once more' });
    assert.deepEqual(callbacks, ['/told', '/told']);
  });

  test('a part of a recording becomes a video', async () => {
    await camera.stop();
    const [file] = await camera.segments();
    await open('/recordings/files');
    await page.getByTestId(`file-${file?.filename}`).locator('a.row-name').click();
    await page.getByTestId('select').click();
    const over = await page.getByTestId('timeline-over').boundingBox();
    assert.ok(over !== null);
    const y = over.y + over.height / 2;
    await page.mouse.move(over.x + over.width * 0.02, y);
    await page.mouse.down();
    await page.mouse.move(over.x + over.width - 2, y, { steps: 5 });
    await page.mouse.up();
    await page.getByTestId('to-video').click();
    await page.getByTestId('video-title').fill('Out of the yard');
    await page.getByTestId('make-video').click();
    await page.getByTestId('title').filter({ hasText: 'Out of the yard' }).waitFor();
    await page.getByTestId('player').waitFor();
  });

  test('another picture is chosen: a candidate, then the one that is shown', async () => {
    await open(`/videos/${videoId}`);
    const shown = page.getByTestId('poster-now');
    for (const pick of [page.getByTestId('poster-candidate').nth(1), page.getByTestId('poster-here')]) {
      const before = await shown.getAttribute('src');
      await pick.click();
      await waitFor(async () => (await shown.getAttribute('src')) !== before, { deadlineMs, what: 'another picture' });
      const isLoaded = () => shown.evaluate((image) => (image as unknown as { naturalWidth: number }).naturalWidth > 0);
      await waitFor(isLoaded, { deadlineMs, what: 'a picture that loads' });
    }
    assert.equal(await shown.getAttribute('src'), (await video()).thumbnail_url);
  });

  test('it is encoded again with another profile, and the page shows the result by itself', async () => {
    await open(`/videos/${videoId}/details`);
    await page.getByTestId('renditions').locator('tbody tr').nth(1).waitFor();
    await choose('encode-again');
    await page.getByTestId('profile').selectOption('small');
    await page.getByTestId('start-encoding').click();
    await page.getByTestId('renditions').locator('tbody tr').nth(1).waitFor({ state: 'detached' });
    assert.deepEqual(
      (await video()).output?.renditions.map(({ name }) => name),
      ['90p'],
    );
  });

  test('its source is replaced by another file; title and address stay', async () => {
    const other = await bed.source('other', { seconds: 4 });
    await open(`/videos/${videoId}`);
    const picking = page.waitForEvent('filechooser');
    await choose('replace-source');
    await (await picking).setFiles(other);
    const replaced = await videoWhen(({ state, output }) => state === 'ready' && Math.abs((output?.duration_s ?? 0) - 4) < 0.5, 'the new source');
    assert.deepEqual([replaced.title, replaced.source?.name], ['film', 'other.mp4']);
    await page.getByText('0:04', { exact: true }).first().waitFor();
  });

  test('the queue is held, put in order, and a cancelled job is taken up again', async () => {
    await open('/queue');
    await page.getByTestId('hold').click();
    await waitFor(async () => (await bed.queue()).state === 'paused', { deadlineMs, what: 'a paused queue' });
    const { job_id } = await bed.weir.api<Job>('POST', `/api/v1/videos/${videoId}/process`, {});
    const row = page.getByTestId(`job-${job_id}`);
    await row.getByLabel('Sooner').click();
    await row.getByTestId('priority').filter({ hasText: '10' }).waitFor();
    await row.getByTestId('cancel-job').click();
    await row.waitFor({ state: 'detached' });
    await page.getByTestId('hold').click();
    await page.getByRole('link', { name: 'Ended' }).click();
    await page.getByTestId('ended-jobs').getByTestId('retry-job').first().click();
    await waitFor(async () => (await jobs()).find((job) => job.job_id === job_id)?.state === 'done', { deadlineMs, what: 'the job' });
    await page.getByTestId('retry-job').waitFor({ state: 'detached' });
  });

  test('a dead letter tells why, and is queued again once the reason is gone', async () => {
    const path = join(bed.folder, 'sources', 'late.mp4');
    await copyFile(film, path);
    const late = await bed.weir.api<Video>('POST', '/api/v1/uploads/path', { path, draft: { title: 'Late', process: false } });
    await rm(path);
    await open('/queue/dead');
    await bed.weir.api('POST', `/api/v1/videos/${late.video_id}/process`, {});
    const letter = page.getByTestId('dead-letter').filter({ hasText: 'The source is gone' });
    await letter.getByRole('link', { name: 'Late' }).waitFor();
    await copyFile(film, path);
    await letter.getByTestId('replay').click();
    await waitFor(async () => (await bed.weir.api<Video>('GET', `/api/v1/videos/${late.video_id}`)).state === 'ready', { deadlineMs, what: 'Late' });
  });

  test('a page that cannot be fetched while the hub is away is shown when it is back', async () => {
    // A page that is looked at for complaints would complain of the hub.
    await page.goto('about:blank');
    const other = await page.context().newPage();
    other.setDefaultTimeout(deadlineMs);
    await other.goto(`${bed.weir.url}/videos`);
    await other.getByTestId('videos').waitFor();
    await bed.weir.kill9();
    await other.getByTestId('link-banner').waitFor();
    await other.getByTestId(`video-${videoId}`).locator('a.row-name').click();
    await other.getByText('The hub cannot be reached').waitFor();
    await bed.weir.start();
    await other.getByTestId('title').waitFor();
    await other.close();
  });

  test('a viewer sees what is public, and is offered nothing that is refused', async () => {
    await bed.weir.api('PATCH', `/api/v1/videos/${videoId}`, { visibility: 'public' });
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
    page = await context.newPage();
    page.setDefaultTimeout(deadlineMs);
    keepComplaints(page, complaints);
    await signIn(page, bed.weir, viewer.username, viewer.password);
    await open('/videos');
    await page.getByTestId(`video-${videoId}`).waitFor();
    assert.equal(await page.getByTestId('videos').locator('> li').count(), 1);
    const forOthers = ['to-upload', 'trash', `choose-${videoId}`, 'edit-title', 'edit-about', 'encode-again', 'poster-here', 'make-link', 'hold'];
    const offered = async () => (await Promise.all(forOthers.map(async (id) => ((await page.getByTestId(id).count()) > 0 ? [id] : [])))).flat();
    for (const [path, part] of [
      ['/videos', 'videos'],
      [`/videos/${videoId}`, 'player'],
      [`/videos/${videoId}/share`, 'player'],
      [`/videos/${videoId}/details`, 'renditions'],
      [`/videos/${videoId}/jobs`, 'jobs'],
      ['/queue', 'figures'],
      ['/queue/dead', 'figures'],
    ] as const) {
      await open(path);
      await page.getByTestId(part).waitFor();
      assert.deepEqual(await offered(), [], path);
    }
    // Nothing tells a viewer of changes on the bus: the page asks.
    await open(`/videos/${videoId}`);
    await page.getByTestId('title').waitFor();
    await bed.weir.api('PATCH', `/api/v1/videos/${videoId}`, { title: 'Now called otherwise' });
    await page.getByTestId('title').filter({ hasText: 'Now called otherwise' }).waitFor();
    await context.close();
  });
});
