/** What was given up, with everything that is needed to see why. */
import { useState } from 'preact/hooks';
import type { DeadLetter } from '../../contracts/video-job.js';
import { call } from '../core/api.js';
import { showToast } from '../core/toasts.js';
import { Blank, Time } from '../parts/basics.js';
import { Icon } from '../parts/icon.js';
import { Paged, usePages } from '../parts/pages.js';
import { leaving, removeLater } from '../parts/undo.js';
import { reportingFailure } from './report-failure.js';
import { useVideoEvents } from './video-events.js';
import { VideoName } from './video-name.js';
import { wordsOfReason } from './video-words.js';

export function DeadLettersTab() {
  const pages = usePages((query, signal) => call('list_dead_letters', { query, signal }));
  useVideoEvents({ job: (job) => job.state === 'dead' && pages.reload(), poll: pages.reload });
  const blank = (
    <Blank icon="check" title="Nothing was given up" text="A video that cannot be made stands here, with the reason and what FFmpeg said." />
  );
  return (
    <Paged pages={pages} blank={blank}>
      {(items) => {
        const shown = items.filter((letter) => !leaving.value.has(letter.dead_letter_id));
        if (shown.length === 0) return blank;
        return (
          <ul class="card dead-letters" data-testid="dead-letters">
            {shown.map((letter) => (
              <Letter key={letter.dead_letter_id} letter={letter} onChanged={pages.reload} />
            ))}
          </ul>
        );
      }}
    </Paged>
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
