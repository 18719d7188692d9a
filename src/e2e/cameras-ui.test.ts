/** Promise: in a browser a person sees the cameras live, records and keeps pictures with buttons and keys, plays any time back, takes it along and deletes it; a viewer only looks. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Browser, Locator, Page } from 'playwright-core';
import type { Camera, Export, Recording, Segment, Snapshot } from '../contracts/index.js';
import { waitFor } from '../testkit/index.js';
import { startRtspServer } from '../testkit/rtsp-server.js';
import { openBrowser, playerWhen, signIn, withoutBrowser } from './browser.js';
import { breaksOf, readCounters } from './pictures.js';
import { RecordedCamera } from './recorded-camera.js';
import { startWeir, type Weir } from './weir.js';

const wait = { timeout: 30_000 };

describe('cameras and recordings in the browser', { skip: withoutBrowser }, () => {
  let weir: Weir;
  let browser: Browser;
  let page: Page;
  let camera: RecordedCamera;
  const complaints: string[] = [];

  /** What went wrong in a page, in its own words. */
  const listen = (to: Page) => {
    to.setDefaultTimeout(wait.timeout);
    to.on('pageerror', (error) => complaints.push(`${to.url()}: ${error.message}`));
    to.on('console', (message) => {
      if (message.type() === 'error') complaints.push(`${message.location().url}: ${message.text()}`);
    });
  };
  const seconds = async (where: Page) => {
    const text = (await where.getByTestId('rec-elapsed').first().textContent()) ?? '';
    return text.split(':').reduce((sum, part) => sum * 60 + Number(part), 0);
  };
  const snapshots = async () => (await weir.api<{ items: Snapshot[] }>('GET', '/api/v1/snapshots')).items;
  /** The page is no wider than its window. */
  const fits = (where: Page) => where.evaluate('document.documentElement.scrollWidth <= document.documentElement.clientWidth');
  const videoTime = (where: Page) =>
    where
      .getByTestId('recorded')
      .locator('video')
      .evaluate((video) => (video as unknown as { currentTime: number }).currentTime);
  /** Nothing in it is cut off. */
  const isWhole = (what: Locator) => what.evaluate((element) => (({ scrollWidth, clientWidth }) => scrollWidth <= clientWidth)(element as never));
  /** Time at the playhead, in milliseconds since 1970. */
  const playhead = async (where: Page) => 1000 * Number(await where.getByTestId('timeline-over').getAttribute('aria-valuenow'));

  before(async () => {
    weir = await startWeir({
      env: {
        WEIR_STREAMS_TEST_PICTURE: 'false',
        WEIR_STORAGE_MIN_FREE_BYTES: '0',
        WEIR_VOD_MIN_FREE_BYTES: '0',
        WEIR_STORAGE_BLOCK_PERCENT: '100',
        WEIR_STORAGE_WARN_PERCENT: '99',
        WEIR_RECORDINGS_SEGMENT_S: '2',
      },
    });
    browser = await openBrowser();
    page = await browser.newPage({ acceptDownloads: true });
    listen(page);
    await signIn(page, weir);
    // Until then nobody is signed in, and the browser notes the refusal.
    complaints.length = 0;
  });

  after(async () => {
    await browser?.close();
    await weir?.[Symbol.asyncDispose]();
  });

  test('a camera is added, and is live on its card and on its page', async () => {
    await page.goto(`${weir.url}/cameras`);
    await page.getByTestId('empty-add-camera').click();
    await page.getByTestId('camera-source').fill('test:');
    await page.getByTestId('new-camera-name').fill('Yard');
    await page.getByTestId('create-camera').click();
    const { camera_id } = await waitFor(async () => (await weir.api<{ items: Camera[] }>('GET', '/api/v1/cameras')).items[0], {
      deadlineMs: 20_000,
      what: 'the camera',
    });
    camera = RecordedCamera.of(weir, camera_id);
    await weir.api('PATCH', `/api/v1/cameras/${camera.id}`, { resolution: '320x180', framerate: 15, always_on: true });
    await weir.streamWhen(camera.id, ({ status }) => status?.state === 'running' && status.video?.width === 320, 'running', 30_000);
    await page.goto(`${weir.url}/cameras`);
    const card = page.getByTestId(`camera-${camera.id}`);
    await card.getByText('Yard').waitFor();
    await card.getByText(/fps/).first().waitFor();
    await card.locator('img').first().waitFor();
    await card.getByText('Yard').click();
    await playerWhen(page, camera.id, (player) => player.picture === 'source' && player.framesDecoded > 10, 'plays', 30_000);
  });

  test('recorded with the button and with the key; the time that is shown goes on', async () => {
    await page.getByTestId('record').click();
    const byButton = await camera.is('recording');
    await page.getByTestId('rec-elapsed').first().waitFor();
    const before = await seconds(page);
    await waitFor(async () => (await seconds(page)) >= before + 2, { deadlineMs: 20_000, everyMs: 100, what: 'two seconds more on the clock' });
    await camera.when((now) => now.segments >= 2, 'two files');
    await page.getByTestId(`player-${camera.id}`).focus();
    await page.keyboard.press('r');
    await waitFor(async () => (await camera.recording()) === null, { deadlineMs: 20_000, what: 'the end of the recording' });
    await page.getByTestId('toast').getByText('The recording has ended').first().waitFor();
    await page.getByTestId('rec').first().waitFor({ state: 'detached' });
    await page.keyboard.press('r');
    const byKey = await camera.is('recording');
    assert.notEqual(byKey.recording_id, byButton.recording_id);
    await camera.goesOn(1);
    await page.getByTestId('record').click();
    await waitFor(async () => (await camera.recording()) === null, { deadlineMs: 20_000, what: 'the end of the second recording' });
  });

  test('a picture is kept with the button and with the key', async () => {
    await page
      .getByRole('button', { name: /Keep a snapshot/ })
      .first()
      .click();
    await waitFor(async () => (await snapshots()).length === 1, { deadlineMs: 20_000, what: 'a snapshot' });
    await page.getByTestId('toast').getByText('Snapshot kept').first().waitFor();
    await page.getByTestId(`player-${camera.id}`).focus();
    await page.keyboard.press('s');
    await waitFor(async () => (await snapshots()).length === 2, { deadlineMs: 20_000, what: 'another' });
    await page.goto(`${weir.url}/recordings/snapshots`);
    const pictures = page.getByTestId('snapshots').locator('img');
    await pictures.nth(1).waitFor();
    await waitFor(() => pictures.nth(1).evaluate((image) => (image as unknown as { naturalWidth: number }).naturalWidth > 0), {
      deadlineMs: 20_000,
      what: 'a picture that loads',
    });
  });

  test('the timeline shows the recording; a click plays it, over several files as one', async () => {
    const files = await camera.segments();
    const [first, second] = files;
    assert.ok(first !== undefined && second !== undefined);
    await page.goto(`${weir.url}/recordings/files`);
    await page.getByTestId(`file-${first.filename}`).locator('a.row-name').click();
    await page.getByTestId(`row-${camera.id}`).waitFor();
    // It opens on what there is, not on the whole day.
    const inView = async () => Number(await page.getByTestId('timeline').getAttribute('data-seconds'));
    await waitFor(async () => (await inView()) <= 300, { deadlineMs: 10_000, what: 'the recording in sight' });
    const head = await page.getByTestId('line-head').boundingBox();
    const over = await page.getByTestId('timeline-over').boundingBox();
    assert.ok(head !== null && over !== null);
    assert.equal(await isWhole(page.getByTestId(`row-${camera.id}`).locator('.tl-label .small')), true, 'what the row says');
    // A little behind its begin: a pixel is a fraction of a second here.
    await page.mouse.click(head.x + head.width / 2 + 5, over.y + over.height / 2);
    await waitFor(async () => (await page.getByTestId('recorded').getAttribute('data-state')) === 'ready', {
      deadlineMs: 30_000,
      what: 'a loaded recording',
    });
    const before = await videoTime(page);
    if ((await page.getByTestId('play').getAttribute('aria-label'))?.startsWith('Play') === true) await page.getByTestId('play').click();
    await waitFor(async () => (await videoTime(page)) > before + 1, { deadlineMs: 30_000, everyMs: 50, what: 'a second of the recording' });
    // Past the end of the first file, in the same element.
    await waitFor(async () => (await playhead(page)) > Date.parse(second.started_at) + 500, {
      deadlineMs: 30_000,
      everyMs: 50,
      what: 'the second file',
    });
    assert.equal(await page.getByTestId('recorded').getAttribute('data-state'), 'ready');
  });

  test('a part is taken along as a file that plays', async () => {
    await page.getByTestId('select').click();
    const over = await page.getByTestId('timeline-over').boundingBox();
    assert.ok(over !== null);
    const y = over.y + over.height / 2;
    await page.mouse.move(over.x + over.width * 0.05, y);
    await page.mouse.down();
    await page.mouse.move(over.x + over.width - 2, y, { steps: 5 });
    await page.mouse.up();
    await page.getByTestId('selection-length').waitFor();
    await page.getByTestId('export').click();
    await page.getByTestId('export-name').fill('for-the-neighbour');
    await page.getByTestId('create-export').click();
    await page.getByTestId('download-export').waitFor();
    const downloading = page.waitForEvent('download');
    await page.getByTestId('download-export').click();
    const download = await downloading;
    assert.equal(download.suggestedFilename(), 'for-the-neighbour.mp4');
    const file = join(weir.dataFolder, 'downloaded.mp4');
    await download.saveAs(file);
    const [made] = (await weir.api<{ items: Export[] }>('GET', '/api/v1/exports')).items;
    assert.equal((await readFile(file)).length, made?.file_size);
    const counters = await readCounters(file);
    assert.ok(counters.length > 15, `${counters.length} pictures`);
    // Two recordings may lie in the part: one jump at most, where nothing was recorded.
    assert.ok(breaksOf(counters).length <= 1, String(breaksOf(counters)));
    await page.keyboard.press('Escape');
  });

  test('a file is deleted from the list', async () => {
    const files = await camera.segments();
    const last = files.at(-1) as Segment;
    await page.goto(`${weir.url}/recordings/files`);
    await page.getByLabel(`Choose ${last.filename}`).check();
    await page.getByTestId('delete-picked').click();
    await page.getByTestId('confirm').click();
    await page.getByTestId(`file-${last.filename}`).waitFor({ state: 'detached' });
    await waitFor(async () => (await camera.segments()).length === files.length - 1, { deadlineMs: 20_000, what: 'one file less' });
  });

  test('storage and configuration are there', async () => {
    await page.goto(`${weir.url}/storage`);
    assert.equal(await page.getByTestId('storage').getAttribute('data-state'), 'ok');
    await page.getByTestId('storage-streams').getByText('Yard').waitFor();
    await page.goto(`${weir.url}/config`);
    await page.getByTestId('search-settings').fill('recordings.segment_s');
    await page.getByTestId('setting-recordings.segment_s').waitFor();
    await page.goto(`${weir.url}/config/history`);
    await page.getByTestId('version-1').waitFor();
  });

  test('what the hub tells to nobody is asked of nobody: no page complained', () => {
    assert.deepEqual(complaints, []);
  });

  test('a camera with a login is added: a wrong password is told, the right one shows its picture, and no page has it afterwards', async () => {
    const server = await startRtspServer({ credentials: { user: 'gate keeper', password: 'op@n/sesame' }, authentication: 'digest' });
    try {
      await page.goto(`${weir.url}/cameras`);
      await page.getByTestId('add-camera').click();
      await page.getByTestId('camera-source').fill(server.url);
      await page.getByLabel('User', { exact: true }).fill('gate keeper');
      await page.getByLabel('Password', { exact: true }).fill('wrong');
      await page.getByTestId('camera-probe').click();
      await page.getByTestId('camera-probe-result').getByText('The source refuses the user name or password').waitFor();
      await page.getByLabel('Password', { exact: true }).fill('op@n/sesame');
      await page.getByTestId('camera-probe').click();
      await page
        .getByTestId('camera-probe-result')
        .getByText(/^Found .*640/)
        .waitFor();
      assert.equal(await fits(page), true);
      await page.getByTestId('new-camera-name').fill('Gate');
      await page.getByTestId('create-camera').click();
      await page.waitForURL(/\/cameras\/camera\d+$/);
      const gate = page.url().split('/').at(-1) ?? '';
      await playerWhen(page, gate, (player) => player.picture === 'source' && player.framesDecoded > 10, 'plays', 30_000);
      const shown = await weir.api<Camera>('GET', `/api/v1/cameras/${gate}`);
      assert.deepEqual([shown.status, shown.source], ['CONNECTED', server.url]);
      for (const secret of ['sesame', 'keeper'])
        assert.ok(!(await page.content()).includes(secret) && !JSON.stringify(shown).includes(secret), secret);
      await weir.api('DELETE', `/api/v1/cameras/${gate}`);
    } finally {
      await server.stop();
    }
  });

  test('on a phone nothing is wider than the screen', async () => {
    const phone = await browser.newPage({ viewport: { width: 360, height: 740 }, hasTouch: true });
    listen(phone);
    await signIn(phone, weir);
    for (const [path, testid] of [
      ['/cameras', 'cameras'],
      [`/cameras/${camera.id}`, `player-${camera.id}`],
      ['/recordings', 'timeline'],
      ['/recordings/files', 'files'],
      ['/recordings/snapshots', 'snapshots'],
      ['/recordings/exports', 'exports'],
      ['/storage', 'storage'],
      ['/config', 'search-settings'],
    ] as const) {
      await phone.goto(`${weir.url}${path}`);
      await phone.getByTestId(testid).first().waitFor();
      assert.equal(await fits(phone), true, path);
      if (path === '/recordings') assert.equal(await isWhole(phone.locator('.recordings-page .tabs')), true, 'every tab in sight');
    }
    await phone.close();
  });

  test('a viewer sees pictures and recordings, and nothing to change them with', async () => {
    await weir.api('POST', '/api/v1/users', { username: 'vera', password: 'only-looking-1234', role: 'viewer' });
    const context = await browser.newContext();
    const hers = await context.newPage();
    listen(hers);
    await signIn(hers, weir, 'vera', 'only-looking-1234');
    await hers.goto(`${weir.url}/cameras`);
    await hers.getByTestId(`camera-${camera.id}`).waitFor();
    assert.equal(await hers.getByTestId('add-camera').count(), 0);
    await hers.goto(`${weir.url}/cameras/${camera.id}`);
    await playerWhen(hers, camera.id, (player) => player.picture === 'source' && player.framesDecoded > 5, 'plays', 30_000);
    assert.equal(await hers.getByTestId('record').count(), 0);
    assert.equal(await hers.getByRole('button', { name: /Keep a snapshot/ }).count(), 0);
    await hers.getByTestId(`player-${camera.id}`).focus();
    await hers.keyboard.press('r');
    await hers.goto(`${weir.url}/recordings/files`);
    await hers.getByTestId('files').waitFor();
    assert.equal(await hers.locator('[data-testid=files] input[type=checkbox]').count(), 0);
    await hers.goto(`${weir.url}/recordings`);
    await hers.getByTestId('timeline').waitFor();
    for (const testid of ['side-record', 'plan', 'export']) assert.equal(await hers.getByTestId(testid).count(), 0, testid);
    const { recording } = await weir.api<{ recording: Recording | null }>('GET', `/api/v1/streams/${camera.id}/recording`);
    assert.equal(recording, null, 'her key did nothing');
    await context.close();
  });
});
