/** Disks that are full, slow, broken or gone. Real fragments and files; the disk's refusals are made where the file is opened. */
import assert from 'node:assert/strict';
import { mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { runTool } from '../../testkit/ffmpeg-capture.js';
import { makeTempFolder, removeFolder, waitFor } from '../../testkit/index.js';
import type { RecordersOptions } from './recorders.js';
import { openSegmentFile, type SegmentFile } from './segment-file.js';
import { Setback } from './setback.js';
import { judgeRoom } from './storage-guard.js';
import { BenchTop, overlaps, uncovered } from './testing/bench-top.js';
import { type Footage, makeFootage, readFrames } from './testing/footage.js';

let footage: Footage;
let root: string;
let folders = 0;

before(async () => {
  footage = await makeFootage(60);
  root = await makeTempFolder('disk');
});
after(() => removeFolder(root));

async function withTop(options: Partial<RecordersOptions>, body: (top: BenchTop) => Promise<void>): Promise<void> {
  folders += 1;
  const top = await BenchTop.open(join(root, String(folders)), footage, options);
  try {
    await body(top);
  } finally {
    await top.recorders.stop();
  }
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index);
const framesOf = async (top: BenchTop) => (await Promise.all(top.segments().map((one) => readFrames(top.fileOf(one))))).flat();
const ended = (top: BenchTop) => top.has((entry) => entry.kind === 'ended', 'the end');

/** Files whose appending does as `append` says. */
function filesWith(append: (file: SegmentFile, parts: readonly Uint8Array[]) => Promise<void>): Partial<RecordersOptions> {
  return {
    openFile: async (path) => {
      const file = await openSegmentFile(path);
      return { ...file, append: (parts) => append(file, parts) };
    },
  };
}

const refusal = (code: string) => Object.assign(new Error(`${code}: refused`), { code });

for (const [code, cause, earliest] of [
  ['ENOSPC', 'disk_full', 40],
  ['EIO', 'write_failed', 70],
] as const) {
  test(`${code} amid a write: what is whole is kept, the torn end is not, and it goes on when it can`, async () => {
    let isBroken = false;
    const broken = filesWith(async (file, parts) => {
      if (!isBroken) return file.append(parts);
      await file.append([...parts.slice(0, -1), (parts.at(-1) ?? new Uint8Array()).subarray(0, 7)]);
      throw refusal(code);
    });
    await withTop(broken, async (top) => {
      top.order({});
      top.begin();
      await top.play(25);
      await top.isIdle();
      isBroken = true;
      await top.play(10);
      const { cause: told, error } = await top.is('blocked');
      assert.deepEqual([told, error], [cause, `${code}: refused`]);
      isBroken = false;
      // Tried again after two or five seconds, at a keyframe.
      const played = await top.playUntil('recording');
      top.order();
      await ended(top);
      const frames = await framesOf(top);
      assert.deepEqual(frames.slice(0, 25), range(0, 25));
      const resumed = frames[25] ?? 0;
      assert.ok(resumed >= earliest && resumed % 10 === 0, `${resumed}`);
      assert.deepEqual(frames.slice(25), range(resumed, played));
      assert.deepEqual(
        top.gaps().map((gap) => gap.cause),
        [cause],
      );
      assert.deepEqual([uncovered(top.entries, 0.1, played / 10), overlaps(top.entries)], [[], []]);
      assert.deepEqual(
        (await top.files()).filter((name) => name.endsWith('.part')),
        [],
      );
    });
  });
}

test('a disk that was full is tried again within seconds however often it refused, and what it refuses for then is told', async () => {
  let code: string | undefined = 'ENOSPC';
  const broken = filesWith(async (file, parts) => {
    if (code !== undefined) throw refusal(code);
    await file.append(parts);
  });
  await withTop(broken, async (top) => {
    top.order({});
    top.begin();
    const refusals = () => top.log.filter((line) => line.includes('trying again') && line.includes('disk_full'));
    await top.playUntil(() => refusals().length >= 5, 'the fifth refusal');
    assert.match(refusals().at(-1) ?? '', /"after_ms":4000/);
    code = 'EIO';
    await top.playUntil(() => top.statuses.at(-1)?.cause === 'write_failed', 'the other cause');
    assert.equal(top.statuses.at(-1)?.error, 'EIO: refused');
    code = undefined;
    const played = await top.playUntil('recording');
    top.order();
    await ended(top);
    // Each attempt that fails begins a gap anew.
    assert.deepEqual([...new Set(top.gaps().map((gap) => gap.cause))], ['disk_full', 'write_failed']);
    assert.deepEqual([uncovered(top.entries, 0.1, played / 10), overlaps(top.entries)], [[], []]);
  });
});

test('what waits for a full disk goes on as soon as a look at the disk finds room', () => {
  const setback = new Setback();
  setback.add(refusal('ENOSPC'), 0);
  assert.equal(setback.at(1999)?.cause, 'disk_full');
  setback.hasRoomWatched();
  assert.equal(setback.at(1), undefined);
  setback.add(refusal('EIO'), 0);
  setback.hasRoomWatched();
  assert.equal(setback.at(4999)?.cause, 'write_failed');
});

test('a file that gets its name while it is looked for was not taken away', async () => {
  const slow: Partial<RecordersOptions> = {
    storage: { blockPercent: 100, minFreeBytes: 0, checkMs: 20 },
    openFile: async (path) => {
      const file = await openSegmentFile(path);
      const isAt = async (where: string) => {
        const isThere = await file.isAt(where);
        await setTimeout(10);
        return isThere;
      };
      return { ...file, isAt };
    },
  };
  await withTop(slow, async (top) => {
    top.order({ segment_s: 2 });
    top.begin();
    // The footage is finite: the next two seconds are played when the files of those before are there.
    for (let files = 0; files < 25; files += 1) {
      await top.play(20);
      await waitFor(() => top.segments().length >= files, { what: `file ${files}`, everyMs: 5 });
    }
    top.order();
    await ended(top);
    assert.deepEqual(top.gaps(), []);
  });
});

const isRoot = process.getuid?.() === 0;

test('a disk that is really full, for the list and the note too', { skip: isRoot ? false : 'only root may mount a small disk' }, async (t) => {
  const disk = join(root, 'small');
  await mkdir(disk);
  const mounted = await runTool('mount', ['-t', 'tmpfs', '-o', 'size=600k', 'tmpfs', disk]).then(
    () => true,
    () => false,
  );
  if (!mounted) return t.skip('nothing can be mounted here');
  try {
    // The disk itself refuses here: whoever watches its room must not be there first.
    const storage = { blockPercent: 101, minFreeBytes: 0, checkMs: 50 };
    const top = await BenchTop.open(join(disk, 'recordings'), footage, { storage });
    await writeFile(join(disk, 'filler'), Buffer.alloc(200_000));
    top.order({ segment_s: 3 });
    top.begin();
    await top.play(150);
    assert.equal((await top.is('blocked')).cause, 'disk_full');
    await rm(join(disk, 'filler'));
    const played = await top.playUntil('recording');
    top.order();
    await ended(top);
    assert.deepEqual(
      top.gaps().map((gap) => gap.cause),
      ['disk_full'],
    );
    assert.deepEqual([uncovered(top.entries, 0.1, played / 10), overlaps(top.entries)], [[], []]);
    for (const segment of top.segments()) assert.equal((await readFrames(top.fileOf(segment))).length, segment.frames);
    assert.deepEqual(
      (await top.files()).filter((name) => name.endsWith('.part')),
      [],
    );
    await top.recorders.stop();
  } finally {
    await runTool('umount', ['-l', disk]);
  }
});

test('a folder that refuses is told, and tried again', async () => {
  let refuses = true;
  const options: Partial<RecordersOptions> = { openFile: (path) => (refuses ? Promise.reject(refusal('EROFS')) : openSegmentFile(path)) };
  await withTop(options, async (top) => {
    top.order({});
    top.begin();
    await top.play(15);
    assert.equal((await top.is('blocked')).cause, 'write_failed');
    refuses = false;
    const played = await top.playUntil('recording');
    await top.play(20);
    top.order();
    await ended(top);
    assert.deepEqual([uncovered(top.entries, 0.1, played / 10 + 2), overlaps(top.entries)], [[], []]);
    assert.ok((await framesOf(top)).length >= 20);
  });
});

test('a disk that is too slow costs frames from a keyframe to a keyframe, never memory without bound', async () => {
  let release: () => void = () => undefined;
  let held: Promise<void> | undefined;
  const slow = filesWith(async (file, parts) => {
    await held;
    await file.append(parts);
  });
  await withTop({ ...slow, limits: { queueBytes: 100_000 } }, async (top) => {
    top.order({});
    top.begin();
    await top.play(15);
    await top.isIdle();
    held = new Promise((resolve) => {
      release = resolve;
    });
    await top.play(100);
    assert.ok(top.recorders.counters.overflowed > 20);
    assert.ok(top.recorders.counters.highestQueueBytes <= 100_000);
    held = undefined;
    release();
    await top.isIdle();
    await top.play(25);
    top.order();
    await ended(top);
    const frames = await framesOf(top);
    assert.deepEqual([frames[0], new Set(frames).size, frames.at(-1)], [0, frames.length, 139]);
    const [gap, ...others] = top.gaps();
    const lost = top.recorders.counters.overflowed;
    assert.deepEqual([gap?.cause, gap?.detail, others], ['write_failed', `The disk is too slow: ${lost} fragments were given up`, []]);
    assert.equal(lost, 140 - frames.length);
    assert.equal(top.statuses.at(-1)?.dropped_fragments, lost);
    assert.deepEqual([uncovered(top.entries, 0.1, 14), overlaps(top.entries)], [[], []]);
  });
});

test('limits that change while it records hold at once, in both directions, and say which they are', async () => {
  const statfs = async () => ({ totalBytes: 1000, freeBytes: 500 });
  await withTop({ storage: { blockPercent: 90, minFreeBytes: 0, checkMs: 60_000, statfs } }, async (top) => {
    top.order({});
    top.begin();
    await top.play(15);
    await top.is('recording');
    top.recorders.limits({ block_percent: 40, min_free_bytes: 0, check_s: 60 });
    const { cause, error } = await top.is('blocked');
    assert.deepEqual([cause, error], ['storage_blocked', 'The disk is full to 50.0 %; nothing is recorded from 40 %']);
    top.recorders.limits({ block_percent: 90, min_free_bytes: 0, check_s: 60 });
    await top.playUntil('recording');
    top.order();
    await ended(top);
    assert.deepEqual(
      top.gaps().map((gap) => gap.cause),
      ['storage_blocked'],
    );
  });
});

test('above the threshold nothing is written; with room again it goes on', async () => {
  let freeBytes = 500;
  const statfs = async () => ({ totalBytes: 1000, freeBytes });
  await withTop({ storage: { blockPercent: 90, minFreeBytes: 0, checkMs: 20, statfs } }, async (top) => {
    top.order({});
    top.begin();
    await top.play(15);
    await top.is('recording');
    freeBytes = 50;
    const { cause, error } = await top.is('blocked');
    assert.deepEqual([cause, error], ['storage_blocked', 'The disk is full to 95.0 %; nothing is recorded from 90 %']);
    await top.play(20);
    freeBytes = 500;
    await top.isIdle();
    await top.playUntil('recording');
    top.order();
    await ended(top);
    assert.deepEqual(
      top.gaps().map((gap) => gap.cause),
      ['storage_blocked'],
    );
    const [first] = top.segments();
    assert.deepEqual([first?.frames, first?.closed_by], [15, 'gap']);
    assert.deepEqual(overlaps(top.entries), []);
  });
});

test('how full a disk is, is judged as df counts, with some slack for going on', () => {
  const limits = { blockPercent: 90, minFreeBytes: 1000 };
  const rows: [number, number, boolean, boolean][] = [
    [8999, 1001 + 9000, false, false],
    [9000, 1000, false, true],
    [8960, 1040, false, false],
    [8960, 1040, true, true],
    [100, 999, false, true],
    [100, 1049, true, true],
    [100, 1051, true, false],
  ];
  for (const [usedBytes, freeBytes, wasBlocked, isBlocked] of rows) {
    const judged = judgeRoom({ totalBytes: usedBytes + freeBytes + 500, usedBytes, freeBytes }, limits, wasBlocked);
    assert.equal(judged !== undefined, isBlocked, `${usedBytes} ${freeBytes} ${wasBlocked}`);
  }
});

test('a folder that is deleted costs what was in it; the numbers of the list go on', async () => {
  await withTop({}, async (top) => {
    top.order({ segment_s: 2 });
    top.begin();
    await top.play(35);
    await top.has((entry) => entry.kind === 'segment');
    // The recorder may be opening its next file in there.
    await rm(join(top.folder, 'cam'), { recursive: true, maxRetries: 5 });
    await waitFor(() => top.statuses.at(-1)?.cause === 'write_failed', { what: 'notice of the loss' });
    const played = await top.playUntil('recording');
    top.order();
    await ended(top);
    assert.deepEqual(
      top.entries.map(({ sequence }) => sequence),
      range(1, top.entries.length + 1),
    );
    assert.ok(top.gaps().every((gap) => gap.cause === 'write_failed'));
    assert.deepEqual([uncovered(top.entries, 0.1, played / 10), overlaps(top.entries)], [[], []]);
  });
});

test('deletes files of the stream and nothing else', async () => {
  await withTop({}, async (top) => {
    top.order({ segment_s: 2 });
    top.begin();
    await top.play(35);
    top.order();
    await ended(top);
    const [first, second] = top.segments();
    const outside = join(root, 'outside');
    await mkdir(outside, { recursive: true });
    await writeFile(join(outside, 'a.mp4'), 'precious');
    await symlink(outside, join(top.folder, 'cam', '2020-01-01'));
    const bad = [
      '../outside/a.mp4',
      'cam/../cam2/2020-01-01/a.mp4',
      'cam/2020-01-01/a.mp4',
      'other/2020-01-01/a.mp4',
      '/etc/passwd',
      'cam/entries.spoke1.ndjson',
      '',
    ];
    const result = await top.recorders.obey({
      action: 'delete_segments',
      stream_id: 'cam',
      paths: [first?.path ?? '', 'cam/2026-03-01/gone.mp4', ...bad],
    });
    const { deleted, refused } = result as { deleted: string[]; refused: { path: string }[] };
    assert.deepEqual([deleted, refused.map(({ path }) => path)], [[first?.path, 'cam/2026-03-01/gone.mp4'], bad]);
    assert.equal(await readFile(join(outside, 'a.mp4'), 'utf8'), 'precious');
    await readFile(top.fileOf(second ?? assert.fail()));
    await assert.rejects(readFile(top.fileOf(first ?? assert.fail())), { code: 'ENOENT' });
    const page = (await top.recorders.obey({ action: 'recording_entries', stream_id: 'cam', after: 1, limit: 1 })) as {
      entries: { sequence: number }[];
      last: number;
      more: boolean;
    };
    assert.deepEqual([page.entries.map(({ sequence }) => sequence), page.last, page.more], [[2], top.entries.length, true]);
  });
});
