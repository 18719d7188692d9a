import assert from 'node:assert/strict';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { WeirError } from '../../contracts/index.js';
import { waitFor } from '../../testkit/index.js';
import { Bench, call, session } from './testing/bench.js';

const withCode = (code: string) => (error: unknown) => error instanceof WeirError && error.code === code;
const operator = session('operator');
const ids = (count: number, prefix = 'v') => Array.from({ length: count }, (_one, index) => `${prefix}${index}`);

/** One revision was published of each, and nothing is left over. */
async function assertOnce(bench: Bench, videos: readonly string[]): Promise<void> {
  for (const video of videos) {
    const jobs = await bench.jobsOf(video);
    assert.deepEqual(
      jobs.map((job) => job.state),
      ['done'],
      video,
    );
    assert.equal(bench.videos.kinds(video).filter((kind) => kind === 'published').length, 1, video);
  }
}

test('kill -9 of the broker while jobs run and wait: each ends once', async () => {
  await using bench = await Bench.start();
  const [one, two] = [await bench.worker('w1'), await bench.worker('w2')];
  const videos = ids(6);
  for (const video of videos) await bench.publish(bench.request(video));
  const held = await one.take();
  await bench.broker.kill9();
  await bench.broker.restart();
  const rest = (async () => {
    for (let done = 1; done < videos.length; done += 1) await two.finish(await two.take(30_000));
  })();
  await waitFor(() => one.finish(held).then((reply) => reply.verdict === 'go_on'), { what: 'the job that ran to be done', deadlineMs: 15_000 });
  await rest;
  await assertOnce(bench, videos);
  await bench.publish(bench.request('after'));
  await two.finish(await two.take());
  await assertOnce(bench, ['after']);
});

test('a hub that is away while jobs run and are published misses nothing when it is back', async () => {
  await using bench = await Bench.start();
  const worker = await bench.worker('w1');
  await bench.publish(bench.request('running'));
  const held = await worker.take();
  await bench.stopHub();
  await bench.publish(bench.request('meanwhile'));
  await bench.publish('not json');
  await assert.rejects(worker.report(held, { kind: 'renew' }), withCode('unavailable'));
  await bench.startHub();
  assert.equal((await worker.report(held, { kind: 'renew' })).verdict, 'go_on', 'the worker keeps its job');
  assert.equal((await worker.finish(held)).verdict, 'go_on');
  await worker.finish(await worker.take());
  await assertOnce(bench, ['running', 'meanwhile']);
  assert.equal(await bench.store.dead_letters.count(), 1);
});

test('a purge of the stream loses no job, and doubles none', async () => {
  await using bench = await Bench.start();
  const videos = ids(3);
  for (const video of videos) await bench.publish(bench.request(video));
  await waitFor(async () => (await bench.store.jobs.waiting(10)).length === 3, { what: 'the jobs' });
  await bench.client.request('$JS.API.STREAM.PURGE.VIDEO_PROCESSING', '');
  const worker = await bench.worker('w1');
  for (const _video of videos) await worker.finish(await worker.take());
  await assertOnce(bench, videos);
});

test('a stream that was deleted and made anew gives its numbers out again: old jobs go on, new ones are new', async () => {
  await using bench = await Bench.start();
  await bench.publish(bench.request('old'));
  await waitFor(async () => (await bench.jobsOf('old')).length === 1);
  await bench.stopHub();
  await bench.client.request('$JS.API.STREAM.DELETE.VIDEO_PROCESSING', '');
  await bench.startHub();
  await bench.publish(bench.request('new'));
  const worker = await bench.worker('w1');
  for (let count = 0; count < 2; count += 1) await worker.finish(await worker.take());
  await assertOnce(bench, ['old', 'new']);
});

test('a ticket that was given out three times without a claim is replaced', async () => {
  await using bench = await Bench.start();
  await bench.publish(bench.request('stuck'));
  const worker = await bench.worker('w1');
  for (let delivery = 1; delivery <= 3; delivery += 1) {
    const ticket = await worker.ticket();
    assert.equal(ticket.delivery, delivery);
    await ticket.giveBack(1);
  }
  await worker.finish(await worker.take());
  await assertOnce(bench, ['stuck']);
});

test('a worker killed again and again: the job is given up as lost, not tried for ever', async () => {
  await using bench = await Bench.start({ timing: { workerLostMs: 1500 }, settings: { retry_s: 0.05 } });
  await bench.publish(bench.request('killer'));
  for (let attempt = 1; attempt <= 3; attempt += 1) {
    const worker = await bench.worker(`w${attempt}`);
    assert.equal((await worker.take()).order.attempt, attempt);
    await worker.vanish();
  }
  await waitFor(async () => (await bench.jobsOf('killer'))[0]?.state === 'dead', { what: 'the end' });
  assert.equal((await bench.jobsOf('killer'))[0]?.error?.reason, 'worker_lost');
});

