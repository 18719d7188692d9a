import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { createBus } from '../../bus/index.js';
import { WeirError } from '../../contracts/index.js';
import { findMachineFacts, type MachineFacts, readTrackFacts } from '../../media/index.js';
import { makeTempFolder, removeFolder, waitFor } from '../../testkit/index.js';
import { type Spoke, startSpoke } from '../spoke/index.js';
import { admin, type Bench, calm, input, startBench } from './fixture.test.js';
import { newestOf } from './journal-seek.js';

const run = promisify(execFile);
let facts: MachineFacts;
let bench: Bench;
let spoke: Spoke;
let folder: string;

before(async () => {
  facts = await findMachineFacts({ ffmpeg: 'ffmpeg', ffprobe: 'ffprobe', hardware: false });
  bench = await startBench({ facts, timing: { spokeLostMs: 6500, graceMs: 6500 } });
  folder = await makeTempFolder('hub-media');
  spoke = await startSpoke({ bus: createBus(await bench.broker.connect()), spokeId: 's1', version: '0', facts, policy: { mediaFolders: [] } });
  const body = { stream_id: 'cam', config: { device: 'test:', resolution: '320x180', framerate: 25 } };
  await bench.hub.operations.create_stream(admin, input('create_stream', { body }), calm);
  await waitFor(async () => (await show('cam')).status?.state === 'running', { what: 'the test picture', deadlineMs: 15_000 });
});

after(async () => {
  await spoke?.stop();
  await bench?.[Symbol.asyncDispose]();
  if (folder !== undefined) await removeFolder(folder);
  assert.deepEqual(
    bench?.complaints.filter((one) => one.includes('did not end')),
    [],
  );
});

const show = (streamId: string) => bench.hub.operations.get_stream(admin, input('get_stream', { params: { stream_id: streamId } }), calm);
const target = { params: { stream_id: 'cam' } };
const codeOf = (code: string) => (error: unknown) => error instanceof WeirError && error.code === code;

async function probe(file: string, ...more: string[]): Promise<string> {
  const { stdout } = await run('ffprobe', ['-v', 'error', ...more, file], { maxBuffer: 16 * 1024 ** 2 });
  return stdout;
}

/** Presentation times of the video frames, as ffprobe decodes them; fails when it has anything to complain about. */
async function frameTimes(source: string): Promise<number[]> {
  const { stdout, stderr } = await run(
    'ffprobe',
    ['-v', 'error', '-select_streams', 'v', '-show_entries', 'frame=pts_time', '-of', 'csv=p=0', source],
    { maxBuffer: 16 * 1024 ** 2 },
  );
  assert.equal(stderr, '');
  // A frame with side data takes a further line.
  return [...stdout.matchAll(/^[\d.]+/gm)].map(([time]) => Number.parseFloat(time));
}

test('live.mp4: one continuous file that plays, from a keyframe on', async () => {
  const abort = new AbortController();
  const started = performance.now();
  const flow = await bench.hub.operations.stream_live_mp4(admin, input('stream_live_mp4', target), { signal: abort.signal });
  const firstMs = performance.now() - started;
  const chunks: Uint8Array[] = [];
  for await (const chunk of flow.body) {
    chunks.push(chunk);
    if (chunks.length === 76) break;
  }
  abort.abort();
  const file = join(folder, 'live.mp4');
  await writeFile(file, Buffer.concat(chunks));
  const times = await frameTimes(file);
  assert.equal(times.length, 75);
  for (const [index, time] of times.entries()) {
    const gap = time - (times[index - 1] ?? time - 0.04);
    assert.ok(Math.abs(gap - 0.04) < 0.005, `gap of ${gap} s before frame ${index}`);
  }
  console.log(`live.mp4: first bytes after ${firstMs.toFixed(0)} ms`);
});

