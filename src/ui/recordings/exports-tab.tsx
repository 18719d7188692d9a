/** Parts that were exported as one file. */
import type { Export } from '../../contracts/recording.js';
import { call } from '../core/api.js';
import { streamModel } from '../core/data.js';
import { formatBytes, formatLength } from '../core/format.js';
import { timelineHref } from '../core/routing.js';
import { may } from '../core/session.js';
import { Blank, Time } from '../parts/basics.js';
import { Icon } from '../parts/icon.js';
import { Paged, usePages } from '../parts/pages.js';
import { useAction } from '../parts/use-action.js';
import { Bar, useExport } from './export-dialog.js';

export default function ExportsTab() {
  const pages = usePages((query, signal) => call('list_exports', { query, signal }));
  return (
    <Paged
      pages={pages}
      blank={
        <Blank icon="download" title="No exports yet" text="Select a part of the timeline and export it: one MP4, without encoding again.">
          <a class="btn" href="/recordings">
            To the timeline
          </a>
        </Blank>
      }
    >
      {(items) => (
        <ul class="card exports" data-testid="exports">
          {items.map((one) => (
            <ExportRow key={one.export_id} first={one} onRemoved={pages.reload} />
          ))}
        </ul>
      )}
    </Paged>
  );
}

function ExportRow({ first, onRemoved }: { first: Export; onRemoved: () => void }) {
  const { state } = useExport(first);
  const { busy, error, run } = useAction();
  const isRunning = state.state === 'queued' || state.state === 'running';
  const remove = () => run(() => call('delete_export', { params: { export_id: state.export_id } })).then((ok) => ok && !isRunning && onRemoved());
  return (
    <li data-state={state.state}>
      <div class="export-name">
        <b class="clip" title={state.filename ?? state.name}>
          {state.filename ?? state.name}
        </b>
        <span class="small second">
          <a href={timelineHref([state.stream_id], Date.parse(state.from))}>{streamModel(state.stream_id)?.stream.value.name ?? state.stream_id}</a>
          {' · '}
          <Time value={state.from} style="exact" /> · {formatLength(Date.parse(state.to) - Date.parse(state.from))}
        </span>
      </div>
      <div class="small second export-state">
        {isRunning ? (
          <Bar percent={state.progress} label={`${state.name}: ${Math.round(state.progress)} percent`} />
        ) : state.state === 'done' ? (
          <>
            {formatBytes(state.file_size ?? 0)}
            {state.missing_s >= 1 && <span class="muted">, {formatLength(state.missing_s * 1000)} not recorded</span>}
            {state.expires_at !== null && (
              <div class="muted">
                goes <Time value={state.expires_at} />
              </div>
            )}
          </>
        ) : (
          <span style={{ color: 'var(--bad)' }}>{state.state === 'cancelled' ? 'Cancelled' : (state.error ?? 'Failed')}</span>
        )}
        {error !== undefined && <div style={{ color: 'var(--bad)' }}>{error.message}</div>}
      </div>
      <div class="btn-row tight end">
        {state.state === 'done' && state.download_url !== null && (
          <a class="btn small" href={state.download_url} download>
            <Icon name="download" size={15} /> Download
          </a>
        )}
        {may('operator') && (
          <button
            type="button"
            class="btn icon quiet small"
            disabled={busy}
            aria-label={isRunning ? `Cancel ${state.name}` : `Delete ${state.name}`}
            title={isRunning ? 'Cancel' : 'Delete'}
            onClick={() => void remove()}
          >
            <Icon name={isRunning ? 'close' : 'trash'} size={15} />
          </button>
        )}
      </div>
    </li>
  );
}
