import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { withTempFolder } from '../../testkit/index.js';
import { allowedOutput, allowedSource } from './allowed-path.js';

function lay(top: string): string[] {
  for (const name of ['media', 'media2', 'secret']) mkdirSync(join(top, name));
  writeFileSync(join(top, 'media', 'clip.mp4'), 'x');
  writeFileSync(join(top, 'media2', 'clip.mp4'), 'x');
  writeFileSync(join(top, 'secret', 'clip.mp4'), 'x');
  symlinkSync(join(top, 'secret'), join(top, 'media', 'way-out'));
  symlinkSync(join(top, 'media', 'clip.mp4'), join(top, 'media', 'alias.mp4'));
  return [join(top, 'media')];
}

test('sources come from the folders only, whatever links and dots say', () =>
  withTempFolder(async (top) => {
    const folders = lay(top);
    assert.equal(await allowedSource(join(top, 'media', 'alias.mp4'), folders), join(top, 'media', 'clip.mp4'));
    for (const path of ['media/way-out/clip.mp4', 'media/../secret/clip.mp4', 'media2/clip.mp4', 'secret/clip.mp4']) {
      await assert.rejects(allowedSource(join(top, path), folders), { code: 'permission_denied' }, path);
    }
    await assert.rejects(allowedSource(join(top, 'media', 'none.mp4'), folders), { code: 'not_found' });
    await assert.rejects(allowedSource(join(top, 'media'), folders), { code: 'permission_denied' });
  }));

test('results go below the folders only, also where nothing is yet', () =>
  withTempFolder(async (top) => {
    const folders = lay(top);
    assert.equal(await allowedOutput(join(top, 'media', 'new', 'hls'), folders), join(top, 'media', 'new', 'hls'));
    for (const path of ['media', 'media2/hls', 'media/way-out/hls', 'media/../secret/hls']) {
      await assert.rejects(allowedOutput(join(top, path), folders), { code: 'permission_denied' }, path);
    }
  }));
