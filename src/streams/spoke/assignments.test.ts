import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type AssignedStream, type AssignmentStep, planAssignment, type ServedStream } from './assignments.js';

const red = { device: 'test:?color=red' };
const blue = { device: 'test:?color=blue' };
const served = (streamId: string, facts: Partial<ServedStream> = {}): ServedStream => ({
  streamId,
  config: red,
  isActive: true,
  isAssigned: true,
  isFixed: false,
  ...facts,
});
const assigned = (streamId: string, facts: Partial<AssignedStream> = {}): AssignedStream => ({
  stream_id: streamId,
  config: red,
  desired: 'running',
  revision: 1,
  ...facts,
});
const short = (steps: AssignmentStep[]) => steps.map((step) => `${step.do} ${step.streamId}`);

const rows: { name: string; served: ServedStream[]; assigned: AssignedStream[]; steps: string[] }[] = [
  { name: 'what is as it should be is left alone', served: [served('a')], assigned: [assigned('a')], steps: [] },
  {
    name: 'field order is no change',
    served: [served('a', { config: { device: 'x', bitrate: 1 } })],
    assigned: [assigned('a', { config: { bitrate: 1, device: 'x' } })],
    steps: [],
  },
  { name: 'a new stream is opened and started', served: [], assigned: [assigned('a')], steps: ['open a', 'start a'] },
  {
    name: 'a new stream that shall not run is opened with its config',
    served: [],
    assigned: [assigned('a', { desired: 'stopped' })],
    steps: ['open a', 'configure a'],
  },
  { name: 'a changed config', served: [served('a')], assigned: [assigned('a', { config: blue })], steps: ['configure a'] },
  {
    name: 'a changed config of a stream that stands starts with it',
    served: [served('a', { isActive: false })],
    assigned: [assigned('a', { config: blue })],
    steps: ['start a'],
  },
  { name: 'a stream that shall stop', served: [served('a')], assigned: [assigned('a', { desired: 'stopped' })], steps: ['stop a'] },
  {
    name: 'a stream that is taken away frees its device before another gets it',
    served: [served('a')],
    assigned: [assigned('b')],
    steps: ['close a', 'open b', 'start b'],
  },
  { name: 'a fixed stream that the hub never named goes on', served: [served('a', { isFixed: true, isAssigned: false })], assigned: [], steps: [] },
  { name: 'a fixed stream that the hub takes back stops, but stays open', served: [served('a', { isFixed: true })], assigned: [], steps: ['stop a'] },
];

for (const row of rows) test(row.name, () => assert.deepEqual(short(planAssignment(row.served, row.assigned)), row.steps));

test('carried out once, an assignment asks for nothing more', () => {
  const ids = fc.constantFrom('a', 'b', 'c', 'd');
  const configs = fc.constantFrom(red, blue);
  const anyServed = fc.uniqueArray(
    fc.record({ streamId: ids, config: configs, isActive: fc.boolean(), isAssigned: fc.boolean(), isFixed: fc.boolean() }),
    {
      selector: (one) => one.streamId,
    },
  );
  const anyAssigned = fc.uniqueArray(
    fc.record({ stream_id: ids, config: configs, desired: fc.constantFrom('running' as const, 'stopped' as const), revision: fc.nat() }),
    {
      selector: (one) => one.stream_id,
    },
  );
  fc.assert(
    fc.property(anyServed, anyAssigned, (before, wanted) => {
      const world = new Map<string, ServedStream>(before.map((one) => [one.streamId, one]));
      for (const step of planAssignment(before, wanted)) {
        const one = world.get(step.streamId) ?? served(step.streamId, { config: undefined, isActive: false, isAssigned: false });
        if (step.do === 'close') world.delete(step.streamId);
        else if (step.do === 'open') world.set(step.streamId, one);
        else if (step.do === 'stop') world.set(step.streamId, { ...one, isActive: false });
        else world.set(step.streamId, { ...one, config: step.config, isActive: one.isActive || step.do === 'start' });
      }
      for (const [streamId, one] of world) world.set(streamId, { ...one, isAssigned: wanted.some((want) => want.stream_id === streamId) });
      assert.deepEqual(planAssignment([...world.values()], wanted), []);
      for (const want of wanted) {
        assert.equal(world.get(want.stream_id)?.isActive, want.desired === 'running');
        assert.deepEqual(world.get(want.stream_id)?.config, want.config);
      }
    }),
  );
});
