/** The queue on PostgreSQL: all of its tests again, and two hubs on one database and one broker. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { openStore } from '../../store/index.js';
import { startTestPostgres, waitFor, withoutPostgres } from '../../testkit/index.js';
import { Bench, call, failure, session, useDatabase } from './testing/bench.js';

const skip = withoutPostgres;

if (skip === false) {
  const server = await startTestPostgres();
  after(() => server.stop());
  const open = (url: string) => openStore({ url, poolSize: 4 });
  useDatabase(async () => open((await server.newSchema()).url));
  for (const file of ['./queue.test.js', './faults.test.js', './callbacks.test.js']) await import(file);

  test('two hubs on one database: each message makes one job, each job runs once, each result is told once', async () => {
    const { url } = await server.newSchema();
    await using first = await Bench.start({ store: open(url) });
    await using second = await Bench.start({ store: open(url), beside: first });
    const told: string[] = [];
    for (const subject of ['video.processed', 'video.failed', 'video.dlq']) {
      first.client.subscribe(subject, {
        callback: (_error, message) => void told.push(`${subject} ${message.json<{ video_id: string }>().video_id}`),
      });
    }
    const ids = Array.from({ length: 20 }, (_, index) => `v${index}`);
    const workers = [await first.worker('w1'), await second.worker('w2')];
    await Promise.all(ids.map((id, index) => (index % 2 === 0 ? first : second).publish(first.request(id))));
    await first.publish('{"video_id":');
    const opened: string[] = [];
    const work = async (worker: (typeof workers)[number]) => {
      while (opened.length < ids.length + 1) {
        const held = await worker.take(60_000);
        const { video_id, attempt } = held.order;
        opened.push(`${video_id}:${attempt}`);
        if (video_id === 'v3' && attempt === 1) await worker.fail(held, false);
        else if (video_id === 'v4') await worker.report(held, { kind: 'failed', failure: failure(true), cost: null }).then(() => held.ticket?.done());
        else assert.equal((await worker.finish(held)).verdict, 'go_on');
      }
    };
    const ends = Promise.race(workers.map(work));
    await ends;
    const wanted = [...ids.map((id) => `${id}:1`), 'v3:2'].sort();
    await waitFor(async () => (await first.store.jobs.list({ limit: 100 })).items.every((job) => job.ended_ms !== null), {
      what: 'the end of all jobs',
    });
    assert.deepEqual(opened.sort(), wanted, 'one retry, and no attempt twice');
    assert.equal((await first.store.jobs.list({ limit: 100 })).items.length, ids.length);
    const results = [...ids.map((id) => `video.${id === 'v4' ? 'failed' : 'processed'} ${id}`), 'video.dlq null', 'video.dlq v4'].sort();
    await waitFor(() => told.length >= results.length, { what: 'all results' });
    assert.deepEqual(told.sort(), results);
    for (const worker of workers) await worker.vanish();
  });

  test('the other hub sees how a job goes, and keeps no line twice', async () => {
    const { url } = await server.newSchema();
    await using first = await Bench.start({ store: open(url) });
    await using second = await Bench.start({ store: open(url), beside: first });
    const worker = await first.worker('w1');
    await first.publish(first.request('v'));
    const { order } = await worker.take();
    const { job_id, video_id, revision } = order;
    const operator = session('operator');
    const percentAt = async (bench: Bench) => (await call(bench.hub.operations.get_job, operator, { params: { job_id } })).progress?.percent;
    const timestamp = new Date().toISOString();
    const progress = {
      job_id,
      video_id,
      worker_id: 'w1',
      revision,
      phase: 'encoding',
      percent: 40,
      fps: 1,
      speed: 1,
      eta_s: 5,
      elapsed_s: 1,
    } as const;
    await waitFor(async () => {
      worker.bus.publish('job_progress', { job_id }, { ...progress, renditions: [], chunks: null, timestamp });
      return (await percentAt(first)) === 40 && (await percentAt(second)) === 40;
    });
    for (let line = 0; line < 5; line += 1) worker.bus.publish('job_log', { job_id }, { job_id, level: 'info', message: `line ${line}`, timestamp });
    const lines = async () => {
      await call(first.hub.operations.job_log, operator, { params: { job_id }, query: { limit: 50 } });
      return (await call(second.hub.operations.job_log, operator, { params: { job_id }, query: { limit: 50 } })).items.map((one) => one.message);
    };
    await waitFor(async () => (await lines()).length >= 5, { what: 'all lines' });
    assert.deepEqual((await lines()).sort(), ['line 0', 'line 1', 'line 2', 'line 3', 'line 4']);
  });
} else {
  test('the queue on PostgreSQL', { skip }, () => undefined);
}
