import assert from 'node:assert/strict';
import { chmod, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { findProgram } from '../../supervisor/index.js';
import { withTempFolder } from '../../testkit/index.js';
import { findRememberedMachine, type RememberOptions } from './remembered-machine.js';

test('encoders are tried once, and again when something has changed or it is asked for', () =>
  withTempFolder(async (folder) => {
    const log = join(folder, 'runs');
    const ffmpeg = join(folder, 'ffmpeg');
    const script = (encoders: string) => `#!/bin/sh
echo "$*" >> ${log}
case "$*" in *"-c:v libsvtav1"*|*"-c:v libaom-av1"*|*"-c:v libx265"*) ${encoders} ;; esac
exec ${findProgram('ffmpeg')} "$@"
`;
    const write = async (text: string) => {
      await writeFile(ffmpeg, text);
      await chmod(ffmpeg, 0o755);
    };
    await write(script('exit 1'));
    const options = { ffmpeg, ffprobe: 'ffprobe', hardware: false, noteFile: join(folder, 'state', 'encoders.json') };
    /** What was found, and how many runs encoded something. */
    const find = async (more: Partial<RememberOptions> = {}) => {
      await writeFile(log, '');
      const machine = await findRememberedMachine({ ...options, ...more });
      return { machine, trials: (await readFile(log, 'utf8')).split('\n').filter((line) => line.includes('-c:v')).length };
    };

    const first = await find();
    assert.ok(first.trials > 1, `${first.trials} trials`);
    assert.deepEqual(
      first.machine.encoders.map(({ encoder, works }) => [encoder, works]),
      [
        ['libx264', true],
        ['libx265', false],
        ['libsvtav1', false],
        ['libaom-av1', false],
      ],
    );
    const second = await find();
    assert.equal(second.trials, 0, 'nothing is tried');
    assert.deepEqual(second.machine, first.machine);
    assert.equal((await find({ again: true })).trials, first.trials, 'asked for');
    assert.equal((await find({ noteFile: undefined })).trials, first.trials, 'nothing is kept');
    assert.ok((await find({ hardware: true })).trials >= first.trials, 'other things are asked for');

    await find();
    await utimes(ffmpeg, new Date(), new Date(Date.now() - 60_000));
    assert.equal((await find()).trials, first.trials, 'another file');
    await write(script(':'));
    const better = await find();
    assert.ok(better.machine.encoders.filter(({ works }) => works).length > 1, 'an FFmpeg that can do more');

    const note = JSON.parse(await readFile(options.noteFile, 'utf8')) as { atMs: number };
    await writeFile(options.noteFile, JSON.stringify({ ...note, atMs: Date.now() - 8 * 86_400_000 }));
    assert.ok((await find()).trials > 0, 'a week has gone by');
    await writeFile(options.noteFile, '{"of":');
    assert.ok((await find()).trials > 0, 'half a note');
    assert.equal((await find()).trials, 0);

    await write('#!/bin/sh\nexit 1\n');
    await assert.rejects(find(), { code: 'unavailable' }, 'an FFmpeg that does not run is told, whatever is remembered');
  }));
