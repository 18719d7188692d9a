import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RecordingOrder } from '../../contracts/index.js';
import { DueStreams, effectiveDesired } from './due.js';

const at = (seconds: number) => new Date(Date.parse('2026-03-01T12:00:00.000Z') + seconds * 1000).toISOString();
const ms = (seconds: number) => Date.parse(at(seconds));
const order = (more: Partial<RecordingOrder>): RecordingOrder => ({
  recording_id: 'r1',
  origin: 'schedule',
  format: 'fmp4',
  from: at(100),
  until: at(200),
  segment_s: 60,
  segment_bytes: 2 ** 30,
  pre_roll_s: 0,
  ...more,
});
const plan = order({});
const manual = order({ origin: 'manual' });
const always = order({ origin: 'always', from: at(0), until: null });

const rows: { name: string; desired: 'running' | 'stopped'; recordings?: RecordingOrder[]; second: number; is: 'running' | 'stopped' }[] = [
  { name: 'without orders it is as desired', desired: 'stopped', second: 150, is: 'stopped' },
  { name: 'what shall run runs, due or not', desired: 'running', recordings: [plan], second: 0, is: 'running' },
  { name: 'long before a plan', desired: 'stopped', recordings: [plan], second: 89.9, is: 'stopped' },
  { name: 'shortly before a plan', desired: 'stopped', recordings: [plan], second: 90, is: 'running' },
  { name: 'in a plan', desired: 'stopped', recordings: [plan], second: 150, is: 'running' },
  { name: 'while the last pictures come', desired: 'stopped', recordings: [plan], second: 201.9, is: 'running' },
  { name: 'after a plan', desired: 'stopped', recordings: [plan], second: 202, is: 'stopped' },
  { name: 'between two plans', desired: 'stopped', recordings: [plan, order({ from: at(300), until: at(400) })], second: 250, is: 'stopped' },
  { name: 'a manual order of a hub whose clock is ahead', desired: 'stopped', recordings: [manual], second: 0, is: 'running' },
  { name: 'a manual order that has ended', desired: 'stopped', recordings: [manual], second: 202, is: 'stopped' },
  { name: 'an order without an end', desired: 'stopped', recordings: [plan, always], second: 9999, is: 'running' },
];
for (const { name, desired, recordings, second, is } of rows) {
  test(name, () => assert.equal(effectiveDesired({ desired, recordings }, ms(second)), is));
}

test('begin and end of what is due are told once each', () => {
  const stream = { stream_id: 'a', config: { device: 'test:' }, desired: 'stopped', revision: 1, recordings: [plan] } as const;
  const due = new DueStreams();
  const told = (second: number) => due.changes(ms(second)).map((one) => `${one.stream_id} ${one.desired}`);
  assert.equal(due.set([{ ...stream, recordings: [plan] }], ms(0))[0]?.desired, 'stopped');
  assert.deepEqual([50, 91, 92, 199, 203, 204].map(told), [[], ['a running'], [], [], ['a stopped'], []]);
  assert.equal(due.set([{ ...stream, recordings: [plan] }], ms(150))[0]?.desired, 'running');
  assert.deepEqual(told(151), []);
  due.set([], ms(152));
  assert.deepEqual(told(300), []);
});
