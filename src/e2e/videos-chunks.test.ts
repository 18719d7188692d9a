/** Promise: a long video is cut into pieces that all free workers encode, and nobody can tell from the result, whoever dies meanwhile. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { VideoReport } from '../contracts/index.js';
import { waitFor } from '../testkit/index.js';
import { type JobWithEvents, readRendition, soundOf, VideosBed } from './videos-bed.js';

const seconds = 63;
const frames = Array.from({ length: seconds * 25 }, (_, index) => index);

describe('a long video in pieces', () => {
  let bed: VideosBed;
  let source: string;

  before(async () => {
    bed = await VideosBed.start({ localWorker: false, env: { WEIR_VOD_CHUNK_MIN_S: '30', WEIR_VOD_LEASE_S: '4' } });
    source = await bed.source('long', { seconds });
    await Promise.all([bed.worker('w1'), bed.worker('w2')]);
  });
  after(() => bed[Symbol.asyncDispose]());

  /** Every picture is there, the borders of segments are the same in both renditions, and the sound has no hole. */
  const seamless = async (id: string) => {
    const folder = join(bed.outputs, id);
    assert.deepEqual(await readRendition(join(folder, '180p.m3u8'), { width: 320, height: 180 }), frames);
    assert.deepEqual(await readRendition(join(folder, '90p.m3u8'), { width: 160, height: 90 }), frames);
    const sound = await soundOf(join(folder, '180p.m3u8'));
    assert.ok(Math.abs(sound.seconds - seconds) < 0.1, `${sound.seconds} s of sound`);
    assert.ok(sound.longestGapS < 0.002, `a hole of ${sound.longestGapS} s in the sound`);
    const report = await bed.weir.api<VideoReport>('GET', `/api/v1/videos/${id}/report`);
    assert.deepEqual(
      report.rules.filter((rule) => rule.level === 'must' && rule.result === 'failed'),
      [],
    );
    await waitFor(async () => (await bed.leftOvers()).length === 0, { what: 'a tidy folder' });
    assert.equal(bed.told('video.processed', id).length, 1);
  };

  /** Both workers encode a piece now. */
  const onBoth = (job: JobWithEvents) =>
    waitFor(
      () => {
        const workers = new Set(
          bed.heard.filter(({ subject }) => subject === `video.chunk.${job.job_id}.status`).map(({ message }) => message.worker_id),
        );
        return workers.size === 2 ? workers : undefined;
      },
      { what: 'pieces on both workers', deadlineMs: 60_000 },
    );

  test('pieces on both workers, joined without a seam', async (t) => {
    bed.publish(bed.request('pieces', source, { profile: 'medium' }));
    const job = await bed.encoding('pieces', 2);
    await onBoth(job);
    const done = await bed.ended('pieces', 120_000);
    assert.deepEqual([done.state, done.attempt], ['done', 1], JSON.stringify(done.error));
    const reports = bed.progressOf(job.job_id);
    const most = reports.findLast(({ chunks }) => chunks !== null)?.chunks;
    assert.deepEqual([most?.total, most?.done], [3, 3]);
    assert.ok(reports.some(({ chunks }) => chunks?.workers === 2));
    for (const [index, { percent }] of reports.entries()) assert.ok(percent >= (reports[index - 1]?.percent ?? 0), 'percent never falls');
    t.diagnostic(`${seconds} s in ${most?.total} pieces on two workers: ${done.cost?.wall_s} s, ${done.cost?.cpu_s} s of processor time`);
    await seamless('pieces');
  });

  test('a worker that is killed amid its piece', async () => {
    bed.publish(bed.request('helper', source, { profile: 'medium' }));
    const job = await bed.encoding('helper', 2);
    await onBoth(job);
    const helper = bed.workers.find(({ name }) => name !== job.worker_id);
    await helper?.kill9();
    const done = await bed.ended('helper', 120_000);
    assert.deepEqual([done.state, done.attempt, done.worker_id], ['done', 1, null], JSON.stringify(done.error));
    await seamless('helper');
    await helper?.start();
    await waitFor(async () =>
      (await bed.queue()).workers.every(({ state, pid }) => state === 'online' && bed.workers.some((one) => one.pid === pid)),
    );
  });

  test('the worker that leads is killed: another leads, and pieces of the dead one are given up', async () => {
    bed.publish(bed.request('leader', source, { profile: 'medium' }));
    const job = await bed.encoding('leader', 2);
    await onBoth(job);
    const leader = bed.workers.find(({ name }) => name === job.worker_id);
    await leader?.kill9();
    const done = await bed.ended('leader', 120_000);
    assert.deepEqual([done.state, done.attempt], ['done', 2], JSON.stringify(done.error));
    await seamless('leader');
    await waitFor(() => bed.ffmpegs('leader').length === 0, { what: 'the end of every FFmpeg' });
  });
});
