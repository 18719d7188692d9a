/** States and choices of videos in words. Pure. */
import type { Video, VideoState, Visibility } from '../../contracts/video.js';
import type { Job, JobProgress, JobState } from '../../contracts/video-job.js';
import { formatElapsed, formatLength } from '../core/format.js';
import type { Tone } from '../core/words.js';
import type { IconName } from '../parts/icon.js';

export const videoStateLabels: Record<VideoState, string> = {
  uploading: 'Uploading',
  uploaded: 'Not processed',
  queued: 'Waiting',
  processing: 'Processing',
  ready: 'Ready',
  failed: 'Failed',
};
export const videoStateTones: Record<VideoState, Tone> = {
  uploading: 'busy',
  uploaded: 'off',
  queued: 'off',
  processing: 'busy',
  ready: 'ok',
  failed: 'bad',
};

/** As the filter offers them. */
export const videoStates = Object.keys(videoStateLabels) as readonly VideoState[];

export const visibilityLabels: Record<Visibility, string> = { private: 'Private', link: 'By link', public: 'Public' };
/** In the order they are offered. */
export const visibilities: readonly Visibility[] = ['private', 'link', 'public'];
export const visibilityHints: Record<Visibility, string> = {
  private: 'Its owner and operators',
  link: 'Also whoever has a link made here',
  public: 'Everybody who reaches this hub',
};
export const visibilityIcons: Record<Visibility, IconName> = { private: 'lock', link: 'link', public: 'network' };

export const jobStateLabels: Record<JobState, string> = {
  queued: 'Waiting',
  running: 'Running',
  publishing: 'Publishing',
  retrying: 'Tries again',
  done: 'Done',
  dead: 'Given up',
  cancelled: 'Cancelled',
};
export const jobStateTones: Record<JobState, Tone> = {
  queued: 'off',
  running: 'busy',
  publishing: 'busy',
  retrying: 'warn',
  done: 'ok',
  dead: 'bad',
  cancelled: 'off',
};

export const phaseLabels: Record<JobProgress['phase'], string> = {
  waiting: 'Waiting',
  probing: 'Looking at the source',
  planning: 'Planning',
  encoding: 'Encoding',
  joining: 'Joining the pieces',
  packaging: 'Writing playlists',
  checking: 'Checking the result',
  publishing: 'Putting it in place',
};

const reasons: Readonly<Record<string, string>> = {
  empty: 'The file is empty',
  unreadable: 'The file cannot be read',
  not_a_video: 'The file is no video',
  container_not_allowed: 'This kind of file is not taken',
  truncated: 'The file is cut off',
  encrypted: 'The file is encrypted',
  no_video_or_audio: 'The file has neither picture nor sound',
  too_many_streams: 'The file has too many tracks',
  too_many_pixels: 'The picture is too large',
  too_small: 'The picture is too small',
  too_long: 'The video is too long',
  duration_unknown: 'Its length cannot be found out',
  too_large: 'The file is too large',
  decode_failed: 'The file cannot be decoded',
  probe_timeout: 'Looking at the file took too long',
  encoder_failed: 'The encoder failed',
  worker_lost: 'The worker went away',
  disk_full: 'The disk is full',
  source_missing: 'The source is gone',
};

/** `encoder_failed` as people say it; a reason without words of its own is shown with spaces. */
export function wordsOfReason(reason: string): string {
  const known = Object.hasOwn(reasons, reason) ? reasons[reason] : undefined;
  return known ?? `${reason.charAt(0).toUpperCase()}${reason.slice(1)}`.replaceAll('_', ' ');
}

/** The error of a video, which may begin with its reason: `source_missing: …`. */
export function wordsOfError(error: string): string {
  const [, reason, detail] = /^([a-z][a-z_]*): (.*)$/s.exec(error) ?? [];
  return reason === undefined || detail === undefined ? error : `${wordsOfReason(reason)}: ${detail}`;
}

/** True while a job of the video waits or runs. */
export function isWorking(state: VideoState): boolean {
  return state === 'queued' || state === 'processing' || state === 'uploading';
}

/** True while the job waits or runs. */
export function isActive(job: Pick<Job, 'state'>): boolean {
  return job.state === 'queued' || job.state === 'running' || job.state === 'publishing' || job.state === 'retrying';
}

/** Seconds of the output, else of the source; undefined while neither is known. */
export function durationOf(video: Video): number | undefined {
  return video.state === 'ready' ? (video.output?.duration_s ?? video.facts?.duration_s) : (video.facts?.duration_s ?? video.output?.duration_s);
}

/** `0:42 left`; empty while it cannot be said. */
export function formatLeft(etaS: number | null | undefined): string {
  if (etaS === null || etaS === undefined || !Number.isFinite(etaS)) return '';
  return `${etaS < 3600 ? formatElapsed(Math.ceil(etaS)) : formatLength(etaS * 1000)} left`;
}

/** `a, b c` as tags: trimmed, without empty and double ones. */
export function parseTags(text: string): string[] {
  return [
    ...new Set(
      text
        .split(',')
        .map((tag) => tag.trim())
        .filter((tag) => tag !== ''),
    ),
  ];
}
