import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { WeirError } from '../../contracts/index.js';
import { waitFor } from '../../testkit/index.js';
import { Bench, call, output, session } from './testing/bench.js';

const withCode = (code: string) => (error: unknown) => error instanceof WeirError && error.code === code;
const operator = session('operator');

test('the streams and consumers are those of the wire contract, as an ordinary client reads them', async () => {
  await using bench = await Bench.start();
  const info = async (path: string) => (await bench.client.request(`$JS.API.${path}`, '')).json<{ config: Record<string, unknown> }>().config;
  const processing = await info('STREAM.INFO.VIDEO_PROCESSING');
  assert.deepEqual(
    [
      processing.subjects,
      processing.retention,
      processing.storage,
      processing.max_age,
      processing.max_msg_size,
      processing.discard,
      processing.max_msgs,
    ],
    [['video.upload', 'video.process'], 'limits', 'file', 7 * 86_400e9, 10_485_760, 'old', -1],
  );
  const worker = await info('CONSUMER.INFO.VIDEO_PROCESSING.VIDEO_WORKER');
  assert.deepEqual(
    [worker.filter_subject, worker.deliver_policy, worker.ack_policy, worker.ack_wait, worker.max_deliver, worker.replay_policy],
    ['video.process', 'all', 'explicit', 30e9, 3, 'instant'],
  );
  const dead = await info('STREAM.INFO.VIDEO_PROCESSING_DLQ');
  assert.deepEqual([dead.subjects, dead.retention, dead.max_age], [['video.dlq'], 'limits', 30 * 86_400e9]);
  assert.equal((await info('STREAM.INFO.VIDEO_CHUNKS')).retention, 'workqueue');
});

test('a publisher that knows only the wire contract gets its job run, and sees the result', async () => {
  await using bench = await Bench.start();
  const processed: Record<string, unknown>[] = [];
  bench.client.subscribe('video.processed', { callback: (_error, msg) => void processed.push(msg.json()) });
  await bench.publish({
    ...bench.request('video-123', { quality: ['1080p', '720p', '480p'], thumbnail_time: '00:00:05', metadata: { title: 'My Video' } }),
    output_path: join(bench.outputs, 'video-123'),
  });
  const [waiting] = await waitFor(async () => {
    const jobs = await bench.jobsOf('video-123');
    return jobs.length === 1 ? jobs : undefined;
  });
  assert.equal(waiting?.state, 'queued', 'it is visible before any worker is there');
  const worker = await bench.worker('w1');
  const held = await worker.take();
  assert.deepEqual(
    [held.order.video_id, held.order.output_path, held.order.staging_path, held.order.quality, held.order.thumbnail_time, held.order.revision],
    ['video-123', join(bench.outputs, 'video-123'), join(bench.outputs, '.video-123.r1'), ['1080p', '720p', '480p'], '00:00:05', 1],
  );
  assert.equal((await worker.finish(held)).verdict, 'go_on');
  const message = await waitFor(() => processed[0], { what: 'video.processed' });
  assert.deepEqual(
    [message.video_id, message.status, message.user_id, message.hls_path, message.metadata],
    ['video-123', 'done', 'user-1', join(bench.outputs, 'video-123', 'master.m3u8'), { title: 'My Video' }],
  );
  const job = await call(bench.hub.operations.get_job, operator, { params: { job_id: held.order.job_id } });
  assert.deepEqual(
    job.events.map((event) => event.kind),
    ['queued', 'claimed', 'published', 'done'],
  );
  assert.deepEqual(bench.videos.kinds('video-123'), ['queued', 'started', 'published']);
  assert.equal((await bench.jobsOf('video-123')).length, 1);
});

test('the picture that a person chose counts more than the time in a request', async () => {
  await using bench = await Bench.start();
  bench.videos.chosenTimes.set('chosen', '12.500');
  await bench.publish(bench.request('chosen', { thumbnail_time: '00:00:05' }));
  const worker = await bench.worker('w1');
  const held = await worker.take();
  assert.equal(held.order.thumbnail_time, '12.500');
  assert.equal((await worker.finish(held)).verdict, 'go_on');
});

