import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { withTempFolder } from '../../testkit/index.js';
import { openStaging, putInPlace } from './publication.js';

/** A folder with these empty ones in it. */
function withFolders(names: readonly string[], body: (top: string) => Promise<void>): Promise<void> {
  return withTempFolder(async (top) => {
    for (const name of names) await mkdir(join(top, name));
    await body(top);
  });
}

test('a staging folder is empty, and what earlier attempts at the same output left is gone', () =>
  withFolders(['.clip.r2', '.clip.r3', '.clip.r9', '.clip-2.r1', '.other.r1', 'clip'], async (top) => {
    await writeFile(join(top, '.clip.r3', 'half.ts'), 'x');
    await openStaging(join(top, '.clip.r3'), join(top, 'clip'));
    assert.deepEqual(await readdir(join(top, '.clip.r3')), []);
    // A higher revision is at work; the rest is of other videos.
    assert.deepEqual((await readdir(top)).sort(), ['.clip-2.r1', '.clip.r3', '.clip.r9', '.other.r1', 'clip']);
  }));

test('in the library each attempt has an output of its own, and clears up after those before it', () =>
  withFolders(['.r2.r2', '.r3.r3', '.r12.r12', 'r1'], async (top) => {
    await openStaging(join(top, '.r10.r10'), join(top, 'r10'));
    assert.deepEqual((await readdir(top)).sort(), ['.r10.r10', '.r12.r12', 'r1']);
  }));

test('what a worker broke that died between two renames is mended by the next', () =>
  withFolders(['.lost.replaced', '.done.replaced', 'done'], async (top) => {
    await openStaging(join(top, '.lost.r2'), join(top, 'lost'));
    await openStaging(join(top, '.done.r2'), join(top, 'done'));
    assert.deepEqual((await readdir(top)).sort(), ['.done.r2', '.lost.r2', 'done', 'lost']);
  }));

test('a result is put in place whole, over an older one as well, and again without harm', () =>
  withFolders(['clip', '.clip.r2'], async (top) => {
    await writeFile(join(top, 'clip', 'master.m3u8'), 'old');
    await writeFile(join(top, 'clip', 'gone.ts'), 'old');
    await writeFile(join(top, '.clip.r2', 'master.m3u8'), 'new');
    await putInPlace(join(top, '.clip.r2'), join(top, 'clip'));
    assert.deepEqual(await readdir(top), ['clip']);
    assert.deepEqual(await readdir(join(top, 'clip')), ['master.m3u8']);
    assert.equal(await readFile(join(top, 'clip', 'master.m3u8'), 'utf8'), 'new');
  }));

test('without a result the older one stays', () =>
  withFolders(['clip'], async (top) => {
    await writeFile(join(top, 'clip', 'master.m3u8'), 'old');
    await assert.rejects(putInPlace(join(top, '.clip.r2'), join(top, 'clip')), { code: 'ENOENT' }, 'as for one whose job is another’s by now');
    assert.equal(await readFile(join(top, 'clip', 'master.m3u8'), 'utf8'), 'old');
  }));
