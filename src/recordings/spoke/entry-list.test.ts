import assert from 'node:assert/strict';
import { appendFile, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { withTempFolder } from '../../testkit/index.js';
import { type EntryDraft, EntryList } from './entry-list.js';

const gap = (detail = ''): EntryDraft => ({
  kind: 'gap',
  stream_id: 's',
  spoke_id: 'k',
  recording_id: 'r',
  from: '2026-01-01T00:00:00.000Z',
  to: '2026-01-01T00:00:01.000Z',
  cause: 'source_silent',
  detail,
});

test('numbers from 1, gives pages, and is the same after a restart', () =>
  withTempFolder(async (folder) => {
    const file = join(folder, 'a', 'entries.ndjson');
    const list = await EntryList.open(file, 1e6);
    assert.deepEqual(await list.read(0, 10), { entries: [], last: 0, more: false });
    await Promise.all(Array.from({ length: 7 }, () => list.append(gap())));
    for (const each of [list, await EntryList.open(file, 1e6)]) {
      const page = await each.read(2, 3);
      assert.deepEqual([page.entries.map(({ sequence }) => sequence), page.last, page.more], [[3, 4, 5], 7, true]);
      assert.deepEqual((await each.read(7, 3)).entries, []);
      assert.equal((await each.findLately((entry) => entry.kind === 'gap'))?.sequence, 7);
    }
  }));

for (const torn of ['{"sequence":3,"kind":"gap","str', '{"sequence":3', '\u0000\u0000\u0000\n', '{"sequence":3}\n']) {
  test(`a torn last line (${JSON.stringify(torn)}) is cut off, and its number used anew`, () =>
    withTempFolder(async (folder) => {
      const file = join(folder, 'entries.ndjson');
      const list = await EntryList.open(file, 1e6);
      await list.append(gap());
      await list.append(gap());
      const whole = await readFile(file, 'utf8');
      await appendFile(file, torn);
      const next = await EntryList.open(file, 1e6);
      assert.equal(await readFile(file, 'utf8'), whole);
      assert.equal((await next.append(gap())).sequence, 3);
    }));
}

test('a spoiled line in the middle costs itself only', () =>
  withTempFolder(async (folder) => {
    const file = join(folder, 'entries.ndjson');
    const list = await EntryList.open(file, 1e6);
    for (let count = 0; count < 3; count += 1) await list.append(gap());
    const lines = (await readFile(file, 'utf8')).split('\n');
    await writeFile(file, [lines[0], 'x'.repeat(lines[1]?.length ?? 0), lines[2], ''].join('\n'));
    const next = await EntryList.open(file, 1e6);
    assert.deepEqual(
      (await next.read(0, 9)).entries.map(({ sequence }) => sequence),
      [1, 3],
    );
    assert.equal((await next.append(gap())).sequence, 4);
  }));

test('stays within its size; numbers are never used twice', () =>
  withTempFolder(async (folder) => {
    const file = join(folder, 'entries.ndjson');
    const list = await EntryList.open(file, 4000);
    for (let count = 0; count < 100; count += 1) await list.append(gap('x'.repeat(50)));
    assert.ok((await stat(file)).size <= 4000);
    for (const each of [list, await EntryList.open(file, 4000)]) {
      const { entries, last } = await each.read(0, 1000);
      assert.equal(last, 100);
      assert.ok(entries.length >= 5);
      assert.deepEqual(
        entries.map(({ sequence }) => sequence),
        Array.from({ length: entries.length }, (_, index) => 101 - entries.length + index),
      );
    }
  }));

test('a list that cannot be read is not begun anew', () =>
  withTempFolder(async (folder) => {
    await assert.rejects(EntryList.open(folder, 1e6), { code: 'EISDIR' });
  }));
