/** Still pictures of a video: thumbnail, poster candidates, storyboard. Arguments for FFmpeg, and what is told from its answers. */
import { WeirError } from '../../contracts/errors.js';
import type { VideoOutput } from '../../contracts/video.js';
import type { VideoProfile } from '../../contracts/video-profile.js';
import type { OutputPictures } from '../hls/package.js';
import type { RunMedia } from '../hls/run-media.js';

export interface ThumbnailRequest {
  /** Absolute path of the source, or of a playlist of ours. */
  readonly input: string;
  /** Wished time; the middle when undefined; moved before the end of a shorter video. Seconds from the first picture. */
  readonly timeS: number | undefined;
  /** Seconds. */
  readonly durationS: number;
  /** Absolute path of the picture. */
  readonly output: string;
  /** Pixels; the height follows; never enlarged. Default 1280. */
  readonly maxWidth?: number;
}

/** One picture by input seek, which decodes one group of pictures only. */
export function thumbnailArgs(_request: ThumbnailRequest): string[] {
  throw new WeirError('unavailable', 'Not written yet');
}

export interface PicturesRequest {
  /** Output folder, already packaged (its playlists are read). */
  readonly folder: string;
  readonly output: VideoOutput;
  readonly profile: Pick<VideoProfile, 'storyboard' | 'posters'>;
  /** For the thumbnail at an exact time; without it the best rendition is used. */
  readonly source?: { readonly path: string; readonly args: readonly string[] };
  /** Wished time of the thumbnail, `videoTimeSchema`. */
  readonly thumbnailTime?: string | null;
  readonly run: RunMedia;
}

/**
 * Makes `thumbnail.jpg`, `poster_1.jpg`, ..., `storyboard_1.jpg`, ... and `storyboard.vtt` of a finished output. For audio alone: none.
 * Throws `internal` with FFmpeg's last lines when the thumbnail cannot be made.
 */
export async function makePictures(_request: PicturesRequest): Promise<OutputPictures> {
  throw new WeirError('unavailable', 'Not written yet');
}
