/** What a recorder is told: the picture of the source and nothing else, and orders without a touch of the picture. Real broker, fake FFmpeg. */
import assert from 'node:assert/strict';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { PreRoll } from '../../bus/index.js';
import { type Bus, createBus, ensureMediaJournal } from '../../bus/index.js';
import type { AgentCommand, RecordingOrder } from '../../contracts/index.js';
import { type FakeFfmpeg, makeFakeFfmpeg } from '../../testkit/fake-ffmpeg.js';
import { makeTempFolder, removeFolder, startTestBroker, type TestBroker, waitFor } from '../../testkit/index.js';
import { type Recorders, type Spoke, type SpokeOptions, startSpoke } from './index.js';
import { noLog } from './log.js';
import { RememberedStreams } from './remembered.js';
import { plainFacts } from './testing/testbed.js';

let folder: string;
let fake: FakeFfmpeg;
let broker: TestBroker;
let hub: Bus;

before(async () => {
  folder = await makeTempFolder('recorder');
  fake = await makeFakeFfmpeg(folder);
  broker = await startTestBroker();
  hub = createBus(await broker.connect());
  await ensureMediaJournal(hub.connection, 'a');
});
after(async () => {
  await hub.stop();
  await broker.stop();
  await removeFolder(folder);
});

/** Notes what it is told, one word each; pictures by epoch. */
function notingRecorders() {
  const told: string[] = [];
  const pictures = new Map<string, number[]>();
  let preRoll: () => readonly PreRoll[] = () => [];
  let epoch = '';
  const recorders: Recorders = {
    open(streamId, source) {
      told.push(`open ${streamId}`);
      preRoll = () => source.preRoll();
      return {
        begin(name, init) {
          assert.ok(init.length > 100);
          epoch = name;
          told.push('begin');
          pictures.set(name, []);
        },
        push(fragment) {
          assert.equal(fragment.epoch, epoch);
          pictures.get(fragment.epoch)?.push(fragment.sequence);
          return undefined;
        },
        lost: (reason) => void told.push(`lost ${reason}`),
        async close() {
          told.push('close');
        },
      };
    },
    assign: (streams) => void told.push(`assign ${streams.map((one) => `${one.stream_id}:${one.recordings?.length ?? 0}`).join(' ')}`),
  };
  return { recorders, told, pictures, preRoll: () => preRoll() };
}

async function withSpoke(options: Partial<SpokeOptions>, body: (spoke: Spoke) => Promise<void>): Promise<void> {
  const bus = createBus(await broker.connect());
  const more = { version: '0.0.0', facts: plainFacts(fake.path), policy: { mediaFolders: [] }, ...options };
  const spoke = await startSpoke({ bus, spokeId: 'spoke1', ...more });
  try {
    await body(spoke);
  } finally {
    await spoke.stop();
    await bus.stop();
    await bus.connection.close();
  }
}

const order: RecordingOrder = {
  recording_id: 'r1',
  origin: 'always',
  format: 'fmp4',
  from: '2026-01-01T00:00:00.000Z',
  until: null,
  segment_s: 60,
  segment_bytes: 2 ** 30,
  pre_roll_s: 0,
};
const tell = (command: AgentCommand) => hub.request('spoke_command', { spoke_id: 'spoke1' }, command, { timeoutMs: 8000 });
let revision = 0;
const assign = (...streams: { desired?: 'running' | 'stopped'; recordings?: RecordingOrder[] }[]) => {
  revision += 1;
  const whole = streams.map((one) => ({ stream_id: 'a', config: { device: 'test:' }, desired: 'running' as const, revision: 1, ...one }));
  return tell({ action: 'assign', assignment: { revision, timestamp: new Date().toISOString(), streams: whole } });
};
const pidOf = (spoke: Spoke) => spoke.statuses()[0]?.pid;

test('orders come and go without a touch of the picture; every fragment of the source is handed on once', async () => {
  const { recorders, told, pictures, preRoll } = notingRecorders();
  await fake.play({});
  await withSpoke({ recorders }, async (spoke) => {
    await assign({});
    await waitFor(() => ([...pictures.values()][0]?.length ?? 0) > 10);
    const pid = pidOf(spoke);
    await assign({ recordings: [order] });
    await assign({ recordings: [order, { ...order, recording_id: 'r2' }] });
    await assign({});
    const [epoch = ''] = pictures.keys();
    const seen = pictures.get(epoch)?.length ?? 0;
    await waitFor(() => (pictures.get(epoch)?.length ?? 0) > seen + 10);
    assert.equal(pidOf(spoke), pid);
    assert.deepEqual(told, ['assign a:0', 'open a', 'begin', 'assign a:1', 'assign a:2', 'assign a:0']);
    const [roll] = preRoll();
    assert.equal(roll?.epoch, epoch);
    assert.equal(roll?.fragments.at(-1)?.sequence, pictures.get(epoch)?.at(-1));
    // What was ordered ends before the stream does.
    await assign();
    assert.deepEqual(told.slice(-3), ['assign ', 'lost requested', 'close']);
  });
  for (const sequences of pictures.values())
    assert.deepEqual(
      sequences,
      sequences.map((_, index) => index),
    );
});

test('a configuration that is refused from the start: the recorder hears why there is no picture', async () => {
  const { recorders, told } = notingRecorders();
  await withSpoke({ recorders }, async () => {
    revision += 1;
    const stream = { stream_id: 'a', config: { device: '/nowhere/gone.mp4' }, desired: 'running' as const, revision: 1, recordings: [order] };
    await tell({ action: 'assign', assignment: { revision, timestamp: new Date().toISOString(), streams: [stream] } });
    await waitFor(() => told.some((line) => line.startsWith('lost')), { what: 'the loss' });
    assert.deepEqual(told.slice(0, 3), ['assign a:1', 'open a', 'lost forbidden_source']);
  });
});

