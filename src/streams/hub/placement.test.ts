import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assignmentKey, decide, type PlacementInput, type PlacementStep, type SpokeFacts, type WantedStream } from './placement.js';

const nowMs = 1_000_000;

function stream(id: string, change: Partial<WantedStream> = {}): WantedStream {
  return { stream_id: id, config: { device: 'test:' }, isRunning: true, revision: 1, pinned: null, ...change };
}

function spoke(id: string, change: Partial<SpokeFacts> = {}): SpokeFacts {
  return {
    spoke_id: id,
    instance: 'i1',
    state: 'online',
    isClosed: false,
    lostAtMs: 0,
    fixed: undefined,
    devices: [],
    cpuPercent: 0,
    confirmed: undefined,
    ...change,
  };
}

function run(change: Partial<PlacementInput> & { on?: Record<string, string> }): PlacementStep[] {
  const { on = {}, ...input } = change;
  return decide({ streams: [], spokes: [], placed: new Map(Object.entries(on)), nowMs, graceMs: 10_000, isSettled: true, ...input });
}

const placedOn = (steps: PlacementStep[]) =>
  Object.fromEntries(steps.flatMap((step) => (step.kind === 'place' ? [[step.stream_id, step.spoke_id]] : [])));
const kinds = (steps: PlacementStep[]) => steps.map((step) => step.kind);

const lost = (ageMs: number): Partial<SpokeFacts> => ({ state: 'lost', lostAtMs: nowMs - ageMs });

const cases: { name: string; input: Parameters<typeof run>[0]; placed: Record<string, string> }[] = [
  { name: 'one spoke takes all', input: { streams: [stream('a'), stream('b')], spokes: [spoke('s1')] }, placed: { a: 's1', b: 's1' } },
  { name: 'two spokes share', input: { streams: [stream('a'), stream('b')], spokes: [spoke('s1'), spoke('s2')] }, placed: { a: 's1', b: 's2' } },
  {
    name: 'equal counts: less processor load wins',
    input: { streams: [stream('a')], spokes: [spoke('s1', { cpuPercent: 80 }), spoke('s2')] },
    placed: { a: 's2' },
  },
  {
    name: 'a placed stream stays, also on the busier spoke',
    input: { streams: [stream('a'), stream('b')], spokes: [spoke('s1'), spoke('s2')], on: { a: 's1', b: 's1' } },
    placed: {},
  },
  { name: 'pinned goes to its spoke', input: { streams: [stream('a', { pinned: 's2' })], spokes: [spoke('s1'), spoke('s2')] }, placed: { a: 's2' } },
  { name: 'pinned to nobody stays homeless', input: { streams: [stream('a', { pinned: 's9' })], spokes: [spoke('s1')] }, placed: {} },
  {
    name: 'pinned moves when the pin changes',
    input: { streams: [stream('a', { pinned: 's2' })], spokes: [spoke('s1'), spoke('s2')], on: { a: 's1' } },
    placed: { a: 's2' },
  },
  {
    name: 'a pinned stream does not leave its lost spoke',
    input: { streams: [stream('a', { pinned: 's1' })], spokes: [spoke('s1', lost(60_000)), spoke('s2')], on: { a: 's1' } },
    placed: {},
  },
  {
    name: 'within the grace period a lost spoke keeps its streams',
    input: { streams: [stream('a')], spokes: [spoke('s1', lost(5000)), spoke('s2')], on: { a: 's1' } },
    placed: {},
  },
  {
    name: 'after the grace period they move',
    input: { streams: [stream('a')], spokes: [spoke('s1', lost(10_001)), spoke('s2')], on: { a: 's1' } },
    placed: { a: 's2' },
  },
  {
    name: 'they stay when there is nobody else',
    input: { streams: [stream('a')], spokes: [spoke('s1', lost(60_000))], on: { a: 's1' } },
    placed: {},
  },
  {
    name: 'a draining spoke gives its streams away',
    input: { streams: [stream('a')], spokes: [spoke('s1', { state: 'draining' }), spoke('s2')], on: { a: 's1' } },
    placed: { a: 's2' },
  },
  { name: 'a draining spoke takes nothing new', input: { streams: [stream('a')], spokes: [spoke('s1', { state: 'draining' })] }, placed: {} },
  {
    name: 'a device is used where it is',
    input: { streams: [stream('a', { config: { device: '/dev/video0' } })], spokes: [spoke('s1'), spoke('s2', { devices: ['/dev/video0'] })] },
    placed: { a: 's2' },
  },
  {
    name: 'a device that was plugged in elsewhere is followed',
    input: {
      streams: [stream('a', { config: { device: '/dev/video0' } })],
      spokes: [spoke('s1'), spoke('s2', { devices: ['/dev/video0'] })],
      on: { a: 's1' },
    },
    placed: { a: 's2' },
  },
  {
    name: 'a device that nobody has may be waited for anywhere',
    input: { streams: [stream('a', { config: { device: '/dev/video0' } })], spokes: [spoke('s1')] },
    placed: { a: 's1' },
  },
  {
    name: 'a fixed spoke gets its own stream only',
    input: { streams: [stream('a'), stream('b')], spokes: [spoke('f', { fixed: ['a'] }), spoke('s1')] },
    placed: { a: 'f', b: 's1' },
  },
  {
    name: 'a fixed spoke takes its stream from where it was',
    input: { streams: [stream('a')], spokes: [spoke('f', { fixed: ['a'] }), spoke('s1')], on: { a: 's1' } },
    placed: { a: 'f' },
  },
  {
    name: 'before the hub has settled, an unheard spoke keeps its streams',
    input: { streams: [stream('a')], spokes: [spoke('s2')], on: { a: 's1' }, isSettled: false },
    placed: {},
  },
  { name: 'afterwards they move', input: { streams: [stream('a')], spokes: [spoke('s2')], on: { a: 's1' } }, placed: { a: 's2' } },
  {
    name: 'a stopped stream is placed too, so that somebody answers for it',
    input: { streams: [stream('a', { isRunning: false })], spokes: [spoke('s1')] },
    placed: { a: 's1' },
  },
];
for (const { name, input, placed } of cases) {
  test(`placement: ${name}`, () => assert.deepEqual(placedOn(run(input)), placed));
}

