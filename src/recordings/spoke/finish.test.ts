/** Files that are remuxed while the disk becomes full. Real fragments, real FFmpeg, a real small disk. */
import assert from 'node:assert/strict';
import { copyFile, mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { runTool } from '../../testkit/ffmpeg-capture.js';
import { makeTempFolder, removeFolder } from '../../testkit/index.js';
import { finishPart } from './finish.js';
import { partPath } from './names.js';
import { makeFootage, readFrames } from './testing/footage.js';

const frames = 300;
const diskBytes = 4 * 1024 * 1024;
/** A disk gives whole pages. */
const pageBytes = 4096;
const isRoot = process.getuid?.() === 0;

let root: string;
let disk: string;
let isMounted = false;

before(async () => {
  root = await makeTempFolder('finish');
  disk = join(root, 'small');
  await mkdir(disk);
  if (!isRoot) return;
  isMounted = await runTool('mount', ['-t', 'tmpfs', '-o', `size=${diskBytes}`, 'tmpfs', disk]).then(
    () => true,
    () => false,
  );
});
after(async () => {
  if (isMounted) await runTool('umount', ['-l', disk]);
  await removeFolder(root);
});

for (const format of ['mp4', 'mkv'] as const) {
  test(`a disk that is full before the ${format} is whole costs no picture`, async (t) => {
    if (!isMounted) return t.skip('only root may mount a small disk');
    const footage = await makeFootage(frames / 10);
    const master = join(root, `${format}.master`);
    await writeFile(master, Buffer.concat([footage.init, ...footage.fragments.map(({ bytes }) => bytes)]));
    const { size } = await stat(master);
    const outcomes = new Set<string>();
    // From room for all of the second file down to room for half of it, in steps that meet its last bytes.
    const rooms = [size + 8 * pageBytes, ...Array.from({ length: 7 }, (_, index) => size - index * 4 * pageBytes), size / 2];
    for (const [index, room] of rooms.entries()) {
      const folder = `${format}${index}`;
      const part = { filename: 'one', folder, recording_id: 'r', format, from_ms: 0 };
      await mkdir(join(disk, folder), { recursive: true });
      await copyFile(master, partPath(disk, part));
      const taken = Math.ceil(size / pageBytes) * pageBytes;
      await writeFile(join(disk, 'filler'), Buffer.alloc(Math.max(0, diskBytes - taken - room - 2 * pageBytes)));
      const finished = await finishPart(disk, part, 'ffmpeg');
      assert.equal(
        (await readFrames(join(disk, finished.path))).length,
        frames,
        `${finished.format} with room for ${Math.round(room)} of ${size} bytes`,
      );
      assert.equal(finished.problem === undefined, finished.format === format);
      outcomes.add(finished.format);
      await rm(join(disk, 'filler'));
      await rm(join(disk, folder), { recursive: true });
    }
    assert.deepEqual([...outcomes].sort(), ['fmp4', format].sort(), 'both ways were gone');
  });
}
