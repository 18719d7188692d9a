import assert from 'node:assert/strict';
import { test } from 'node:test';
import { streamStatusSchema } from '../../contracts/stream.js';
import type { Failure } from './failure.js';
import type { StreamPhase } from './state.js';
import { type StatusFacts, toStatus } from './status.js';

const tally = { run: 3, starts: 1, restarts: 2, failures: 0, crashes: 0 };
const failure: Failure = { kind: 'away', reason: 'source_silent', message: 'The source stopped sending' };
const now = new Date('2026-01-02T03:04:05.678Z');
const facts: StatusFacts = {
  streamId: 's1',
  spokeId: 'sp1',
  pid: 42,
  startedAt: now,
  reason: undefined,
  showsSlate: false,
  nextAttemptAt: now,
  configRevision: 7,
  lastStderr: ['last words'],
  media: { mode: 'encode', encoder: 'libx264' },
};

const rows: { name: string; phase: StreamPhase; facts?: Partial<StatusFacts>; expected: object; absent?: string[] }[] = [
  {
    name: 'running has pid and start, and no error',
    phase: { is: 'running', tally, sinceMs: 0 },
    expected: { state: 'running', pid: 42, started_at: now.toISOString(), restarts: 2, mode: 'encode' },
    absent: ['error', 'reason', 'next_attempt_at', 'last_stderr', 'no_signal'],
  },
  {
    name: 'a warning is a reason of a running stream',
    phase: { is: 'running', tally, sinceMs: 0 },
    facts: { reason: 'frozen_picture' },
    expected: { state: 'running', reason: 'frozen_picture' },
  },
  {
    name: 'a first start',
    phase: { is: 'starting', tally, shown: { is: 'nothing' }, failure: undefined, sinceMs: 0 },
    expected: { state: 'starting' },
    absent: ['started_at'],
  },
  {
    name: 'a change that is bridged goes on running',
    phase: { is: 'starting', tally, shown: { is: 'old_run', run: 2 }, failure: undefined, sinceMs: 0 },
    expected: { state: 'running' },
  },
  {
    name: 'a retry is an error until it plays',
    phase: { is: 'starting', tally, shown: { is: 'slate' }, failure, sinceMs: 0 },
    facts: { showsSlate: true },
    expected: { state: 'error', reason: 'source_silent', error: failure.message, no_signal: true, last_stderr: ['last words'] },
    absent: ['next_attempt_at'],
  },
  {
    name: 'waiting tells when it tries again',
    phase: { is: 'no_signal', tally, failure, retryAtMs: 1 },
    expected: { state: 'error', next_attempt_at: now.toISOString() },
  },
  { name: 'a crash loop is named', phase: { is: 'crash_loop', tally, failure, retryAtMs: 1 }, expected: { state: 'error', reason: 'crash_loop' } },
  {
    name: 'stopped',
    phase: { is: 'stopped', tally },
    facts: { reason: 'requested', pid: undefined },
    expected: { state: 'stopped', reason: 'requested', restarts: 2 },
    absent: ['pid', 'started_at', 'mode', 'error'],
  },
  {
    name: 'it is stopped when its processes are gone, not before',
    phase: { is: 'stopping', tally, afterwards: 'stop' },
    expected: { state: 'running' },
  },
];

for (const row of rows) {
  test(row.name, () => {
    const status = toStatus(row.phase, 'running', { ...facts, ...row.facts }, now);
    const parsed = streamStatusSchema.parse(status) as Record<string, unknown>;
    for (const [field, value] of Object.entries(row.expected)) assert.deepEqual(parsed[field], value, field);
    for (const field of row.absent ?? []) assert.equal(parsed[field], undefined, field);
  });
}