test('limits of recording are told before the orders, and only where the hub gives some', async () => {
  const { recorders, told } = notingRecorders();
  const limits = (storage: { block_percent: number }) => void told.push(`limits ${storage.block_percent}`);
  await withSpoke({ recorders: { ...recorders, limits } }, async () => {
    const storage = { block_percent: 70, min_free_bytes: 0, check_s: 5 };
    for (const more of [{ storage }, {}]) {
      revision += 1;
      const assignment = { revision, timestamp: new Date().toISOString(), streams: [], ...more };
      assert.equal((await tell({ action: 'assign', assignment })).ok, true);
    }
  });
  assert.deepEqual(told, ['limits 70', 'assign ', 'assign ']);
});

test('a loss of the source is told with its reason, and the no-signal picture is no picture', async () => {
  const { recorders, told, pictures } = notingRecorders();
  await fake.play({ match: 'testsrc', fragments: 30, end: 'freeze' });
  await withSpoke({ recorders }, async () => {
    await assign({ recordings: [order] });
    await waitFor(() => told.includes('lost source_silent'), { what: 'the loss', deadlineMs: 8000 });
    await waitFor(() => [...pictures.values()][0]?.length === 30);
    await fake.play({});
    await waitFor(() => told.filter((word) => word === 'begin').length >= 2, { what: 'the return', deadlineMs: 8000 });
    assert.equal(pictures.size, told.filter((word) => word === 'begin').length);
    await assign({ desired: 'stopped' });
    assert.equal(told.at(-1), 'lost requested');
  });
  assert.equal(told.at(-1), 'close');
});

test('a fixed stream takes orders as any other', async () => {
  const { recorders, told } = notingRecorders();
  await fake.play({});
  await withSpoke({ recorders, fixedStreams: [{ streamId: 'a', config: { device: 'test:' } }] }, async (spoke) => {
    await waitFor(() => told.includes('begin'), { deadlineMs: 8000 });
    const pid = pidOf(spoke);
    await assign({ recordings: [order] });
    assert.equal(pidOf(spoke), pid);
    assert.deepEqual(told, ['open a', 'begin', 'assign a:1']);
  });
});

test('a spoke goes on with streams that were being recorded before anybody tells it', async () => {
  const rememberFile = join(folder, 'remembered.json');
  await fake.play({});
  await withSpoke({ recorders: notingRecorders().recorders, rememberFile }, async (spoke) => {
    await assign({ recordings: [order] });
    await waitFor(() => spoke.statuses()[0]?.state === 'running', { deadlineMs: 8000 });
  });
  assert.equal((await stat(rememberFile)).mode & 0o777, 0o600);
  const next = notingRecorders();
  await withSpoke({ recorders: next.recorders, rememberFile }, async () => {
    await waitFor(() => next.told.includes('begin'), { what: 'the picture', deadlineMs: 8000 });
    assert.deepEqual(next.told, ['open a', 'begin'], 'orders are remembered where they are carried out');
    // The hub has the last word.
    await assign();
    assert.deepEqual(next.told.slice(-1), ['close']);
    await assert.rejects(readFile(rememberFile), { code: 'ENOENT' });
  });
  const last = notingRecorders();
  await withSpoke({ recorders: last.recorders, rememberFile }, async (spoke) => assert.deepEqual(spoke.statuses(), []));
});

test('a stopped stream runs for its recordings by the clock of the spoke, and after a kill too', async () => {
  const rememberFile = join(folder, 'planned.json');
  const inMs = (ms: number) => new Date(Date.now() + ms).toISOString();
  await fake.play({});
  await withSpoke({ recorders: notingRecorders().recorders, rememberFile }, async (spoke) => {
    await assign({ desired: 'stopped', recordings: [{ ...order, origin: 'schedule', from: inMs(11_500) }] });
    assert.equal(spoke.statuses()[0]?.state, 'stopped');
    await waitFor(() => spoke.statuses()[0]?.state === 'running', { what: 'the picture', deadlineMs: 8000 });
    await assign({ desired: 'stopped', recordings: [{ ...order, origin: 'schedule', until: inMs(0) }] });
    assert.equal(spoke.statuses()[0]?.state, 'running', 'the last pictures may come');
    await waitFor(() => spoke.statuses()[0]?.state === 'stopped', { what: 'the end', deadlineMs: 8000 });
    await assign({ desired: 'stopped', recordings: [{ ...order, origin: 'schedule', from: inMs(11_500) }] });
  });
  await withSpoke({ recorders: notingRecorders().recorders, rememberFile }, async (spoke) => {
    assert.deepEqual(spoke.statuses(), []);
    await waitFor(() => spoke.statuses()[0]?.state === 'running', { what: 'the picture after the kill', deadlineMs: 8000 });
  });
});

test('of what is remembered, only what has not ended is gone on with', () => {
  const file = join(folder, 'some.json');
  const stream = (id: string, recordings: RecordingOrder[], desired: 'running' | 'stopped' = 'running') => ({
    stream_id: id,
    config: { device: 'test:' },
    desired,
    revision: 1,
    recordings,
  });
  const until = '2026-01-02T00:00:00.000Z';
  const streams = [stream('a', [order]), stream('b', [{ ...order, until }]), stream('c', []), stream('d', [order], 'stopped')];
  new RememberedStreams(file, noLog).write(streams);
  const ids = (at: string) => new RememberedStreams(file, noLog).read(Date.parse(at)).map((one) => one.stream_id);
  assert.deepEqual(
    [ids('2026-01-01T23:59:59.000Z'), ids(until)],
    [
      ['a', 'b', 'd'],
      ['a', 'd'],
    ],
  );
});
