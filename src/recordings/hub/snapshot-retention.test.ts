/** Which snapshots go by themselves: by number, by age; never protected ones. */
import assert from 'node:assert/strict';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { configSchema, type RetentionPolicy } from '../../contracts/index.js';
import { waitFor } from '../../testkit/index.js';
import { admin, type Bed, calm, input, startBed } from './testing/bed.js';

const hourMs = 3_600_000;
let bed: Bed;
const folder = () => join(bed.folder, 'snapshots');
const operations = () => bed.recordings.operations;
const settings = (max_count: number) =>
  bed.recordings.configure(configSchema.parse({ snapshots: { max_count }, storage: { block_percent: 100, min_free_bytes: 0 } }));
const policy = (body: RetentionPolicy) => operations().set_retention(admin, input('set_retention', { body }), calm);
const cleanup = () => operations().cleanup_storage(admin, input('cleanup_storage', {}), calm);

/** Snapshots of these ages; the oldest one is protected. */
async function keep(ages: readonly number[]): Promise<void> {
  await mkdir(folder(), { recursive: true });
  for (const [index, age] of ages.entries()) {
    const filename = `s${index}.jpg`;
    await writeFile(join(folder(), filename), 'x'.repeat(10));
    const shape = { format: 'jpg', width: 2, height: 2, size_bytes: 10 } as const;
    await bed.store.snapshots.insert({
      filename,
      stream_id: 'cam',
      ...shape,
      taken_ms: Date.now() - age * hourMs,
      taken_by: 'ada',
      protected: index === 0,
    });
  }
}
async function left(): Promise<string[]> {
  const { items } = await operations().list_snapshots(admin, input('list_snapshots', { query: { limit: 1000, offset: 0 } }), calm);
  const listed = items.map(({ filename }) => filename).sort();
  assert.deepEqual((await readdir(folder())).sort(), listed, 'files are as the list says');
  return listed;
}

beforeEach(async () => {
  bed = await startBed();
});
afterEach(() => bed[Symbol.asyncDispose]());

test('max_count: the newest so many stay, by itself, and protected ones besides; 0 keeps all', async () => {
  await keep([5, 4, 3, 2, 1]);
  settings(0);
  await policy({ policy_type: 'manual', enabled: true });
  assert.equal((await cleanup()).files_deleted, 0);
  settings(3);
  await waitFor(async () => (await bed.store.snapshots.list({ limit: 10, offset: 0, streams: null })).total === 3, { what: 'the oldest to go' });
  await waitFor(async () => (await readdir(folder())).length === 3, { what: 'their files to go' });
  assert.deepEqual(await left(), ['s0.jpg', 's3.jpg', 's4.jpg']);
});

test('max_count with more than one round holds: all of them go', async () => {
  await keep([5, 4]);
  await bed.store.transaction(async (tx) => {
    for (let number = 0; number < 1200; number += 1) {
      const shape = { format: 'jpg', width: 2, height: 2, size_bytes: 1 } as const;
      const rest = { taken_ms: Date.now() - hourMs, taken_by: 'ada', protected: false };
      await tx.snapshots.insert({ filename: `many${number}.jpg`, stream_id: 'cam', ...shape, ...rest });
    }
  });
  await policy({ policy_type: 'manual', enabled: true });
  settings(2);
  await waitFor(async () => (await bed.store.snapshots.list({ limit: 1, offset: 0, streams: null })).total === 2, {
    deadlineMs: 15_000,
    what: 'two',
  });
});

test('a policy of age holds for snapshots too; one that is off, or of size, does not', async () => {
  await keep([60, 50, 10, 1]);
  settings(0);
  await policy({ policy_type: 'size', enabled: true, max_size_gb: 0.001 });
  await cleanup();
  await policy({ policy_type: 'age', enabled: false, max_age_days: 1 });
  assert.deepEqual(await left(), ['s0.jpg', 's1.jpg', 's2.jpg', 's3.jpg']);
  await policy({ policy_type: 'age', enabled: true, max_age_days: 1 });
  const { files_deleted, space_freed } = await cleanup();
  assert.ok(files_deleted <= 1 && space_freed <= 10);
  await waitFor(async () => (await readdir(folder())).length === 3, { what: 'the one that is too old to go' });
  assert.deepEqual(await left(), ['s0.jpg', 's2.jpg', 's3.jpg']);
});