test('a job of the hub goes to the library, and its ticket names video, revision and attempt', async () => {
  await using bench = await Bench.start();
  const ids: string[] = [];
  bench.client.subscribe('video.process', { callback: (_error, msg) => void ids.push(msg.headers?.get('Nats-Msg-Id') ?? '') });
  await bench.client.flush();
  const job = await bench.hub.enqueue(bench.request('lib'), { origin: 'api', owner: 'anna' });
  assert.deepEqual([job.state, job.position, job.owner, job.origin], ['queued', 1, 'anna', 'api']);
  const worker = await bench.worker('w1');
  const first = await worker.take();
  assert.equal(first.order.output_path, join(bench.folder, 'videos', 'lib', 'r1'));
  await worker.finish(first);
  await bench.hub.enqueue(bench.request('lib'), { origin: 'api', owner: 'anna' });
  const second = await worker.take();
  assert.equal(second.order.output_path, join(bench.folder, 'videos', 'lib', 'r2'), 'each publication has a folder of its own');
  await worker.finish(second);
  assert.match(ids[0] ?? '', /^lib:0:0:/);
});

test('what cannot be taken goes to the dead letters with field and value', async () => {
  await using bench = await Bench.start();
  const rows: [string, unknown, string, RegExp][] = [
    ['bad JSON', '{"video_id": ', 'bad_json', /not JSON/],
    ['a missing field', { video_id: 'a' }, 'invalid_request', /source_path/],
    ['no object', '42', 'invalid_request', /./],
    ['a path outside', { video_id: 'b', source_path: '/etc/passwd' }, 'path_not_allowed', /source_path.*\/etc\/passwd/],
    ['a path that climbs', { video_id: 'c', source_path: `${bench.uploads}/../../etc/passwd` }, 'path_not_allowed', /source_path/],
    ['an output outside', bench.request('d', { output_path: '/tmp/other' }), 'path_not_allowed', /output_path.*\/tmp\/other/],
    ['an output that is the whole folder', bench.request('e', { output_path: bench.outputs }), 'path_not_allowed', /output_path/],
    ['an unknown quality', bench.request('f', { quality: ['720p', '9000p'] }), 'unknown_quality', /quality\.1.*9000p/],
    ['an unknown profile', bench.request('g', { profile: 'nope' }), 'unknown_profile', /profile.*nope/],
    ['an id that is none', bench.request('../x'), 'invalid_request', /video_id/],
  ];
  for (const [, message] of rows) await bench.publish(message);
  await waitFor(async () => (await bench.store.dead_letters.count()) === rows.length, { what: 'all dead letters' });
  const { items } = await bench.store.dead_letters.list({ limit: 100 });
  for (const [index, [name, message, reason, detail]] of rows.entries()) {
    const letter = items[rows.length - 1 - index];
    assert.equal(letter?.reason, reason, `${name}: ${letter?.detail}`);
    assert.match(letter?.detail ?? '', detail, name);
    assert.equal(letter?.payload, typeof message === 'string' ? message : JSON.stringify(message), name);
  }
  await waitFor(
    async () =>
      (await bench.client.request('$JS.API.STREAM.INFO.VIDEO_PROCESSING_DLQ', '')).json<{ state: { messages: number } }>().state.messages ===
      rows.length,
  );
  const worker = await bench.worker('w1');
  assert.equal((await worker.claim(await worker.ticket())).outcome, 'dead');
});

test('whoever sent what cannot be taken is told so by the names that it gave', async () => {
  await using bench = await Bench.start();
  const failed: Record<string, unknown>[] = [];
  bench.client.subscribe('video.failed', { callback: (_error, msg) => void failed.push(msg.json()) });
  await bench.publish({ video_id: 'a', source_path: '/etc/passwd', user_id: 'user-456', metadata: { order: 7 } });
  await bench.publish({ video_id: 'b', user_id: 9, metadata: 'none' });
  await waitFor(() => failed.length === 2, { what: 'both are told' });
  assert.deepEqual(
    failed.map(({ video_id, user_id, metadata }) => [video_id, user_id, metadata]),
    [
      ['a', 'user-456', { order: 7 }],
      ['b', '', {}],
    ],
  );
});

