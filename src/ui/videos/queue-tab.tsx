/** The queue as it is: figures, running and waiting jobs, workers. */
import { useMemo } from 'preact/hooks';
import type { Job, VideoQueue } from '../../contracts/video-job.js';
import { call } from '../core/api.js';
import { formatBytes } from '../core/format.js';
import { useLookAgain } from '../core/look-again.js';
import { may } from '../core/session.js';
import { soon } from '../core/soon.js';
import { Blank, Dot, Failed, Note, SkeletonRows, Time } from '../parts/basics.js';
import { Icon } from '../parts/icon.js';
import { useList } from '../parts/use-list.js';
import { JobActions, JobProgressDetail } from './job-parts.js';
import { QueueFigures } from './queue-figures.js';
import { reportingFailure } from './report-failure.js';
import { takeJob, useVideoEvents } from './video-events.js';
import { VideoName } from './video-name.js';
import { mayChange } from './video-rights.js';
import { wordsOfReason } from './video-words.js';

export function QueueTab() {
  const { list: queue, reload: readFigures } = useList((signal) => call('get_queue', { signal }));
  const { list: jobs, reload: readJobs } = useList((signal) => readActive(signal));
  const again = () => {
    readFigures();
    readJobs();
  };
  const againSoon = useMemo(() => soon(again), []);
  const isLively = queue.kind === 'ready' && queue.value.running + queue.value.queued + queue.value.retrying > 0;
  useVideoEvents({ job: againSoon, poll: readJobs, isLively });
  // Ages and loads of workers move without an event.
  useLookAgain(readFigures, isLively);
  if (jobs.kind === 'failed') return <Failed error={jobs.error} onRetry={again} />;
  if (queue.kind === 'failed') return <Failed error={queue.error} onRetry={again} />;
  if (jobs.kind === 'loading' || queue.kind === 'loading') {
    return (
      <section class="card">
        <SkeletonRows rows={5} />
      </section>
    );
  }
  const running = jobs.value.filter((job) => job.state === 'running' || job.state === 'publishing');
  const waiting = jobs.value.filter((job) => job.state !== 'running' && job.state !== 'publishing');
  return (
    <div class="stack">
      {queue.value.state === 'paused' && (
        <Note tone="warn" icon="pause">
          The queue is paused: what runs goes on, nothing new starts.
        </Note>
      )}
      <QueueFigures queue={queue.value} onChanged={again} />
      {running.length > 0 && <RunningJobs jobs={running} onChanged={again} />}
      {waiting.length > 0 && <WaitingJobs jobs={waiting} onChanged={again} />}
      {jobs.value.length === 0 && isLively && <Blank icon="rows" title="None of it is yours" text="Other people’s videos are being made." />}
      {jobs.value.length === 0 && !isLively && (
        <Blank icon="check" title="Nothing is waiting" text={madeWords(queue.value.dead_letters)}>
          {may('operator') && (
            <a class="btn" href="/uploads">
              <Icon name="upload" /> Upload a video
            </a>
          )}
        </Blank>
      )}
      <Workers queue={queue.value} />
    </div>
  );
}

function madeWords(givenUp: number): string {
  if (givenUp === 0) return 'Every video that was asked for is made.';
  return `What could be made is made; ${givenUp} ${givenUp === 1 ? 'was' : 'were'} given up.`;
}

async function readActive(signal: AbortSignal): Promise<Job[]> {
  const page = await call('list_jobs', { query: { active: 'true', limit: 200 }, signal });
  for (const job of page.items) takeJob(job);
  return page.items;
}

