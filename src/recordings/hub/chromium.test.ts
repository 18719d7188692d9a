import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { chromium } from 'playwright-core';
import { readFrameCounter } from '../../media/index.js';
import { waitFor } from '../../testkit/index.js';
import { admin, calm, input, segmentsOf, startBed } from './testing/bed.js';

const program = '/usr/bin/chromium';
const skip = existsSync(program) ? false : 'Chromium is not installed here';
const target = { params: { stream_id: 'cam' } };
const page = `<!doctype html><video id="video" muted></video><script src="/hls.js"></script><script>
  const video = document.getElementById('video');
  const hls = new Hls();
  window.problems = [];
  hls.on(Hls.Events.ERROR, (_event, data) => window.problems.push(data.details + ' ' + data.fatal));
  hls.loadSource('/index.m3u8' + location.search);
  hls.attachMedia(video);
  window.numbers = [];
  const canvas = document.createElement('canvas');
  canvas.width = 320; canvas.height = 180;
  const context = canvas.getContext('2d', { willReadFrequently: true });
  const look = () => {
    context.drawImage(video, 0, 0, 320, 180);
    window.numbers.push(Array.from(context.getImageData(0, 0, 320, 4).data));
    video.requestVideoFrameCallback(look);
  };
  video.requestVideoFrameCallback(look);
  video.play();
</script>`;

test('Chromium plays a time over several files and a gap to its end, in order', { skip }, async () => {
  await using bed = await startBed();
  await bed.startSpoke();
  await bed.addStream('cam');
  const { operations } = bed.recordings;
  await operations.start_recording(admin, input('start_recording', { ...target, body: {} }), calm);
  const files = (await segmentsOf(bed, 'cam', 3)).reverse();
  await operations.stop_recording(admin, input('stop_recording', target), calm);
  const all = (await segmentsOf(bed, 'cam', files.length)).reverse();
  await operations.delete_segment(admin, input('delete_segment', { params: { filename: all[1]?.filename ?? '' } }), calm);
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://x');
    const answer = async (): Promise<{ type: string; body: Uint8Array | string }> => {
      if (url.pathname === '/') return { type: 'text/html', body: page };
      if (url.pathname === '/hls.js') return { type: 'text/javascript', body: readFileSync('node_modules/hls.js/dist/hls.min.js') };
      const query = { from: url.searchParams.get('from') ?? '', to: url.searchParams.get('to') ?? '' };
      const [, filename = '', part = ''] = url.pathname.split('/');
      const file =
        url.pathname === '/index.m3u8'
          ? await operations.playback(admin, input('playback', { ...target, query }), calm)
          : await operations.playback_part(admin, input('playback_part', { params: { stream_id: 'cam', filename, part } }), calm);
      assert.ok('body' in file);
      return { type: file.contentType, body: file.body };
    };
    answer().then(
      ({ type, body }) => response.writeHead(200, { 'content-type': type }).end(body),
      (error: unknown) => response.writeHead(404).end(String(error)),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const bound = server.address();
  const browser = await chromium.launch({
    executablePath: program,
    args: ['--no-sandbox', '--disable-gpu', '--autoplay-policy=no-user-gesture-required'],
  });
  try {
    const tab = await browser.newPage();
    await tab.goto(`http://127.0.0.1:${typeof bound === 'object' ? bound?.port : 0}/?from=${all[0]?.started_at}&to=${all.at(-1)?.ended_at}`);
    const state = () =>
      tab.evaluate(() => {
        const player = globalThis as unknown as {
          problems: string[];
          document: { getElementById(id: string): { ended: boolean; currentTime: number; duration: number } };
        };
        const { ended, currentTime, duration } = player.document.getElementById('video');
        return { ended, currentTime, duration, problems: player.problems };
      });
    const end = await waitFor(async () => ((await state()).ended ? state() : undefined), {
      deadlineMs: 60_000,
      everyMs: 250,
      what: 'the end of the video',
    }).catch(async (error: unknown) => {
      throw new Error(`${String(error)}\n${JSON.stringify(await state())}`);
    });
    const lengthS = all.filter((_file, index) => index !== 1).reduce((sum, file) => sum + file.duration_s, 0);
    assert.ok(Math.abs(end.duration - lengthS) < 0.5, `${end.duration} s of ${lengthS} s`);
    assert.deepEqual(
      end.problems.filter((problem) => problem.endsWith('true')),
      [],
    );
    const rows = (await tab.evaluate(() => (globalThis as unknown as { numbers: number[][] }).numbers)) as number[][];
    const numbers = rows.map((row) => readFrameCounter(Uint8Array.from(row), 320, 4)).filter((number) => number !== undefined);
    assert.ok(numbers.length > 10, `${numbers.length} frames were seen`);
    for (const [index, number] of numbers.entries()) assert.ok(number >= (numbers[index - 1] ?? 0), `frame ${number} after ${numbers[index - 1]}`);
    const span = (numbers.at(-1) ?? 0) - (numbers[0] ?? 0) + 1;
    const recorded = all.reduce((sum, file) => sum + file.frames, 0);
    assert.ok(Math.abs(span - recorded) < 15, `numbers over ${span} frames of ${recorded} recorded`);
  } finally {
    await browser.close();
    server.closeAllConnections();
    server.close();
  }
});