test('the folder of a result is replaced, one that holds anything else is not', async () => {
  await using bench = await Bench.start();
  const files = ['result/720p.m3u8', 'result/720p_000.ts', 'pictured/thumbnail.jpg', 'raw/a.mp4', 'many/one/720p.m3u8', 'many/readme.m3u8'];
  for (const file of files) {
    await mkdir(dirname(join(bench.outputs, file)), { recursive: true });
    await writeFile(join(bench.outputs, file), 'x');
  }
  await mkdir(join(bench.outputs, 'empty'));
  await writeFile(join(bench.outputs, 'file'), 'x');
  const names = ['result', 'pictured', 'empty', 'absent', 'raw', 'many', 'file'];
  for (const name of names) await bench.publish(bench.request(name, { output_path: join(bench.outputs, name) }));
  await waitFor(async () => (await bench.store.dead_letters.count()) + (await bench.store.jobs.list({ limit: 50 })).items.length === names.length);
  const letters = (await bench.store.dead_letters.list({ limit: 50 })).items;
  assert.deepEqual(letters.map((one) => [one.video_id, one.reason]).sort(), [
    ['file', 'path_not_allowed'],
    ['many', 'path_not_allowed'],
    ['raw', 'path_not_allowed'],
  ]);
});

test('what belongs to others is refused, and so is a result where that of another is under way', async () => {
  await using bench = await Bench.start();
  bench.videos.ofHub.add('uploaded');
  const output_path = join(bench.outputs, 'place');
  await bench.publish(bench.request('uploaded'));
  await bench.publish(bench.request('first', { output_path }));
  await bench.publish(bench.request('second', { output_path, user_id: 'user-2' }));
  await bench.publish(bench.request('third', { output_path }));
  await waitFor(async () => (await bench.jobsOf('third')).length === 1, { what: 'the last job' });
  const letters = (await bench.store.dead_letters.list({ limit: 50 })).items;
  assert.deepEqual(
    letters.map((one) => [one.video_id, one.code, one.reason]),
    [
      ['second', 'permission_denied', 'not_yours'],
      ['uploaded', 'permission_denied', 'not_yours'],
    ],
  );
  assert.deepEqual(await bench.jobsOf('uploaded'), []);
  assert.ok(!bench.videos.registered.includes('uploaded'));
});

test('a video in the trash gets no job: not by a message, nor by the hub, nor again', async () => {
  await using bench = await Bench.start();
  const worker = await bench.worker('w1');
  await bench.publish(bench.request('v'));
  await worker.fail(await worker.take(), true);
  const [job] = await bench.jobsOf('v');
  const [letter] = (await bench.store.dead_letters.list({ limit: 1 })).items;
  bench.videos.trash.add('v');
  const { retry_job, replay_dead_letter } = bench.hub.operations;
  const precondition = withCode('failed_precondition');
  await assert.rejects(call(retry_job, operator, { params: { job_id: job?.job_id ?? '' } }), precondition);
  await assert.rejects(call(replay_dead_letter, operator, { params: { dead_letter_id: letter?.dead_letter_id ?? '' } }), precondition);
  await assert.rejects(bench.hub.enqueue(bench.request('v'), { origin: 'api', owner: 'anna' }), precondition);
  await assert.rejects(
    bench.store.transaction((tx) => bench.hub.enqueue(bench.request('v'), { origin: 'upload', owner: 'anna', tx })),
    precondition,
  );
  await bench.publish(bench.request('v'));
  await waitFor(async () => (await bench.store.dead_letters.list({ limit: 1 })).items[0]?.reason === 'in_trash', { what: 'the refusal' });
  bench.videos.trash.clear();
  assert.equal((await call(replay_dead_letter, operator, { params: { dead_letter_id: letter?.dead_letter_id ?? '' } })).state, 'queued');
  assert.deepEqual((await bench.jobsOf('v')).map((one) => one.state).sort(), ['dead', 'queued']);
});