test('a paused queue starts nothing, also after a restart of the hub; resumed, it goes on', async () => {
  await using bench = await Bench.start();
  const worker = await bench.worker('w1');
  await bench.publish(bench.request('first'));
  const held = await worker.take();
  assert.equal((await call(bench.hub.operations.pause_queue, operator, {})).state, 'paused');
  await waitFor(() => worker.commands.some((command) => command.action === 'pause'), { what: 'the order to pause' });
  await bench.publish(bench.request('second'));
  assert.equal((await worker.claim(await worker.ticket())).outcome, 'nothing');
  assert.equal((await worker.finish(held)).verdict, 'go_on', 'what runs goes on');
  await bench.stopHub();
  await bench.startHub();
  assert.equal((await bench.hub.queue()).state, 'paused');
  const third = await bench.hub.enqueue(bench.request('third'), { origin: 'api', owner: 'anna' });
  assert.equal(third.state, 'queued');
  await call(bench.hub.operations.resume_queue, operator, {});
  for (let count = 0; count < 2; count += 1) await worker.finish(await worker.take());
  await assertOnce(bench, ['first', 'second', 'third']);
  await waitFor(() => worker.commands.at(-1)?.action === 'resume', { what: 'the order to resume' });
});

test('priority first, then owners in turn, then age; positions say so beforehand', async () => {
  await using bench = await Bench.start();
  for (const video of ['a1', 'a2', 'a3']) await bench.publish(bench.request(video, { user_id: 'a' }));
  await bench.publish(bench.request('b1', { user_id: 'b' }));
  await bench.publish(bench.request('c1', { user_id: 'c', priority: 5 }));
  await waitFor(async () => (await bench.store.jobs.waiting(10)).length === 5, { what: 'the jobs' });
  const listed = await call(bench.hub.operations.list_jobs, operator, { query: { limit: 10, active: 'true' } });
  assert.deepEqual(
    listed.items.map((job) => [job.video_id, job.position]),
    [
      ['c1', 1],
      ['a1', 2],
      ['b1', 3],
      ['a2', 4],
      ['a3', 5],
    ],
  );
  const last = listed.items.at(-1);
  await call(bench.hub.operations.update_job, operator, { params: { job_id: last?.job_id ?? '' }, body: { priority: 9 } });
  const worker = await bench.worker('w1');
  const order: string[] = [];
  const held = [];
  for (let count = 0; count < 5; count += 1) {
    const job = await worker.take();
    order.push(job.order.video_id);
    held.push(job);
  }
  assert.deepEqual(order, ['a3', 'c1', 'b1', 'a1', 'a2'], 'with a3 running, it is the turn of b');
  for (const job of held) assert.equal((await worker.finish(job)).verdict, 'go_on');
  await assertOnce(bench, ['a1', 'a2', 'a3', 'b1', 'c1']);
});

test('two jobs of one video, or for one folder, never run at once', async () => {
  await using bench = await Bench.start();
  const folder = join(bench.outputs, 'same');
  await bench.publish(bench.request('x', { output_path: folder }));
  await bench.publish(bench.request('y', { output_path: `${folder}/` }));
  await bench.publish(bench.request('x'));
  const worker = await bench.worker('w1');
  const first = await worker.take();
  assert.equal((await worker.claim(await worker.ticket())).outcome, 'nothing');
  assert.equal((await worker.claim(await worker.ticket())).outcome, 'nothing');
  await worker.finish(first);
  for (let count = 0; count < 2; count += 1) await worker.finish(await worker.take());
  assert.deepEqual(
    (await bench.jobsOf('x')).map((job) => job.state),
    ['done', 'done'],
  );
  await assertOnce(bench, ['y']);
});

test('cancel: a waiting job is gone at once, a running one is told to its worker; what it wrote is removed', async () => {
  await using bench = await Bench.start();
  const worker = await bench.worker('w1');
  await bench.publish(bench.request('run', { output_path: join(bench.outputs, 'run') }));
  const held = await worker.take();
  await mkdir(held.order.staging_path);
  await writeFile(join(held.order.staging_path, '720p_000.ts'), 'x');
  const waiting = await bench.hub.enqueue(bench.request('wait'), { origin: 'api', owner: 'anna' });
  assert.equal((await call(bench.hub.operations.cancel_job, operator, { params: { job_id: waiting.job_id } })).state, 'cancelled');
  const began = performance.now();
  assert.equal((await call(bench.hub.operations.cancel_job, operator, { params: { job_id: held.order.job_id } })).state, 'cancelled');
  const { job_id, revision } = held.order;
  await waitFor(() => worker.commands.find((command) => command.action === 'cancel'), { what: 'the order', deadlineMs: 5000 });
  assert.deepEqual(worker.commands.at(-1), { action: 'cancel', job_id, revision });
  assert.ok(performance.now() - began < 5000);
  assert.equal((await worker.report(held, { kind: 'renew' })).verdict, 'stop');
  assert.equal((await worker.report(held, { kind: 'cancelled' })).verdict, 'go_on');
  await waitFor(async () => (await readdir(bench.outputs)).length === 0, { what: 'an empty folder' });
  await assert.rejects(call(bench.hub.operations.cancel_job, operator, { params: { job_id } }), withCode('failed_precondition'));
  await bench.publish(bench.request('next'));
  await held.ticket?.done();
  await worker.finish(await worker.take());
  assert.deepEqual(bench.videos.kinds('wait'), ['queued', 'cancelled']);
});

