/** Small sources, and what came out of them. Tests only. */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SourceFacts } from '../../../contracts/video.js';
import { type VideoProfile, videoProfileSchema } from '../../../contracts/video-profile.js';
import { testPictureGraph } from '../../ffmpeg/picture-graph.js';
import { runProgram } from '../../ffmpeg/run-program.js';
import { readFrameCounter } from '../../frame-counter.js';
import { type Chunk, chunkAudioCommand, chunkCommand, joinCommand } from '../chunks.js';
import { type EncodeCommand, encodeCommand } from '../encode.js';
import { inspectSource } from '../inspect.js';
import type { EncodingMachine } from '../machine.js';
import type { VideoPlan } from '../plan.js';

export const limits = { maxDurationS: 3600, maxPixels: 35_389_440, maxStreams: 32, timeoutMs: 60_000 };

/** A machine with software encoders and all filters. */
export const softwareMachine: EncodingMachine = {
  ffmpeg: 'ffmpeg',
  ffprobe: 'ffprobe',
  version: '5.1.9',
  renderNode: undefined,
  filters: new Set(['zscale', 'tonemap', 'bwdif', 'yadif', 'loudnorm', 'tpad']),
  encoders: [
    { encoder: 'h264_vaapi', codec: 'h264', isHardware: true, works: false, reason: 'no render node in /dev/dri' },
    { encoder: 'libx264', codec: 'h264', isHardware: false, works: true, reason: undefined },
    { encoder: 'libx265', codec: 'h265', isHardware: false, works: true, reason: undefined },
    { encoder: 'libsvtav1', codec: 'av1', isHardware: false, works: true, reason: undefined },
  ],
};

/** Two tiny steps and the fastest preset, unless told otherwise. */
export function tinyProfile(more: Readonly<Record<string, unknown>> = {}): VideoProfile {
  const renditions = [
    { name: '180p', height: 180, video_kbps: 400 },
    { name: '90p', height: 90, video_kbps: 150, audio_kbps: 64 },
  ];
  return videoProfileSchema.parse({ name: 'tiny', renditions, preset: 'ultrafast', ...more });
}

/** Runs FFmpeg to a good end; gives what it said. */
export async function ffmpeg(args: readonly string[]): Promise<string> {
  const run = await runProgram('ffmpeg', ['-nostdin', '-hide_banner', '-y', ...args], { timeoutMs: 120_000 });
  assert.equal(run.code, 0, `ffmpeg ${args.join(' ')}\n${run.stderr.slice(-2000)}`);
  return run.stderr;
}

/** Pictures with the frame counter, as input of FFmpeg. */
export function counterInput(options: { rate: string; seconds: number; width?: number; height?: number }): string[] {
  const { width = 320, height = 180 } = options;
  const graph = testPictureGraph({ width, height, frameRate: 30, hasAudio: false }, { fontFile: undefined });
  return ['-f', 'lavfi', '-t', String(options.seconds), '-i', graph.replace('rate=30', `rate=${options.rate}`)];
}

/** A short beep at each full second, as input of FFmpeg. */
export function beepInput(seconds: number): string[] {
  return ['-f', 'lavfi', '-t', String(seconds), '-i', "aevalsrc=exprs='0.5*sin(2*PI*1000*t)*lt(mod(t,1),0.1)':s=48000:c=mono"];
}

export async function inspect(path: string): Promise<SourceFacts> {
  return await inspectSource(path, { ffprobe: 'ffprobe', limits });
}

/** Encodes in one run into a new folder. */
export async function encodeWhole(plan: VideoPlan, input: string, folder: string, more: object = {}): Promise<EncodeCommand> {
  await mkdir(folder, { recursive: true });
  const command = encodeCommand(plan, { input, folder, ...more });
  await ffmpeg(command.args);
  return command;
}

/** Encodes the pieces one by one, and joins them in a new folder. */
export async function encodePieces(
  plan: VideoPlan,
  chunks: readonly Chunk[],
  input: string,
  folder: string,
  more: { readonly keyInfoFile?: string } = {},
): Promise<EncodeCommand> {
  const chunkFolders: string[] = [];
  for (const chunk of chunks) {
    const piece = join(folder, 'chunks', String(chunk.chunk));
    await mkdir(piece, { recursive: true });
    await ffmpeg(chunkCommand(plan, chunk, { input, folder: piece }).args);
    chunkFolders.push(piece);
  }
  const audio = chunkAudioCommand(plan, { input, folder });
  if (audio !== undefined) await ffmpeg(audio.args);
  const joining = joinCommand(plan, { input, folder, chunks, chunkFolders, audioFolder: folder, listFolder: folder, ...more });
  for (const list of joining.lists) await writeFile(list.path, list.text);
  await ffmpeg(joining.args);
  return joining;
}

export interface Packet {
  readonly kind: string;
  readonly pts: number;
  readonly dts: number;
  readonly durationS: number;
  readonly isKey: boolean;
}

/** All packets of a playlist or file, in the order of decoding. */
export async function packetsOf(path: string): Promise<Packet[]> {
  const entries = ['-show_entries', 'packet=codec_type,pts_time,dts_time,duration_time,flags', '-of', 'csv=p=0'];
  const run = await runProgram('ffprobe', ['-v', 'error', '-allowed_extensions', 'ALL', ...entries, path].filter(allowedFor(path)), {
    timeoutMs: 60_000,
    maxBytes: 32 * 1_048_576,
  });
  assert.equal(run.code, 0, run.stderr);
  const lines = run.stdout.toString().trim().split('\n');
  return lines.filter(Boolean).map((line) => {
    const [kind = '', pts, dts, durationS, flags = ''] = line.split(',');
    return { kind, pts: Number(pts), dts: Number(dts), durationS: Number(durationS) || 0, isKey: flags.startsWith('K') };
  });
}

/** An option of the HLS demuxer only. */
function allowedFor(path: string): (arg: string, index: number, all: readonly string[]) => boolean {
  return (arg, index, all) => path.endsWith('.m3u8') || (arg !== '-allowed_extensions' && all[index - 1] !== '-allowed_extensions');
}

/** The frame counters of all pictures, undefined where none can be read. */
export async function countersOf(path: string, width = 320, height = 180): Promise<(number | undefined)[]> {
  const args = ['-v', 'error', '-i', path, '-map', '0:v:0', '-vf', `scale=${width}:${height}`, '-pix_fmt', 'gray', '-f', 'rawvideo', '-'];
  const run = await runProgram('ffmpeg', args, { timeoutMs: 120_000, maxBytes: 512 * 1_048_576 });
  assert.equal(run.code, 0, run.stderr);
  const frame = width * height;
  return Array.from({ length: run.stdout.length / frame }, (_, index) =>
    readFrameCounter(run.stdout.subarray(index * frame, (index + 1) * frame), width, height),
  );
}

/** Times of the beginning of each beep, seconds from the start of the output's video. */
export async function beepsOf(path: string, startS: number): Promise<number[]> {
  // With the times of the file: what comes before the first picture must not move the rest.
  const filter = 'silencedetect=noise=-30dB:d=0.3';
  const text = await ffmpeg(['-copyts', '-i', path, '-map', '0:a:0', '-af', filter, '-f', 'null', '-']);
  const ends = [...text.matchAll(/silence_end: (-?[\d.]+)/g)].map((match) => Number(match[1]) - startS);
  // The last silence ends with the file.
  return ends.slice(0, -1);
}
