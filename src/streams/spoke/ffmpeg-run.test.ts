import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { withTempFolder } from '../../testkit/index.js';
import { startFfmpeg } from './ffmpeg-run.js';

test('a process that cannot be noted runs all the same, and the log tells why', async () => {
  await withTempFolder(async (folder) => {
    const file = join(folder, 'no-folder');
    writeFileSync(file, '');
    const lines: string[] = [];
    const nothing = () => undefined;
    const run = await startFfmpeg({
      ffmpeg: 'sh',
      args: ['-c', 'exit 7'],
      pidFolder: join(file, 'pids'),
      onInit: nothing,
      onFragment: nothing,
      onLine: (line) => lines.push(line),
      onGarbage: nothing,
    });
    assert.equal((await run.exited).exitCode, 7);
    assert.match(lines[0] ?? '', /could not be noted in .*no-folder/);
  });
});