test('a message about an upload of the hub adds nothing', async () => {
  await using bench = await Bench.start();
  bench.videos.ofHub.add('ours');
  await bench.publish({ video_id: 'ours', source_path: join(bench.uploads, 'ours.mp4'), user_id: 'u' }, 'video.upload');
  await bench.publish({ video_id: 'theirs', source_path: join(bench.uploads, 'theirs.mp4'), user_id: 'u' }, 'video.upload');
  await waitFor(() => bench.videos.registered.length > 0);
  assert.deepEqual(bench.videos.registered, ['theirs']);
  assert.equal(await bench.store.dead_letters.count(), 0);
});

test('a message about an upload registers a video without a job; a bad one is a dead letter', async () => {
  await using bench = await Bench.start();
  await bench.publish({ video_id: 'raw', source_path: join(bench.uploads, 'raw.mp4'), user_id: 'u' }, 'video.upload');
  await bench.publish({ video_id: 'raw2', source_path: '/etc/passwd' }, 'video.upload');
  await waitFor(async () => (await bench.store.dead_letters.count()) === 1);
  assert.deepEqual(bench.videos.registered, ['raw']);
  assert.deepEqual(await bench.jobsOf('raw'), []);
});

test('a second delivery, a copy and a late acknowledgement open nothing', async () => {
  await using bench = await Bench.start();
  const worker = await bench.worker('w1');
  await bench.publish(bench.request('dup'));
  const held = await worker.take();
  assert.ok(held.ticket);
  const again = await worker.claim(held.ticket);
  assert.equal(again.outcome === 'granted' && again.order.revision, held.order.revision, 'the same delivery is answered the same');
  const other = await bench.worker('w2');
  assert.equal((await other.claim(held.ticket)).outcome, 'nothing', 'two workers with one ticket');
  await worker.finish(held);
  assert.equal((await other.claim(held.ticket)).outcome, 'nothing');
  assert.equal(
    (
      await worker.report(held, {
        kind: 'done',
        output: output(1),
        cost: { cpu_s: 0, wall_s: 0, read_bytes: 0, written_bytes: 0, peak_rss_bytes: 0 },
      })
    ).verdict,
    'go_on',
  );
  assert.equal((await bench.jobsOf('dup')).length, 1);
  assert.equal(bench.videos.kinds('dup').filter((kind) => kind === 'published').length, 1);
});

test('a worker that vanishes loses its job at once, and its late reports change nothing', async () => {
  await using bench = await Bench.start({ timing: { workerLostMs: 1500 } });
  const [lost, other] = [await bench.worker('w1'), await bench.worker('w2')];
  await bench.publish(bench.request('v'));
  const held = await lost.take();
  await lost.vanish();
  const next = await other.take();
  assert.deepEqual([next.order.job_id, next.order.attempt, next.order.revision], [held.order.job_id, 2, 2]);
  for (const kind of ['renew', 'publish', 'done']) {
    const reply = await lost.report(held, {
      kind,
      ...(kind === 'renew' ? {} : { output: output(1) }),
      ...(kind === 'done' ? { cost: { cpu_s: 0, wall_s: 0, read_bytes: 0, written_bytes: 0, peak_rss_bytes: 0 } } : {}),
    });
    assert.equal(reply.verdict, 'stop', kind);
  }
  await held.ticket?.done();
  assert.equal((await other.finish(next)).verdict, 'go_on');
  const published = bench.videos.changes.filter(({ change }) => change.kind === 'published');
  assert.deepEqual(
    published.map(({ change }) => change.kind === 'published' && change.folder),
    [join(bench.folder, 'videos', 'v', 'r2')],
  );
});

test('a lease that nobody renews runs out; one that is renewed does not', async () => {
  await using bench = await Bench.start({ settings: { lease_s: 2 } });
  const [silent, busy] = [await bench.worker('w1'), await bench.worker('w2')];
  await bench.publish(bench.request('a'));
  await bench.publish(bench.request('b'));
  const a = await silent.take();
  const b = await busy.take();
  const renewing = setInterval(() => void busy.report(b, { kind: 'renew' }).catch(() => undefined), 200);
  try {
    const again = await silent.take();
    assert.equal(again.order.job_id, a.order.job_id);
    assert.equal((await bench.store.jobs.get(b.order.job_id))?.revision, b.order.revision);
    assert.equal((await busy.finish(b)).verdict, 'go_on');
    assert.equal((await silent.finish(again)).verdict, 'go_on');
  } finally {
    clearInterval(renewing);
  }
});

