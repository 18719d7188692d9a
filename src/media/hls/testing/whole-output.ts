/** Everything that an output has to stand, whatever it was made of. Tests only. */
import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as HLS from 'hls-parser';
import type { VideoOutput } from '../../../contracts/video.js';
import { runProgram } from '../../ffmpeg/run-program.js';
import { subtitleArgs } from '../../vod/subtitles.js';
import { checkDecode } from '../decode-check.js';
import { packageOutput } from '../package.js';
import type { PackageRequest } from '../package-request.js';
import { validateOutput } from '../validate.js';

/** Packages what was encoded; then every rule, the strict parser, and FFmpeg, which decodes every frame. */
export async function packageAndCheck(request: PackageRequest & { readonly input: string }): Promise<VideoOutput> {
  const { folder, plan, facts, input } = request;
  const texts = subtitleArgs(plan, { input, folder });
  if (texts !== undefined) await playable(texts);
  const output = await packageOutput(request);
  const failed = (await validateOutput(folder, output)).filter(({ level, result }) => level === 'must' && result === 'failed');
  assert.deepEqual(failed, []);
  await assertStrict(folder);
  await checkDecode(folder, output, facts, { ffmpeg: 'ffmpeg', durationS: plan.durationS, mode: 'full' });
  return output;
}

async function assertStrict(folder: string): Promise<void> {
  HLS.setOptions({ strictMode: true });
  const names = (await readdir(folder)).filter((name) => name.endsWith('.m3u8'));
  assert.ok(names.length >= 2, 'there are playlists');
  for (const name of names) {
    const parsed = HLS.parse(await readFile(join(folder, name), 'utf8'));
    assert.equal(parsed.isMasterPlaylist, name === 'master.m3u8', name);
  }
}

export interface DashStream {
  readonly kind: string;
  readonly packets: number;
  readonly seconds: number;
}

/** What FFmpeg reads of each stream of a DASH manifest, one by one as a player does: of several at once it ends with the first that ends. */
export async function readDash(folder: string, manifest: string): Promise<DashStream[]> {
  const probe = async (...args: readonly string[]): Promise<string[]> => {
    const all = ['-v', 'error', '-allowed_extensions', 'ALL', ...args, '-of', 'csv=p=0', join(folder, manifest)];
    const run = await runProgram('ffprobe', all, { timeoutMs: 120_000, maxBytes: 16 * 1_048_576 });
    assert.equal(run.code, 0, run.stderr);
    return run.stdout.toString().split('\n').filter(Boolean);
  };
  const streams: DashStream[] = [];
  // Those of a programme are told twice.
  for (const stream of new Set(await probe('-show_entries', 'stream=index,codec_type'))) {
    const [index = '', kind = ''] = stream.split(',');
    const lines = await probe('-select_streams', index, '-show_entries', 'packet=pts_time,duration_time');
    const timed = lines.map((line) => line.split(',').map(Number)).filter(([at]) => Number.isFinite(at));
    const times = timed.map(([at = 0, lasts = 0]) => ({ at, end: at + (lasts || 0) }));
    const seconds = Math.max(...times.map(({ end }) => end)) - Math.min(...times.map(({ at }) => at));
    streams.push({ kind, packets: lines.length, seconds });
  }
  return streams;
}

async function playable(args: readonly string[]): Promise<string> {
  const run = await runProgram('ffmpeg', args, { timeoutMs: 120_000 });
  assert.equal(run.code, 0, run.stderr);
  return run.stderr;
}

/** A key of its own in the folder, and the file that tells FFmpeg of it. */
export async function writeTestKey(folder: string): Promise<string> {
  const [key, info] = [join(folder, 'segments.key'), join(folder, '.key-info')];
  await writeFile(key, 'sixteen bytes ok');
  await writeFile(info, `segments.key\n${key}\n${'5a'.repeat(16)}\n`);
  return info;
}
