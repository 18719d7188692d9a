/** What every database must do alike with jobs, dead letters and callbacks. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { WeirError } from '../contracts/index.js';
import type { CallbackRecord, NewJob, StartFilter } from './jobs-repository.js';
import type { Store } from './open-store.js';

type Each = (title: string, body: (store: Store) => Promise<void>) => void;

const withCode = (code: string) => (error: unknown) => error instanceof WeirError && error.code === code;

const job = (job_id: string, extra: Partial<NewJob> = {}): NewJob => ({
  job_id,
  video_id: job_id,
  state: 'queued',
  profile: 'default',
  quality: null,
  priority: 0,
  owner: 'anna',
  origin: 'bus',
  request: { video_id: job_id, metadata: { title: 'Grüße' } },
  source_path: '/in/a.mp4',
  output_path: null,
  place: `library:${job_id}`,
  attempt: 0,
  max_attempts: 3,
  revision: 0,
  worker_id: null,
  instance: null,
  ticket_seq: null,
  ticket_delivery: 0,
  ticket_ms: 0,
  progress: null,
  error: null,
  cost: null,
  commands: [],
  duration_s: null,
  queued_ms: 1_800_000_000_000,
  started_ms: null,
  ended_ms: null,
  due_ms: 0,
  lease_ms: null,
  ...extra,
});

const anyTime: StartFilter = { nowMs: 1_900_000_000_000, busyVideos: [], busyPlaces: [] };

const callback = (callback_id: string, extra: Partial<CallbackRecord> = {}): Omit<CallbackRecord, 'next_at'> => ({
  callback_id,
  job_id: 'j',
  video_id: 'v',
  url: 'http://a/',
  event: 'video.processed',
  state: 'waiting',
  attempts: 0,
  last_status: null,
  last_error: null,
  next_ms: 1_800_000_000_000,
  created_at: '2026-01-01T00:00:00.000Z',
  delivered_at: null,
  body: '{}',
  ...extra,
});

export function describeJobs(each: Each): void {
  describeQueue(each);
  describeHistory(each);
  describeLetters(each);
}

function describeQueue(each: Each): void {
  each('a job is kept as it was given, and changed in part', async ({ jobs }) => {
    const cost = { cpu_s: 1.25, wall_s: 2, read_bytes: 5_000_000_000, written_bytes: 1, peak_rss_bytes: 2 };
    const made = await jobs.insert(job('a', { quality: ['720p'], cost, commands: ['ffmpeg'], duration_s: 1.5, ticket_seq: 5_000_000_000 }));
    assert.deepEqual(await jobs.get('a'), made);
    assert.deepEqual([made.request, made.cost, made.quality, made.ticket_seq], [job('a').request, cost, ['720p'], 5_000_000_000]);
    const changed = await jobs.update('a', { state: 'running', quality: null, lease_ms: 1_900_000_000_000 });
    assert.deepEqual(changed, { ...made, state: 'running', quality: null, lease_ms: 1_900_000_000_000 });
    await assert.rejects(jobs.update('b', { priority: 1 }), withCode('not_found'));
    await assert.rejects(jobs.insert(job('a')), withCode('already_exists'));
  });

  each('what may start: the oldest of each owner and priority, due, and with no other on its video or place', async ({ jobs }) => {
    await jobs.insert(job('a1', { queued_ms: 10 }));
    await jobs.insert(job('a2', { queued_ms: 5, due_ms: 1_950_000_000_000 }));
    await jobs.insert(job('a3', { queued_ms: 20, priority: 2 }));
    await jobs.insert(job('b1', { queued_ms: 7, owner: 'bert', video_id: 'busy' }));
    await jobs.insert(job('b2', { queued_ms: 8, owner: 'bert', place: '/out' }));
    await jobs.insert(job('b3', { queued_ms: 9, owner: 'bert', state: 'retrying' }));
    await jobs.insert(job('r', { state: 'running', started_ms: 4, lease_ms: 50 }));
    await jobs.insert(job('d', { state: 'done', started_ms: 3 }));
    const filter = { ...anyTime, busyVideos: ['busy'], busyPlaces: ['/out', '/else'] };
    const groups = (await jobs.groups(filter)).sort((a, b) => a.queued_ms - b.queued_ms);
    assert.deepEqual(groups, [
      { owner: 'bert', priority: 0, queued_ms: 9 },
      { owner: 'anna', priority: 0, queued_ms: 10 },
      { owner: 'anna', priority: 2, queued_ms: 20 },
    ]);
    assert.equal((await jobs.oldest({ owner: 'bert', priority: 0 }, filter))?.job_id, 'b3');
    assert.equal(await jobs.oldest({ owner: 'carl', priority: 0 }, filter), undefined);
    assert.deepEqual(
      (await jobs.running()).map((one) => one.job_id),
      ['r'],
    );
    assert.deepEqual(
      (await jobs.waiting(3)).map((one) => one.job_id),
      ['a2', 'b1', 'b2'],
    );
    assert.deepEqual(await jobs.lastStarts(10), new Map([['anna', 4]]));
    assert.equal(await jobs.nextDue(anyTime.nowMs), 50);
    const totals = await jobs.totals(anyTime.nowMs);
    assert.deepEqual([totals.states.queued, totals.states.retrying, totals.states.running, totals.oldest_queued_ms], [5, 1, 1, 7]);
    assert.deepEqual(
      (await jobs.activeOf('busy')).map((one) => one.job_id),
      ['b1'],
    );
    const [busy] = await jobs.activeOf('busy');
    assert.deepEqual(
      (await jobs.activeAt(busy?.place ?? '')).map((one) => one.job_id),
      ['b1'],
    );
  });

  each('lists are newest first, by state and by video, page by page', async ({ jobs }) => {
    for (let index = 0; index < 5; index += 1)
      await jobs.insert(job(`j${index}`, { video_id: index < 3 ? 'v' : 'w', state: index === 1 ? 'done' : 'queued' }));
    const first = await jobs.list({ limit: 2 });
    assert.deepEqual(
      first.items.map((one) => one.job_id),
      ['j4', 'j3'],
    );
    const second = await jobs.list({ limit: 2, cursor: first.next_cursor ?? undefined, video_id: 'v', state: 'queued' });
    assert.deepEqual([second.items.map((one) => one.job_id), second.next_cursor], [['j2', 'j0'], null]);
  });

  each('revisions of a video are never given twice, also to many who ask at once', async (store) => {
    const given = await Promise.all(Array.from({ length: 20 }, () => store.jobs.nextRevision('v')));
    assert.deepEqual(
      [...given].sort((a, b) => a - b),
      Array.from({ length: 20 }, (_one, index) => index + 1),
    );
    assert.equal(await store.jobs.nextRevision('w'), 1);
  });

  each('a message is registered once; the same number with another content is another message', async ({ jobs }) => {
    const key = { journal: 'x', sequence: 1, digest: 'a' };
    const adds = await Promise.all(Array.from({ length: 5 }, (_one, index) => jobs.addTicket({ ...key, job_id: `j${index}`, at_ms: 1 })));
    assert.equal(adds.filter(Boolean).length, 1);
    assert.equal(await jobs.addTicket({ ...key, digest: 'b', job_id: null, at_ms: 10 }), true);
    assert.equal(await jobs.ticket({ ...key, digest: 'b' }), null);
    assert.equal(await jobs.ticket({ ...key, journal: 'y' }), undefined);
    await jobs.moveTicket('x', 1, 'other');
    assert.equal(await jobs.ticket(key), 'other');
    assert.equal(await jobs.pruneTickets(5), 1);
  });

  each('jobs without a living ticket are found; tickets below a number are forgotten', async ({ jobs }) => {
    await jobs.insert(job('none'));
    await jobs.insert(job('young', { ticket_ms: 100 }));
    await jobs.insert(job('known', { ticket_seq: 5, ticket_ms: 50 }));
    const find = async (ticketBeforeMs: number, unknownOnly: boolean) =>
      (await jobs.withoutTicket(anyTime, { ticketBeforeMs, unknownOnly, limit: 10 })).map((one) => one.job_id);
    assert.deepEqual(await find(0, true), ['none']);
    assert.deepEqual(await find(60, false), ['none', 'known']);
    assert.deepEqual(await find(100, true), ['none', 'young']);
    await jobs.forgetTickets(5);
    assert.equal((await jobs.get('known'))?.ticket_seq, 5);
    await jobs.forgetTickets(Number.MAX_SAFE_INTEGER);
    assert.deepEqual(await find(0, true), ['none', 'known']);
  });
}

function describeHistory(each: Each): void {
  each('events and log lines of a job stay in order; old lines and old jobs are forgotten', async (store) => {
    const { jobs } = store;
    const event = { at: '2026-01-01T00:00:00.000Z', kind: 'queued' as const, attempt: 0, revision: 0, worker_id: null, detail: null };
    await jobs.insert(job('a', { state: 'done', ended_ms: 10 }));
    await jobs.insert(job('b', { state: 'done', ended_ms: 30 }));
    await jobs.addEvent('a', event);
    await jobs.addEvent('a', { ...event, kind: 'claimed', worker_id: 'w' });
    assert.deepEqual(await jobs.events('a'), [event, { ...event, kind: 'claimed', worker_id: 'w' }]);
    const line = (index: number) => ({ job_id: 'a', level: 'info' as const, message: `${index}`, timestamp: event.at });
    await jobs.addLogs(Array.from({ length: 10 }, (_one, index) => line(index)));
    await jobs.addLogs([]);
    await jobs.trimLogs('a', 4);
    await jobs.trimLogs('b', 4);
    assert.deepEqual(await jobs.logs('a', 3), [line(7), line(8), line(9)]);
    assert.equal((await jobs.logs('a', 100)).length, 4);
    await jobs.addFailure({ job_id: 'a', at_ms: 5, reason: 'empty' });
    await jobs.addFailure({ job_id: 'b', at_ms: 25, reason: 'empty' });
    await jobs.addFailure({ job_id: 'b', at_ms: 25, reason: 'disk_full' });
    assert.deepEqual(await jobs.failures(20), { empty: 1, disk_full: 1 });
    assert.deepEqual(
      (await jobs.figures(20, 10)).map((one) => one.job_id),
      ['b'],
    );
    assert.equal(await jobs.prune(20), 1);
    assert.deepEqual([await jobs.get('a'), await jobs.events('a'), await jobs.logs('a', 10)], [undefined, [], []]);
    assert.deepEqual(await jobs.failures(0), { empty: 1, disk_full: 1 });
  });
}

function describeLetters(each: Each): void {
  each('a dead letter is kept as it came, replayed once, and forgotten', async ({ dead_letters }) => {
    const letter = (dead_letter_id: string, at: string, job_id: string | null = null) => ({
      ...{ dead_letter_id, job_id, video_id: null, subject: 's', payload: '{"a":"ü"', code: 'invalid_argument', reason: 'bad_json' },
      ...{ detail: 'd', stderr: ['x', 'y'], attempts: 0, at, replayed_at: null },
    });
    const one = letter(randomUUID(), '2026-01-01T00:00:00.000Z');
    await dead_letters.insert(one);
    await dead_letters.insert(letter('b', '2026-02-01T00:00:00.000Z', 'j'));
    assert.deepEqual(await dead_letters.get(one.dead_letter_id), one);
    assert.deepEqual(
      (await dead_letters.list({ limit: 1 })).items.map((item) => item.dead_letter_id),
      ['b'],
    );
    assert.equal(await dead_letters.count(), 2);
    assert.equal(await dead_letters.markReplayed(one.dead_letter_id, one.at), true);
    assert.equal(await dead_letters.markReplayed(one.dead_letter_id, one.at), false);
    await dead_letters.markReplayedOfJob('j', one.at);
    assert.equal(await dead_letters.count(), 0);
    assert.equal(await dead_letters.prune('2026-01-15T00:00:00.000Z'), 1);
    assert.equal(await dead_letters.delete('b'), true);
    assert.equal(await dead_letters.delete('b'), false);
  });

  each('callbacks that are due are taken by one only, and disabled by address', async ({ callbacks }) => {
    await callbacks.insert(callback('a', { next_ms: 10 }));
    await callbacks.insert(callback('b', { next_ms: 5, url: 'http://b/' }));
    await callbacks.insert(callback('c', { next_ms: null, state: 'delivered', job_id: null, video_id: null }));
    assert.deepEqual([(await callbacks.get('c'))?.job_id, (await callbacks.get('c'))?.video_id], [null, null], 'of a request that was not taken');
    assert.equal(await callbacks.nextDue(), 5);
    const due = await callbacks.due(10, 10);
    assert.deepEqual(
      due.map((one) => one.callback_id),
      ['b', 'a'],
    );
    const [first] = due;
    assert.ok(first);
    assert.deepEqual(await Promise.all([callbacks.take(first, 100), callbacks.take(first, 100)]).then((taken) => taken.sort()), [false, true]);
    const changed = await callbacks.update('b', { attempts: 1, last_status: 500, last_error: 'x', next_ms: 1_800_000_000_000 });
    assert.deepEqual([changed.attempts, changed.next_at], [1, '2027-01-15T08:00:00.000Z']);
    await callbacks.disableUrl('http://a/', 'no more');
    assert.deepEqual(
      (await callbacks.list({ limit: 10, state: 'disabled' })).items.map((one) => [one.callback_id, one.last_error]),
      [['a', 'no more']],
    );
    assert.equal((await callbacks.list({ limit: 10, job_id: 'other' })).items.length, 0);
    assert.equal(await callbacks.count('waiting'), 1);
    assert.equal(await callbacks.prune('2026-06-01T00:00:00.000Z'), 2);
    await assert.rejects(callbacks.update('c', { attempts: 1 }), withCode('not_found'));
  });
}
