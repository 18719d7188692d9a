/** What packaging is told. */
import type { SourceFacts, VideoOutput } from '../../contracts/video.js';
import type { VideoProfile } from '../../contracts/video-profile.js';
import type { VideoPlan } from '../vod/plan.js';

/** Pictures that lie in the folder already; names below it. */
export interface OutputPictures {
  readonly thumbnail: string | null;
  readonly posters: VideoOutput['posters'];
  readonly storyboard: VideoOutput['storyboard'];
}

/** Of an output without any. */
export const noPictures: OutputPictures = { thumbnail: null, posters: [], storyboard: null };

/** What is packaged, and where. */
export interface PackageRequest {
  /** Absolute; segments lie in it, playlists are written into it. */
  readonly folder: string;
  readonly plan: VideoPlan;
  readonly facts: SourceFacts;
  readonly profile: VideoProfile;
  readonly revision: number;
  /** Default: none. */
  readonly pictures?: OutputPictures;
  readonly signal?: AbortSignal | undefined;
}