test('passing faults are tried again after growing pauses, then given up with all that is known; a replay makes a new job', async () => {
  await using bench = await Bench.start({ settings: { retry_s: 0.4 } });
  const failed: Record<string, unknown>[] = [];
  bench.client.subscribe('video.failed', { callback: (_error, msg) => void failed.push(msg.json()) });
  const worker = await bench.worker('w1');
  await bench.publish(bench.request('bad'));
  const times: number[] = [];
  for (let attempt = 1; attempt <= 3; attempt += 1) {
    const held = await worker.take();
    times.push(performance.now());
    assert.equal(held.order.attempt, attempt);
    const reply = await worker.fail(held, false);
    assert.equal(reply.final, attempt === 3);
    assert.deepEqual(
      await worker
        .report(held, {
          kind: 'failed',
          failure: { code: 'internal', reason: 'x', detail: '', permanent: false, stderr: [], command: null },
          cost: null,
        })
        .then((one) => one.final),
      attempt === 3,
      'said twice, answered alike',
    );
  }
  assert.ok((times[1] ?? 0) - (times[0] ?? 0) >= 390, 'first pause');
  assert.ok((times[2] ?? 0) - (times[1] ?? 0) >= 790, 'second pause is doubled');
  const { items } = await call(bench.hub.operations.list_dead_letters, operator, { query: { limit: 10 } });
  const letter = items[0];
  assert.ok(letter);
  assert.deepEqual([letter.reason, letter.attempts, letter.stderr, letter.video_id], ['encoder_failed', 3, ['last words'], 'bad']);
  assert.deepEqual(JSON.parse(letter.payload), bench.request('bad'));
  await waitFor(() => failed.length === 1, { what: 'video.failed' });
  assert.equal(failed[0]?.reason, 'encoder_failed');
  const replayed = await call(bench.hub.operations.replay_dead_letter, operator, { params: { dead_letter_id: letter.dead_letter_id } });
  assert.equal(replayed.origin, 'replay');
  await assert.rejects(
    call(bench.hub.operations.replay_dead_letter, operator, { params: { dead_letter_id: letter.dead_letter_id } }),
    withCode('failed_precondition'),
  );
  const held = await worker.take();
  assert.equal(held.order.job_id, replayed.job_id);
  await worker.finish(held);
  assert.equal((await bench.hub.queue()).failures.encoder_failed, 3);
});

test('a permanent fault is given up at once, and can be queued again by hand', async () => {
  await using bench = await Bench.start();
  const worker = await bench.worker('w1');
  await bench.publish(bench.request('p'));
  const held = await worker.take();
  assert.equal((await worker.fail(held, true, 'empty')).final, true);
  const dead = await bench.hub.job(held.order.job_id);
  assert.deepEqual([dead?.state, dead?.attempt, dead?.error?.reason], ['dead', 1, 'empty']);
  await call(bench.hub.operations.retry_job, operator, { params: { job_id: held.order.job_id } });
  assert.equal(await bench.store.dead_letters.count(), 0, 'its dead letter is settled');
  const again = await worker.take();
  assert.deepEqual([again.order.job_id, again.order.attempt], [held.order.job_id, 1]);
  await worker.finish(again);
});

test('a returned job does not count as an attempt, however often', async () => {
  await using bench = await Bench.start();
  const worker = await bench.worker('w1');
  await bench.publish(bench.request('r'));
  for (let turn = 0; turn < 5; turn += 1) {
    const held = await worker.take();
    assert.equal(held.order.attempt, 1);
    const reply = await worker.report(held, { kind: 'returned', detail: 'the worker stops' });
    if (reply.retry_in_ms === undefined) await held.ticket?.done();
    else await held.ticket?.giveBack(reply.retry_in_ms);
  }
  await worker.finish(await worker.take());
  assert.equal((await bench.jobsOf('r'))[0]?.state, 'done');
});
