/**
 * A spoke that is killed while it records, again and again. Real broker, real FFmpeg; nobody tells the next spoke anything.
 * `WEIR_TEST_KILLS` is the number of kills, 12 by default; 200 are the figure to hold.
 *
 * The promise: of what a life of the spoke has shown on the bus, at most the newest fragment is missing in its files. What was shown and
 * what was kept are both evidence from outside: the bus is listened to, and after each kill the files are looked at before the next life begins.
 */
import assert from 'node:assert/strict';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { mediaHeaders, type RecordingEntry } from '../../contracts/index.js';
import { waitFor } from '../../testkit/index.js';
import { holes, overlaps } from './testing/bench-top.js';
import { readFrames } from './testing/footage.js';
import { SpokeChild } from './testing/spoke-child.js';

const kills = Number(process.env.WEIR_TEST_KILLS ?? 12);
/** One in so many lives is killed anywhere within the time that the life before took to show its first picture. */
const earlyEvery = 6;
const config = { device: 'test:', resolution: '320x180' };
const order = {
  recording_id: 'r1',
  origin: 'always',
  format: 'fmp4',
  from: new Date(Date.now() - 3_600_000).toISOString(),
  until: null,
  segment_s: 2,
  segment_bytes: 2 ** 30,
  pre_roll_s: 0,
} as const;

/** One run of the spoke's process. Times are wall clock. */
interface Life {
  readonly spawnedMs: number;
  /** Fragments of the source that the bus brought, by epoch. */
  readonly shown: Map<string, number>;
  firstShownMs?: number;
  isKilled?: boolean;
  /** Frames in its files, file by file. */
  readonly kept: number[];
}

const shownIn = ({ shown }: Life) => [...shown.values()].reduce((sum, count) => sum + count, 0);
const keptIn = ({ kept }: Life) => kept.reduce((sum, count) => sum + count, 0);
/** The last life is not killed: its recording is ended, and its picture goes on. */
const lostIn = (life: Life) => (life.isKilled ? Math.max(0, shownIn(life) - keptIn(life)) : 0);

/** Lives, and what the bus brought of each: a fragment belongs to the life in which it says that it was pushed. */
class Lives {
  readonly all: Life[] = [];
  readonly #noSignal = new Set<string>();

  constructor(spoke: SpokeChild) {
    spoke.hub.connection.subscribe('videonode.stream.cam.media.*', {
      callback: (error, message) => {
        const header = (name: string) => message.headers?.get(name) ?? '';
        if (error !== null) return;
        if (message.subject.endsWith('.init')) {
          if (header(mediaHeaders.picture) === 'no-signal') this.#noSignal.add(header(mediaHeaders.epoch));
        } else if (!this.#noSignal.has(header(mediaHeaders.epoch))) {
          this.#take(header(mediaHeaders.epoch), Number(header(mediaHeaders.sequence)), Number(header(mediaHeaders.published)));
        }
      },
    });
  }

  get last(): Life {
    const life = this.all.at(-1);
    assert.ok(life !== undefined);
    return life;
  }

  begin(): void {
    this.all.push({ spawnedMs: Date.now(), shown: new Map(), kept: [] });
  }

  #take(epoch: string, sequence: number, pushedMs: number): void {
    const life = this.all.findLast(({ spawnedMs }) => spawnedMs <= pushedMs);
    if (life === undefined) return;
    life.firstShownMs ??= pushedMs;
    life.shown.set(epoch, Math.max(life.shown.get(epoch) ?? 0, sequence + 1));
  }
}

/** Whose a file is: that of the life after whose end there was something in it for the first time. It keeps its number when it is named. */
class FileOwners {
  readonly #owners = new Map<number, Life>();