test('without room on the disk nothing starts, and it goes on by itself when there is', async () => {
  let free = 10;
  await using bench = await Bench.start({ settings: { min_free_bytes: 1000 }, freeBytes: async () => free });
  const worker = await bench.worker('w1');
  await bench.publish(bench.request('d'));
  assert.equal((await worker.claim(await worker.ticket())).outcome, 'nothing');
  assert.equal(bench.hub.health().status, 'degraded');
  free = 10_000;
  await worker.finish(await worker.take());
  await assertOnce(bench, ['d']);
});

test('viewers see jobs of videos they may see, without paths; operators see all', async () => {
  await using bench = await Bench.start();
  for (const video of ['mine', 'other']) await bench.publish(bench.request(video, { callback_url: 'http://127.0.0.1:9/x?key=1' }));
  await waitFor(async () => (await bench.store.jobs.waiting(10)).length === 2);
  bench.videos.open.add('mine');
  const viewer = session('viewer');
  const list = await call(bench.hub.operations.list_jobs, viewer, { query: { limit: 1 } });
  assert.deepEqual(
    list.items.map((job) => job.video_id),
    ['mine'],
  );
  const [hidden] = await bench.jobsOf('other');
  const [seen] = await bench.jobsOf('mine');
  await assert.rejects(call(bench.hub.operations.get_job, viewer, { params: { job_id: hidden?.job_id ?? '' } }), withCode('not_found'));
  await assert.rejects(
    call(bench.hub.operations.job_log, viewer, { params: { job_id: hidden?.job_id ?? '' }, query: { limit: 5 } }),
    withCode('not_found'),
  );
  const job = await call(bench.hub.operations.get_job, viewer, { params: { job_id: seen?.job_id ?? '' } });
  assert.deepEqual(Object.keys(job.request).sort(), ['user_id', 'video_id']);
  const bound = { ...operator, streams: ['cam1'] };
  const { operations } = bench.hub;
  assert.deepEqual(
    (await call(operations.list_jobs, bound, { query: { limit: 10 } })).items.map((one) => one.video_id),
    ['mine'],
    'an operator who is bound to streams sees no more than a viewer',
  );
  const ofOthers = { params: { job_id: seen?.job_id ?? '' } };
  await assert.rejects(call(operations.cancel_job, bound, ofOthers), withCode('permission_denied'));
  const ownOf = (user_id: string | null) => ({ ...bound, user_id, username: seen?.owner ?? '' });
  const own = { ...ofOthers, body: { priority: 1 } };
  assert.equal((await call(operations.update_job, ownOf('u2'), own)).priority, 1, 'the job of a video of his own');
  await assert.rejects(call(operations.update_job, ownOf(null), own), withCode('permission_denied'), 'who did not sign in owns nothing');
  await assert.rejects(call(operations.list_dead_letters, bound, { query: { limit: 10 } }), withCode('permission_denied'));
  await assert.rejects(call(operations.pause_queue, bound, {}), withCode('permission_denied'));
  const worker = await bench.worker('w1');
  for (let count = 0; count < 2; count += 1) {
    const held = await worker.take();
    await worker.report(held, { kind: 'command', command: `ffmpeg -i ${held.order.source_path}` });
    const failure = { code: 'internal', reason: 'encoder_failed', detail: `no ${bench.uploads}`, permanent: true, stderr: ['x'], command: 'ffmpeg' };
    await worker.report(held, { kind: 'failed', failure, cost: null });
    await held.ticket?.done();
  }
  const failed = await call(bench.hub.operations.get_job, viewer, { params: { job_id: seen?.job_id ?? '' } });
  assert.deepEqual([failed.state, failed.error?.reason, failed.commands], ['dead', 'encoder_failed', []]);
  const listed = await call(bench.hub.operations.list_jobs, viewer, { query: { limit: 10 } });
  for (const shown of [failed, listed]) assert.doesNotMatch(JSON.stringify(shown), /ffmpeg|127\.0\.0\.1|"x"|\/uploads|\.mp4/);
  assert.deepEqual(
    failed.events.map((event) => [event.kind, event.detail]),
    [
      ['queued', 'bus'],
      ['priority', '0 to 1'],
      ['claimed', null],
      ['failed', 'encoder_failed'],
      ['dead', 'another attempt would fail as well'],
    ],
  );
  const all = await call(bench.hub.operations.get_job, operator, { params: { job_id: seen?.job_id ?? '' } });
  assert.match(JSON.stringify([all.commands, all.error, all.events]), /ffmpeg -i .*encoder_failed: no /);
  assert.equal((await call(bench.hub.operations.list_jobs, operator, { query: { limit: 10 } })).items.length, 2);
});

