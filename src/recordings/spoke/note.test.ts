/** The note that a spoke leaves, read by the next one, which may be of another version. */
import assert from 'node:assert/strict';
import { cp, readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { makeTempFolder, removeFolder } from '../../testkit/index.js';
import { notePath } from './names.js';
import { BenchTop } from './testing/bench-top.js';
import { type Footage, makeFootage, readFrames } from './testing/footage.js';

type LooseNote = Record<string, unknown> & { orders: object[]; parts: object[]; begun: { order: object }[] };

let footage: Footage;
let root: string;
/** A recordings folder as a kill left it: 65 pictures, of which 30 are in the list. */
let killed: string;

before(async () => {
  footage = await makeFootage(20);
  root = await makeTempFolder('recording-note');
  killed = join(root, 'killed');
  const live = join(root, 'live');
  const top = await BenchTop.open(live, footage);
  top.order({ segment_s: 3 });
  top.begin();
  await top.play(65);
  await top.has((entry) => entry.kind === 'segment', 'the first file');
  await top.isIdle();
  // Copied while it is written, as a kill would leave it.
  await cp(live, killed, { recursive: true });
  await top.recorders.stop();
});
after(() => removeFolder(root));

/** The frames that the next spoke finds in its files, with the note changed. */
async function recovered(name: string, change: (note: LooseNote) => unknown): Promise<{ frames: number[]; log: string[] }> {
  const folder = join(root, name);
  await cp(killed, folder, { recursive: true });
  const path = notePath(folder, 'cam', 'spoke1');
  const { mtime } = await stat(path);
  const changed = change(JSON.parse(await readFile(path, 'utf8')) as LooseNote);
  await writeFile(path, typeof changed === 'string' ? changed : JSON.stringify(changed));
  await utimes(path, mtime, mtime);
  const top = await BenchTop.open(folder, footage);
  top.order();
  try {
    if (typeof changed !== 'string') await top.has((entry) => entry.kind === 'ended', 'the end');
    const files = (await top.files()).filter((file) => file.endsWith('.mp4')).sort();
    return { frames: (await Promise.all(files.map((file) => readFrames(join(folder, 'cam', '2026-03-01', file))))).flat(), log: top.log };
  } finally {
    await top.recorders.stop();
  }
}

const all = Array.from({ length: 65 }, (_, index) => index);
const rows: [string, (note: LooseNote) => LooseNote][] = [
  ['of this version', (note) => note],
  ['of the first version', ({ unlisted: _gaps, spares: _spares, ...note }) => note],
  [
    'of a version to come',
    (note) => ({
      ...note,
      orders: note.orders.map((order) => ({ ...order, colour: 'red' })),
      begun: note.begun.map((one) => ({ ...one, order: { ...one.order, colour: 'red' } })),
      parts: [{ kind: 'something new' }, ...note.parts],
      unlisted: [{ recording_id: 'r1', cause: 'a cause to come', from_ms: 0, to_ms: 1 }],
      gap: { recording_id: 'r1', cause: 'another', from_ms: 0 },
    }),
  ],
];

for (const [name, change] of rows) {
  test(`a note ${name}: every picture is kept`, async () => {
    const { frames, log } = await recovered(name.replaceAll(' ', '-'), change);
    assert.deepEqual(frames, all);
    assert.match(log.join(' '), /recovering what was being recorded/);
  });
}

test('a note that cannot be read is said aloud', async () => {
  const { frames, log } = await recovered('garbage', () => 'no note');
  assert.ok(frames.length >= 30);
  assert.match(log.join(' '), /the note of what was being recorded cannot be read/);
});
