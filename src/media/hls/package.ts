/** From the segments that FFmpeg wrote to a published output: measured, with all playlists and manifests. */
import { WeirError } from '../../contracts/errors.js';
import type { SourceFacts, VideoOutput } from '../../contracts/video.js';
import type { VideoProfile } from '../../contracts/video-profile.js';
import type { OutputLayout } from './layout.js';

/** Pictures that lie in the folder already; names below it. */
export interface OutputPictures {
  readonly thumbnail: string | null;
  readonly posters: VideoOutput['posters'];
  readonly storyboard: VideoOutput['storyboard'];
}

export interface PackageRequest {
  /** Absolute; segments lie in it, playlists are written into it. */
  readonly folder: string;
  readonly layout: OutputLayout;
  readonly facts: SourceFacts;
  readonly profile: VideoProfile;
  readonly revision: number;
  /** Default: none. */
  readonly pictures?: OutputPictures;
  readonly signal?: AbortSignal | undefined;
}

/** One packaging over the life of a job: segments are measured once, as they come. */
export interface Packager {
  /**
   * Writes playlists of what is finished so far, which players may follow (`EVENT`, without an end). Undefined while no rendition has
   * a finished segment. Safe to call again and again; a torn or growing last segment is never listed.
   */
  growing(): Promise<VideoOutput | undefined>;
  /** Measures the rest and writes the final playlists, multivariant playlist and manifest. Throws `internal` with facts for what is missing. */
  finish(pictures: OutputPictures): Promise<VideoOutput>;
}

/** Starts packaging; reads and writes nothing yet. */
export function openPackager(_request: Omit<PackageRequest, 'pictures'>): Packager {
  throw new WeirError('unavailable', 'Not written yet');
}

/** Measures what lies in the folder and writes all playlists. The same as one packager that only finishes. */
export async function packageOutput(request: PackageRequest): Promise<VideoOutput> {
  return await openPackager(request).finish(request.pictures ?? { thumbnail: null, posters: [], storyboard: null });
}
