/** Still pictures of a video: thumbnail, poster candidates, storyboard. */
import { rm, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { WeirError } from '../../contracts/errors.js';
import type { VideoOutput } from '../../contracts/video.js';
import type { VideoProfile } from '../../contracts/video-profile.js';
import { formatMediaPlaylist } from '../hls/media-playlist.js';
import { noPictures, type OutputPictures } from '../hls/package-request.js';
import { loadRendition, type TrackFacts } from '../hls/rules/facts.js';
import { playlistInputArgs, type RunMedia } from '../hls/run-media.js';
import { choosePosters, judgedHeight, judgedWidth } from './poster-choice.js';
import { sourceInputArgs } from './source-input.js';
import { formatStoryboardVtt, planStoryboard, type StoryboardPlan, sheetFile, tileWidth } from './storyboard.js';

const quiet = ['-nostdin', '-hide_banner', '-y', '-loglevel', 'level+error'] as const;
const defaultMaxWidth = 1280;

export interface ThumbnailRequest {
  /** Absolute path of a source. */
  readonly input: string;
  /** Wished time, seconds from the first picture; a tenth into the video when undefined. Behind the end: shortly before it. */
  readonly timeS: number | undefined;
  readonly durationS: number;
  /** Absolute path of the picture. */
  readonly output: string;
  /** Pixels; the height follows; never enlarged. Default 1280. */
  readonly maxWidth?: number;
}

/** One picture of a source by input seek, which decodes a single group of pictures. A cover picture of music is none. */
export function thumbnailArgs({ input, timeS, durationS, output, maxWidth }: ThumbnailRequest): string[] {
  const at = stillTime(timeS, durationS);
  return [...quiet, '-ss', at.toFixed(3), ...sourceInputArgs(input), '-map', '0:V:0', ...stillArgs(output, maxWidth)];
}

/** A seek to the very end finds nothing more: half a second before it, or the middle of what is shorter. */
function stillTime(timeS: number | undefined, durationS: number): number {
  const latest = Math.max(durationS - 0.5, durationS / 2);
  return durationS < 0.5 ? 0 : Math.max(0, Math.min(timeS ?? durationS / 10, latest));
}

/** One JPEG with square pixels. */
function stillArgs(output: string, maxWidth = defaultMaxWidth): string[] {
  const scale = `scale=w=iw*sar:h=ih,setsar=1,scale=w='min(${maxWidth},iw)':h=-2`;
  const codec = ['-c:v', 'mjpeg', '-q:v', '3', '-pix_fmt', 'yuvj420p', '-threads', '1'];
  return ['-frames:v', '1', '-vf', scale, ...codec, '-map_metadata', '-1', '-f', 'image2', '-update', '1', `file:${output}`];
}

export interface Still {
  /** Absolute path of a playlist that holds the one segment with the wished picture. */
  readonly playlist: string;
  /** Seconds from the beginning of that segment. */
  readonly offsetS: number;
  /** Absolute path of the picture. */
  readonly output: string;
  /** The very picture instead of the keyframe at that time: all before it in the segment are decoded. */
  readonly isExact?: boolean;
}

/** Keyframes are half a second apart at least; sound that begins a little before the picture moves its times by less. */
const keyframeLeewayS = 0.1;

/** Stills out of our own segments, all in one run. */
export function posterArgs(stills: readonly Still[]): string[] {
  const inputs = stills.flatMap(({ playlist, isExact }) => [
    // One thread, as others would decode pictures that nobody asked for.
    ...(isExact === true ? [] : ['-skip_frame', 'nokey', '-threads', '1']),
    ...playlistInputArgs(playlist),
  ]);
  const outputs = stills.flatMap(({ output, offsetS, isExact }, index) => {
    const at = Math.max(0, isExact === true ? offsetS : offsetS - keyframeLeewayS);
    return ['-map', `${index}:v:0`, ...(at > 0 ? ['-ss', at.toFixed(3)] : []), ...stillArgs(output)];
  });
  return [...quiet, ...inputs, ...outputs];
}

/**
 * One look at the keyframes of a rendition: sheets of small pictures in the folder (unless `hasSheets` is false), and on standard output
 * small grey pictures to choose posters by.
 */
export function storyboardArgs(playlist: string, folder: string, plan: StoryboardPlan, hasSheets = true): string[] {
  // Picked pictures are numbered anew: formats of constant rate would fill the time between them.
  const picked = `[0:v]select='not(mod(n,${plan.step}))',setpts=N/25/TB`;
  const grey = `scale=${judgedWidth}:${judgedHeight}:flags=area,format=gray[grey]`;
  const sheets = `scale=${tileWidth}:${plan.tileHeight}:flags=area,setsar=1,tile=${plan.columns}x${plan.rows},setpts=N/25/TB[sheets]`;
  const graph = hasSheets ? `${picked},split[a][b];[a]${sheets};[b]${grey}` : `${picked},${grey}`;
  const sheetArgs = ['-map', '[sheets]', '-r', '25', '-c:v', 'mjpeg', '-q:v', '4', '-pix_fmt', 'yuvj420p', '-threads', '1'];
  return [
    ...[...quiet, '-skip_frame', 'nokey', '-threads', '1', ...playlistInputArgs(playlist), '-filter_complex_threads', '1', '-filter_complex', graph],
    ...(hasSheets ? [...sheetArgs, '-f', 'image2', '-start_number', '1', `file:${folder}/storyboard_%d.jpg`] : []),
    ...['-map', '[grey]', '-r', '25', '-c:v', 'rawvideo', '-f', 'rawvideo', 'pipe:1'],
  ];
}

export interface PicturesRequest {
  /** Output folder, already packaged (its playlists are read). */
  readonly folder: string;
  readonly output: VideoOutput;
  readonly profile: Pick<VideoProfile, 'storyboard' | 'posters'>;
  /** Wished time of the thumbnail, `videoTimeSchema`. Without one the best looking moment is taken. */
  readonly thumbnailTime?: string | null;
  readonly run: RunMedia;
}

/**
 * Makes `thumbnail.jpg`, `poster_1.jpg`, ..., `storyboard_1.jpg`, ... and `storyboard.vtt` of a finished output, out of its own renditions:
 * a fraction of the work that the source would take. For sound alone: none. Throws `internal` with FFmpeg's last lines when a picture
 * cannot be made.
 */
export async function makePictures(request: PicturesRequest): Promise<OutputPictures> {
  const { folder, output, profile } = request;
  const bySize = output.renditions.filter(({ width }) => width !== null).sort((a, b) => (a.width ?? 0) - (b.width ?? 0));
  const [smallest, largest] = [bySize[0], bySize.at(-1)];
  if (smallest === undefined || largest === undefined) return noPictures;
  const { track } = await loadRendition(folder, smallest.playlist);
  const keyframes = track.segments.flatMap(({ syncTimes }) => syncTimes).map((time) => time - track.startS);
  const size = { width: smallest.width ?? 16, height: smallest.height ?? 9, durationS: track.durationS };
  const plan = planStoryboard(keyframes, size);
  if (plan === undefined) return noPictures;
  const look = await mustRun(request.run, storyboardArgs(join(folder, smallest.playlist), folder, plan, profile.storyboard), {
    maxBytes: plan.times.length * judgedWidth * judgedHeight,
  });
  if (profile.storyboard) await writeFile(join(folder, 'storyboard.vtt'), formatStoryboardVtt(plan, track.durationS));
  const times = choosePosters(look, plan.times, profile.posters);
  const wished = parseTime(request.thumbnailTime);
  const thumbnailS = wished === undefined ? (times[0] ?? choosePosters(look, plan.times, 1)[0] ?? 0) : stillTime(wished, track.durationS);
  const posters = times.map((timeS, index) => ({ file: `poster_${index + 1}.jpg`, at_s: Math.round(timeS * 1000) / 1000 }));
  const wanted = [
    { timeS: thumbnailS, file: 'thumbnail.jpg', isExact: wished !== undefined },
    ...posters.map(({ file, at_s }) => ({ timeS: at_s, file, isExact: false })),
  ];
  await takeStills(request, await loadRendition(folder, largest.playlist), wanted);
  const sprite = Array.from({ length: plan.sheets }, (_none, index) => sheetFile(index + 1));
  return { thumbnail: 'thumbnail.jpg', posters, storyboard: profile.storyboard ? { sprite, vtt: 'storyboard.vtt' } : null };
}

/**
 * FFmpeg's own seek in playlists lands beside the mark, or nowhere in fragmented MP4, so each picture gets a playlist with its segment alone.
 */
async function takeStills(
  { folder, run }: PicturesRequest,
  { playlist, track }: TrackFacts,
  wanted: readonly { readonly timeS: number; readonly file: string; readonly isExact: boolean }[],
): Promise<void> {
  const frameS = track.frames > 0 ? track.durationS / track.frames : 0.04;
  const stills = wanted.map(({ timeS, file, isExact }): Still & { text: string } => {
    const at = Math.max(
      0,
      track.segments.findLastIndex(({ startS }) => startS - track.startS <= timeS + frameS / 2),
    );
    const { file: segment = '', startS = 0, durationS = 0 } = track.segments[at] ?? {};
    const offsetS = Math.min(timeS + track.startS - startS, Math.max(0, durationS - 2 * frameS));
    const text = formatMediaPlaylist({
      segments: [{ file: segment, durationS }],
      targetDurationS: Math.ceil(durationS),
      map: playlist.map,
      key: keyOf(playlist, at),
    });
    return { playlist: join(folder, `.${file}.m3u8`), offsetS, output: join(folder, file), isExact, text };
  });
  try {
    for (const still of stills) await writeFile(still.playlist, still.text);
    await mustRun(run, posterArgs(stills));
    for (const { output } of stills) await mustBeThere(output);
  } finally {
    for (const still of stills) await rm(still.playlist, { force: true });
  }
}

/** The vector of a segment that stands alone must be told. */
function keyOf({ key }: TrackFacts['playlist'], sequence: number): { uri: string; iv: Uint8Array } | undefined {
  const uri = key?.get('URI');
  if (uri === undefined) return undefined;
  const hex = key?.get('IV')?.replace(/^0x/i, '') ?? sequence.toString(16).padStart(32, '0');
  return { uri, iv: Buffer.from(hex, 'hex') };
}

/** FFmpeg ends well without a picture when there was nothing at that time. */
async function mustBeThere(output: string): Promise<void> {
  const { size } = await stat(output).catch(() => ({ size: 0 }));
  if (size === 0)
    throw new WeirError('internal', `No picture became of ${basename(output)}`, { facts: { reason: 'pictures_failed', file: basename(output) } });
}

async function mustRun(run: RunMedia, args: readonly string[], limits?: Parameters<RunMedia>[1]): Promise<Uint8Array> {
  const { code, stdout, stderr, timedOut } = await run(args, limits);
  if (code === 0 && !timedOut) return stdout;
  const facts = { reason: 'pictures_failed', exit_code: code, stderr: stderr.trim().split('\n').slice(-20) };
  throw new WeirError('internal', 'The pictures of the video cannot be made', { facts });
}

/** Seconds, or `[hh:]mm:ss[.fff]`; undefined when nothing was wished. */
function parseTime(text: string | null | undefined): number | undefined {
  return text === null || text === undefined ? undefined : text.split(':').reduce((sum, part) => sum * 60 + Number(part), 0);
}