  async look(folder: string, life: Life): Promise<void> {
    for (const name of await readdir(folder, { recursive: true })) {
      if (!/\.mp4(\.part)?$/.test(name)) continue;
      // A life that was killed just now renames nothing any more.
      const { ino, size } = await stat(join(folder, name));
      if (size > 0 && !this.#owners.has(ino)) this.#owners.set(ino, life);
    }
  }

  async of(file: string): Promise<Life> {
    const owner = this.#owners.get((await stat(file)).ino);
    assert.ok(owner !== undefined, `${file} belongs to no life`);
    return owner;
  }
}

test(`${kills} kills cost at most one fragment each, and every gap is in the list`, { timeout: 60_000 + kills * 15_000 }, async (t) => {
  const spoke = await SpokeChild.make(['cam']);
  const lives = new Lives(spoke);
  const owners = new FileOwners();
  const begin = async () => {
    lives.begin();
    await spoke.start();
  };
  try {
    await begin();
    await spoke.assign([{ id: 'cam', config, orders: [order] }]);
    for (let kill = 0; kill < kills; kill += 1) {
      await momentToKill(lives, kill);
      await spoke.kill9();
      lives.last.isKilled = true;
      await owners.look(spoke.recordings, lives.last);
      await begin();
    }
    await shows(lives.last, 10);
    const endedMs = Date.now();
    await spoke.assign([{ id: 'cam', config, orders: [] }]);
    const entries = await listOf(spoke);
    await owners.look(spoke.recordings, lives.last);
    const firsts = await countFrames(spoke.recordings, entries, owners);
    print(t, lives.all, entries);

    // The counter of each FFmpeg begins at 0.
    for (const [life, [first = 0]] of firsts) assert.equal(first, 0, `life ${lives.all.indexOf(life)} is there from its first frame on`);
    const lost = lives.all.map(lostIn);
    assert.ok(Math.max(...lost) <= 1, `lost: ${lost}`);
    assertList(entries, endedMs);
    await assertGapBetweenLives(entries, (segment) => owners.of(join(spoke.recordings, segment.path)));
    const files = await readdir(spoke.recordings, { recursive: true });
    assert.deepEqual(
      files.filter((name) => /\.(part|remux|tmp)$/.test(name)),
      [],
    );
  } finally {
    await spoke.stop();
  }
});

function shows(life: Life, wanted: number): Promise<unknown> {
  return waitFor(() => shownIn(life) >= wanted, { what: `${wanted} fragments of a life`, deadlineMs: 60_000, everyMs: 1 });
}

async function momentToKill({ all, last }: Lives, kill: number): Promise<void> {
  const before = all.findLast((life) => life.firstShownMs !== undefined);
  if (kill % earlyEvery === earlyEvery - 1 && before?.firstShownMs !== undefined) {
    await delay(Math.random() * (before.firstShownMs - before.spawnedMs));
    return;
  }
  // Half of them amid the begin of a recording, half anywhere in it; always anywhere between two fragments.
  await shows(last, 1 + Math.floor(Math.random() * (kill % 2 === 0 ? 5 : 70)));
  await delay(Math.random() * 33);
}

function listOf(spoke: SpokeChild): Promise<RecordingEntry[]> {
  return waitFor(
    async () => {
      const all = await spoke.entries('cam');
      return all.some((entry) => entry.kind === 'ended') ? all : undefined;
    },
    { what: 'the end of the recording', deadlineMs: 60_000 },
  );
}

/** Reads the counter of every picture of every file: none missing and none twice within a life. Gives the first of each run of FFmpeg. */
async function countFrames(folder: string, entries: readonly RecordingEntry[], owners: FileOwners): Promise<Map<Life, number[]>> {
  const firsts = new Map<Life, number[]>();
  let next = 0;
  for (const segment of entries) {
    if (segment.kind !== 'segment') continue;
    const file = join(folder, segment.path);
    const life = await owners.of(file);
    const frames = await readFrames(file);
    assert.equal(frames.length, segment.frames, segment.path);
    life.kept.push(frames.length);
    for (const number of frames) {
      // A new life, or a new FFmpeg.
      if (!firsts.has(life)) firsts.set(life, [number]);
      else if (number === 0) firsts.get(life)?.push(0);
      else assert.equal(number, next, `${segment.path}: no frame missing, none twice`);
      next = number + 1;
    }
  }
  return firsts;
}

function print(t: TestContext, lives: readonly Life[], entries: readonly RecordingEntry[]): void {
  for (const [index, life] of lives.entries()) {
    const afterMs = life.firstShownMs === undefined ? 'never' : `${life.firstShownMs - life.spawnedMs} ms`;
    t.diagnostic(`life ${index}: first shown after ${afterMs}; shown ${shownIn(life)}, kept ${life.kept.join(' + ') || 0}, lost ${lostIn(life)}`);
  }
  const segments = entries.filter((entry) => entry.kind === 'segment');
  const frames = lives.reduce((sum, life) => sum + keptIn(life), 0);
  const costly = lives.filter((life) => lostIn(life) > 0).length;
  t.diagnostic(`${frames} frames in ${segments.length} files, ${segments.filter((one) => one.closed_by === 'recovered').length} of them recovered`);
  t.diagnostic(
    `${lives.filter((life) => shownIn(life) === 0).length} lives showed nothing, ${lives.filter((life) => keptIn(life) === 0).length} kept nothing`,
  );
  t.diagnostic(`${costly} of ${kills} kills cost a fragment; most lost by one kill: ${Math.max(...lives.map(lostIn))}`);
}

function assertList(entries: readonly RecordingEntry[], endedMs: number): void {
  assert.deepEqual(
    entries.map(({ sequence }) => sequence),
    Array.from({ length: entries.length }, (_, index) => index + 1),
  );
  for (const entry of entries) if (entry.kind === 'gap') assert.ok(entry.cause === 'spoke_killed' || entry.cause === 'starting', entry.cause);
  const began = entries.flatMap((entry) => (entry.kind === 'began' ? [entry] : []));
  assert.equal(began.length, 1);
  assert.deepEqual([holes(entries, Date.parse(began[0]?.at ?? ''), endedMs, 150), overlaps(entries)], [[], []]);
}

/** A kill that came before the first picture of a life may share its gap with the one before; else each has its own. */
async function assertGapBetweenLives(
  entries: readonly RecordingEntry[],
  ownerOf: (segment: Extract<RecordingEntry, { kind: 'segment' }>) => Promise<Life>,
): Promise<void> {
  let last: Life | undefined;
  let isKillTold = false;
  for (const entry of entries) {
    if (entry.kind === 'gap') isKillTold ||= entry.cause === 'spoke_killed';
    if (entry.kind !== 'segment') continue;
    const owner = await ownerOf(entry);
    if (last !== undefined && owner !== last) assert.ok(isKillTold, `the gap before ${entry.filename} is named`);
    last = owner;
    isKillTold = false;
  }
}
