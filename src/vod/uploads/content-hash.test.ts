import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { appendFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { withTempFolder } from '../../testkit/index.js';
import { createContentHasher } from './content-hash.js';

const sha256 = (data: Uint8Array) => createHash('sha256').update(data).digest('hex');

describe('the digest of a growing file', () => {
  it('follows several files at once, and is that of their bytes', () =>
    withTempFolder(async (folder) => {
      const hasher = createContentHasher();
      try {
        const files = await Promise.all(
          [0, 1, 5_000_000, 9_000_001].map(async (size) => {
            const data = randomBytes(size);
            const path = join(folder, String(size));
            await writeFile(path, data.subarray(0, size / 2));
            const follow = hasher.follow(path);
            follow.advance(Math.floor(size / 2));
            await appendFile(path, data.subarray(size / 2));
            follow.advance(size);
            return { data, follow };
          }),
        );
        for (const { data, follow } of files) assert.equal(await follow.finish(data.length), sha256(data));
        const dropped = hasher.follow(join(folder, 'nothing'));
        dropped.advance(10_000_000);
        dropped.drop();
      } finally {
        await hasher.stop();
      }
    }));

  it('fails for a file that is shorter than was said, or gone, and leaves the others alone', () =>
    withTempFolder(async (folder) => {
      const hasher = createContentHasher();
      try {
        const data = randomBytes(6_000_000);
        const [whole, short] = [join(folder, 'whole'), join(folder, 'short')];
        await writeFile(whole, data);
        await writeFile(short, data);
        const good = hasher.follow(whole);
        good.advance(data.length);
        await truncate(short, 100);
        await assert.rejects(hasher.follow(short).finish(data.length), /shorter/);
        await assert.rejects(hasher.follow(join(folder, 'gone')).finish(5), { code: 'ENOENT' });
        assert.equal(await good.finish(data.length), sha256(data));
      } finally {
        await hasher.stop();
      }
    }));

  it('is cancelled by the stop', () =>
    withTempFolder(async (folder) => {
      const path = join(folder, 'a');
      await writeFile(path, 'x');
      const hasher = createContentHasher();
      const follow = hasher.follow(path);
      await hasher.stop();
      await assert.rejects(follow.finish(1), { name: 'AbortError' });
    }));
});
