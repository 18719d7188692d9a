import assert from 'node:assert/strict';
import { chmod, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { it } from 'node:test';
import { withTempFolder } from '../testkit/index.js';
import { ensureLocalToken } from './local-token.js';

const read = async (path: string) => (await readFile(path, 'utf8')).trim();

it('the file is for its owner only, and what it holds is the token', async () => {
  await withTempFolder(async (folder) => {
    const path = join(folder, 'secrets', 'local-token');
    const token = await ensureLocalToken(path);
    assert.equal((await stat(path)).mode & 0o777, 0o600);
    assert.equal((await stat(join(folder, 'secrets'))).mode & 0o777, 0o700);
    const text = await read(path);
    assert.equal(await token.matches(text), true);
    assert.equal(await token.matches(`${text}x`), false);
    assert.equal(await token.matches('weir_local_'), false);
    assert.equal(await token.matches(''), false);
    assert.equal(await (await ensureLocalToken(path)).matches(text), true, 'a restart keeps it');
    assert.deepEqual(await readdir(join(folder, 'secrets')), ['local-token'], 'no drafts are left');
  });
});

it('deleting the file makes another token and ends the old one', async () => {
  await withTempFolder(async (folder) => {
    const path = join(folder, 'local-token');
    const token = await ensureLocalToken(path);
    const old = await read(path);
    await rm(path);
    assert.equal(await token.matches(old), false);
    assert.equal(await token.matches(await read(path)), true);
  });
});

it('a file that others could read, that is a link, or that is cut short is replaced', async () => {
  await withTempFolder(async (folder) => {
    const path = join(folder, 'local-token');
    const token = await ensureLocalToken(path);
    const shown = await read(path);
    await chmod(path, 0o644);
    assert.equal(await token.matches(shown), false);
    assert.equal((await stat(path)).mode & 0o777, 0o600);

    await writeFile(path, 'weir_local_', { mode: 0o600 });
    assert.equal(await token.matches('weir_local_'), false);

    const elsewhere = join(folder, 'elsewhere');
    await writeFile(elsewhere, `weir_local_${'a'.repeat(43)}`, { mode: 0o600 });
    await rm(path);
    await symlink(elsewhere, path);
    assert.equal(await token.matches(`weir_local_${'a'.repeat(43)}`), false);
    assert.notEqual(await read(path), await read(elsewhere));
  });
});
