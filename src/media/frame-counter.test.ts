import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { runTool } from '../testkit/ffmpeg-capture.js';
import { testPictureGraph } from './ffmpeg/picture-graph.js';
import { readFrameCounter } from './frame-counter.js';

const graph = (width: number, height: number) => testPictureGraph({ width, height, frameRate: 30, hasAudio: false }, { fontFile: undefined });

/** Draws, encodes, decodes and scales `frames` pictures, and reads the counter of each. */
async function roundTrip(options: { size: [number, number]; kbps: number; frames: number; out?: [number, number]; format?: string; start?: number }) {
  const [width, height] = options.size;
  const [outWidth, outHeight] = options.out ?? options.size;
  const encode = [
    '-c:v',
    'libx264',
    '-preset',
    'ultrafast',
    '-tune',
    'zerolatency',
    '-g',
    '30',
    '-b:v',
    `${options.kbps}k`,
    '-maxrate',
    `${options.kbps}k`,
  ];
  const drawn = graph(width, height).replaceAll('floor(n/', `floor((n+${options.start ?? 0})/`);
  const source = ['-f', 'lavfi', '-i', drawn, '-frames:v', String(options.frames)];
  const video = await runTool('ffmpeg', ['-nostdin', '-v', 'error', ...source, ...encode, '-bufsize', `${options.kbps}k`, '-f', 'h264', '-']);
  const format = options.format ?? 'gray';
  const decode = ['-v', 'error', '-f', 'h264', '-i', '-', '-vf', `scale=${outWidth}:${outHeight}`, '-pix_fmt', format, '-f', 'rawvideo', '-'];
  const pixels = await runTool('ffmpeg', decode, video);
  const frameBytes = outWidth * outHeight * (format === 'rgba' ? 4 : 1);
  return Array.from({ length: pixels.length / frameBytes }, (_, index) =>
    readFrameCounter(pixels.subarray(index * frameBytes, (index + 1) * frameBytes), outWidth, outHeight),
  );
}

describe('readFrameCounter reads every frame of a real encode', () => {
  const rows: [string, Parameters<typeof roundTrip>[0]][] = [
    ['720p at 2500 kbit/s', { size: [1280, 720], kbps: 2500, frames: 40 }],
    ['720p at 300 kbit/s', { size: [1280, 720], kbps: 300, frames: 60 }],
    ['360p at 150 kbit/s', { size: [640, 360], kbps: 150, frames: 60 }],
    ['720p shown at 854x480', { size: [1280, 720], kbps: 1500, frames: 30, out: [854, 480] }],
    ['720p shown at 320x180', { size: [1280, 720], kbps: 1500, frames: 30, out: [320, 180] }],
    ['360p blown up to 1080p, RGBA', { size: [640, 360], kbps: 800, frames: 10, out: [1920, 1080], format: 'rgba' }],
    ['180p at 100 kbit/s', { size: [320, 180], kbps: 100, frames: 60 }],
    ['odd width 854x480, RGBA', { size: [854, 480], kbps: 900, frames: 20, format: 'rgba' }],
    ['high numbers', { size: [640, 360], kbps: 500, frames: 40, start: 2 ** 24 - 40 }],
  ];
  for (const [name, options] of rows) {
    test(name, async () => {
      const start = options.start ?? 0;
      assert.deepEqual(
        await roundTrip(options),
        Array.from({ length: options.frames }, (_, index) => start + index),
      );
    });
  }
});

describe('readFrameCounter gives no number rather than a false one', () => {
  const width = 640;
  const height = 360;
  test('for pictures without a counter', () => {
    assert.equal(readFrameCounter(new Uint8Array(width * height), width, height), undefined);
    assert.equal(readFrameCounter(new Uint8Array(width * height).fill(255), width, height), undefined);
    assert.equal(readFrameCounter(new Uint8Array(10), width, height), undefined);
    const noise = Uint8Array.from({ length: width * height }, (_, index) => (index * 7919) % 251);
    assert.equal(readFrameCounter(noise, width, height), undefined);
  });

  test('for any single block turned over', async () => {
    const raw = ['-v', 'error', '-f', 'lavfi', '-i', graph(width, height), '-frames:v', '12', '-pix_fmt', 'gray', '-f', 'rawvideo', '-'];
    const pixels = (await runTool('ffmpeg', raw)).subarray(11 * width * height);
    assert.equal(readFrameCounter(pixels, width, height), 11);
    for (let block = 0; block < 29; block += 1) {
      const damaged = Uint8Array.from(pixels);
      for (let y = 0; y < 8; y += 1) for (let x = block * 8; x < block * 8 + 8; x += 1) damaged[y * width + x] = 255 - (damaged[y * width + x] ?? 0);
      assert.equal(readFrameCounter(damaged, width, height), undefined, `block ${block}`);
    }
  });
});
