import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { JobChanges } from '../../store/index.js';
import { type JobFacts, type JobInput, type JobRules, type JobStep, nextStep, retryPauseMs } from './machine.js';
import { cost, failure } from './testing/bench.js';

const rules: JobRules = { nowMs: 1000, leaseMs: 15_000, retryMs: 30_000, maxDeliver: 3 };

const fresh: JobFacts = {
  state: 'queued',
  attempt: 0,
  max_attempts: 3,
  revision: 0,
  worker_id: null,
  instance: null,
  ticket_seq: 7,
  ticket_delivery: 0,
  due_ms: 0,
  commands: [],
};

const apply = (job: JobFacts, changes: JobChanges | undefined): JobFacts => ({ ...job, ...changes });

/** What may happen, of any worker with any revision. */
const inputs: fc.Arbitrary<Exclude<JobInput, { kind: 'claim' }> | { kind: 'claim' } | { kind: 'wait' }> = fc.oneof(
  { weight: 4, arbitrary: fc.constant({ kind: 'claim' as const }) },
  fc.constant({ kind: 'wait' as const }),
  fc.constant({ kind: 'lost' as const, detail: 'gone' }),
  fc.constant({ kind: 'cancel' as const, by: 'anna' }),
  fc.constant({ kind: 'retry' as const, by: 'anna' }),
  ...(['renew', 'playable', 'publish', 'cancelled'] as const).map((kind) =>
    fc.record({ kind: fc.constant(kind), worker_id: fc.constantFrom('w1', 'w2'), revision: fc.integer({ min: 0, max: 12 }) }),
  ),
  fc.record({
    kind: fc.constant('done' as const),
    worker_id: fc.constantFrom('w1', 'w2'),
    revision: fc.integer({ min: 0, max: 12 }),
    cost: fc.constant(cost),
    detail: fc.constant(''),
  }),
  fc.record({
    kind: fc.constant('failed' as const),
    worker_id: fc.constantFrom('w1', 'w2'),
    revision: fc.integer({ min: 0, max: 12 }),
    failure: fc.boolean().map((permanent) => failure(permanent)),
    cost: fc.constant(null),
  }),
  fc.record({
    kind: fc.constant('returned' as const),
    worker_id: fc.constantFrom('w1', 'w2'),
    revision: fc.integer({ min: 0, max: 12 }),
    detail: fc.constant(''),
  }),
);

function check(before: JobFacts, input: JobInput, job: JobFacts): void {
  const isHeld = job.state === 'running' || job.state === 'publishing';
  assert.equal(job.worker_id !== null, isHeld, 'exactly a job that is worked on has a holder');
  assert.ok(job.attempt >= 0 && job.attempt <= job.max_attempts, `attempt ${job.attempt}`);
  assert.ok(job.revision >= before.revision, 'revisions only grow');
  if (job.revision !== before.revision) assert.equal(input.kind, 'claim');
  if (before.state === 'done') assert.equal(job.state, 'done', 'nothing undoes a publication');
  else if (job.state === 'done') assert.deepEqual([before.state, input.kind], ['publishing', 'done']);
}

function checkReport(before: JobFacts, input: JobInput, step: JobStep): void {
  if (!('worker_id' in input) || input.kind === 'claim') return;
  assert.ok(step.reply !== undefined, 'every report is answered');
  if (before.worker_id === input.worker_id && before.revision === input.revision) return;
  assert.equal(step.changes, undefined, 'a report of somebody else changes nothing');
  if (input.kind === 'publish' || input.kind === 'renew') assert.equal(step.reply.verdict, 'stop');
}

test('whatever happens in whatever order: one holder, one end, no revision twice, nobody else is listened to', () => {
  fc.assert(
    fc.property(fc.array(inputs, { maxLength: 40 }), (steps) => {
      let job = fresh;
      let nowMs = 1000;
      let given = 0;
      for (const input of steps) {
        if (input.kind === 'wait') {
          nowMs += 7 * 3600_000;
          continue;
        }
        const worker_id = given % 2 === 0 ? 'w1' : 'w2';
        const made: JobInput = input.kind === 'claim' ? { kind: 'claim', worker_id, instance: 'i', revision: given + 1, delivery: 1 } : input;
        const before = job;
        const step = nextStep(before, made, { ...rules, nowMs });
        job = apply(before, step.changes);
        if (made.kind === 'claim' && step.changes !== undefined) given += 1;
        check(before, made, job);
        checkReport(before, made, step);
      }
    }),
    { numRuns: 2000 },
  );
});

test('a report that is repeated is answered alike and counted once', () => {
  const held = apply(fresh, nextStep(fresh, { kind: 'claim', worker_id: 'w', instance: 'i', revision: 1, delivery: 1 }, rules).changes);
  const failed: JobInput = { kind: 'failed', worker_id: 'w', revision: 1, failure: failure(false), cost: null };
  const first = nextStep(held, failed, rules);
  const after = apply(held, first.changes);
  assert.deepEqual([after.state, after.attempt, first.reply?.retry_in_ms], ['retrying', 1, 30_000]);
  const second = nextStep(after, failed, rules);
  assert.deepEqual([second.changes, second.failure, second.reply], [undefined, undefined, first.reply]);
});

test('a job is not claimed before its pause is over', () => {
  const waiting: JobFacts = { ...fresh, state: 'retrying', due_ms: 2000 };
  const claim: JobInput = { kind: 'claim', worker_id: 'w', instance: 'i', revision: 1, delivery: 1 };
  assert.equal(nextStep(waiting, claim, rules).changes, undefined);
  assert.equal(nextStep(waiting, claim, { ...rules, nowMs: 2000 }).changes?.state, 'running');
});

test('the third delivery is the last: the worker is not told to give the ticket back', () => {
  const held: JobFacts = { ...fresh, state: 'running', attempt: 1, revision: 1, worker_id: 'w', ticket_delivery: 3 };
  const step = nextStep(held, { kind: 'failed', worker_id: 'w', revision: 1, failure: failure(false), cost: null }, rules);
  assert.deepEqual([step.reply?.retry_in_ms, step.changes?.ticket_seq, step.changes?.ticket_ms], [undefined, null, 0]);
});

test('pauses double up to six hours', () => {
  assert.deepEqual(
    [1, 2, 3, 20].map((attempt) => retryPauseMs(attempt, 30_000)),
    [30_000, 60_000, 120_000, 6 * 3600_000],
  );
});
