/** What happens to videos and jobs: over the bus for those who may listen there, else by asking again. */
import { effect, type Signal, signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { Video } from '../../contracts/video.js';
import type { Job, JobLog, JobProgress } from '../../contracts/video-job.js';
import { type Live, live } from '../core/live.js';
import { useLookAgain } from '../core/look-again.js';
import { may } from '../core/session.js';

export interface VideoEvents {
  video?: (video: Video) => void;
  job?: (job: Job) => void;
  progress?: (progress: JobProgress) => void;
  log?: (line: JobLog) => void;
  /** Reads everything anew: after the connection was lost, and again and again for those who hear nothing. */
  poll: () => void;
  /** Something goes on that is worth a look every few seconds for those who hear nothing; default false. */
  isLively?: boolean;
}

const progresses = new Map<string, Signal<JobProgress | undefined>>();
const maxProgresses = 500;

/** How the running job of a video goes; undefined while nothing was heard. */
export function progressOf(videoId: string): Signal<JobProgress | undefined> {
  let found = progresses.get(videoId);
  if (found === undefined) {
    if (progresses.size >= maxProgresses) progresses.clear();
    found = signal(undefined);
    progresses.set(videoId, found);
  }
  return found;
}

/** Takes over what a list told of a running job, and forgets it when it ended. */
export function takeJob(job: Job): void {
  const current = progressOf(job.video_id);
  const known = current.peek();
  if (job.state === 'running' || job.state === 'publishing') {
    if (job.progress !== null && (known === undefined || known.timestamp < job.progress.timestamp)) current.value = job.progress;
  } else if (known?.job_id === job.job_id) {
    current.value = undefined;
  }
}

/** Listens while the component is on the page. */
export function useVideoEvents(events: VideoEvents): void {
  const latest = useRef(events);
  latest.current = events;
  useLookAgain(() => !hears(live.peek()) && latest.current.poll(), events.isLively === true);
  useEffect(
    () =>
      effect(() => {
        const current = live.value;
        if (!hears(current)) return;
        const controller = new AbortController();
        listen(current, latest, controller.signal);
        // What was read before the bus was listened to may be old by now; a loss meanwhile ends in a reconnect, which reads again.
        current.bus.flush(controller.signal).then(
          () => latest.current.poll(),
          () => undefined,
        );
        const undo = current.bus.onReconnect(() => latest.current.poll());
        return () => {
          undo();
          controller.abort();
        };
      }),
    [],
  );
}

/** The bus tells everything of videos to those who may see all of them, and nothing to others. */
function hears(current: Live | undefined): current is Live {
  return current !== undefined && current.streams === null && may('operator');
}

function listen(current: Live, latest: { current: VideoEvents }, ended: AbortSignal): void {
  const settings = { signal: ended, policy: 'merge_by_subject', limit: 512 } as const;
  current.bus.subscribe('video_changed', {}, (video) => latest.current.video?.(video), settings);
  current.bus.subscribe(
    'job_changed',
    {},
    (job) => {
      takeJob(job);
      latest.current.job?.(job);
    },
    settings,
  );
  current.bus.subscribe(
    'job_progress',
    {},
    (progress) => {
      progressOf(progress.video_id).value = progress;
      latest.current.progress?.(progress);
    },
    settings,
  );
  if (latest.current.log !== undefined) current.bus.subscribe('job_log', {}, (line) => latest.current.log?.(line), { signal: ended });
}
