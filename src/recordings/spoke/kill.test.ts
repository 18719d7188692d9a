/**
 * A spoke that is killed while it records, again and again. Real broker, real FFmpeg; nobody tells the next spoke anything.
 * `WEIR_TEST_KILLS` is the number of kills, 12 by default; 200 are the figure to hold.
 */
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { mediaHeaders } from '../../contracts/index.js';
import { waitFor } from '../../testkit/index.js';
import { machinePace } from '../../testkit/pace.js';
import { holes, overlaps } from './testing/bench-top.js';
import { readFrames } from './testing/footage.js';
import { SpokeChild } from './testing/spoke-child.js';

const kills = Number(process.env.WEIR_TEST_KILLS ?? 12);
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

test(`${kills} kills cost at most one fragment each, and every gap is in the list`, { timeout: 60_000 + kills * 10_000 }, async (t) => {
  const spoke = await SpokeChild.make(['cam']);
  /** Fragments heard of each epoch, in the order of epochs. */
  const heard = new Map<string, number>();
  for (const kind of ['key', 'delta']) {
    spoke.hub.connection.subscribe(`videonode.stream.cam.media.${kind}`, {
      callback: (_error, message) => {
        const epoch = message.headers?.get(mediaHeaders.epoch) ?? '';
        heard.set(epoch, Math.max(heard.get(epoch) ?? 0, Number(message.headers?.get(mediaHeaders.sequence)) + 1));
      },
    });
  }
  try {
    await spoke.start();
    await spoke.assign([{ id: 'cam', config, orders: [order] }]);
    for (let kill = 0; kill < kills; kill += 1) {
      const wanted = 3 + Math.floor(Math.random() * 70);
      await waitFor(() => heard.size === kill + 1 && ([...heard.values()].at(-1) ?? 0) >= wanted, {
        what: `${wanted} fragments of life ${kill}`,
        deadlineMs: 20_000,
        everyMs: 1,
      });
      // Anywhere between two fragments.
      await delay(Math.random() * 33);
      await spoke.kill9();
      await spoke.start();
    }
    await waitFor(() => heard.size === kills + 1 && ([...heard.values()].at(-1) ?? 0) > 10, { deadlineMs: 20_000 });
    const endedMs = Date.now();
    await spoke.assign([{ id: 'cam', config, orders: [] }]);
    const entries = await waitFor(
      async () => {
        const all = await spoke.entries('cam');
        return all.some((entry) => entry.kind === 'ended') ? all : undefined;
      },
      { what: 'the end of the recording', deadlineMs: 20_000 },
    );
    assert.deepEqual(
      entries.map(({ sequence }) => sequence),
      Array.from({ length: entries.length }, (_, index) => index + 1),
    );
    const segments = entries.filter((entry) => entry.kind === 'segment');
    const numbers: number[] = [];
    for (const segment of segments) {
      const frames = await readFrames(join(spoke.recordings, segment.path));
      assert.equal(frames.length, segment.frames, segment.path);
      numbers.push(...frames);
    }
    // The counter of each FFmpeg begins at 0: each life must be there from its first frame on, without a hole.
    const lives: number[] = [];
    for (const [index, number] of numbers.entries()) {
      if (number === 0) lives.push(0);
      else assert.equal(number, (numbers[index - 1] ?? Number.NaN) + 1, `frame ${index} of all`);
      lives[lives.length - 1] = number + 1;
    }
    // The last life is not killed: its recording is ended, and the picture goes on.
    const lost = [...heard.values()].slice(0, kills).map((fragments, life) => Math.max(0, fragments - (lives[life] ?? 0)));
    assert.equal(lives.length, kills + 1);
    t.diagnostic(
      `${numbers.length} frames in ${segments.length} files; ${lost.filter((count) => count > 0).length} of ${kills} kills cost a fragment`,
    );
    t.diagnostic(
      `${segments.filter((segment) => segment.closed_by === 'recovered').length} files recovered; most lost by one kill: ${Math.max(...lost)}`,
    );
    // On a busy machine fragments come several at a time, and what came together is written together.
    const most = Math.max(...lost);
    if (most > 1) assert.ok(most <= (await machinePace()) * 1.5, `lost: ${lost}`);

    const gaps = entries.filter((entry) => entry.kind === 'gap');
    assert.equal(gaps.filter((gap) => gap.cause === 'spoke_killed').length, kills);
    assert.ok(gaps.every((gap) => gap.cause === 'spoke_killed' || gap.cause === 'starting'));
    const began = entries.flatMap((entry) => (entry.kind === 'began' ? [entry] : []));
    assert.equal(began.length, 1);
    assert.deepEqual([holes(entries, Date.parse(began[0]?.at ?? ''), endedMs, 150), overlaps(entries)], [[], []]);
    const files = await readdir(spoke.recordings, { recursive: true });
    assert.deepEqual(
      files.filter((name) => /\.(part|remux|tmp)$/.test(name)),
      [],
    );
  } finally {
    await spoke.stop();
  }
});
