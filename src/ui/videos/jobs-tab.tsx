/** The jobs of a video: how they went, what they ran, what they said. */
import { useEffect, useState } from 'preact/hooks';
import type { Video } from '../../contracts/video.js';
import type { Job, JobEvent, JobLog } from '../../contracts/video-job.js';
import { call } from '../core/api.js';
import { formatBytes, formatLength } from '../core/format.js';
import { Blank, CopyButton, Dot, Failed, SkeletonRows, Time } from '../parts/basics.js';
import { useList } from '../parts/use-list.js';
import { JobActions, JobProgressDetail } from './job-parts.js';
import { useVideoEvents } from './video-events.js';
import { seesAllVideos } from './video-rights.js';
import { isActive, isWorking, jobStateLabels, jobStateTones, wordsOfReason } from './video-words.js';

export function JobsTab({ video }: { video: Video }) {
  const { list, reload } = useList((signal) => call('list_jobs', { query: { video_id: video.video_id, limit: 50 }, signal }), video.video_id);
  useVideoEvents({ job: (job) => job.video_id === video.video_id && reload(), poll: reload, isLively: isWorking(video.state) });
  if (list.kind === 'failed') return <Failed error={list.error} onRetry={reload} />;
  if (list.kind === 'loading') {
    return (
      <section class="card">
        <SkeletonRows rows={4} />
      </section>
    );
  }
  if (list.value.items.length === 0)
    return <Blank icon="rows" title="No jobs yet" text="A job makes the renditions of this video from its source." />;
  return (
    <div class="stack" data-testid="jobs">
      {list.value.items.map((job, index) => (
        <JobCard key={job.job_id} job={job} open={index === 0} onChanged={reload} />
      ))}
    </div>
  );
}

function JobCard({ job, open, onChanged }: { job: Job; open: boolean; onChanged: () => void }) {
  const [isOpen, setOpen] = useState(open);
  return (
    <section class="card job-card" data-testid="job" data-state={job.state}>
      <header>
        <h2 class="state">
          <Dot tone={jobStateTones[job.state]} />
          {jobStateLabels[job.state]}
        </h2>
        <span class="small muted">
          Profile {job.profile}
          {job.quality !== null && ` · ${job.quality.join(', ')}`} · attempt {job.attempt} of {job.max_attempts} · queued{' '}
          <Time value={job.queued_at} />
        </span>
        <span class="btn-row">
          <JobActions job={job} onChanged={onChanged} />
          <button type="button" class="btn small" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
            {isOpen ? 'Less' : 'More'}
          </button>
        </span>
      </header>
      <div class="body stack">
        {isActive(job) && <JobProgressDetail job={job} />}
        {job.error !== null && <Failure job={job} />}
        {job.cost !== null && (
          <p class="small second">
            Took {formatLength(job.cost.wall_s * 1000)}, {formatLength(job.cost.cpu_s * 1000)} of processor time; read{' '}
            {formatBytes(job.cost.read_bytes)}, wrote {formatBytes(job.cost.written_bytes)}, {formatBytes(job.cost.peak_rss_bytes)} of memory at most.
          </p>
        )}
        {isOpen && <JobHistory job={job} />}
      </div>
    </section>
  );
}

function Failure({ job }: { job: Job }) {
  const { error } = job;
  if (error === null) return null;
  return (
    <div class="note job-failure" data-tone={job.state === 'retrying' ? 'warn' : 'bad'}>
      <div>
        <b>{wordsOfReason(error.reason)}</b>
        <div class="small second">{error.detail}</div>
        {job.state === 'retrying' && job.not_before !== null && (
          <div class="small second">
            The next attempt starts <Time value={job.not_before} />.
          </div>
        )}
        {error.stderr.length > 0 && <pre class="job-text">{error.stderr.join('\n')}</pre>}
        {error.command !== null && <Command text={error.command} />}
      </div>
    </div>
  );
}

function Command({ text }: { text: string }) {
  return (
    <div class="job-command">
      <pre class="job-text">{text}</pre>
      <CopyButton text={text} />
    </div>
  );
}

const eventWords: Record<JobEvent['kind'], string> = {
  queued: 'Queued',
  claimed: 'Taken by a worker',
  first_playable: 'First rendition can be played',
  failed: 'Failed',
  retry: 'Will be tried again',
  worker_lost: 'The worker went away',
  published: 'Published',
  done: 'Done',
  dead: 'Given up',
  cancelled: 'Cancelled',
  priority: 'Priority changed',
  replayed: 'Queued again by hand',
  callback: 'Callback',
};

/** Read again while it is open and the job goes on. */
function JobHistory({ job }: { job: Job }) {
  const params = { job_id: job.job_id };
  const { list, reload } = useList((signal) => call('get_job', { params, signal }), `${job.state} ${job.revision}`);
  return (
    <>
      {list.kind === 'failed' && <Failed error={list.error} onRetry={reload} />}
      {list.kind === 'ready' && (
        <>
          <ol class="job-events">
            {list.value.events.map((event, index) => (
              <li key={`${event.at} ${index}`} data-kind={event.kind}>
                <Time value={event.at} style="exact" />
                <b>{eventWords[event.kind]}</b>
                <span class="second">
                  {event.worker_id !== null && `${event.worker_id} `}
                  {event.detail}
                </span>
              </li>
            ))}
          </ol>
          {list.value.commands.length > 0 && (
            <details class="job-part">
              <summary>Commands ({list.value.commands.length})</summary>
              {list.value.commands.map((command, index) => (
                <Command key={index} text={command} />
              ))}
            </details>
          )}
        </>
      )}
      {seesAllVideos() && (
        <details class="job-part">
          <summary>Log</summary>
          <Log job={job} />
        </details>
      )}
    </>
  );
}

const maxLines = 1000;

function Log({ job }: { job: Job }) {
  const { list, reload } = useList((signal) => call('job_log', { params: { job_id: job.job_id }, query: { limit: 500 }, signal }), job.state);
  const [added, setAdded] = useState<readonly JobLog[]>([]);
  useEffect(() => setAdded([]), [list]);
  useVideoEvents({
    log: (line) => line.job_id === job.job_id && setAdded((lines) => [...lines, line].slice(-maxLines)),
    poll: () => isActive(job) && reload(),
    isLively: isActive(job),
  });
  if (list.kind === 'failed') return <Failed error={list.error} onRetry={reload} />;
  if (list.kind === 'loading') return <SkeletonRows rows={3} />;
  const lines = [...list.value.items, ...added].sort((a, b) => a.timestamp.localeCompare(b.timestamp));
  if (lines.length === 0) return <p class="small muted">Nothing was logged.</p>;
  return (
    <pre class="job-text job-log" data-testid="job-log">
      {lines.map((line, index) => (
        <span key={index} data-level={line.level}>
          {line.timestamp.slice(11, 23)} {line.message}
          {'\n'}
        </span>
      ))}
    </pre>
  );
}