test('live.mp4: a client that does not read costs a bounded amount, and goes on at the newest keyframe', async () => {
  const abort = new AbortController();
  const flow = await bench.hub.operations.stream_live_mp4(admin, input('stream_live_mp4', target), { signal: abort.signal });
  const iterator = flow.body[Symbol.asyncIterator]();
  const init = (await iterator.next()).value as Uint8Array;
  const chunks = [init, (await iterator.next()).value as Uint8Array];
  // Five seconds of picture pass by a client that reads nothing.
  const pausedAt = (await show('cam')).progress?.frame ?? 0;
  await waitFor(async () => ((await show('cam')).progress?.frame ?? 0) >= pausedAt + 125, { deadlineMs: 12_000, what: 'five seconds of picture' });
  for (let number = 0; number < 100; number += 1) chunks.push((await iterator.next()).value as Uint8Array);
  abort.abort();
  const file = join(folder, 'slow.mp4');
  await writeFile(file, Buffer.concat(chunks));
  const times = await frameTimes(file);
  assert.equal(times.length, 101);
  // The jump is closed: a player neither waits for the hole to pass nor goes back.
  for (const [index, time] of times.entries()) {
    const gap = time - (times[index - 1] ?? time - 0.04);
    assert.ok(gap > 0.02 && gap < 0.08, `gap of ${gap} s before frame ${index}`);
  }
});

test('live.mp4: a stream that does not exist, or does not run, is refused before the first byte', async () => {
  await bench.hub.operations.create_stream(
    admin,
    input('create_stream', { body: { stream_id: 'off', config: { device: 'test:' }, desired: 'stopped' } }),
    calm,
  );
  const live = (streamId: string, signal: AbortSignal) =>
    bench.hub.operations.stream_live_mp4(admin, input('stream_live_mp4', { params: { stream_id: streamId } }), { signal });
  await assert.rejects(live('nobody', calm.signal), codeOf('not_found'));
  const abort = AbortSignal.timeout(500);
  await assert.rejects(live('off', abort), (error: unknown) => error instanceof WeirError);
});

