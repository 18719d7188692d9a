/** Promise: a program that knows only the wire contract gets its video, and sees and steers what goes on meanwhile. */
import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { waitFor } from '../testkit/index.js';
import { isThere, readRendition, VideosBed } from './videos-bed.js';

describe('work on videos', () => {
  let bed: VideosBed;

  before(async () => {
    bed = await VideosBed.start();
  });
  after(() => bed[Symbol.asyncDispose]());

  test('the layout of the wire contract, from one plain publish', async (t) => {
    const source = await bed.source('video-123', { seconds: 9, width: 1280, height: 720 });
    const request = bed.request('video-123', source, {
      quality: ['720p', '480p'],
      thumbnail_time: '00:00:05',
      metadata: { title: 'My Video', duration: 9 },
    });
    const publishedMs = performance.now();
    bed.publish(request);
    const job = await bed.ended('video-123');
    assert.equal(job.state, 'done', JSON.stringify(job.error));
    t.diagnostic(`job done after ${Math.round(performance.now() - publishedMs)} ms`);
    const names = (await readdir(request.output_path)).sort();
    assert.deepEqual(
      names.filter((name) => /^(?:720p|480p|master|thumbnail)(?:_\d{3})?\.(?:m3u8|ts|jpg)$/.test(name)),
      ['480p.m3u8', '480p_000.ts', '480p_001.ts', '720p.m3u8', '720p_000.ts', '720p_001.ts', 'master.m3u8', 'thumbnail.jpg'],
      names.join(' '),
    );
    const counters = await readRendition(join(request.output_path, '480p.m3u8'), { width: 854, height: 480 });
    assert.deepEqual(
      counters,
      Array.from({ length: 225 }, (_, index) => index),
    );
    const [processed] = await waitFor(() =>
      bed.told('video.processed', 'video-123').length > 0 ? bed.told('video.processed', 'video-123') : undefined,
    );
    assert.deepEqual(
      [processed?.video_id, processed?.status, processed?.user_id, processed?.output_path, processed?.quality, processed?.metadata],
      ['video-123', 'done', 'user-456', request.output_path, ['720p', '480p'], request.metadata],
    );
    assert.ok(await isThere(String(processed?.hls_path)));
    assert.ok(await isThere(String(processed?.thumbnail_path)));
    assert.ok(await isThere(source), 'the source stays');
    assert.deepEqual(await bed.leftOvers(), []);
  });
});
