/** Small outputs as a worker makes them: a source of every kind of track, inspected, planned, encoded, packaged. Tests only. */
import { randomBytes } from 'node:crypto';
import { copyFile, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SourceFacts, VideoOutput } from '../../../contracts/video.js';
import { type VideoProfile, videoProfileSchema } from '../../../contracts/video-profile.js';
import { runProgram } from '../../ffmpeg/run-program.js';
import { encodeCommand } from '../../vod/encode.js';
import { inspectSource } from '../../vod/inspect.js';
import type { EncodingMachine } from '../../vod/machine.js';
import { planVideo, type VideoPlan } from '../../vod/plan.js';
import { subtitleArgs } from '../../vod/subtitles.js';
import { packageOutput } from '../package.js';
import type { PackageRequest } from '../package-request.js';

export const fixtureSeconds = 12;
export const fixtureRate = 25;

export type FixtureKind = 'ts' | 'groups' | 'cmaf' | 'aes' | 'sound' | 'silent';

export interface Source {
  readonly path: string;
  readonly facts: SourceFacts;
}

export interface Fixture {
  readonly folder: string;
  readonly facts: SourceFacts;
  readonly plan: VideoPlan;
  readonly request: PackageRequest;
  readonly output: VideoOutput;
}

const machine: EncodingMachine = {
  ...{ ffmpeg: 'ffmpeg', ffprobe: 'ffprobe', version: '5.1', renderNode: undefined, filters: new Set() },
  encoders: [{ encoder: 'libx264', codec: 'h264', isHardware: false, works: true, reason: undefined }],
};

const text = `1
00:00:01,000 --> 00:00:03,500
Over a border
of segments

2
00:00:10,000 --> 00:00:11,000
The last one
`;

async function ffmpeg(args: readonly string[]): Promise<void> {
  const run = await runProgram('ffmpeg', args, { timeoutMs: 120_000 });
  if (run.code !== 0) throw new Error(`FFmpeg ended with ${run.code}: ${run.stderr}`);
}

/** A picture that flashes and a sound that beeps at each full second, a second sound, a text. */
export async function makeSource(parent: string): Promise<Source> {
  const path = join(parent, 'source.mkv');
  await writeFile(join(parent, 'text.srt'), text);
  const picture = `testsrc2=size=480x270:rate=${fixtureRate},drawbox=color=white:t=fill:enable='lt(mod(t+0.5,1),0.04)'`;
  const sound = (pitch: number) => `aevalsrc=exprs='0.5*sin(2*PI*${pitch}*t)*lt(mod(t+0.5,1),0.04)':s=48000:c=stereo`;
  const inputs = [picture, sound(1000), sound(1500)].flatMap((graph) => ['-f', 'lavfi', '-t', String(fixtureSeconds), '-i', graph]);
  await ffmpeg([
    ...['-nostdin', '-y', '-loglevel', 'error', ...inputs, '-i', join(parent, 'text.srt'), '-map', '0', '-map', '1', '-map', '2', '-map', '3'],
    ...['-c:v', 'mpeg4', '-q:v', '4', '-c:a', 'aac', '-c:s', 'srt'],
    ...['-metadata:s:a:0', 'language=eng', '-metadata:s:a:1', 'language=deu', '-metadata:s:s:0', 'language=eng', path],
  ]);
  return { path, facts: await inspectSource(path, { ffprobe: 'ffprobe', limits: { maxDurationS: 60, maxPixels: 1e7, maxStreams: 10 } }) };
}

function factsFor(kind: FixtureKind, { facts }: Source): SourceFacts {
  if (kind === 'groups' || kind === 'cmaf') return facts;
  if (kind === 'silent') return { ...facts, audio: [], subtitles: [] };
  const audio = facts.audio.slice(0, 1);
  return kind === 'sound' ? { ...facts, video: null, audio, subtitles: [] } : { ...facts, audio };
}

function profileFor(kind: FixtureKind): VideoProfile {
  return videoProfileSchema.parse({
    ...{ name: 'test', container: kind === 'cmaf' ? 'cmaf' : 'ts', dash: kind === 'cmaf', encryption: kind === 'aes' ? 'aes128' : 'none' },
    renditions: [
      { name: '270p', height: 270, video_kbps: 400, audio_kbps: 64 },
      { name: '144p', height: 144, video_kbps: 120, audio_kbps: 64 },
    ],
    ...{ segment_s: 2, keyframe_s: 1, preset: 'veryfast', passthrough: false },
  });
}

/** Encodes without packaging. */
export async function encodeFixture(parent: string, source: Source, kind: FixtureKind): Promise<PackageRequest> {
  const folder = join(parent, kind);
  await mkdir(folder);
  const facts = factsFor(kind, source);
  const profile = profileFor(kind);
  const plan = planVideo(facts, profile, { machine });
  const keyInfoFile = join(parent, `${kind}.keyinfo`);
  if (kind === 'aes') {
    await writeFile(join(folder, 'segments.key'), randomBytes(16));
    await writeFile(keyInfoFile, `segments.key\n${join(folder, 'segments.key')}\n${randomBytes(16).toString('hex')}\n`);
  }
  const command = encodeCommand(plan, { input: source.path, folder, ...(kind === 'aes' ? { keyInfoFile } : {}) });
  await ffmpeg(command.args);
  const texts = subtitleArgs(plan, { input: source.path, folder });
  if (texts !== undefined) await ffmpeg(texts);
  return { folder, plan, facts, profile, revision: 1 };
}

/** Encodes and packages one kind into a folder of its own below `parent`. */
export async function makeFixture(parent: string, source: Source, kind: FixtureKind): Promise<Fixture> {
  const request = await encodeFixture(parent, source, kind);
  return { folder: request.folder, facts: request.facts, plan: request.plan, request, output: await packageOutput(request) };
}

/** The same output in another folder, to be broken there. */
export async function copyFixture(fixture: Pick<Fixture, 'folder'>, folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder);
  for (const name of await readdir(fixture.folder)) await copyFile(join(fixture.folder, name), join(folder, name));
}
