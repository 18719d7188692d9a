/** Jobs that are over, with what they took. */
import { useState } from 'preact/hooks';
import { call } from '../core/api.js';
import { formatLength } from '../core/format.js';
import { videoHref } from '../core/routing.js';
import { Blank, Dot, Failed, SkeletonRows, Time } from '../parts/basics.js';
import { useList } from '../parts/use-list.js';
import { JobActions } from './job-parts.js';
import { useVideoEvents } from './video-events.js';
import { VideoName } from './video-name.js';
import { jobStateLabels, jobStateTones, wordsOfReason } from './video-words.js';

/** What has ended, newest first. */
export function EndedTab() {
  const [cursors, setCursors] = useState<readonly string[]>([]);
  const cursor = cursors.at(-1);
  const { list, reload } = useList(
    (signal) => call('list_jobs', { query: { limit: 50, ...(cursor === undefined ? {} : { cursor }) }, signal }),
    cursor,
  );
  useVideoEvents({ job: () => cursor === undefined && reload(), poll: () => cursor === undefined && reload() });
  if (list.kind === 'failed') return <Failed error={list.error} onRetry={reload} />;
  if (list.kind === 'loading') {
    return (
      <section class="card">
        <SkeletonRows rows={5} />
      </section>
    );
  }
  const ended = list.value.items.filter((job) => job.ended_at !== null);
  if (ended.length === 0 && cursor === undefined)
    return <Blank icon="clock" title="Nothing has ended yet" text="Jobs stand here when they are done." />;
  return (
    <>
      <section class="card table-wrap">
        <table class="table" data-testid="ended-jobs">
          <thead>
            <tr>
              <th>Video</th>
              <th>Ended as</th>
              <th>Ended</th>
              <th class="num">Took</th>
              <th class="num">Processor</th>
              <th>Profile</th>
              <th>
                <span class="sr">Actions</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {ended.map((job) => (
              <tr key={job.job_id}>
                <td>
                  <VideoName videoId={job.video_id} />
                </td>
                <td>
                  <a class="state" href={videoHref(job.video_id, 'jobs')}>
                    <Dot tone={jobStateTones[job.state]} />
                    {jobStateLabels[job.state]}
                  </a>
                  {job.error !== null && <div class="small muted">{wordsOfReason(job.error.reason)}</div>}
                </td>
                <td class="nowrap">{job.ended_at !== null && <Time value={job.ended_at} />}</td>
                <td class="num">{job.cost === null ? '–' : formatLength(job.cost.wall_s * 1000)}</td>
                <td class="num">{job.cost === null ? '–' : formatLength(job.cost.cpu_s * 1000)}</td>
                <td>{job.profile}</td>
                <td class="num">
                  <JobActions job={job} onChanged={reload} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      <div class="pager">
        {cursors.length > 0 && (
          <button type="button" class="btn" onClick={() => setCursors(cursors.slice(0, -1))}>
            Newer
          </button>
        )}
        {list.value.next_cursor !== null && (
          <button type="button" class="btn" onClick={() => setCursors([...cursors, list.value.next_cursor ?? ''])}>
            Older
          </button>
        )}
      </div>
    </>
  );
}