test('progress of the holder only, log lines and commands are kept and told', async () => {
  await using bench = await Bench.start();
  const worker = await bench.worker('w1');
  await bench.publish(bench.request('p'));
  const held = await worker.take();
  const { job_id, video_id, revision } = held.order;
  const told: (number | undefined)[] = [];
  bench.hub.onJobChange((job) => told.push(job.progress?.percent));
  const progress = (percent: number, of = revision) =>
    worker.bus.publish(
      'job_progress',
      { job_id },
      {
        ...{ job_id, video_id, worker_id: 'w1', revision: of, phase: 'encoding', percent, fps: 1, speed: 1, eta_s: 5, elapsed_s: 1 },
        ...{ renditions: [], chunks: null, timestamp: new Date().toISOString() },
      },
    );
  progress(90, revision + 1);
  progress(40);
  await waitFor(() => told.includes(40), { what: 'the progress' });
  assert.ok(!told.includes(90), 'another revision does not speak for the job');
  assert.equal(bench.hub.progressOf('p')?.percent, 40);
  for (let line = 0; line < 5; line += 1) {
    worker.bus.publish('job_log', { job_id }, { job_id, level: 'info', message: `line ${line}`, timestamp: new Date().toISOString() });
  }
  await worker.report(held, { kind: 'command', command: 'ffmpeg -i x' });
  const log = await waitFor(async () => {
    const { items } = await call(bench.hub.operations.job_log, operator, { params: { job_id }, query: { limit: 3 } });
    return items.at(-1)?.message === 'line 4' ? items : undefined;
  });
  assert.deepEqual(
    log.map((line) => line.message),
    ['line 2', 'line 3', 'line 4'],
  );
  assert.deepEqual((await call(bench.hub.operations.get_job, operator, { params: { job_id } })).commands, ['ffmpeg -i x']);
  await worker.finish(held);
  const queue = await bench.hub.queue();
  assert.deepEqual([queue.cpu_s_24h, queue.bytes_24h, queue.running, queue.workers[0]?.worker_id], [1.5, 20, 0, 'w1']);
});

test('a message that can never be kept is set aside and holds up nobody; its publisher is told', async () => {
  await using bench = await Bench.start();
  const failed: Record<string, unknown>[] = [];
  bench.client.subscribe('video.failed', { callback: (_error, msg) => void failed.push(msg.json()) });
  await bench.publish(bench.request('unkeepable'));
  await bench.publish('nul \0 in no JSON');
  await bench.publish(bench.request('large', { metadata: { text: 'x'.repeat(2_000_000) } }));
  await bench.publish(bench.request('next'));
  const worker = await bench.worker('w1');
  for (let count = 0; count < 2; count += 1) await worker.finish(await worker.take());
  await assertOnce(bench, ['large', 'next']);
  await waitFor(() => failed.length === 1, { what: 'video.failed' });
  assert.deepEqual([failed[0]?.video_id, failed[0]?.job_id], ['unkeepable', null]);
  assert.equal(await bench.store.dead_letters.count(), 2);
});

test('a worker speaks only for itself', async () => {
  await using bench = await Bench.start();
  const worker = await bench.worker('w1');
  const request = worker.bus.request('job_claim', { worker_id: 'w2' }, { worker_id: 'w1', instance: 'x', ticket: null });
  await assert.rejects(request, withCode('permission_denied'));
});

test('a job joins the transaction of whoever queues it', async () => {
  await using bench = await Bench.start();
  const rolledBack = bench.store.transaction(async (tx) => {
    await bench.hub.enqueue(bench.request('never'), { origin: 'upload', owner: 'anna', tx });
    throw new WeirError('cancelled', 'no');
  });
  await assert.rejects(rolledBack, withCode('cancelled'));
  await bench.store.transaction((tx) => bench.hub.enqueue(bench.request('kept'), { origin: 'upload', owner: 'anna', tx }));
  const worker = await bench.worker('w1');
  assert.equal((await worker.take()).order.video_id, 'kept');
  assert.deepEqual(await bench.jobsOf('never'), []);
  await bench.hub.cancelVideo('kept');
  assert.equal((await bench.jobsOf('kept'))[0]?.state, 'cancelled');
});
