/** What lists of jobs show of each one. */
import { useState } from 'preact/hooks';
import type { Job, JobProgress } from '../../contracts/video-job.js';
import { call } from '../core/api.js';
import { formatLength } from '../core/format.js';
import { Time } from '../parts/basics.js';
import { Icon } from '../parts/icon.js';
import { reportingFailure } from './report-failure.js';
import { progressOf } from './video-events.js';
import { Meter } from './video-parts.js';
import { mayChange } from './video-rights.js';
import { formatLeft, isActive, phaseLabels } from './video-words.js';

/** Cancel what goes on, retry what ended badly. */
export function JobActions({ job, onChanged }: { job: Job; onChanged: () => void }) {
  const [busy, setBusy] = useState(false);
  if (!mayChange(job)) return null;
  const params = { job_id: job.job_id };
  const act = async (name: 'cancel_job' | 'retry_job') => {
    setBusy(true);
    await reportingFailure(() => call(name, { params }));
    setBusy(false);
    onChanged();
  };
  if (isActive(job)) {
    return (
      <button type="button" class="btn small" aria-label="Cancel" disabled={busy} data-testid="cancel-job" onClick={() => void act('cancel_job')}>
        {busy ? <span class="spinner" /> : <Icon name="stop" size={14} />} <span class="wide-only">Cancel</span>
      </button>
    );
  }
  if (job.state !== 'dead' && job.state !== 'cancelled') return null;
  return (
    <button type="button" class="btn small" aria-label="Try again" disabled={busy} data-testid="retry-job" onClick={() => void act('retry_job')}>
      {busy ? <span class="spinner" /> : <Icon name="restart" size={14} />} <span class="wide-only">Try again</span>
    </button>
  );
}

/** Newest progress of exactly this job; undefined before the first. */
function progressOfJob(job: Job): JobProgress | undefined {
  const heard = progressOf(job.video_id).value;
  if (heard !== undefined && heard.job_id === job.job_id && heard.revision >= job.revision) return heard;
  return job.progress ?? undefined;
}

/** Phase, speed, time left, and each rendition. */
export function JobProgressDetail({ job }: { job: Job }) {
  const progress = progressOfJob(job);
  if (job.state === 'queued') {
    return <p class="small second">{job.position === null || job.position === 1 ? 'It is the next one.' : `Number ${job.position} in the row.`}</p>;
  }
  if (job.state === 'retrying') {
    return (
      <p class="small second">
        Waits for its next attempt
        {job.not_before !== null && (
          <>
            , <Time value={job.not_before} />
          </>
        )}
        .
      </p>
    );
  }
  if (progress === undefined) return <p class="small second">It has just been taken by a worker.</p>;
  return (
    <div class="job-progress">
      <div class="job-progress-line">
        <b>{phaseLabels[progress.phase]}</b>
        <span class="small second">{speedOf(progress)}</span>
        <span class="num small">
          {Math.floor(progress.percent)} %{progress.eta_s !== null && <span class="muted"> · {formatLeft(progress.eta_s)}</span>}
        </span>
      </div>
      <Meter percent={progress.percent} label={`Job ${Math.round(progress.percent)} percent`} />
      {progress.renditions.length > 0 && (
        <ul class="job-renditions">
          {progress.renditions.map((one) => (
            <li key={one.name}>
              <span>{one.name}</span>
              <Meter percent={one.state === 'done' ? 100 : one.percent} label={`${one.name}: ${Math.round(one.percent)} percent`} />
              <span class="muted">{one.is_playable ? 'plays' : one.state === 'done' ? 'done' : ''}</span>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

function speedOf(progress: JobProgress): string {
  const parts: string[] = [];
  if (progress.speed > 0) parts.push(`${progress.speed < 10 ? progress.speed.toFixed(1) : Math.round(progress.speed)}× as fast as it plays`);
  if (progress.fps > 0) parts.push(`${Math.round(progress.fps)} fps`);
  if (progress.chunks !== null) {
    const { done, total, workers } = progress.chunks;
    parts.push(`${done} of ${total} pieces on ${workers} worker${workers === 1 ? '' : 's'}`);
  }
  if (progress.elapsed_s >= 1) parts.push(`for ${formatLength(Math.floor(progress.elapsed_s) * 1000)}`);
  return parts.join(' · ');
}
