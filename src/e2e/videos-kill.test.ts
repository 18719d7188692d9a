/**
 * Promise: whoever kills the worker, each video ends complete and once. Real Weir, real FFmpeg, a worker as on another machine.
 * `WEIR_TEST_KILLS` is the number of kills, 4 by default; 200 are the figure to hold.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { assertWithin, waitFor } from '../testkit/index.js';
import { readRendition, VideosBed } from './videos-bed.js';

const kills = Number(process.env.WEIR_TEST_KILLS ?? 4);
const killsPerVideo = 3;
/** A new worker tries its encoders first, which takes long on a crowded machine. */
const patienceMs = 300_000;
const seconds = 10;
const frames = Array.from({ length: seconds * 25 }, (_, index) => index);

test(`${kills} kills of the worker: each video is there, complete, and once`, { timeout: 600_000 + kills * 20_000 }, async (t) => {
  await using bed = await VideosBed.start({ localWorker: false, env: { WEIR_VOD_MAX_ATTEMPTS: '20', WEIR_VOD_RETRY_S: '0.05' } });
  const source = await bed.source('source', { seconds });
  const worker = await bed.worker('w1');
  const table = new Map<string, number>();
  let done = 0;
  /** Longest work of an attempt that was let go. */
  let lastedMs = 1500;
  for (let video = 0; done < kills; video += 1) {
    const id = `v${video}`;
    bed.publish(bed.request(id, source));
    let hits = 0;
    let revision = 0;
    for (let kill = 0; kill < killsPerVideo && done < kills; kill += 1) {
      const killed = revision;
      const running = await bed.jobWhen(id, (job) => job.state === 'done' || (job.worker_id !== null && job.revision > killed), 'taken', patienceMs);
      if (running.state === 'done') break;
      revision = running.revision;
      // Anywhere in its life.
      await delay(Math.random() * lastedMs);
      const before = await bed.jobWhen(id, () => true, 'there');
      await worker.kill9();
      done += 1;
      if (before.state !== 'done') hits += 1;
      const what = before.state === 'running' ? (before.progress?.phase ?? 'waiting') : before.state;
      table.set(what, (table.get(what) ?? 0) + 1);
      await worker.start();
    }
    const job = await bed.ended(id, patienceMs);
    assert.equal(job.state, 'done', `${id}: ${JSON.stringify(job.error)}`);
    const count = (kind: string) => job.events.filter((event) => event.kind === kind).length;
    assert.deepEqual([count('published'), count('done')], [1, 1], `${id} is published once`);
    assert.equal(job.attempt, count('worker_lost') + 1, `${id}: attempts`);
    assert.equal(count('claimed'), job.attempt, `${id}: claims`);
    // A kill just before its end is told may come too late to matter.
    assert.ok(count('worker_lost') === hits || count('worker_lost') === hits - 1, `${id}: ${count('worker_lost')} losses by ${hits} kills`);
    const claimed = job.events.findLast(({ kind }) => kind === 'claimed');
    lastedMs = Math.max(300, Date.parse(job.ended_at ?? '') - Date.parse(claimed?.at ?? ''));
    assert.deepEqual(await readRendition(join(bed.outputs, id, '180p.m3u8'), { width: 320, height: 180 }), frames, id);
    assert.deepEqual(await readRendition(join(bed.outputs, id, '90p.m3u8'), { width: 160, height: 90 }), frames, id);
    await waitFor(() => bed.told('video.processed', id).length > 0, { what: `video.processed of ${id}` });
    assert.equal(bed.told('video.processed', id).length, 1, `${id} is told once`);
    assert.deepEqual(bed.told('video.failed', id), []);
    assert.deepEqual(bed.ffmpegs(), [], 'no FFmpeg outlives its worker');
    // Those of this video, and of every one before it.
    await waitFor(async () => (await bed.leftOvers()).length === 0, { what: `a tidy folder after ${id}` }).catch(async (error: unknown) => {
      throw new Error(`${String(error)}: ${(await bed.leftOvers()).join(' ')}`);
    });
  }
  t.diagnostic(`killed while: ${[...table].map(([what, count]) => `${what} ${count}`).join(', ')}; 0 videos lost, 0 published twice`);
});

test('a job whose worker died is with another within 31 seconds', async (t) => {
  await using bed = await VideosBed.start({ localWorker: false });
  const source = await bed.source('orphan', { seconds: 15 });
  await Promise.all([bed.worker('w1'), bed.worker('w2')]);
  bed.publish(bed.request('orphan', source, { profile: 'slow' }));
  const { worker_id: first } = await bed.encoding('orphan');
  const diedAt = Date.now();
  await bed.workers.find(({ name }) => name === first)?.kill9();
  const taken = await bed.jobWhen('orphan', ({ worker_id }) => worker_id !== null && worker_id !== first, 'with the other worker');
  const tookMs = Date.parse(taken.started_at ?? '') - diedAt;
  t.diagnostic(`the second attempt began ${tookMs} ms after the death of the first worker`);
  await assertWithin(tookMs, 31_000, 'second attempt');
  const job = await bed.ended('orphan');
  assert.deepEqual([job.state, job.attempt], ['done', 2]);
});
