import assert from 'node:assert/strict';
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { configSchema, WeirError } from '../../contracts/index.js';
import { assertWithin, waitFor } from '../../testkit/index.js';
import { admin, type Bed, calm, input, segmentsOf, startBed, startRecording } from './testing/bed.js';

const target = { params: { stream_id: 'cam' } };
const codeOf =
  (code: string, facts: object = {}) =>
  (error: unknown) => {
    assert.ok(error instanceof WeirError);
    assert.equal(error.code, code);
    for (const [name, value] of Object.entries(facts)) assert.deepEqual(error.facts?.[name], value, name);
    return true;
  };
const settingsOf = (more: object) => configSchema.parse({ recordings: { segment_s: 2, pre_roll_s: 0, gap_alert_s: 1 }, ...more });

let bed: Bed;
const operations = () => bed.recordings.operations;
const always = () => operations().set_recording_policy(admin, input('set_recording_policy', { ...target, body: { mode: 'always' } }), calm);
const coverage = (fromMs: number, toMs = Date.now()) =>
  operations().coverage(
    admin,
    input('coverage', { ...target, query: { from: new Date(fromMs).toISOString(), to: new Date(toMs).toISOString() } }),
    calm,
  );

beforeEach(async () => {
  bed = await startBed({ settings: { recordings: { segment_s: 2, pre_roll_s: 0, gap_alert_s: 1 } } });
});
afterEach(() => bed[Symbol.asyncDispose]());

test('always: recorded without being told; a lost spoke is an open gap with an alert, and its return ends both', async () => {
  const first = await bed.startSpoke();
  await bed.addStream('cam');
  await always();
  await segmentsOf(bed, 'cam', 1);
  const beganMs = Date.parse((await operations().get_recording(admin, input('get_recording', target), calm)).recording?.started_at ?? '');
  await first.stop();
  const stoppedMs = Date.now();
  await waitFor(async () => (await bed.store.alerts.open()).some((alert) => alert.kind === 'recording_gap' && alert.stream_id === 'cam'), {
    deadlineMs: 10_000,
    what: 'the alert of the gap',
  });
  const gone = await coverage(beganMs);
  assert.ok(gone.present_s > 2, JSON.stringify(gone));
  const last = gone.spans.at(-1);
  assert.equal(last?.state, 'missing');
  assert.ok(['spoke_lost', 'spoke_stopped'].includes(last?.cause ?? ''), last?.cause);
  const second = await bed.startSpoke();
  await waitFor(async () => bed.recordings.recordingOf('cam')?.state === 'recording', { deadlineMs: 15_000, what: 'the recording to go on' });
  await waitFor(async () => !(await bed.store.alerts.open()).some((alert) => alert.kind === 'recording_gap'), {
    deadlineMs: 10_000,
    what: 'the end of the alert',
  });
  const resumedMs = Date.now();
  await second.stop();
  // Once the spoke has told what it wrote, the past is as its list says: one gap, with a cause, where nothing ran.
  const told = await waitFor(
    async () => {
      const one = await coverage(beganMs, resumedMs);
      return one.spans.filter((span) => span.state === 'missing' && Date.parse(span.to) - Date.parse(span.from) > 300).length === 1 ? one : undefined;
    },
    { deadlineMs: 10_000, what: 'one gap' },
  );
  const gap = told.spans.find((span) => span.state === 'missing' && Date.parse(span.to) - Date.parse(span.from) > 300);
  await assertWithin(Math.abs(Date.parse(gap?.from ?? '') - stoppedMs), 1500, 'between the stop and the begin of the gap');
});

test('storage: from the share to block at nothing new is started by hand, and an alert says so, until there is room', async () => {
  await bed.startSpoke();
  await bed.addStream('cam');
  bed.recordings.configure(settingsOf({ storage: { warn_percent: 1, block_percent: 1, check_s: 0 } }));
  await waitFor(async () => (await bed.store.alerts.open()).some((alert) => alert.kind === 'storage_blocked'), { what: 'the alert of the storage' });
  await assert.rejects(
    operations().start_recording(admin, input('start_recording', { ...target, body: {} }), calm),
    codeOf('failed_precondition', { state: 'storage_blocked' }),
  );
  const storage = await operations().get_storage(admin, input('get_storage', {}), calm);
  assert.deepEqual([storage.state, storage.low_space_warning, storage.path], ['blocked', true, join(bed.folder, 'recordings')]);
  const viewer = await operations().get_storage({ ...admin, role: 'viewer' }, input('get_storage', {}), calm);
  assert.equal(viewer.path, null);
  assert.equal(bed.recordings.health().find((part) => part.name === 'storage')?.status, 'unhealthy');
  bed.recordings.configure(settingsOf({ storage: { warn_percent: 99, block_percent: 100, min_free_bytes: 1, check_s: 0 } }));
  await waitFor(async () => !(await bed.store.alerts.open()).some((alert) => alert.kind.startsWith('storage')), { what: 'the end of the alerts' });
  await startRecording(bed, 'cam');
  const kinds = bed.changes.filter((change) => change.kind === 'storage_state').map((change) => change.state);
  assert.deepEqual(kinds, ['blocked', 'ok']);
});

