/** Promise: any recorded span becomes a video, copied where that suffices. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Job, JobEvent, Recording, Segment, Video } from '../contracts/index.js';
import { waitFor } from '../testkit/index.js';
import { startWeir, type Weir } from './weir.js';

const profile = {
  name: 'two',
  preset: 'ultrafast',
  renditions: [
    { name: '360p', height: 360, video_kbps: 5000 },
    { name: '180p', height: 180, video_kbps: 250 },
  ],
};

function videoWhenReady(weir: Weir, videoId: string): Promise<Video> {
  return waitFor(
    async () => {
      const now = await weir.api<Video>('GET', `/api/v1/videos/${videoId}`);
      assert.notEqual(now.state, 'failed', now.error ?? '');
      return now.state === 'ready' ? now : undefined;
    },
    { what: 'the video', deadlineMs: 120_000 },
  );
}

describe('from live to a video', () => {
  let weir: Weir;

  before(async () => {
    weir = await startWeir({
      env: {
        WEIR_STREAMS_TEST_PICTURE: 'false',
        WEIR_STORAGE_MIN_FREE_BYTES: '0',
        WEIR_STORAGE_BLOCK_PERCENT: '100',
        WEIR_STORAGE_WARN_PERCENT: '99',
        WEIR_VOD_MIN_FREE_BYTES: '0',
        WEIR_VOD_PROFILES: JSON.stringify([profile]),
        WEIR_VOD_PROFILE: 'two',
      },
    });
  });

  after(async () => {
    await weir?.[Symbol.asyncDispose]();
  });

  test('a span of a recording is queued, its picture is copied, and it can be played', async () => {
    await weir.api('POST', '/api/v1/streams', {
      stream_id: 'yard',
      config: { device: 'test:', resolution: '640x360', framerate: 25, bitrate: 1500 },
    });
    await weir.api('POST', '/api/v1/streams/yard/recording', { duration_s: 5 });
    const ended = await waitFor(
      async () => {
        const { items } = await weir.api<{ items: Recording[] }>('GET', '/api/v1/recordings?stream_id=yard');
        return items.find((one) => one.state === 'stopped' && one.ended_at !== null && one.segments > 0);
      },
      { what: 'the end of the recording', deadlineMs: 60_000 },
    );
    const span = { from: ended.started_at, to: ended.ended_at };
    const made = await weir.api<Video>('POST', '/api/v1/videos/from_recording', { stream_id: 'yard', ...span, draft: { title: 'The yard' } });
    const video = await videoWhenReady(weir, made.video_id);
    assert.equal(video.title, 'The yard');
    const lengthS = (Date.parse(span.to ?? '') - Date.parse(span.from ?? '')) / 1000;
    assert.ok(Math.abs((video.output?.duration_s ?? 0) - lengthS) < 1.5, `${video.output?.duration_s} s of ${lengthS} s`);
    const top = video.output?.renditions.find((step) => step.name === '360p');
    assert.deepEqual([top?.width, top?.height, top?.encoder, top?.passthrough], [640, 360, 'copy', true]);
    const master = await fetch(`${weir.url}${video.playback_url}`, { headers: { authorization: `Bearer ${weir.localToken}` } });
    assert.match(await master.text(), /RESOLUTION=640x360/);
    const job = await weir.api<Job & { events: JobEvent[] }>('GET', `/api/v1/jobs/${video.job_id}`);
    assert.equal(job.origin, 'recording');
  });

  test('a span that begins amid a group of pictures begins there, whatever the profile', async () => {
    const { items } = await weir.api<{ items: Segment[] }>('GET', '/api/v1/recordings/segments?stream_id=yard');
    const file = items.at(-1);
    assert.ok(file !== undefined && file.duration_s > 3, `${file?.duration_s} s were recorded`);
    // A file begins with a keyframe; the next ones come at whole or half seconds of it.
    const [from, to] = [1250, 2750].map((ms) => new Date(Date.parse(file.started_at) + ms).toISOString());
    for (const name of ['two', 'remux']) {
      const draft = { title: `Cut for ${name}`, profile: name };
      const made = await weir.api<Video>('POST', '/api/v1/videos/from_recording', { stream_id: 'yard', from, to, draft });
      const { output, facts } = await videoWhenReady(weir, made.video_id);
      assert.deepEqual([facts?.video?.gop?.is_cut, output?.renditions[0]?.encoder], [true, 'libx264'], name);
      assert.ok(Math.abs((output?.duration_s ?? 0) - 1.5) < 0.2, `${name}: ${output?.duration_s} s of 1.5 s`);
    }
  });

  test('a span without footage is refused, and leaves nothing', async () => {
    const span = { from: '2020-01-01T00:00:00Z', to: '2020-01-01T00:01:00Z' };
    const answer = await weir.request('POST', '/api/v1/videos/from_recording', { stream_id: 'yard', ...span });
    assert.ok([404, 409].includes(answer.status), `answered ${answer.status}`);
    assert.equal((await weir.api<{ total: number }>('GET', '/api/v1/videos')).total, 3);
  });
});
