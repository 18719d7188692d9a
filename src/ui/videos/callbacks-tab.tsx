/** Deliveries to callback addresses. */
import { useState } from 'preact/hooks';
import type { Callback } from '../../contracts/video-job.js';
import { call } from '../core/api.js';
import { useLookAgain } from '../core/look-again.js';
import { may } from '../core/session.js';
import { showToast } from '../core/toasts.js';
import type { Tone } from '../core/words.js';
import { Blank, CopyButton, Dot, Time } from '../parts/basics.js';
import { Icon } from '../parts/icon.js';
import { Paged, usePages } from '../parts/pages.js';
import { reportingFailure } from './report-failure.js';
import { VideoName } from './video-name.js';

const tones: Record<Callback['state'], Tone> = { waiting: 'busy', delivered: 'ok', failed: 'bad', disabled: 'off' };
const words: Record<Callback['state'], string> = { waiting: 'Waits', delivered: 'Delivered', failed: 'Failed', disabled: 'Switched off' };

export function CallbacksTab() {
  const pages = usePages((query, signal) => call('list_callbacks', { query, signal }));
  const isAnyWaiting = pages.list.kind === 'ready' && pages.list.value.items.some((one) => one.state === 'waiting');
  // No event tells of a delivery.
  useLookAgain(pages.reload, isAnyWaiting);
  return (
    <div class="stack">
      {may('admin') && <Secret />}
      <Paged
        pages={pages}
        blank={<Blank icon="link" title="No callbacks yet" text="A video with a callback address tells it when it is ready, or was given up." />}
      >
        {(items) => (
          <section class="card table-wrap">
            <table class="table" data-testid="callbacks">
              <thead>
                <tr>
                  <th>Video</th>
                  <th class="wide-only">Address</th>
                  <th>State</th>
                  <th class="num wide-only">Attempts</th>
                  <th class="wide-only">Last answer</th>
                  <th>
                    <span class="sr">Actions</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                {items.map((one) => (
                  <CallbackRow key={one.callback_id} callback={one} onChanged={pages.reload} />
                ))}
              </tbody>
            </table>
          </section>
        )}
      </Paged>
    </div>
  );
}

function CallbackRow({ callback, onChanged }: { callback: Callback; onChanged: () => void }) {
  const [busy, setBusy] = useState(false);
  const replay = async () => {
    setBusy(true);
    const answer = await reportingFailure(() => call('replay_callback', { params: { callback_id: callback.callback_id } }));
    setBusy(false);
    if (answer !== undefined) showToast({ tone: 'ok', title: 'It is delivered again now' });
    onChanged();
  };
  return (
    <tr data-testid="callback" data-state={callback.state}>
      <td>
        {callback.video_id === null ? <span class="muted">no video named</span> : <VideoName videoId={callback.video_id} />}
        <div class="small muted mono">{callback.event}</div>
        <div class="small muted mono callback-url narrow-only">{callback.url}</div>
      </td>
      <td class="small mono callback-url wide-only">{callback.url}</td>
      <td>
        <span class="state">
          <Dot tone={tones[callback.state]} />
          {words[callback.state]}
        </span>
        {callback.state === 'waiting' && callback.next_at !== null && (
          <div class="small muted">
            <Time value={callback.next_at} />
          </div>
        )}
        {callback.delivered_at !== null && (
          <div class="small muted">
            <Time value={callback.delivered_at} />
          </div>
        )}
      </td>
      <td class="num wide-only">{callback.attempts}</td>
      <td class="small second wide-only">
        {callback.last_status}
        {callback.last_error !== null && <div class="muted">{callback.last_error}</div>}
      </td>
      <td class="num">
        <button type="button" class="btn small" aria-label="Deliver again" disabled={busy} data-testid="deliver-again" onClick={() => void replay()}>
          {busy ? <span class="spinner" /> : <Icon name="restart" size={14} />} <span class="wide-only">Deliver again</span>
        </button>
      </td>
    </tr>
  );
}

/** Shown only when asked for. */
function Secret() {
  const [secret, setSecret] = useState<string | undefined>(undefined);
  const show = async () => setSecret((await reportingFailure(() => call('callback_secret')))?.secret);
  return (
    <section class="card callback-secret">
      <span class="small second">Callbacks are signed as Standard Webhooks say. The receiver checks them with the secret of this hub.</span>
      {secret === undefined ? (
        <button type="button" class="btn small" onClick={() => void show()}>
          <Icon name="key" size={15} /> Show the secret
        </button>
      ) : (
        <div class="secret">
          <code>{secret}</code>
          <CopyButton text={secret} />
        </div>
      )}
    </section>
  );
}