test('retention: by size the oldest files go, protected ones stay; a policy that is off refuses to clean up', async () => {
  await bed.startSpoke();
  await bed.addStream('cam');
  await always();
  const files = (await segmentsOf(bed, 'cam', 4)).reverse();
  await operations().set_recording_policy(admin, input('set_recording_policy', { ...target, body: { mode: 'off' } }), calm);
  await waitFor(() => bed.recordings.recordingOf('cam') === null, { what: 'the end of the plan' });
  const kept = files[0]?.filename ?? '';
  await operations().update_segment(admin, input('update_segment', { params: { filename: kept }, body: { protected: true } }), calm);
  const off = { policy_type: 'size', enabled: false, max_size_gb: 0.001 } as const;
  await operations().set_retention(admin, input('set_retention', { body: off }), calm);
  await assert.rejects(
    operations().cleanup_storage(admin, input('cleanup_storage', {}), calm),
    codeOf('failed_precondition', { state: 'retention_disabled' }),
  );
  const idle = { policy_type: 'age', enabled: false } as const;
  assert.deepEqual(await operations().set_retention(admin, input('set_retention', { body: idle }), calm), idle);
  const on = operations().set_retention(admin, input('set_retention', { body: { ...idle, enabled: true } }), calm);
  await assert.rejects(on, codeOf('invalid_argument'));
  const limit = { policy_type: 'size', enabled: true, max_size_gb: 0.001 } as const;
  await operations().set_retention(admin, input('set_retention', { body: limit }), calm);
  const before = await operations().get_storage(admin, input('get_storage', {}), calm);
  const result = await operations().cleanup_storage(admin, input('cleanup_storage', {}), calm);
  const after = await operations().get_storage(admin, input('get_storage', {}), calm);
  assert.equal(before.recordings_size - after.recordings_size, result.space_freed);
  assert.equal(result.files_deleted > 0, before.recordings_size > 1_000_000);
  const age = { policy_type: 'age', enabled: true, max_age_days: 0.01 } as const;
  await operations().set_retention(admin, input('set_retention', { body: age }), calm);
  // What is minutes old is younger than a hundredth of a day.
  assert.equal((await operations().cleanup_storage(admin, input('cleanup_storage', {}), calm)).files_deleted, 0);
  await bed.store.transaction(async (tx) => {
    for (const file of files.slice(0, 2)) {
      const record = await tx.recordings.segment(file.filename);
      if (record === undefined) continue;
      await tx.recordings.removeSegment(record.filename, { cause: 'deleted', detail: null });
      const olderMs = 86_400_000;
      await tx.recordings.addSegment({ ...record, started_ms: record.started_ms - olderMs, ended_ms: record.ended_ms - olderMs }, []);
    }
  });
  const path = async (filename: string) => join(bed.folder, 'recordings', (await bed.store.recordings.segment(filename))?.path ?? '');
  const [keptPath, lostPath] = [await path(kept), await path(files[1]?.filename ?? '')];
  assert.equal((await operations().cleanup_storage(admin, input('cleanup_storage', {}), calm)).files_deleted, 1);
  await stat(keptPath);
  await assert.rejects(stat(lostPath), { code: 'ENOENT' });
});

test('mkv: finished files are played as HLS through a remux', async () => {
  await bed.startSpoke();
  await bed.addStream('cam');
  await operations().start_recording(admin, input('start_recording', { ...target, body: { format: 'mkv' } }), calm);
  const files = await segmentsOf(bed, 'cam', 2);
  await operations().stop_recording(admin, input('stop_recording', target), calm);
  const [newest] = files;
  assert.equal(newest?.format, 'mkv');
  assert.match(newest?.download_url ?? '', /\.mkv$/);
  const query = { from: files.at(-1)?.started_at ?? '', to: newest?.ended_at ?? '' };
  const playlist = (await operations().playback(admin, input('playback', { ...target, query }), calm)).body.toString();
  const parts = [...playlist.matchAll(/^(cam_\S+)\/(\S+\.m4s)$/gm)];
  assert.ok(parts.length >= 2, playlist);
  // The remuxed copies are gone: places in them must stay good.
  await rm(join(bed.folder, 'cache'), { recursive: true });
  await bed.stopHub();
  await bed.startHub();
  for (const [, filename = '', part = ''] of parts) {
    const file = await operations().playback_part(admin, input('playback_part', { params: { stream_id: 'cam', filename, part } }), calm);
    assert.ok('body' in file && Buffer.from(file.body).subarray(4, 8).toString() === 'moof', part);
  }
});

test('a plan: windows of the next 24 hours are orders ahead of time; the stream runs in them and not outside', async () => {
  await bed.addStream('cam');
  const body = {
    mode: 'schedule',
    windows: [{ days: ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'], from: '00:00', to: '24:00' }],
    time_zone: 'UTC',
  } as const;
  await operations().set_recording_policy(
    admin,
    input('set_recording_policy', { ...target, body: { ...body, windows: [...body.windows.map((one) => ({ ...one, days: [...one.days] }))] } }),
    calm,
  );
  const orders = bed.recordings.ordersOf('cam');
  assert.equal(orders.length, 2);
  assert.ok(orders.every((order) => order.origin === 'schedule' && order.until !== null));
  assert.equal(orders[0]?.until, orders[1]?.from);
  assert.equal(bed.recordings.isWanted('cam'), true);
  await bed.stopHub();
  await bed.startHub();
  assert.deepEqual(bed.recordings.ordersOf('cam'), orders, 'a hub that starts knows the same orders');
  await operations().set_recording_policy(admin, input('set_recording_policy', { ...target, body: { mode: 'off' } }), calm);
  assert.deepEqual([bed.recordings.ordersOf('cam'), bed.recordings.isWanted('cam')], [[], false]);
});
