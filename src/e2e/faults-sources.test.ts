/** Promise: whatever a source is, the stream either plays or says in one of our words why not. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Problem, Stream } from '../contracts/index.js';
import { listChildren, waitFor } from '../testkit/index.js';
import { startWeir, type Weir } from './weir.js';

const picture = ['-f', 'lavfi', '-t', '2', '-i', 'testsrc2=size=320x180:rate=10'];
const files: [name: string, args: string[]][] = [
  ['vp9.webm', [...picture, '-c:v', 'libvpx-vp9', '-deadline', 'realtime', '-cpu-used', '8', '-pix_fmt', 'yuv420p']],
  ['hevc.mp4', [...picture, '-c:v', 'libx265', '-preset', 'ultrafast', '-x265-params', 'log-level=error', '-pix_fmt', 'yuv420p']],
  ['sound.m4a', ['-f', 'lavfi', '-t', '2', '-i', 'sine']],
];

describe('sources of every kind', () => {
  let weir: Weir;

  const define = async (device: string, more: object = {}): Promise<Stream> => weir.api('POST', '/api/v1/streams', { config: { device, ...more } });

  before(async () => {
    weir = await startWeir({ env: { WEIR_STREAMS_TEST_PICTURE: 'false' } });
    const media = join(weir.dataFolder, 'media');
    mkdirSync(media, { recursive: true });
    for (const [name, args] of files) execFileSync('ffmpeg', ['-v', 'error', ...args, join(media, name)], { stdio: 'pipe' });
    writeFileSync(join(media, 'garbage.mp4'), Buffer.alloc(200_000, 'garbage'));
  });
  after(async () => {
    await weir?.[Symbol.asyncDispose]();
  });

  for (const name of ['vp9.webm', 'hevc.mp4']) {
    test(`${name} is encoded for browsers`, async () => {
      const { stream_id: id } = await define(name);
      const { status } = await weir.streamWhen(id, (stream) => stream.status?.state === 'running', 'running', 40_000);
      assert.equal(status?.mode, 'encode');
      assert.equal(status?.video?.codec, 'h264');
      await weir.api('DELETE', `/api/v1/streams/${id}`);
    });
  }

  const failing: [name: string, device: string, reason: RegExp][] = [
    ['a file of garbage', 'garbage.mp4', /^source_garbage$/],
    ['sound without a picture', 'sound.m4a', /^audio_only$/],
    ['a camera where nothing listens', 'rtsp://127.0.0.1:9/live', /^source_unreachable$/],
    ['a host that does not exist', 'rtsp://no-such-host.invalid/live', /^source_unreachable$/],
    ['a device that is not there', '/dev/video99', /^source_missing$/],
  ];
  for (const [name, device, reason] of failing) {
    test(`${name}: ${String(reason)}`, async () => {
      const { stream_id: id } = await define(device);
      const { status } = await weir.streamWhen(id, (stream) => stream.status?.state === 'error', 'an error', 40_000);
      assert.match(status?.reason ?? '', reason);
      assert.ok((status?.error ?? '').length > 10);
      await weir.api('DELETE', `/api/v1/streams/${id}`);
    });
  }

  test('a file that does not exist is refused when the stream is defined', async () => {
    const answer = await weir.request('POST', '/api/v1/streams', { config: { device: 'none.mp4' } });
    const problem = (await answer.json()) as Problem;
    assert.deepEqual([answer.status, problem.code, problem.errors?.[0]?.field], [404, 'not_found', 'config.device']);
  });

  test('the spoke has no child left', async () => {
    const spoke = weir.processes().find(({ command }) => /cli\.js spoke/.test(command))?.pid;
    assert.ok(spoke !== undefined);
    await waitFor(() => listChildren(spoke).length === 0, { deadlineMs: 10_000, what: 'the end of every FFmpeg' });
  });
});
