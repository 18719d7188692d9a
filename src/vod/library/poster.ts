/** Another thumbnail: one of the candidates, or the picture at a time. */
import { randomUUID } from 'node:crypto';
import { copyFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { WeirError } from '../../contracts/index.js';
import { findSandbox, runProgram, sandboxCommand, thumbnailArgs } from '../../media/index.js';
import type { VideoRecord } from '../../store/index.js';
import type { LibraryOptions } from './needs.js';

export type PosterChoice = { readonly candidate: string } | { readonly at_s: number };

const timeoutMs = 30_000;
const limits = { maxMemoryBytes: 2 * 1024 ** 3, maxCpuS: 60, maxOutputBytes: 64 * 1024 ** 2 };

/** Writes `thumbnail.jpg` beside and renames it. Throws `failed_precondition` while nothing is published, `invalid_argument` for what is no choice. */
export async function putPoster(
  video: VideoRecord,
  choice: PosterChoice,
  { ffmpeg }: Pick<LibraryOptions, 'ffmpeg'>,
  signal: AbortSignal,
): Promise<string> {
  const { output, output_path: folder } = video;
  if (output === null || folder === null || video.published_at === null) {
    throw new WeirError('failed_precondition', 'A poster can be chosen once the video is ready', {
      facts: { state: video.state, allowed_states: ['ready'] },
    });
  }
  const name = 'thumbnail.jpg';
  const beside = join(folder, `.thumbnail.${randomUUID()}.jpg`);
  try {
    if ('candidate' in choice) await copyCandidate(video, choice.candidate, folder, beside);
    else await takePicture(video, choice.at_s, folder, beside, ffmpeg?.ffmpeg, signal);
    await rename(beside, join(folder, name));
  } finally {
    await rm(beside, { force: true });
  }
  return name;
}

async function copyCandidate(video: VideoRecord, candidate: string, folder: string, beside: string): Promise<void> {
  const files = video.output?.posters.map((poster) => poster.file) ?? [];
  if (!files.includes(candidate)) {
    throw new WeirError('invalid_argument', `${candidate} is no poster candidate of this video`, {
      field: 'candidate',
      received: candidate,
      hint: files.length === 0 ? 'Name a time with at_s' : `Choose one of ${files.join(', ')}, or name a time with at_s`,
    });
  }
  await copyFile(join(folder, candidate), beside);
}

async function takePicture(
  video: VideoRecord,
  atS: number,
  folder: string,
  beside: string,
  ffmpeg: string | undefined,
  signal: AbortSignal,
): Promise<void> {
  if (ffmpeg === undefined) throw new WeirError('unavailable', 'This hub has no FFmpeg to take a picture with', { facts: { dependency: 'ffmpeg' } });
  const durationS = video.output?.duration_s ?? 0;
  if (atS > durationS) {
    throw new WeirError('invalid_argument', `The video is ${durationS.toFixed(1)} s long`, { field: 'at_s', received: atS });
  }
  const best = video.output?.renditions.toSorted((a, b) => (b.height ?? 0) - (a.height ?? 0))[0];
  const input = video.source?.kept === true ? video.source.path : join(folder, best?.playlist ?? 'master.m3u8');
  const args = thumbnailArgs({ input, timeS: atS, durationS, output: beside });
  const { command, args: wrapped } = sandboxCommand({ command: ffmpeg, args }, limits, await findSandbox());
  const result = await runProgram(command, wrapped, { timeoutMs, signal });
  if (result.code === 0) return;
  throw new WeirError('internal', `The picture could not be taken: ${result.stderr.trim().split('\n').at(-1) ?? ''}`);
}