function RunningJobs({ jobs, onChanged }: { jobs: readonly Job[]; onChanged: () => void }) {
  return (
    <section class="card" data-testid="running-jobs">
      <header>
        <h2>Running</h2>
      </header>
      <ul class="job-list">
        {jobs.map((job) => (
          <li key={job.job_id} data-testid={`job-${job.job_id}`}>
            <div class="job-head">
              <VideoName videoId={job.video_id} />
              <span class="small muted">
                {job.profile} · {job.worker_id}
                {job.attempt > 1 && ` · attempt ${job.attempt}`}
              </span>
              <JobActions job={job} onChanged={onChanged} />
            </div>
            <JobProgressDetail job={job} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function WaitingJobs({ jobs, onChanged }: { jobs: readonly Job[]; onChanged: () => void }) {
  return (
    <section class="card" data-testid="waiting-jobs">
      <header>
        <h2>Waiting</h2>
        <span class="small muted">In the order they will start</span>
      </header>
      <div class="table-wrap">
        <table class="table">
          <thead>
            <tr>
              <th class="num wide-only">No.</th>
              <th>Video</th>
              <th>Waits</th>
              <th class="wide-only">Owner</th>
              <th>Priority</th>
              <th>
                <span class="sr">Actions</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {jobs.map((job) => (
              <tr key={job.job_id} data-testid={`job-${job.job_id}`}>
                <td class="num muted wide-only">{job.position ?? '–'}</td>
                <td>
                  <VideoName videoId={job.video_id} />
                  {job.state === 'retrying' && (
                    <div class="small" style={{ color: 'var(--warn)' }}>
                      {job.error === null ? 'Tries again' : wordsOfReason(job.error.reason)}
                      {job.not_before !== null && (
                        <>
                          {' · next attempt '}
                          <Time value={job.not_before} />
                        </>
                      )}
                    </div>
                  )}
                </td>
                <td class="nowrap">
                  <Time value={job.queued_at} style="span" />
                </td>
                <td class="wide-only">{job.owner}</td>
                <td>
                  <Priority job={job} onChanged={onChanged} />
                </td>
                <td class="num">
                  <JobActions job={job} onChanged={onChanged} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Priority({ job, onChanged }: { job: Job; onChanged: () => void }) {
  if (!mayChange(job)) return <>{job.priority}</>;
  const set = async (priority: number) => {
    await reportingFailure(() => call('update_job', { params: { job_id: job.job_id }, body: { priority: Math.max(-50, Math.min(50, priority)) } }));
    onChanged();
  };
  return (
    <span class="priority">
      <button
        type="button"
        class="btn icon quiet small"
        aria-label="Later"
        title="Later"
        disabled={job.priority <= -50}
        onClick={() => void set(job.priority - 10)}
      >
        <Icon name="down" size={15} />
      </button>
      <span data-testid="priority">{job.priority}</span>
      <button
        type="button"
        class="btn icon quiet small"
        aria-label="Sooner"
        title="Sooner"
        disabled={job.priority >= 50}
        onClick={() => void set(job.priority + 10)}
      >
        <Icon name="up" size={15} />
      </button>
    </span>
  );
}

const workerTones = { online: 'ok', paused: 'warn', draining: 'busy', lost: 'bad' } as const;
const workerWords = { online: 'Online', paused: 'Paused', draining: 'Finishes its work', lost: 'Lost' } as const;

function Workers({ queue }: { queue: VideoQueue }) {
  return (
    <section class="card" data-testid="workers">
      <header>
        <h2>Workers</h2>
      </header>
      {queue.workers.length === 0 ? (
        <div class="body">
          <Note tone="warn">No worker is there: nothing can be made. `weir vod-worker` starts one on any machine that shares the folders.</Note>
        </div>
      ) : (
        <div class="table-wrap">
          <table class="table">
            <thead>
              <tr>
                <th>Worker</th>
                <th>State</th>
                <th class="num">Jobs</th>
                <th class="num">Processor</th>
                <th class="num wide-only">Memory</th>
                <th class="wide-only">Encoders</th>
                <th class="wide-only">Heard</th>
              </tr>
            </thead>
            <tbody>
              {queue.workers.map((worker) => (
                <tr key={worker.worker_id}>
                  <td>
                    <span class="row-name">{worker.worker_id}</span>
                    <div class="small muted">
                      {worker.host} · {worker.version}
                    </div>
                  </td>
                  <td>
                    <span class="state">
                      <Dot tone={workerTones[worker.state]} />
                      {workerWords[worker.state]}
                    </span>
                  </td>
                  <td class="num">
                    {worker.jobs.length} of {worker.slots}
                  </td>
                  <td class="num">{worker.cpu_percent === null ? '–' : `${Math.round(worker.cpu_percent)} %`}</td>
                  <td class="num wide-only">{worker.rss_bytes === null ? '–' : formatBytes(worker.rss_bytes)}</td>
                  <td class="small second wide-only">{worker.encoders.join(', ')}</td>
                  <td class="nowrap wide-only">
                    <Time value={worker.last_seen_at} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
