/** Promise: whatever of Weir fails while a video is made, it is made once, or fails with its reason, and nothing is left behind. */
import assert from 'node:assert/strict';
import { copyFile, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { mountSmallDisk, type SmallDisk, waitFor } from '../testkit/index.js';
import { isThere, readRendition, VideosBed } from './videos-bed.js';

const seconds = 12;
const frames = Array.from({ length: seconds * 25 }, (_, index) => index);

describe('faults while a video is made', () => {
  let bed: VideosBed;
  let disk: SmallDisk | undefined;
  let source: string;

  const complete = async (id: string, folder = bed.outputs) => {
    assert.deepEqual(await readRendition(join(folder, id, '180p.m3u8'), { width: 320, height: 180 }), frames);
    await waitFor(() => bed.told('video.processed', id).length > 0, { what: `video.processed of ${id}` });
    assert.equal(bed.told('video.processed', id).length, 1);
    await waitFor(async () => (await bed.leftOvers()).length === 0, { what: 'a tidy folder' });
  };

  before(async () => {
    disk = await mountSmallDisk(8);
    const outputs = disk === undefined ? {} : { alsoOutputs: [disk.folder] };
    bed = await VideosBed.start({ localWorker: false, ...outputs, env: { WEIR_VOD_LEASE_S: '3' } });
    source = await bed.source('source', { seconds });
    await Promise.all([bed.worker('w1'), bed.worker('w2')]);
  });
  after(async () => {
    await bed[Symbol.asyncDispose]();
    await disk?.remove();
  });

  test('the broker is killed: the job goes on and is published', async () => {
    bed.publish(bed.request('broker', source, { profile: 'slow' }));
    await bed.encoding('broker');
    process.kill(bed.brokerPid() ?? 0, 'SIGKILL');
    const job = await bed.ended('broker');
    assert.deepEqual([job.state, job.attempt], ['done', 1], JSON.stringify(job.error ?? job.events));
    await complete('broker');
  });

  test('the hub is killed and comes back: the job goes on and is published', async () => {
    bed.publish(bed.request('hub', source, { profile: 'slow' }));
    const { job_id } = await bed.encoding('hub');
    await bed.weir.kill9();
    assert.ok(bed.ffmpegs('hub').length > 0, 'the encode goes on');
    await bed.weir.start();
    const job = await bed.ended('hub');
    assert.deepEqual([job.job_id, job.state, job.attempt], [job_id, 'done', 1], JSON.stringify(job.error ?? job.events));
    await complete('hub');
  });

  test('a worker that was frozen finds its job with another, and publishes nothing', async () => {
    bed.publish(bed.request('frozen', source, { profile: 'slow' }));
    const { worker_id: first } = await bed.encoding('frozen');
    const frozen = bed.workers.find(({ name }) => name === first);
    assert.ok(frozen);
    frozen.signal('SIGSTOP');
    try {
      await bed.jobWhen('frozen', ({ worker_id }) => worker_id !== null && worker_id !== first, 'with the other worker');
      await bed.encoding('frozen');
    } finally {
      frozen.signal('SIGCONT');
    }
    const job = await bed.ended('frozen');
    assert.deepEqual([job.state, job.attempt], ['done', 2], JSON.stringify(job.error));
    const published = job.events.filter(({ kind }) => kind === 'published');
    assert.deepEqual([published.length, published[0]?.revision], [1, 2]);
    await complete('frozen');
    await waitFor(() => bed.ffmpegs('frozen').length === 0, { what: 'the end of the stale encode' });
  });

  test('a full disk fails a job with its reason, leaves nothing, and the job can be done later', async (t) => {
    if (disk === undefined) return t.skip('this user may not mount a disk');
    const filler = join(disk.folder, 'filler');
    disk.fill(filler);
    bed.publish(bed.request('full', source, { output_path: join(disk.folder, 'full') }));
    const job = await bed.ended('full');
    assert.deepEqual([job.state, job.attempt, job.error?.reason], ['dead', 3, 'disk_full'], JSON.stringify(job.error));
    assert.ok(!(await isThere(join(disk.folder, 'full'))));
    await waitFor(async () => (await bed.leftOvers()).length === 0, { what: 'a tidy folder' });
    await rm(filler);
    await bed.weir.api('POST', `/api/v1/jobs/${job.job_id}/retry`);
    assert.equal((await bed.jobWhen('full', ({ state }) => state === 'done', 'done')).state, 'done');
    await complete('full', disk.folder);
  });
});

describe('the hub is killed while its own worker makes a video', () => {
  let bed: VideosBed;
  let source: string;

  const localPid = async () => (await bed.queue()).workers.find(({ worker_id, state }) => worker_id === 'local' && state !== 'lost')?.pid;

  before(async () => {
    bed = await VideosBed.start();
    source = await bed.source('source', { seconds });
  });
  after(() => bed[Symbol.asyncDispose]());

  test('the next hub takes the worker over, and the job goes on', async () => {
    bed.publish(bed.request('kept', source, { profile: 'slow' }));
    await bed.encoding('kept');
    const pid = await localPid();
    await bed.weir.kill9();
    await bed.weir.start();
    const job = await bed.ended('kept');
    assert.deepEqual([job.state, job.attempt], ['done', 1], JSON.stringify(job.events));
    assert.equal(await localPid(), pid);
  });

  test('with other folders set, the worker is replaced by one that knows them, but after its job', async () => {
    const elsewhere = join(bed.folder, 'elsewhere', 'source.mp4');
    await mkdir(join(bed.folder, 'elsewhere'));
    await copyFile(source, elsewhere);
    bed.publish(bed.request('renewed', source, { profile: 'slow' }));
    await bed.encoding('renewed');
    const pid = await localPid();
    await bed.weir.kill9();
    bed.env.WEIR_VOD_SOURCE_FOLDERS += `,${join(bed.folder, 'elsewhere')}`;
    await bed.weir.start();
    const job = await bed.ended('renewed');
    assert.deepEqual([job.state, job.attempt], ['done', 1], JSON.stringify(job.events));
    // What only the new worker may read.
    bed.publish(bed.request('after', elsewhere));
    assert.equal((await bed.ended('after')).state, 'done');
    assert.notEqual(await localPid(), pid);
  });
});
