/** Another thumbnail: one of the candidates, or the picture at a time. */
import { randomUUID } from 'node:crypto';
import { copyFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Video, type VideoOutput, WeirError } from '../../contracts/index.js';
import { findSandbox, runProgram, sandboxCommand, thumbnailArgs } from '../../media/index.js';
import type { VideoRecord } from '../../store/index.js';
import type { LibraryOptions } from './needs.js';
import { noVideo } from './rights.js';
import { tell } from './tell.js';
import { revisionFolder } from './video-files.js';

export type PosterChoice = { readonly candidate: string } | { readonly at_s: number };

const timeoutMs = 30_000;
const limits = { maxMemoryBytes: 2 * 1024 ** 3, maxCpuS: 60, maxOutputBytes: 64 * 1024 ** 2 };

export interface PosterParts {
  readonly options: Pick<LibraryOptions, 'store' | 'folder' | 'ffmpeg'>;
  readonly view: (record: VideoRecord) => Video;
}

/** An encode that ends while the picture is taken makes it be taken anew; so many in a row are no accident. */
const maxTries = 3;

/**
 * Keeps the choice, which later encodes follow, and shows it now. Throws `failed_precondition` while nothing is published,
 * `invalid_argument` for what is no choice.
 */
export async function setPoster(parts: PosterParts, video: VideoRecord, choice: PosterChoice, signal: AbortSignal): Promise<VideoRecord> {
  const poster = { at_s: chosenTime(published(video), choice), chosen_at: new Date().toISOString() };
  return await show(parts, video, poster, choice, signal);
}

/** For an encode that began before the choice: its result gets the chosen picture too. */
export async function repeatPoster(parts: PosterParts, videoId: string, signal: AbortSignal): Promise<void> {
  const video = await parts.options.store.videos.get(videoId);
  if (video?.output == null || video.poster === null) return;
  await show(parts, video, video.poster, { at_s: Math.min(video.poster.at_s, video.output.duration_s) }, signal);
}

async function show(
  { options, view }: PosterParts,
  shown: VideoRecord,
  poster: NonNullable<VideoRecord['poster']>,
  choice: PosterChoice,
  signal: AbortSignal,
): Promise<VideoRecord> {
  let [video, way] = [shown, choice];
  for (let tries = 0; tries < maxTries; tries += 1) {
    const { output, folder } = published(video);
    // A revision of the library never changes, so a cache may keep it: there another picture has another name.
    const isKept = folder === revisionFolder(options.folder, video.video_id, output.revision);
    const thumbnail = isKept ? `thumbnail_${randomUUID().slice(0, 8)}.jpg` : 'thumbnail.jpg';
    await putPicture({ video, folder, name: thumbnail }, way, options.ffmpeg?.ffmpeg, signal);
    const changed = await options.store.transaction(async (tx) => {
      const now = await tx.videos.get(video.video_id);
      if (now?.output?.revision !== output.revision) return { now, isShown: false };
      const after = await tx.videos.update(video.video_id, { poster, output: { ...now.output, thumbnail } });
      await tell(tx, video.video_id, view);
      return { now: after, isShown: true };
    });
    if (changed.now === undefined) throw noVideo(video.video_id);
    if (changed.isShown) {
      const before = output.thumbnail ?? '';
      if (before !== thumbnail && before.startsWith('thumbnail_')) await rm(join(folder, before), { force: true });
      return changed.now;
    }
    [video, way] = [changed.now, { at_s: Math.min(poster.at_s, changed.now.output?.duration_s ?? 0) }];
  }
  throw new WeirError('unavailable', 'The video was encoded anew while the picture was taken', { hint: 'Choose it again' });
}

function published({ output, output_path: folder, published_at, state }: VideoRecord): { output: VideoOutput; folder: string } {
  if (output !== null && folder !== null && published_at !== null) return { output, folder };
  throw new WeirError('failed_precondition', 'A poster can be chosen once the video is ready', {
    facts: { state, allowed_states: ['ready'] },
  });
}

function chosenTime({ output }: { output: VideoOutput }, choice: PosterChoice): number {
  if ('candidate' in choice) return candidateOf(output, choice.candidate).at_s;
  if (choice.at_s <= output.duration_s) return choice.at_s;
  throw new WeirError('invalid_argument', `The video is ${output.duration_s.toFixed(1)} s long`, { field: 'at_s', received: choice.at_s });
}

function candidateOf({ posters }: VideoOutput, candidate: string): VideoOutput['posters'][number] {
  const found = posters.find(({ file }) => file === candidate);
  if (found !== undefined) return found;
  throw new WeirError('invalid_argument', `${candidate} is no poster candidate of this video`, {
    field: 'candidate',
    received: candidate,
    hint: posters.length === 0 ? 'Name a time with at_s' : `Choose one of ${posters.map(({ file }) => file).join(', ')}, or name a time with at_s`,
  });
}

interface Picture {
  readonly video: VideoRecord;
  readonly folder: string;
  readonly name: string;
}

/** Written beside and renamed: whoever reads it meanwhile gets the old one whole. */
async function putPicture({ video, folder, name }: Picture, choice: PosterChoice, ffmpeg: string | undefined, signal: AbortSignal): Promise<void> {
  const beside = join(folder, `.thumbnail.${randomUUID()}.jpg`);
  try {
    if ('candidate' in choice) await copyFile(join(folder, choice.candidate), beside);
    else await takePicture(video, choice.at_s, folder, beside, ffmpeg, signal);
    await rename(beside, join(folder, name));
  } finally {
    await rm(beside, { force: true });
  }
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
  const best = video.output?.renditions.toSorted((a, b) => (b.height ?? 0) - (a.height ?? 0))[0];
  const input = video.source?.kept === true ? video.source.path : join(folder, best?.playlist ?? 'master.m3u8');
  const args = thumbnailArgs({ input, timeS: atS, durationS, output: beside });
  const { command, args: wrapped } = sandboxCommand({ command: ffmpeg, args }, limits, await findSandbox());
  const result = await runProgram(command, wrapped, { timeoutMs, signal });
  if (result.code === 0) return;
  throw new WeirError('internal', `The picture could not be taken: ${result.stderr.trim().split('\n').at(-1) ?? ''}`);
}
