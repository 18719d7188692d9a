import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { WaitingJob } from '../../store/index.js';
import { nextGroup, startOrder } from './order.js';

const nobody = { videos: new Set<string>(), places: new Set<string>() };
const facts = { nowMs: 1_000_000, ageingMs: 1000, running: new Map<string, number>(), lastStarts: new Map<string, number>() };

const job = (job_id: string, extra: Partial<WaitingJob> = {}): WaitingJob => ({
  job_no: 1,
  job_id,
  video_id: job_id,
  place: job_id,
  owner: 'a',
  priority: 0,
  queued_ms: 999_999,
  due_ms: 0,
  ...extra,
});

const idsOf = (jobs: readonly WaitingJob[]) => jobs.map((one) => one.job_id);

test('an owner with many jobs does not keep another waiting', () => {
  const many = Array.from({ length: 5 }, (_one, index) => job(`a${index}`));
  const order = idsOf(startOrder([...many, job('b0', { owner: 'b' })], facts, nobody));
  assert.ok(order.indexOf('b0') <= 1, order.join());
});

test('an owner with running jobs comes after one without', () => {
  const order = startOrder([job('a'), job('b', { owner: 'b' })], { ...facts, running: new Map([['a', 1]]) }, nobody);
  assert.deepEqual(idsOf(order), ['b', 'a']);
});

test('waiting raises a job: no priority keeps another waiting for ever', () => {
  const old = job('old', { queued_ms: facts.nowMs - 11_000 });
  assert.deepEqual(idsOf(startOrder([old, job('urgent', { priority: 10 })], facts, nobody)), ['old', 'urgent']);
  const young = job('young', { queued_ms: facts.nowMs - 9000 });
  assert.deepEqual(idsOf(startOrder([young, job('urgent', { priority: 10 })], facts, nobody)), ['urgent', 'young']);
});

test('jobs that are not due, or whose video or place is busy, are left out', () => {
  const jobs = [job('later', { due_ms: facts.nowMs + 1 }), job('video'), job('place'), job('free')];
  assert.deepEqual(idsOf(startOrder(jobs, facts, { videos: new Set(['video']), places: new Set(['place']) })), ['free']);
});

test('the order holds every job once, and begins with what a claim would get', () => {
  const jobs = fc.array(
    fc.record({
      owner: fc.constantFrom('a', 'b', 'c'),
      priority: fc.integer({ min: -3, max: 3 }),
      queued_ms: fc.integer({ min: 900_000, max: 1_000_000 }),
    }),
    { minLength: 1, maxLength: 40 },
  );
  fc.assert(
    fc.property(jobs, (made) => {
      const all = made.map((one, index) => job(`j${index}`, one)).sort((a, b) => a.queued_ms - b.queued_ms);
      const order = startOrder(all, facts, nobody);
      assert.deepEqual(idsOf(order).sort(), idsOf(all).sort());
      const groups = new Map<string, WaitingJob>();
      for (const one of all) if (!groups.has(`${one.owner} ${one.priority}`)) groups.set(`${one.owner} ${one.priority}`, one);
      assert.equal(order[0]?.job_id, nextGroup([...groups.values()], facts)?.job_id);
    }),
  );
});
