import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseV4l2Formats, preferredFormat } from './v4l2-formats.js';

const webcam = `[video4linux2,v4l2 @ 0x55d8] [info] Raw       :     yuyv422 :           YUYV 4:2:2 : 640x480 160x120 1280x720 1920x1080
[video4linux2,v4l2 @ 0x55d8] [info] Compressed:       mjpeg :          Motion-JPEG : 640x480 1920x1080 1280x720 2560x1440
[video4linux2,v4l2 @ 0x55d8] [info] Compressed:        h264 :                H.264 : 1920x1080
[video4linux2,v4l2 @ 0x55d8] [info] Compressed: Unsupported :                 HEVC : 1920x1080
[error] /dev/video0: Immediate exit requested`;

test('formats and sizes are read, unsupported ones are left out', () => {
  const formats = parseV4l2Formats(webcam);
  assert.deepEqual(
    formats.map(({ name, isCompressed, sizes }) => [name, isCompressed, sizes.length]),
    [
      ['yuyv422', false, 4],
      ['mjpeg', true, 4],
      ['h264', true, 1],
    ],
  );
  assert.deepEqual(preferredFormat(formats), { name: 'mjpeg', width: 1280, height: 720 });
});

test('without JPEG or 720p the largest size up to 1080p is taken', () => {
  const grabber = '[v4l2 @ 0x1] [info] Raw       :        nv12 :         Y/UV 4:2:0 : 3840x2160 1920x1080 720x576';
  assert.deepEqual(preferredFormat(parseV4l2Formats(grabber)), { name: 'nv12', width: 1920, height: 1080 });
  const stepwise = '[v4l2 @ 0x1] [info] Raw       :     yuv420p :     Planar YUV 4:2:0 : {32-2592, 2}x{32-1944, 2}';
  assert.deepEqual(preferredFormat(parseV4l2Formats(stepwise)), { name: 'yuv420p', width: 640, height: 480 });
});

test('a device that is no camera has no format', () => {
  assert.equal(preferredFormat(parseV4l2Formats('[error] /dev/video9: No such file or directory')), undefined);
});

const rates = (pixel_format: string, sizes: Record<string, number[]>) => ({
  pixel_format,
  sizes: Object.entries(sizes).map(([size, frame_rates]) => {
    const [width = 0, height = 0] = size.split('x').map(Number);
    return { width, height, frame_rates };
  }),
});

test('of the rates the driver tells, 30 or what comes nearest below is taken', () => {
  const told = [rates('YUYV', { '1280x720': [10, 5] }), rates('MJPG', { '1280x720': [60, 30, 25], '640x480': [30] })];
  assert.deepEqual(preferredFormat(parseV4l2Formats(webcam), told), { name: 'mjpeg', width: 1280, height: 720, frameRate: 30 });
  const fast = [rates('MJPG', { '1280x720': [120, 60] })];
  assert.equal(preferredFormat(parseV4l2Formats(webcam), fast)?.frameRate, 60);
});

test('raw pictures that are too large to be fluent give way to smaller ones', () => {
  const raw = '[v4l2 @ 0x1] [info] Raw       :     yuyv422 :           YUYV 4:2:2 : 320x180 640x360 640x480 1280x720 1920x1080';
  const told = [rates('YUYV', { '320x180': [60], '640x360': [40, 30], '640x480': [25], '1280x720': [12.5], '1920x1080': [5] })];
  assert.deepEqual(preferredFormat(parseV4l2Formats(raw), told), { name: 'yuyv422', width: 640, height: 480, frameRate: 25 });
  const slow = [rates('YUYV', { '1280x720': [10], '1920x1080': [5] })];
  assert.deepEqual(preferredFormat(parseV4l2Formats(raw.replace('320x180 640x360 640x480 ', '')), slow), {
    ...{ name: 'yuyv422', width: 1280, height: 720, frameRate: 10 },
  });
});