/** The hub's HLS behind a plain HTTP server, as a player sees it. */
async function serveHls(streamId: string): Promise<{ url: string; server: Server; fetched: string[] }> {
  const fetched: string[] = [];
  const server = createServer((request, response) => {
    const name = (request.url ?? '').split('/').at(-1) ?? '';
    fetched.push(name);
    const { operations } = bench.hub;
    const answer =
      name === 'index.m3u8'
        ? operations.stream_hls(admin, input('stream_hls', { params: { stream_id: streamId } }), calm)
        : operations.stream_hls_part(admin, input('stream_hls_part', { params: { stream_id: streamId, part: name } }), calm);
    answer.then(
      (file) => response.setHeader('content-type', file.contentType).end(file.body),
      () => response.writeHead(404).end(),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return { url: `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}/index.m3u8`, server, fetched };
}

const playlistOf = async (streamId: string) =>
  String((await bench.hub.operations.stream_hls(admin, input('stream_hls', { params: { stream_id: streamId } }), calm)).body);

test('HLS: every segment holds exactly the frames that its playlist says, and FFmpeg plays them in a row', async () => {
  await waitFor(async () => (await playlistOf('cam')).split('#EXTINF').length > 4, { deadlineMs: 15_000, what: 'four segments', everyMs: 100 });
  const timings: number[] = [];
  for (let number = 0; number < 20; number += 1) {
    const started = performance.now();
    await playlistOf('cam');
    timings.push(performance.now() - started);
  }
  const playlist = await playlistOf('cam');
  const lines = playlist.split('\n');
  const target1 = Number(/#EXT-X-TARGETDURATION:(\d+)/.exec(playlist)?.[1]);
  const init = /#EXT-X-MAP:URI="([^"]+)"/.exec(playlist)?.[1] ?? '';
  const part = async (name: string) =>
    (await bench.hub.operations.stream_hls_part(admin, input('stream_hls_part', { params: { stream_id: 'cam', part: name } }), calm))
      .body as Uint8Array;
  const initBytes = await part(init);
  assert.equal(readTrackFacts(initBytes).video?.width, 320);
  let checked = 0;
  for (const [index, line] of lines.entries()) {
    const duration = /^#EXTINF:([\d.]+),/.exec(line)?.[1];
    if (duration === undefined) continue;
    assert.ok(Math.round(Number(duration)) <= target1);
    const file = join(folder, `segment-${index}.mp4`);
    await writeFile(file, Buffer.concat([initBytes, await part(lines[index + 1] ?? '')]));
    const times = await frameTimes(file);
    assert.equal(times.length, Math.round(Number(duration) * 25), `frames of ${lines[index + 1]} (${duration} s)`);
    const packets = await probe(file, '-select_streams', 'v', '-show_entries', 'packet=flags', '-of', 'csv=p=0', '-read_intervals', '%+#1');
    assert.match(packets, /K/, 'a segment begins with a keyframe');
    checked += 1;
  }
  assert.ok(checked >= 3, `${checked} segments`);
  const sorted = timings.sort((a, b) => a - b);
  console.log(`HLS playlist: median ${sorted[10]?.toFixed(1)} ms, longest ${sorted[19]?.toFixed(1)} ms`);

  const { url, server, fetched } = await serveHls('cam');
  const { stdout, stderr } = await run(
    'ffprobe',
    ['-v', 'error', '-read_intervals', '%+4', '-select_streams', 'v', '-show_entries', 'packet=pts_time', '-of', 'csv=p=0', url],
    { timeout: 30_000 },
  );
  server.close();
  assert.equal(stderr, '');
  const times = stdout
    .trim()
    .split('\n')
    .map((line) => Number.parseFloat(line));
  assert.ok(times.length >= 75, `${times.length} frames`);
  for (const [index, time] of times.entries()) if (index > 0) assert.ok(Math.abs(time - (times[index - 1] ?? 0) - 0.04) < 0.005, `frame ${index}`);
  assert.ok(fetched.filter((name) => name.endsWith('.m4s')).length >= 3, fetched.join(' '));
});

test('HLS: numbers grow by one per segment, and a restarted hub goes on counting', async () => {
  const numberOf = (playlist: string) => {
    const first = Number(/#EXT-X-MEDIA-SEQUENCE:(\d+)/.exec(playlist)?.[1]);
    return new Map(
      playlist
        .split('\n')
        .filter((line) => line.endsWith('.m4s'))
        .map((name, index) => [name, first + index]),
    );
  };
  const earlier = numberOf(await playlistOf('cam'));
  await bench.restartHub();
  const later = numberOf(await playlistOf('cam'));
  const common = [...earlier.keys()].filter((name) => later.has(name));
  assert.ok(common.length >= 3, `${common.length} segments in both`);
  for (const name of common) assert.equal(later.get(name), earlier.get(name), name);
});

test('HLS: parts that are not there are not found', async () => {
  const part = (name: string) =>
    bench.hub.operations.stream_hls_part(admin, input('stream_hls_part', { params: { stream_id: 'cam', part: name } }), calm);
  await assert.rejects(part('1-999999.m4s'), codeOf('not_found'));
  await assert.rejects(part('99999990-99999999.m4s'), codeOf('not_found'));
  await assert.rejects(part('init-nothere.mp4'), codeOf('not_found'));
});

test('still: the newest keyframe as a JPEG of the width asked for; the same keyframe is made once', async () => {
  const still = (width?: number) => bench.hub.operations.stream_still(admin, input('stream_still', { ...target, query: { width } }), calm);
  const together = await Promise.all([still(), still(), still(), still()]);
  const tags = new Set(together.map((one) => one.etag));
  assert.ok(tags.size <= 2, 'requests at the same time share a picture');
  await still(160);
  const newestKey = () => newestOf(bench.bus.connection, 'MEDIA_cam', 'videonode.stream.cam.media.key', calm.signal);
  const timings: number[] = [];
  while (timings.length < 10) {
    const before = (await newestKey())?.sequence;
    await waitFor(async () => (await newestKey())?.sequence !== before, { deadlineMs: 5000 });
    const started = performance.now();
    const one = await still(160);
    timings.push(performance.now() - started);
    assert.equal(one.contentType, 'image/jpeg');
  }
  const file = join(folder, 'still.jpg');
  await writeFile(file, (await still(160)).body);
  assert.equal((await probe(file, '-show_entries', 'stream=codec_name,width,height', '-of', 'csv=p=0')).trim(), 'mjpeg,160,90');
  const sorted = timings.sort((a, b) => a - b);
  console.log(`still: median ${sorted[5]?.toFixed(0)} ms, longest ${sorted.at(-1)?.toFixed(0)} ms (a new keyframe each time)`);
});

test('watch: a place is answered quickly; a stranger gets none', async () => {
  const timings: number[] = [];
  for (let number = 0; number < 20; number += 1) {
    const started = performance.now();
    const reply = await bench.bus.request('stream_watch', { stream_id: 'cam' }, { viewer: `v${number}` });
    timings.push(performance.now() - started);
    assert.equal(reply.journal, 'MEDIA_cam');
    assert.equal(reply.state, 'running');
    assert.match(reply.codecs ?? '', /^avc1\./);
  }
  await assert.rejects(bench.bus.request('stream_watch', { stream_id: 'cam' }, { viewer: 'stranger' }), codeOf('permission_denied'));
  await assert.rejects(bench.bus.request('stream_watch', { stream_id: 'nobody' }, { viewer: 'v' }), codeOf('not_found'));
  const sorted = timings.sort((a, b) => a - b);
  console.log(`watch request: median ${sorted[10]?.toFixed(1)} ms, longest ${sorted[19]?.toFixed(1)} ms`);
});

test('on demand: starts for the first viewer, stops after the last, and is counted', async () => {
  const body = { stream_id: 'lazy', on_demand: true, config: { device: 'test:', resolution: '320x180', framerate: 25 } };
  await bench.hub.operations.create_stream(admin, input('create_stream', { body }), calm);
  await waitFor(async () => (await show('lazy')).status?.reason === 'waiting_for_viewer', { what: 'idle' });
  const abort = new AbortController();
  const started = performance.now();
  const flow = await bench.hub.operations.stream_live_mp4(admin, input('stream_live_mp4', { params: { stream_id: 'lazy' } }), {
    signal: abort.signal,
  });
  console.log(`on demand: first bytes after ${(performance.now() - started).toFixed(0)} ms`);
  const reading = (async () => {
    let frames = 0;
    for await (const _chunk of flow.body) frames += 1;
    return frames;
  })();
  await waitFor(async () => (await show('lazy')).viewers === 1, { what: 'one viewer', deadlineMs: 8000 });
  assert.equal((await show('lazy')).status?.state, 'running');
  abort.abort();
  assert.ok((await reading) > 0);
  await waitFor(async () => (await show('lazy')).status?.reason === 'waiting_for_viewer', { what: 'idle again', deadlineMs: 15_000 });
  assert.equal((await show('lazy')).viewers, 0);
  await bench.hub.operations.delete_stream(admin, input('delete_stream', { params: { stream_id: 'lazy' } }), calm);
});

test('after a restart of the broker the picture is back, over HTTP too', async () => {
  await bench.broker.kill9();
  await bench.broker.restart();
  const playlist = await waitFor(() => playlistOf('cam').then((text) => (text.split('#EXTINF').length > 3 ? text : undefined)), {
    deadlineMs: 20_000,
    everyMs: 200,
    what: 'three new segments',
  });
  assert.match(playlist, /#EXT-X-MEDIA-SEQUENCE:\d+/);
  const still = await waitFor(() => bench.hub.operations.stream_still(admin, input('stream_still', { ...target, query: {} }), calm), {
    deadlineMs: 10_000,
    everyMs: 100,
  });
  assert.equal(still.contentType, 'image/jpeg');
});
