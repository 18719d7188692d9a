import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SourceProbe, StreamConfig } from '../../contracts/index.js';
import type { MachineFacts } from '../../media/index.js';
import { Capture } from './capture.js';

const facts: MachineFacts = {
  ...{ ffmpeg: 'ffmpeg', ffprobe: 'ffprobe', version: '5.1.9', fontFile: undefined, renderNode: undefined },
  encoders: [{ encoder: 'libx264', works: true, reason: undefined, tookMs: 1 }],
};

function expected(config: StreamConfig, codec: string, plan: 'copy' | 'encode'): string | undefined {
  const capture = new Capture(config, { mediaFolders: [], checkFiles: false }, facts);
  const video = { codec, width: 1280, height: 720, frame_rate: 30 };
  capture.probe = { device: config.device ?? '', reachable: true, video, plan, took_ms: 1 } satisfies SourceProbe;
  return capture.expectedCodec(capture.plan());
}

const rows: [string, StreamConfig, string, 'copy' | 'encode', string | undefined][] = [
  ['a network camera is held to what was seen', { device: 'rtsp://cam/1' }, 'hevc', 'copy', 'hevc'],
  ['what is encoded may change', { device: 'rtsp://cam/1' }, 'vp8', 'encode', undefined],
  ['a webcam asked for its own H.264 is held to that, not to its JPEG', { device: '/dev/video0', codec: 'copy' }, 'mjpeg', 'encode', 'h264'],
  ['a webcam of H.264 only', { device: '/dev/video0' }, 'h264', 'copy', 'h264'],
  ['a webcam that is encoded', { device: '/dev/video0' }, 'mjpeg', 'encode', undefined],
];
for (const [name, config, codec, plan, wanted] of rows) {
  test(`the codec that a copy rests on: ${name}`, () => assert.equal(expected(config, codec, plan), wanted));
}
