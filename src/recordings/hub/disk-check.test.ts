/** What people do to files behind Weir's back is found, told in the ledger, and undone when they undo it. */
import assert from 'node:assert/strict';
import { appendFile, rename, rm, truncate, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Segment, WeirError } from '../../contracts/index.js';
import { waitFor } from '../../testkit/index.js';
import { admin, type Bed, calm, input, segmentsOf, startBed } from './testing/bed.js';

const target = { params: { stream_id: 'cam' } };
let bed: Bed;
/** Oldest first. */
let files: Segment[];
const operations = () => bed.recordings.operations;
const pathOf = async (file: Segment | undefined) =>
  join(bed.folder, 'recordings', (await bed.store.recordings.segment(file?.filename ?? ''))?.path ?? assert.fail());
const policy = (mode: 'always' | 'off') =>
  operations().set_recording_policy(admin, input('set_recording_policy', { ...target, body: { mode } }), calm);

/** The spans of one file in the ledger, without those that only touch it. */
async function told(file: Segment | undefined): Promise<{ state: string; cause?: string | undefined }[]> {
  const { started_at: from, ended_at: to } = file ?? assert.fail();
  const { spans } = await operations().coverage(admin, input('coverage', { ...target, query: { from, to } }), calm);
  return spans
    .filter((span) => Date.parse(span.to) - Date.parse(span.from) > 500)
    .map(({ state, cause }) => (cause === undefined ? { state } : { state, cause }));
}
const becomes = (file: Segment | undefined, what: 'deleted' | 'present') =>
  waitFor(
    async () => {
      const [span, ...others] = await told(file);
      return others.length === 0 && (what === 'present' ? span?.state === 'present' : span?.cause === 'deleted');
    },
    { deadlineMs: 10_000, everyMs: 50, what: `${file?.filename} ${what}` },
  );
const details = () => bed.recordings.health().find((part) => part.name === 'recordings')?.details;

before(async () => {
  bed = await startBed({ timing: { reconcileMs: 100 } });
  await bed.startSpoke();
  await bed.addStream('cam');
  await policy('always');
  await segmentsOf(bed, 'cam', 5);
  await policy('off');
  await waitFor(() => bed.recordings.recordingOf('cam') === null, { what: 'the end of the plan' });
  files = [...(await segmentsOf(bed, 'cam', 5))].reverse();
});
after(() => bed?.[Symbol.asyncDispose]());

test('deleted by hand: the ledger says so, the list when, the download that there is none; what was written beside is left alone', async () => {
  await rm(await pathOf(files[0]));
  await becomes(files[0], 'deleted');
  const { lost_at, filename } = await operations().get_segment(admin, input('get_segment', { params: { filename: files[0]?.filename ?? '' } }), calm);
  assert.ok(lost_at !== undefined);
  await assert.rejects(
    operations().recording_file(admin, input('recording_file', { params: { filename } }), calm),
    (error) => error instanceof WeirError && error.code === 'not_found',
  );
  assert.deepEqual(await told(files[1]), [{ state: 'present' }]);
  await waitFor(() => details()?.files_missing === 1, { what: 'the count' });
});

test('cut short, or longer: not as it was written; with its size again it is the file that it was', async () => {
  const path = await pathOf(files[1]);
  await appendFile(path, Buffer.alloc(10));
  await becomes(files[1], 'deleted');
  await waitFor(() => details()?.files_changed === 1, { what: 'the count' });
  await truncate(path, files[1]?.file_size ?? 0);
  await becomes(files[1], 'present');
  await waitFor(() => details()?.files_changed === 0, { what: 'the count again' });
});

test('renamed: the one name is gone, the other is a file that nobody knows; and back', async () => {
  const path = await pathOf(files[2]);
  const other = path.replace('.mp4', '-moved.mp4');
  const old = new Date(Date.now() - 3_600_000);
  await utimes(path, old, old);
  await rename(path, other);
  await becomes(files[2], 'deleted');
  await waitFor(() => details()?.files_unknown === 1, { what: 'the file without an entry' });
  assert.ok(bed.complaints.some((line) => line.startsWith('files in the recordings folder are not in the index')));
  await rename(other, path);
  await becomes(files[2], 'present');
});

test('deleted while no hub runs: the next one finds it at once', async () => {
  const path = await pathOf(files[3]);
  await bed.stopHub();
  await rm(path);
  await bed.startHub();
  await becomes(files[3], 'deleted');
});

test('kept by size: what is gone takes no room, so nothing that is there goes for it', async () => {
  const there = (await segmentsOf(bed, 'cam', 1)).filter((file) => file.lost_at === undefined);
  assert.ok(there.length > 0);
  const model = (await bed.store.recordings.segment(there[0]?.filename ?? '')) ?? assert.fail();
  const gone = {
    ...model,
    filename: 'cam_gone',
    path: 'cam/2026-01-01/cam_gone.mp4',
    size_bytes: 5_000_000,
    started_ms: Date.now(),
    ended_ms: Date.now(),
  };
  await bed.store.recordings.addSegment(gone, []);
  await waitFor(async () => (await bed.store.recordings.segment('cam_gone'))?.lost_ms !== null, { what: 'its mark' });
  const limit = { policy_type: 'size', enabled: true, max_size_gb: 0.001 } as const;
  await operations().set_retention(admin, input('set_retention', { body: limit }), calm);
  await operations().cleanup_storage(admin, input('cleanup_storage', {}), calm);
  const left = (await segmentsOf(bed, 'cam', 1)).map((file) => file.filename);
  assert.deepEqual(
    there.filter((file) => !left.includes(file.filename)),
    [],
  );
});

test('the whole folder of a stream deleted: its files are missed as well', async () => {
  await rm(join(bed.folder, 'recordings', 'cam'), { recursive: true });
  await becomes(files[4], 'deleted');
});
