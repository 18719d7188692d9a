/** Jobs that are over, with what they took. */
import { call } from '../core/api.js';
import { formatLength } from '../core/format.js';
import { videoHref } from '../core/routing.js';
import { Blank, Dot, Time } from '../parts/basics.js';
import { Paged, usePages } from '../parts/pages.js';
import { JobActions } from './job-parts.js';
import { useVideoEvents } from './video-events.js';
import { VideoName } from './video-name.js';
import { jobStateLabels, jobStateTones, wordsOfReason } from './video-words.js';

/** What has ended, newest first. */
export function EndedTab() {
  const pages = usePages((query, signal) =>
    call('list_jobs', { query, signal }).then((page) => ({ ...page, items: page.items.filter((job) => job.ended_at !== null) })),
  );
  const { reload, isFirst } = pages;
  const again = () => isFirst && reload();
  useVideoEvents({ job: (job) => job.ended_at !== null && again(), poll: again });
  return (
    <Paged pages={pages} rows={5} blank={<Blank icon="clock" title="Nothing has ended yet" text="Jobs stand here when they are done." />}>
      {(items) => (
        <section class="card table-wrap">
          <table class="table" data-testid="ended-jobs">
            <thead>
              <tr>
                <th>Video</th>
                <th>Ended as</th>
                <th class="wide-only">Ended</th>
                <th class="num wide-only">Took</th>
                <th class="num wide-only">Processor</th>
                <th class="wide-only">Profile</th>
                <th>
                  <span class="sr">Actions</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {items.map((job) => (
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
                    {job.ended_at !== null && (
                      <div class="small muted narrow-only">
                        <Time value={job.ended_at} />
                      </div>
                    )}
                  </td>
                  <td class="nowrap wide-only">{job.ended_at !== null && <Time value={job.ended_at} />}</td>
                  <td class="num wide-only">{job.cost === null ? '–' : formatLength(job.cost.wall_s * 1000)}</td>
                  <td class="num wide-only">{job.cost === null ? '–' : formatLength(job.cost.cpu_s * 1000)}</td>
                  <td class="wide-only">{job.profile}</td>
                  <td class="num">
                    <JobActions job={job} onChanged={pages.reload} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
    </Paged>
  );
}
