/** Arguments of short runs: a still from a fragment, a test of an encoder. */
import { hardwareInitArgs, uploadFilters, videoEncodeArgs } from './encode-args.js';
import type { MachineFacts, VideoEncoder } from './facts.js';

export interface Snapshot {
  readonly format: 'jpg' | 'png';
  /** Pixels; the height follows. Default: as the video. Never enlarged. */
  readonly width?: number;
  /** 1 to 100, jpg only; default 90. */
  readonly quality?: number;
}

/** Init segment and key fragment on stdin, one picture on stdout. */
export function snapshotArgs(snapshot: Snapshot): string[] {
  const scale = snapshot.width === undefined ? [] : ['-vf', `scale=w='min(iw,${Math.max(16, Math.trunc(snapshot.width))})':h=-2`];
  const codec =
    snapshot.format === 'png' ? ['-c:v', 'png'] : ['-c:v', 'mjpeg', '-q:v', String(jpegScale(snapshot.quality ?? 90)), '-pix_fmt', 'yuvj420p'];
  return [
    ...['-hide_banner', '-nostdin', '-loglevel', 'level+error', '-protocol_whitelist', 'pipe', '-f', 'mp4', '-i', 'pipe:0'],
    ...['-map', '0:v:0', '-frames:v', '1', ...scale, ...codec, '-threads', '1', '-f', 'image2pipe', 'pipe:1'],
  ];
}

/** FFmpeg counts from 2 (best) to 31. */
function jpegScale(quality: number): number {
  return Math.min(31, Math.max(2, Math.round(31 - quality * 0.31)));
}

/**
 * A small picture through an encoder, as fast as it goes: two seconds of it on hardware, a third of a second in software.
 * Exit code 0 means that it works. The banner is left in, as it tells the version.
 */
export function testEncodeArgs(encoder: VideoEncoder, facts: Pick<MachineFacts, 'renderNode'>): string[] {
  const upload = uploadFilters(encoder);
  const frames = encoder === 'libx264' ? '10' : '60';
  return [
    ...['-nostdin', '-nostats', '-loglevel', 'level+info', ...hardwareInitArgs(encoder, facts)],
    ...['-f', 'lavfi', '-i', 'testsrc2=size=640x480:rate=30', '-frames:v', frames, ...(upload.length === 0 ? [] : ['-vf', upload.join(',')])],
    ...videoEncodeArgs({ encoder, preset: 'ultrafast', bitrateKbps: 1000, keyframeIntervalS: 1, frameRate: 30, pixels: 640 * 480 }),
    ...['-f', 'null', '-'],
  ];
}
