/** Recording by a whole spoke: real broker, real FFmpeg, and a broker that dies. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { mediaHeaders, type RecordingOrder } from '../../contracts/index.js';
import { startLiveServer } from '../../streams/spoke/testing/live-server.js';
import { runTool } from '../../testkit/ffmpeg-capture.js';
import { waitFor } from '../../testkit/index.js';
import { holes, overlaps } from './testing/bench-top.js';
import { readFrames } from './testing/footage.js';
import { SpokeChild } from './testing/spoke-child.js';

const orderNow = (more: Partial<RecordingOrder> = {}): RecordingOrder => ({
  recording_id: 'r1',
  origin: 'manual',
  format: 'fmp4',
  from: new Date().toISOString(),
  until: null,
  segment_s: 2,
  segment_bytes: 2 ** 30,
  pre_roll_s: 0,
  ...more,
});

/** Newest fragment heard of each epoch. */
function listen(spoke: SpokeChild): Map<string, number> {
  const heard = new Map<string, number>();
  spoke.hub.connection.subscribe('videonode.stream.cam.media.*', {
    callback: (_error, message) => {
      heard.set(message.headers?.get(mediaHeaders.epoch) ?? '', Number(message.headers?.get(mediaHeaders.sequence)));
    },
  });
  return heard;
}

const ended = (spoke: SpokeChild) =>
  waitFor(async () => ((await spoke.entries('cam')).some((entry) => entry.kind === 'ended') ? spoke.entries('cam') : undefined), {
    what: 'the end of the recording',
    deadlineMs: 15_000,
  });

test('a broker that is killed amid a recording costs no frame, and neither does the begin cost one', async () => {
  const spoke = await SpokeChild.make(['cam']);
  const config = { device: 'test:', resolution: '320x180' };
  try {
    const heard = listen(spoke);
    await spoke.start();
    await spoke.assign([{ id: 'cam', config, orders: [] }]);
    await waitFor(() => ([...heard.values()][0] ?? 0) > 70, { what: 'a picture', deadlineMs: 20_000 });
    const began = orderNow({ pre_roll_s: 1 });
    await spoke.assign([{ id: 'cam', config, orders: [began] }]);
    await waitFor(() => spoke.statuses.some((status) => status.state === 'recording' && status.elapsed_s > 2), { deadlineMs: 10_000 });
    await spoke.broker.kill9();
    const awayMs = Date.now();
    await waitFor(() => Date.now() - awayMs > 2500, { what: 'time without a broker' });
    await spoke.broker.restart();
    const seen = spoke.statuses.length;
    await waitFor(() => spoke.statuses.length > seen + 2, { what: 'news after the return', deadlineMs: 15_000 });
    await spoke.assign([{ id: 'cam', config, orders: [] }]);
    const entries = await ended(spoke);
    const segments = entries.filter((entry) => entry.kind === 'segment');
    const frames = (await Promise.all(segments.map((one) => readFrames(join(spoke.recordings, one.path))))).flat();
    const [first = 0] = frames;
    assert.deepEqual(
      frames,
      Array.from({ length: frames.length }, (_, index) => first + index),
      'one run of frames, over the loss of the broker',
    );
    assert.equal(heard.size, 1, 'FFmpeg was left alone');
    assert.ok(frames.length > 150, `${frames.length} frames`);
    assert.deepEqual(
      entries.filter((entry) => entry.kind === 'gap'),
      [],
    );
    assert.deepEqual([holes(entries, Date.parse(began.from) - 900, awayMs, 150), overlaps(entries)], [[], []]);
  } finally {
    await spoke.stop();
  }
});

test('while a source is away nothing is recorded of the no-signal picture, and the list says why', async () => {
  const spoke = await SpokeChild.make(['cam']);
  const server = await startLiveServer({ size: '320x180' });
  try {
    await spoke.start();
    const config = { device: server.url };
    await spoke.assign([{ id: 'cam', config, orders: [orderNow({ segment_s: 60 })] }]);
    await waitFor(() => spoke.statuses.some((status) => status.state === 'recording' && status.elapsed_s > 1), { deadlineMs: 25_000 });
    server.encoder.kill('SIGKILL');
    const waiting = await waitFor(() => spoke.statuses.find((status) => status.state === 'waiting'), { deadlineMs: 10_000 });
    assert.equal(waiting.cause, 'source_silent');
    await server.play({ size: '320x180' });
    const from = spoke.statuses.length;
    await waitFor(() => spoke.statuses.slice(from).some((status) => status.state === 'recording'), { what: 'the return', deadlineMs: 20_000 });
    await spoke.assign([{ id: 'cam', config, orders: [] }]);
    const entries = await ended(spoke);
    const gaps = entries.filter((entry) => entry.kind === 'gap').map(({ cause }) => cause);
    assert.ok(gaps.includes('source_silent') && gaps.every((cause) => cause === 'starting' || cause.startsWith('source_')), gaps.join());
    assert.deepEqual(overlaps(entries), []);
    for (const segment of entries.filter((entry) => entry.kind === 'segment')) {
      const count = ['-v', 'error', '-count_frames', '-select_streams', 'v', '-show_entries', 'stream=nb_read_frames', '-of', 'csv=p=0'];
      const counted = await runTool('ffprobe', [...count, join(spoke.recordings, segment.path)]);
      assert.equal(Number.parseInt(counted.toString(), 10), segment.frames);
    }
  } finally {
    await server.stop();
    await spoke.stop();
  }
});
