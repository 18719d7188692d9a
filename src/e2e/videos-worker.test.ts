/** Promise: a program that knows only the wire contract gets its video, and sees and steers what goes on meanwhile. */
import assert from 'node:assert/strict';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Video } from '../contracts/index.js';
import { assertWithin, waitFor } from '../testkit/index.js';
import { isThere, readRendition, VideosBed } from './videos-bed.js';

describe('work on videos', () => {
  let bed: VideosBed;

  before(async () => {
    bed = await VideosBed.start();
  });
  after(() => bed[Symbol.asyncDispose]());

  test('the layout of the wire contract, from one plain publish', async (t) => {
    const source = await bed.source('video-123', { seconds: 9, width: 1280, height: 720 });
    const request = bed.request('video-123', source, {
      quality: ['720p', '480p'],
      thumbnail_time: '00:00:05',
      metadata: { title: 'My Video', duration: 9 },
    });
    const publishedMs = performance.now();
    bed.publish(request);
    const job = await bed.ended('video-123');
    assert.equal(job.state, 'done', JSON.stringify(job.error));
    t.diagnostic(`job done after ${Math.round(performance.now() - publishedMs)} ms`);
    const names = (await readdir(request.output_path)).sort();
    assert.deepEqual(
      names.filter((name) => /^(?:720p|480p|master|thumbnail)(?:_\d{3})?\.(?:m3u8|ts|jpg)$/.test(name)),
      ['480p.m3u8', '480p_000.ts', '480p_001.ts', '720p.m3u8', '720p_000.ts', '720p_001.ts', 'master.m3u8', 'thumbnail.jpg'],
      names.join(' '),
    );
    const counters = await readRendition(join(request.output_path, '480p.m3u8'), { width: 854, height: 480 });
    assert.deepEqual(
      counters,
      Array.from({ length: 225 }, (_, index) => index),
    );
    const [processed] = await waitFor(() =>
      bed.told('video.processed', 'video-123').length > 0 ? bed.told('video.processed', 'video-123') : undefined,
    );
    assert.deepEqual(
      [processed?.video_id, processed?.status, processed?.user_id, processed?.output_path, processed?.quality, processed?.metadata],
      ['video-123', 'done', 'user-456', request.output_path, ['720p', '480p'], request.metadata],
    );
    assert.ok(await isThere(String(processed?.hls_path)));
    assert.ok(await isThere(String(processed?.thumbnail_path)));
    assert.ok(await isThere(source), 'the source stays');
    assert.deepEqual(await bed.leftOvers(), []);
  });

  test('the facts of the consumer, progress, and the log while a job runs; a cancelled one is gone within a second', async (t) => {
    const source = await bed.source('seen', { seconds: 60, width: 640, height: 360 });
    bed.publish(bed.request('seen', source, { profile: 'slow', quality: ['360p', '180p'] }));
    const { job_id } = await bed.encoding('seen', 4);
    const info = (await bed.client.request('$JS.API.CONSUMER.INFO.VIDEO_PROCESSING.VIDEO_WORKER', '')).json<{
      config: Record<string, unknown>;
      num_ack_pending: number;
      num_redelivered: number;
    }>();
    assert.deepEqual([info.num_ack_pending, info.num_redelivered], [1, 0]);
    assert.deepEqual([info.config.ack_wait, info.config.max_deliver, info.config.ack_policy], [30e9, 3, 'explicit']);
    await waitFor(() => bed.progressOf(job_id).filter(({ phase }) => phase === 'encoding').length >= 4, { what: 'progress', deadlineMs: 40_000 });
    const commands = bed.logOf(job_id).filter(({ message }) => message.startsWith('$ ') && message.includes('ffmpeg'));
    assert.ok(commands.length >= 1, 'commands stand in the log');
    const stored = await bed.encoding('seen');
    assert.ok(stored.commands.length >= 1, 'and with the job');

    const fromMs = performance.now();
    await bed.weir.api('POST', `/api/v1/jobs/${job_id}/cancel`);
    await waitFor(() => bed.ffmpegs('seen').length === 0, { what: 'the end of FFmpeg', everyMs: 5 });
    const tookMs = performance.now() - fromMs;
    t.diagnostic(`FFmpeg ended ${Math.round(tookMs)} ms after the request to cancel`);
    await assertWithin(tookMs, 1000, 'cancel');
    assert.equal((await bed.ended('seen')).state, 'cancelled');
    await waitFor(async () => (await bed.leftOvers()).length === 0, { what: 'a tidy folder' });
    assert.ok(!(await isThere(join(bed.outputs, 'seen'))));

    const progress = bed.progressOf(job_id);
    for (const [index, { percent }] of progress.entries()) assert.ok(percent >= (progress[index - 1]?.percent ?? 0), 'percent never falls');
    const gaps = progress.slice(1).map(({ atMs }, index) => atMs - (progress[index]?.atMs ?? 0));
    t.diagnostic(`${progress.length} reports of progress, longest pause ${Math.round(Math.max(...gaps))} ms`);
    await assertWithin(Math.max(...gaps), 1000, 'pause between two reports of progress');
    assert.ok(progress.every(({ eta_s }) => eta_s === null || (eta_s >= 0 && eta_s < 3600)));
  });

  test('a login made for publishers has videos processed, hears how it goes, and may nothing else', async () => {
    const { name, password } = await bed.weir.api<{ name: string; password: string }>('POST', '/api/v1/bus/users', {
      name: 'shop',
      video_publisher: true,
    });
    const shop = await bed.weir.connectPlain(name, password);
    try {
      const told: string[] = [];
      for (const subject of ['video.processed', 'video.failed', 'video.job.*.progress']) {
        shop.subscribe(subject, {
          callback: (_error, message) => void told.push(`${message.subject} ${message.json<{ video_id: string }>().video_id}`),
        });
      }
      const source = await bed.source('sold', { seconds: 3 });
      const asked = await shop.request('video.metadata', JSON.stringify({ video_id: 'sold', source_path: source }), { timeout: 20_000 });
      assert.equal(asked.json<{ ok: boolean; facts: { duration_s: number } }>().facts.duration_s, 3);
      const acknowledged = await shop.request('video.process', JSON.stringify(bed.request('sold', source)), { timeout: 5000 });
      assert.equal(acknowledged.json<{ stream: string }>().stream, 'VIDEO_PROCESSING');
      const { job_id } = await bed.ended('sold');
      await waitFor(() => told.includes('video.processed sold') && told.includes(`video.job.${job_id}.progress sold`), { what: 'both are told' });
      const mine = await bed.weir.api<Video>('POST', '/api/v1/uploads/path', { path: source, draft: { process: false } });
      await shop.request('video.process', JSON.stringify({ ...bed.request(mine.video_id, source), user_id: mine.owner }), { timeout: 5000 });
      await waitFor(() => told.includes(`video.failed ${mine.video_id}`), { what: 'the refusal' });
      for (const subject of ['video.dlq', 'video.worker.w1.claim', `video.job.${job_id}.log`, '$JS.API.STREAM.LIST', 'videonode.stream.x.command']) {
        await assert.rejects(shop.request(subject, '{}', { timeout: 2000 }), /permission/i, subject);
      }
      for (const subject of ['video.upload', 'video.dlq', 'video.library.>', 'video.job.*.log', '_INBOX_hub.>']) {
        const refused = new Promise((resolve) => shop.subscribe(subject, { callback: (error) => resolve(error) }));
        assert.match(String(await refused), /permission/i, subject);
      }
    } finally {
      await shop.close();
    }
  });

  test('a queue that is paused starts nothing, and goes on', async () => {
    const source = await bed.source('later', { seconds: 2 });
    await bed.weir.api('POST', '/api/v1/jobs/queue/pause');
    bed.publish(bed.request('later', source));
    await bed.jobWhen('later', ({ state }) => state === 'queued', 'queued');
    assert.equal((await bed.queue()).state, 'paused');
    await bed.weir.api('POST', '/api/v1/jobs/queue/resume');
    assert.equal((await bed.ended('later')).state, 'done');
  });

  test('a source is deleted after success only', async () => {
    const [good, bad] = [await bed.source('good', { seconds: 2 }), join(bed.folder, 'sources', 'bad.mp4')];
    await writeFile(bad, 'this is no video');
    for (const [name, source] of [['good', good] as const, ['bad', bad] as const]) bed.publish(bed.request(name, source, { delete_source: true }));
    assert.equal((await bed.ended('good')).state, 'done');
    await waitFor(async () => !(await isThere(good)), { what: 'the end of the source' });
    const job = await bed.ended('bad');
    assert.deepEqual([job.state, job.attempt, job.error?.permanent], ['dead', 1, true], JSON.stringify(job.error));
    assert.ok(await isThere(bad));
    assert.ok(!(await isThere(join(bed.outputs, 'bad'))));
  });

  test('an encode that fails is tried three times, then it is a dead letter that tells why, and can be replayed', async (t) => {
    const source = await bed.source('doomed', { seconds: 20 });
    bed.publish(bed.request('doomed', source, { profile: 'slow', metadata: { title: 'Doomed' } }));
    let killed = 0;
    for (; killed < 3; killed += 1) {
      const [encoder] = await waitFor(() => {
        const found = bed.ffmpegs('doomed').filter(({ command }) => command.includes('.m3u8') && command.includes('libx264'));
        return found.length > 0 ? found : undefined;
      });
      process.kill(encoder?.pid ?? 0, 'SIGKILL');
      await waitFor(() => !bed.ffmpegs('doomed').some(({ pid }) => pid === encoder?.pid));
    }
    const job = await bed.ended('doomed');
    assert.deepEqual([job.state, job.attempt, job.error?.reason], ['dead', 3, 'encoder_failed'], JSON.stringify(job.error));
    assert.match(job.error?.command ?? '', /ffmpeg .*libx264/);
    const failed = job.events.filter(({ kind }) => kind === 'failed').map(({ at }) => Date.parse(at));
    const claimed = job.events.filter(({ kind }) => kind === 'claimed').map(({ at }) => Date.parse(at));
    const pauses = claimed.slice(1).map((at, index) => at - (failed[index] ?? 0));
    t.diagnostic(`attempts after ${pauses.join(' and ')} ms, wanted 500 and 1000`);
    assert.ok((pauses[0] ?? 0) >= 495 && (pauses[1] ?? 0) >= 995, `spaced: ${pauses}`);
    await waitFor(() => bed.told('video.failed', 'doomed').length === 1);
    const [letter] = (await bed.deadLetters()).filter(({ video_id }) => video_id === 'doomed');
    assert.equal(letter?.reason, 'encoder_failed');
    assert.deepEqual(await bed.leftOvers(), []);
    await bed.weir.api('POST', `/api/v1/jobs/dead_letters/${letter?.dead_letter_id}/replay`);
    await waitFor(async () => (await bed.jobs('doomed')).some(({ state }) => state === 'done'), { what: 'the replayed job', deadlineMs: 60_000 });
    assert.ok(await isThere(join(bed.outputs, 'doomed', 'master.m3u8')));
  });

  test('a worker that is stopped gives its job back at once, and the attempt does not count', async (t) => {
    const source = await bed.source('handed', { seconds: 20 });
    bed.publish(bed.request('handed', source, { profile: 'slow' }));
    await bed.encoding('handed');
    process.kill(bed.localWorkerPid() ?? 0, 'SIGTERM');
    const job = await bed.ended('handed');
    assert.deepEqual([job.state, job.attempt], ['done', 1], JSON.stringify(job.error));
    const events = job.events.map(({ kind }) => kind);
    assert.deepEqual(
      events.filter((kind) => kind !== 'first_playable'),
      ['queued', 'claimed', 'queued', 'claimed', 'published', 'done'],
    );
    const [back, again] = [job.events.findLast(({ kind }) => kind === 'queued'), job.events.findLast(({ kind }) => kind === 'claimed')];
    t.diagnostic(`claimed again ${Date.parse(again?.at ?? '') - Date.parse(back?.at ?? '')} ms after it was given back`);
    assert.deepEqual(await bed.leftOvers(), []);
  });
});
