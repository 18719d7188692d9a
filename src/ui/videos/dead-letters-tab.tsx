/** What was given up, with everything that is needed to see why. */
import { useState } from 'preact/hooks';
import type { DeadLetter } from '../../contracts/video-job.js';
import { call } from '../core/api.js';
import { showToast } from '../core/toasts.js';
import { Blank, Failed, SkeletonRows, Time } from '../parts/basics.js';
import { Icon } from '../parts/icon.js';
import { leaving, removeLater } from '../parts/undo.js';
import { useList } from '../parts/use-list.js';
import { reportingFailure } from './report-failure.js';
import { useVideoEvents } from './video-events.js';
import { VideoName } from './video-name.js';
import { wordsOfReason } from './video-words.js';

export function DeadLettersTab() {
  const [cursors, setCursors] = useState<readonly string[]>([]);
  const cursor = cursors.at(-1);
  const { list, reload } = useList(
    (signal) => call('list_dead_letters', { query: { limit: 50, ...(cursor === undefined ? {} : { cursor }) }, signal }),
    cursor,
  );
  useVideoEvents({ job: (job) => job.state === 'dead' && reload(), poll: reload });
  if (list.kind === 'failed') return <Failed error={list.error} onRetry={reload} />;
  if (list.kind === 'loading') {
    return (
      <section class="card">
        <SkeletonRows rows={4} />
      </section>
    );
  }
  const { items, next_cursor: next } = list.value;
  if (items.length === 0 && cursor === undefined) {
    return <Blank icon="check" title="Nothing was given up" text="A video that cannot be made stands here, with the reason and what FFmpeg said." />;
  }
  return (
    <>
      <ul class="card dead-letters" data-testid="dead-letters">
        {items
          .filter((letter) => !leaving.value.has(letter.dead_letter_id))
          .map((letter) => (
            <Letter key={letter.dead_letter_id} letter={letter} onChanged={reload} />
          ))}
      </ul>
      <div class="pager">
        {cursors.length > 0 && (
          <button type="button" class="btn" onClick={() => setCursors(cursors.slice(0, -1))}>
            Newer
          </button>
        )}
        {next !== null && (
          <button type="button" class="btn" onClick={() => setCursors([...cursors, next])}>
            Older
          </button>
        )}
      </div>
    </>
  );
}

function Letter({ letter, onChanged }: { letter: DeadLetter; onChanged: () => void }) {
  const [busy, setBusy] = useState(false);
  const params = { dead_letter_id: letter.dead_letter_id };
  const replay = async () => {
    setBusy(true);
    const job = await reportingFailure(() => call('replay_dead_letter', { params }));
    setBusy(false);
    if (job !== undefined) showToast({ tone: 'ok', title: 'It stands in the queue again', href: '/queue' });
    onChanged();
  };
  const forget = () =>
    removeLater({
      key: letter.dead_letter_id,
      title: 'The dead letter is forgotten',
      remove: (keepalive) => call('delete_dead_letter', { params, keepalive }),
      onRemoved: onChanged,
    });
  return (
    <li data-testid="dead-letter">
      <div class="job-head">
        <b>{wordsOfReason(letter.reason)}</b>
        {letter.video_id === null ? <span class="muted small">unreadable message</span> : <VideoName videoId={letter.video_id} />}
        <span class="small muted">
          <Time value={letter.at} /> · {letter.attempts} attempt{letter.attempts === 1 ? '' : 's'}
          {letter.replayed_at !== null && (
            <>
              {' · queued again '}
              <Time value={letter.replayed_at} />
            </>
          )}
        </span>
        <span class="btn-row">
          <button type="button" class="btn small" disabled={busy} data-testid="replay" onClick={() => void replay()}>
            {busy ? <span class="spinner" /> : <Icon name="restart" size={14} />} Queue again
          </button>
          <button type="button" class="btn icon quiet small" aria-label="Forget it" title="Forget it" onClick={forget}>
            <Icon name="trash" size={15} />
          </button>
        </span>
      </div>
      <p class="small second">{letter.detail}</p>
      {letter.stderr.length > 0 && (
        <details class="job-part">
          <summary>What FFmpeg said</summary>
          <pre class="job-text">{letter.stderr.join('\n')}</pre>
        </details>
      )}
      <details class="job-part">
        <summary>Original message ({letter.subject})</summary>
        <pre class="job-text">{pretty(letter.payload)}</pre>
      </details>
    </li>
  );
}

/** As it came where it is no JSON. */
function pretty(payload: string): string {
  try {
    return JSON.stringify(JSON.parse(payload), null, 2);
  } catch {
    return payload;
  }
}
