/** A disk that takes a second for each write, under a real stream: the stream goes on, memory is bounded, what is lost is told. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { createBus } from '../../bus/index.js';
import { type Spoke, startSpoke } from '../../streams/spoke/index.js';
import { waitFor } from '../../testkit/index.js';
import { openRecorders, type Recorders } from '../spoke/index.js';
import { openSegmentFile } from '../spoke/segment-file.js';
import { admin, type Bed, calm, input, startBed } from './testing/bed.js';

const target = { params: { stream_id: 'cam' } };
const queueBytes = 24 * 1024;
const writeMs = 1000;
let bed: Bed;
let recorders: Recorders;
let spoke: Spoke;
let isSlow = false;
let stop: () => Promise<void>;

before(async () => {
  bed = await startBed();
  const connection = await bed.broker.connect();
  const bus = createBus(connection);
  recorders = await openRecorders({
    folder: join(bed.folder, 'recordings'),
    spokeId: 's1',
    storage: { blockPercent: 100, minFreeBytes: 0 },
    limits: { queueBytes },
    openFile: async (path) => {
      const file = await openSegmentFile(path);
      const append = async (parts: readonly Uint8Array[]) => {
        if (isSlow) await setTimeout(writeMs);
        await file.append(parts);
      };
      return { ...file, append };
    },
    publish: (news) => {
      if (news.kind === 'status') bus.publish('recording_status', { stream_id: news.status.stream_id }, news.status);
      else bus.publish('recording_entry', { stream_id: news.entry.stream_id }, news.entry);
    },
  });
  spoke = await startSpoke({
    bus,
    spokeId: 's1',
    version: '0',
    facts: bed.facts,
    policy: { mediaFolders: [] },
    recorders,
    onCommand: (command) =>
      command.action === 'recording_entries' || command.action === 'delete_segments'
        ? recorders.obey(command)
        : Promise.reject(new Error(`${command.action} is not for this spoke`)),
  });
  stop = async () => {
    await spoke.stop();
    await recorders.stop();
    await bus.stop();
    await connection.close();
  };
});
after(async () => {
  isSlow = false;
  await stop?.();
  await bed?.[Symbol.asyncDispose]();
});

test('writes that take a second: the picture plays on, no more waits than may, and the gap says how much was lost', async () => {
  await bed.addStream('cam', { resolution: '640x360' });
  const { recording_id } = await bed.recordings.operations.start_recording(admin, input('start_recording', { ...target, body: {} }), calm);
  const startMs = Date.now();
  await waitFor(() => recorders.counters.writes > 20, { what: 'writes' });
  const restarts = () => spoke.statuses().find((one) => one.stream_id === 'cam')?.restarts;
  const before = { restarts: restarts(), fragments: recorders.counters.fragments };
  isSlow = true;
  await waitFor(() => recorders.counters.overflowed >= 30, { deadlineMs: 30_000, what: 'fragments given up' });
  const { fragments, highestQueueBytes } = recorders.counters;
  // While the disk took next to nothing, the source gave on: more than ever fits into the queue and the file.
  assert.ok(fragments - before.fragments >= 30, `${fragments - before.fragments}`);
  assert.ok(highestQueueBytes <= queueBytes, `${highestQueueBytes} bytes waited`);
  assert.deepEqual([spoke.statuses()[0]?.state, restarts()], ['running', before.restarts]);
  const waiting = bed.recordings.recordingOf('cam');
  assert.ok(waiting !== null && ['blocked', 'recording'].includes(waiting.state), waiting?.state);
  await waitFor(() => (bed.recordings.recordingOf('cam')?.dropped_fragments ?? 0) >= 30, { what: 'the count, told' });
  isSlow = false;
  await waitFor(() => bed.recordings.recordingOf('cam')?.state === 'recording' && recorders.counters.queueBytes === 0, {
    what: 'the recording to go on',
  });
  const goneOn = recorders.counters.writes;
  await waitFor(() => recorders.counters.writes > goneOn + 20, { what: 'writes again' });
  await bed.recordings.operations.stop_recording(admin, input('stop_recording', target), calm);
  const gaps = await waitFor(
    async () => {
      const all = (await bed.store.recordings.gapsWithin('cam', startMs, Date.now())).filter((gap) => gap.recording_id === recording_id);
      const slow = all.filter((gap) => gap.cause === 'write_failed');
      return slow.length > 0 ? slow : undefined;
    },
    { what: 'the gap in the ledger' },
  );
  const told = gaps.map((gap) => Number(/^The disk is too slow: (\d+) fragments were given up$/.exec(gap.detail ?? '')?.[1]));
  assert.equal(
    told.reduce((sum, lost) => sum + lost, 0),
    recorders.counters.overflowed,
    JSON.stringify(gaps),
  );
});
