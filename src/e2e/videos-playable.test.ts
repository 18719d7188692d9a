/** Promise: a video can be watched while it is made, to its last picture, and nobody who watches sees that it was published meanwhile. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import * as HLS from 'hls-parser';
import type { Video } from '../contracts/index.js';
import { readFrameCounter, runProgram } from '../media/index.js';
import { waitFor } from '../testkit/index.js';
import { slowProfile, VideosBed } from './videos-bed.js';

const seconds = 60;
const size = { width: 320, height: 180 };

test('a video is watched from its first segments on, while it is made and published', { timeout: 300_000 }, async (t) => {
  const profile = { ...slowProfile, name: 'watched', segment_s: 2 };
  await using bed = await VideosBed.start({ env: { WEIR_VOD_PROFILES: JSON.stringify([profile]), WEIR_VOD_PROFILE: 'watched' } });
  bed.publish(bed.request('watched', await bed.source('watched', { seconds })));
  const video = () => bed.weir.api<Video>('GET', '/api/v1/videos/watched');
  await waitFor(async () => (await video().catch(() => undefined))?.output?.duration_s, { what: 'something to play', deadlineMs: 90_000 });
  assert.equal((await video()).published_at, null);

  const pictures = join(bed.folder, 'pictures');
  const isOver = new AbortController();
  const player = watch(bed, pictures).finally(() => isOver.abort());
  const [run, seen] = await Promise.all([player, followPlaylist(bed, isOver.signal)]);
  assert.equal(run.code, 0, run.stderr);
  const job = await bed.ended('watched');
  assert.equal(job.state, 'done', JSON.stringify(job.error));
  assert.deepEqual(
    await countersIn(pictures),
    Array.from({ length: seconds * 25 }, (_, index) => index),
  );
  assert.ok(seen.growing.size >= 3, `the playlist was seen with ${[...seen.growing]} segments`);
  assert.equal(seen.whole, seconds / 2, 'segments of the whole');

  const at = (kind: string) => Date.parse(job.events.find((event) => event.kind === kind)?.at ?? '');
  const [playableMs, doneMs] = [at('first_playable') - at('claimed'), at('done') - at('claimed')];
  assert.ok(playableMs < doneMs, `playable after ${playableMs} of ${doneMs} ms`);
  t.diagnostic(`playable after ${playableMs} ms, done after ${doneMs} ms; the playlist was seen with ${[...seen.growing].join(', ')} segments`);
});

/** As a player does that begins at the beginning: playlist after playlist until its end is told. */
function watch(bed: VideosBed, pictures: string) {
  const address = new URL('/files/videos/watched/master.m3u8', bed.weir.url).href;
  const input = ['-headers', `Authorization: Bearer ${bed.weir.localToken}\r\n`, '-live_start_index', '0', '-i', address];
  const output = ['-map', '0:v:0', '-fps_mode', 'passthrough', '-pix_fmt', 'gray', '-f', 'rawvideo', pictures];
  return runProgram('ffmpeg', ['-nostdin', '-y', '-v', 'error', ...input, ...output], { timeoutMs: 240_000 });
}

/** Reads the playlist over and over: valid each time, growing only at its end, and what it names is there. */
async function followPlaylist(bed: VideosBed, isOver: AbortSignal): Promise<{ growing: Set<number>; whole: number }> {
  HLS.setOptions({ strictMode: true });
  const growing = new Set<number>();
  let before: string[] = [];
  for (;;) {
    const answer = await bed.weir.request('GET', '/files/videos/watched/180p.m3u8');
    const text = await answer.text();
    assert.equal(answer.status, 200, text);
    assert.equal(HLS.parse(text).isMasterPlaylist, false);
    const segments = [...text.matchAll(/^[^#\n].*/gm)].map(([name]) => name);
    assert.deepEqual(segments.slice(0, before.length), before, 'it only grows');
    for (const name of segments.slice(before.length)) {
      const segment = await bed.weir.request('GET', new URL(name, answer.url).pathname);
      assert.equal(segment.status, 200, name);
      await segment.arrayBuffer();
    }
    before = segments;
    const isWhole = text.includes('#EXT-X-ENDLIST');
    if (!isWhole) {
      assert.match(text, /#EXT-X-PLAYLIST-TYPE:EVENT/);
      growing.add(segments.length);
    } else if (isOver.aborted) {
      return { growing, whole: segments.length };
    }
    await delay(100, undefined, { signal: AbortSignal.any([isOver, AbortSignal.timeout(240_000)]) }).catch(() => undefined);
  }
}

async function countersIn(file: string): Promise<(number | undefined)[]> {
  const bytes = await readFile(file);
  const frame = size.width * size.height;
  return Array.from({ length: bytes.length / frame }, (_, index) =>
    readFrameCounter(bytes.subarray(index * frame, (index + 1) * frame), size.width, size.height),
  );
}
