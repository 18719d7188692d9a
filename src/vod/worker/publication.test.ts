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
  withFolders(['.clip.2.part', '.clip.3.part', '.clip.9.part', '.clip-2.1.part', '.other.1.part', 'clip'], async (top) => {
    await writeFile(join(top, '.clip.3.part', 'half.ts'), 'x');
    await openStaging(join(top, '.clip.3.part'));
    assert.deepEqual(await readdir(join(top, '.clip.3.part')), []);
    // A higher revision is at work; the rest is of other videos.
    assert.deepEqual((await readdir(top)).sort(), ['.clip-2.1.part', '.clip.3.part', '.clip.9.part', '.other.1.part', 'clip']);
  }));

test('a result is put in place whole, over an older one as well, and again without harm', () =>
  withFolders(['clip', '.clip.2.part'], async (top) => {
    await writeFile(join(top, 'clip', 'master.m3u8'), 'old');
    await writeFile(join(top, 'clip', 'gone.ts'), 'old');
    await writeFile(join(top, '.clip.2.part', 'master.m3u8'), 'new');
    await putInPlace(join(top, '.clip.2.part'), join(top, 'clip'));
    assert.deepEqual(await readdir(top), ['clip']);
    assert.deepEqual(await readdir(join(top, 'clip')), ['master.m3u8']);
    assert.equal(await readFile(join(top, 'clip', 'master.m3u8'), 'utf8'), 'new');
  }));

test('without a result the older one stays', () =>
  withFolders(['clip'], async (top) => {
    await writeFile(join(top, 'clip', 'master.m3u8'), 'old');
    await assert.rejects(putInPlace(join(top, '.clip.2.part'), join(top, 'clip')), { code: 'ENOENT' });
    assert.equal(await readFile(join(top, 'clip', 'master.m3u8'), 'utf8'), 'old');
  }));
