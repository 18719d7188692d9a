/** The queue in figures, and the switch that holds it. */
import { useState } from 'preact/hooks';
import type { VideoQueue } from '../../contracts/video-job.js';
import { call } from '../core/api.js';
import { formatBytes, formatLength } from '../core/format.js';
import { Icon } from '../parts/icon.js';
import { reportingFailure } from './report-failure.js';
import { seesAllVideos } from './video-rights.js';
import { wordsOfReason } from './video-words.js';

export function QueueFigures({ queue, onChanged }: { queue: VideoQueue; onChanged: () => void }) {
  const failures = Object.entries(queue.failures).sort(([, a], [, b]) => b - a);
  const seconds = (value: number | null) => (value === null ? '–' : formatLength(value * 1000));
  const figures: readonly [string, string, string?][] = [
    ['Running', String(queue.running)],
    ['Waiting', String(queue.queued), queue.retrying > 0 ? `${queue.retrying} try again` : undefined],
    ['Oldest waits', seconds(queue.oldest_wait_s), queue.wait_p50_s === null ? undefined : `usually ${seconds(queue.wait_p50_s)}`],
    [
      'Speed',
      queue.speed_p50 === null ? '–' : `${queue.speed_p50.toFixed(1)}×`,
      queue.run_p50_s === null ? undefined : `a job takes ${seconds(queue.run_p50_s)}`,
    ],
    ['Processor, 24 h', formatLength(queue.cpu_s_24h * 1000)],
    ['Written, 24 h', formatBytes(queue.bytes_24h)],
    ['Given up', String(queue.dead_letters)],
  ].map(([name, value, note]) => (note === undefined ? [name ?? '', value ?? ''] : [name ?? '', value ?? '', note]) as [string, string, string?]);
  return (
    <section class="card">
      <header>
        <h2>{queue.state === 'paused' ? 'Paused' : 'The queue'}</h2>
        {seesAllVideos() && <Hold queue={queue} onChanged={onChanged} />}
      </header>
      <dl class="queue-figures" data-testid="figures">
        {figures.map(([name, value, note]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
            {note !== undefined && <span>{note}</span>}
          </div>
        ))}
      </dl>
      {failures.length > 0 && (
        <p class="queue-failures small second">
          Failures of the last day:{' '}
          {failures.map(([reason, count]) => (
            <span key={reason} class="tag" data-tone="bad">
              {wordsOfReason(reason)}: {count}
            </span>
          ))}
        </p>
      )}
    </section>
  );
}

function Hold({ queue, onChanged }: { queue: VideoQueue; onChanged: () => void }) {
  const [busy, setBusy] = useState(false);
  const isPaused = queue.state === 'paused';
  const toggle = async () => {
    setBusy(true);
    await reportingFailure(() => call(isPaused ? 'resume_queue' : 'pause_queue'));
    setBusy(false);
    onChanged();
  };
  return (
    <button type="button" class={`btn small ${isPaused ? 'primary' : ''}`} disabled={busy} data-testid="hold" onClick={() => void toggle()}>
      <Icon name={isPaused ? 'play' : 'pause'} size={14} /> {isPaused ? 'Go on' : 'Pause'}
    </button>
  );
}