test("placement: a confirmed assignment is not sent again, a different one and a lost spoke's are not confused with it", () => {
  const streams = [stream('a')];
  const list = [{ stream_id: 'a', config: { device: 'test:' }, desired: 'running', revision: 1 } as const];
  assert.deepEqual(kinds(run({ streams, spokes: [spoke('s1', { confirmed: assignmentKey(list) })], on: { a: 's1' } })), ['housed']);
  const storage = { block_percent: 90, min_free_bytes: 0, check_s: 5 };
  const limited = run({ streams, storage, spokes: [spoke('s1', { confirmed: assignmentKey(list) })], on: { a: 's1' } });
  assert.deepEqual(kinds(limited), ['housed', 'assign'], 'the limits of recording are part of it');
  const same = run({ streams, storage, spokes: [spoke('s1', { confirmed: assignmentKey(list, storage) })], on: { a: 's1' } });
  assert.deepEqual(kinds(same), ['housed']);
  const changed = run({ streams: [stream('a', { revision: 2 })], spokes: [spoke('s1', { confirmed: assignmentKey(list) })], on: { a: 's1' } });
  assert.deepEqual(kinds(changed), ['housed', 'assign']);
  assert.deepEqual(kinds(run({ streams, spokes: [spoke('s1', lost(1000))], on: { a: 's1' } })), []);
});

test('placement: who gives away hears it before who takes', () => {
  const steps = run({ streams: [stream('a')], spokes: [spoke('s1'), spoke('s2', { state: 'draining' })], on: { a: 's2' } });
  assert.deepEqual(
    steps.flatMap((step) => (step.kind === 'assign' ? [[step.spoke_id, step.streams.length]] : [])),
    [
      ['s2', 0],
      ['s1', 1],
    ],
  );
});

test('placement: a spoke that drains by itself gets no orders, and its streams are homeless at once when nobody else is there', () => {
  const steps = run({ streams: [stream('a')], spokes: [spoke('s1', { state: 'draining', isClosed: true })], on: { a: 's1' } });
  assert.deepEqual(kinds(steps), ['displace', 'homeless']);
});

test('placement: without any spoke a running stream is homeless, a stopped one is not', () => {
  assert.deepEqual(kinds(run({ streams: [stream('a'), stream('b', { isRunning: false })] })), ['homeless', 'housed']);
  assert.deepEqual(kinds(run({ streams: [stream('a')], isSettled: false })), []);
});

test('placement: a fixed spoke that the hub has no stream for is left alone', () => {
  assert.deepEqual(run({ spokes: [spoke('f', { fixed: ['x'] })] }), []);
});

test('placement: equal input in another order gives equal steps', () => {
  const streams = [stream('a'), stream('b'), stream('c')];
  const spokes = [spoke('s1'), spoke('s2')];
  assert.deepEqual(placedOn(run({ streams, spokes })), placedOn(run({ streams: [...streams].reverse(), spokes: [...spokes].reverse() })));
});
