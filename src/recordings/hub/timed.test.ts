/** Orders that end by themselves: how long they last, and what becomes of those that get no picture. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { createBus } from '../../bus/index.js';
import type { Recording, StartRecording } from '../../contracts/index.js';
import { waitFor } from '../../testkit/index.js';
import { admin, type Bed, calm, input, segmentsOf, startBed } from './testing/bed.js';

const target = { params: { stream_id: 'cam' } };
let bed: Bed;
const operations = () => bed.recordings.operations;
const start = (body: StartRecording) => operations().start_recording(admin, input('start_recording', { ...target, body }), calm);
const stop = () => operations().stop_recording(admin, input('stop_recording', target), calm);

beforeEach(async () => {
  bed = await startBed({ settings: { recordings: { segment_s: 2, pre_roll_s: 5 } } });
});
afterEach(() => bed[Symbol.asyncDispose]());

/** The recording as the list has it, once it is over. */
function over(recordingId: string): Promise<Recording> {
  return waitFor(
    async () => {
      const { items } = await operations().list_recordings(admin, input('list_recordings', { query: { limit: 50, offset: 0 } }), calm);
      return items.find((one) => one.recording_id === recordingId && one.ended_at !== null);
    },
    { deadlineMs: 20_000, everyMs: 50, what: `the end of ${recordingId}` },
  );
}

test('a length that is asked for is what it lasts: what was before the begin comes only to whom asks for it, or asks for no length', async () => {
  await bed.startSpoke();
  await bed.addStream('cam');
  await operations().set_recording_policy(admin, input('set_recording_policy', { ...target, body: { mode: 'always' } }), calm);
  // As many seconds are in memory by then.
  await segmentsOf(bed, 'cam', 3);
  await operations().set_recording_policy(admin, input('set_recording_policy', { ...target, body: { mode: 'off' } }), calm);
  const rows: [StartRecording, number][] = [
    [{ duration_s: 60 }, 0],
    [{ duration_s: 60, pre_roll_s: 3 }, 3],
    [{}, 5],
  ];
  for (const [body, preRoll] of rows) {
    await start(body);
    assert.equal(bed.recordings.ordersOf('cam')[0]?.pre_roll_s, preRoll, JSON.stringify(body));
    await stop();
  }
  const { recording_id } = await start({ duration_s: 2 });
  const { elapsed_s, started_at, requested_at } = await over(recording_id);
  // The keyframe before the begin, one of each second, is the first picture.
  assert.ok(elapsed_s > 1.5 && elapsed_s < 3.6, `${elapsed_s} s`);
  assert.ok(Date.parse(started_at ?? '') > Date.parse(requested_at) - 1600, `${started_at} ${requested_at}`);
});

test('a timed recording that never got a picture has failed, with the cause, in the list, in what is told, and in the ledger', async () => {
  await bed.startSpoke();
  await bed.addStream('cam', { device: join(bed.folder, 'gone.mp4') });
  const { recording_id } = await start({ duration_s: 3 });
  const { state, cause, error, segments, requested_at, until } = await over(recording_id);
  assert.deepEqual([state, cause, segments], ['failed', 'source_missing', 0], `${error}`);
  assert.match(error ?? '', /^Not one picture was recorded: ./);
  const told = bed.changes.filter((change) => 'recording' in change && change.recording.recording_id === recording_id).at(-1);
  assert.ok(told?.kind === 'recording_error' && told.recording.state === 'failed' && told.recording.cause === 'source_missing', JSON.stringify(told));
  assert.ok(!bed.changes.some((change) => change.kind === 'recording_stopped'));
  const query = { from: requested_at, to: until ?? '' };
  const { missing_s, spans } = await operations().coverage(admin, input('coverage', { ...target, query }), calm);
  assert.ok(missing_s > 2.5 && spans.some((span) => span.cause === 'source_missing'), JSON.stringify(spans));
  assert.ok(!spans.some((span) => span.state === 'present'));
});

test('no spoke at all: a timed recording has failed because of that; when it is heard of after all, it is what it was', async () => {
  await bed.addStream('cam');
  const { recording_id } = await start({ duration_s: 1 });
  const { state, cause } = await over(recording_id);
  assert.deepEqual([state, cause], ['failed', 'spoke_lost']);
  const connection = await bed.broker.connect();
  const bus = createBus(connection);
  const now = new Date().toISOString();
  const head = { stream_id: 'cam', spoke_id: 's1', recording_id };
  const segment = { filename: 'cam_1', path: 'cam/2026-01-01/cam_1.mp4', format: 'fmp4', from: now, to: now, duration_ms: 900 } as const;
  const facts = { size_bytes: 1000, frames: 20, codecs: 'avc1.42c01e', init_bytes: 0, closed_by: 'stop' } as const;
  bus.publish('recording_entry', { stream_id: 'cam' }, { ...head, sequence: 1, kind: 'segment', ...segment, ...facts, keyframes: [] });
  const order = {
    recording_id,
    origin: 'manual',
    format: 'fmp4',
    from: now,
    until: now,
    segment_s: 2,
    segment_bytes: 2 ** 30,
    pre_roll_s: 0,
  } as const;
  bus.publish('recording_entry', { stream_id: 'cam' }, { ...head, sequence: 2, kind: 'ended', at: now, order });
  await waitFor(async () => (await over(recording_id)).state === 'stopped', { what: 'what its spoke had to tell' });
  await bus.stop();
  await connection.close();
});
