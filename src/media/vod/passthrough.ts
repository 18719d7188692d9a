/** Whether a source can be a rendition as it is. */
import type { SourceFacts } from '../../contracts/video.js';
import type { Rendition } from '../../contracts/video-profile.js';
import { type FrameRate, perSecond } from './frame-rate.js';
import type { PictureSize } from './ladder.js';
import { h264Level } from './levels.js';

const profiles: ReadonlySet<string> = new Set(['Constrained Baseline', 'Baseline', 'Main', 'High', 'Progressive High', 'Constrained High']);

export interface PassthroughStep extends PictureSize {
  readonly step: Rendition;
  readonly frameRate: FrameRate;
  /** No other rendition must have its keyframes at the same places. */
  readonly alone: boolean;
}

/** Why the source is not passed through as this step; undefined when it can be. */
export function passthroughObstacle(facts: SourceFacts, target: PassthroughStep): string | undefined {
  const { video } = facts;
  if (video === null) return 'it has no picture';
  const { step, width, height, frameRate } = target;
  if (step.codec !== 'h264' || video.codec !== 'h264') return `its codec is ${video.codec}`;
  if (!profiles.has(video.profile ?? '')) return `its profile is ${video.profile ?? 'unknown'}`;
  if (video.pixel_format !== 'yuv420p') return `its pixel format is ${video.pixel_format ?? 'unknown'}`;
  if (video.is_interlaced) return 'it is interlaced';
  if (video.rotation !== 0) return 'it is turned';
  if (video.coded_width !== width || video.coded_height !== height) return 'its size is another';
  if (video.is_variable_rate) return 'its frame rate varies';
  if (Math.abs(video.frame_rate / perSecond(frameRate) - 1) > 0.001) return 'its frame rate is another';
  if (video.bitrate_kbps > step.video_kbps * 1.2) return `its bit rate is ${Math.round(video.bitrate_kbps)} kbit/s`;
  const needed = h264Level({ width, height, framesPerS: perSecond(frameRate), maxKbps: step.video_kbps * 1.2 });
  // A level above what the size needs is only a claim; players refuse it from 5.2 on.
  if (needed === undefined || (video.level ?? 99) > Math.max(Number(needed), 5.1) * 10) return 'its level is too high';
  return gopObstacle(video, target.alone);
}

function gopObstacle(video: NonNullable<SourceFacts['video']>, alone: boolean): string | undefined {
  const { gop } = video;
  if (gop === null || gop === undefined) return 'its keyframes were not measured';
  // Copied packets bring back what an edit list hides: the result would begin before the cut.
  if (gop.is_cut === true) return 'it is cut amid a group of pictures';
  if (gop.is_open) return 'its groups of pictures are open';
  if (gop.frames === null && !alone) return 'its keyframes come irregularly';
  return undefined;
}
