/** Promise: hub, broker and spoke may each be killed under a watching browser; the picture comes back in the same player. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { waitFor } from '../testkit/index.js';
import { countFrames, openBrowser, type PlayerFacts, playerFacts, playerWhen, signIn, withoutBrowser } from './browser.js';
import { listProcesses, startWeir, type Weir } from './weir.js';

const framesPerSecond = 30;

describe('under a watching browser', { skip: withoutBrowser }, () => {
  let weir: Weir;
  let browser: Browser;
  let page: Page;
  let take: () => Promise<number[]>;

  const pidOf = (program: RegExp) => {
    const found = weir.processes().find(({ command }) => program.test(command));
    assert.ok(found, `a process like ${program}: ${JSON.stringify(weir.processes())}`);
    return found.pid;
  };
  const broker = () => pidOf(/nats-server/);
  const spoke = () => pidOf(/cli\.js spoke/);
  const ffmpeg = async () => (await weir.stream('test')).status?.pid ?? 0;
  const facts = async () => (await playerFacts(page, 'test')) as PlayerFacts;
  const playsOnFrom = (before: PlayerFacts, frames: number) =>
    playerWhen(
      page,
      'test',
      (now) => now.picture === 'source' && now.framesDecoded > before.framesDecoded + frames && now.phase === 'playing',
      'plays on',
      20_000,
    );

  before(async () => {
    weir = await startWeir();
    browser = await openBrowser();
    page = await browser.newPage();
    await signIn(page, weir);
    await playerWhen(page, 'test', (player) => player.hasPicture && player.framesDecoded > 30, 'plays');
    take = await countFrames(page, 'test');
  });

  after(async () => {
    await browser?.close();
    await weir?.[Symbol.asyncDispose]();
  });

  test('the hub is killed: broker, spoke and FFmpeg run on, the viewer misses no fragment', async () => {
    const kept = { broker: broker(), spoke: spoke(), ffmpeg: await ffmpeg() };
    const before = await facts();
    await weir.kill9();
    await weir.start();
    assert.deepEqual({ broker: broker(), spoke: spoke(), ffmpeg: await ffmpeg() }, kept);
    await playsOnFrom(before, 2 * framesPerSecond);
    const now = await facts();
    assert.equal(now.gaps, before.gaps, 'no hole in the sequence of fragments');
    assert.equal(now.epoch, before.epoch, 'the same run of the encoder');
    assert.equal(now.rebuilds, 0, 'the same player');
  });

  test('the broker is killed: it is back on the same ports, the viewer plays on in the same player', async () => {
    const before = await facts();
    const encoder = await ffmpeg();
    const old = broker();
    process.kill(old, 'SIGKILL');
    await waitFor(() => weir.processes().some(({ pid, command }) => command.includes('nats-server') && pid !== old), {
      deadlineMs: 10_000,
      what: 'a new broker',
    });
    await playsOnFrom(before, 2 * framesPerSecond);
    const now = await facts();
    assert.equal(now.gaps, before.gaps, 'what the spoke kept was published again');
    assert.equal(now.epoch, before.epoch);
    assert.equal(await ffmpeg(), encoder, 'FFmpeg never noticed');
    assert.equal(now.rebuilds, 0);
  });

  test('the spoke is killed: its FFmpeg goes with it, a new one plays in the same player', async () => {
    const before = await facts();
    const old = { spoke: spoke(), ffmpeg: await ffmpeg() };
    process.kill(old.spoke, 'SIGKILL');
    await waitFor(() => !listProcesses().some(({ pid, command }) => pid === old.ffmpeg && command.includes('ffmpeg')), {
      what: 'the end of the orphan',
    });
    await playsOnFrom(before, 2 * framesPerSecond);
    const now = await facts();
    assert.notEqual(now.epoch, before.epoch, 'a new run of the encoder');
    assert.equal(now.rebuilds, 0, 'the same player');
    assert.notEqual(spoke(), old.spoke);
  });

  test('the pictures shown moved forward all along', async () => {
    const frames = (await take()).filter((frame) => frame >= 0);
    const backwards = frames.slice(1).filter((frame, index) => frame < (frames[index] ?? 0));
    // The counter of the test picture starts anew with FFmpeg: once, for the killed spoke.
    assert.ok(backwards.length <= 1, `${backwards.length} steps back`);
    assert.ok(frames.length > 6 * framesPerSecond, `${frames.length} pictures with a number`);
  });
});
