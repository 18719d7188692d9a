/** One MP4 of a part of the timeline: name, size beforehand, progress, download. */
import { useEffect, useState } from 'preact/hooks';
import type { Export } from '../../contracts/recording.js';
import { call } from '../core/api.js';
import { streamModel } from '../core/data.js';
import { formatBytes, formatLength, suggestId } from '../core/format.js';
import { Dialog, Field, Note, Problem } from '../parts/basics.js';
import { Icon } from '../parts/icon.js';
import { fieldError, useAction } from '../parts/use-action.js';
import { useList } from '../parts/use-list.js';
import { bytesIn, filesIn, type StreamSpan } from './files-in-span.js';
import { sumSpans } from './geometry.js';
import { laneOf, zone } from './timeline-state.js';
import { formatClock, toField } from './zone.js';

const lookEveryMs = 700;

export function ExportDialog({ span, onClose }: { span: StreamSpan; onClose: () => void }) {
  const title = streamModel(span.streamId)?.stream.peek().name ?? span.streamId;
  const [name, setName] = useState(() => `${suggestId(title) || span.streamId}-${toField(span.from, zone).replace('T', '-').replaceAll(':', '')}`);
  const [made, setMade] = useState<Export | undefined>(undefined);
  const { busy, error, run } = useAction();
  const { list } = useList((signal) => filesIn(span, signal), '');
  const bytes = list.kind === 'ready' ? bytesIn(list.value, span.from, span.to) : undefined;
  const missing = sumSpans(laneOf(span.streamId).spans, span);
  const gapS = Math.max(0, (span.to - span.from) / 1000 - missing.present);
  const create = () =>
    run(async () => {
      const body = {
        stream_id: span.streamId,
        from: new Date(span.from).toISOString(),
        to: new Date(span.to).toISOString(),
        ...(name.trim() === '' ? {} : { name: name.trim() }),
      };
      setMade(await call('create_export', { body }));
    });
  if (made !== undefined) return <Progress first={made} onClose={onClose} />;
  return (
    <Dialog title="Export a part" onClose={onClose}>
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          void create();
        }}
      >
        <dl class="facts">
          <dt>Stream</dt>
          <dd>{title}</dd>
          <dt>Time</dt>
          <dd>
            {formatClock(span.from, zone)} – {formatClock(span.to, zone)} ({formatLength(span.to - span.from)})
          </dd>
          <dt>Size</dt>
          <dd data-testid="export-size">
            {bytes === undefined ? '…' : bytes === 0 ? 'no finished file in this part' : `about ${formatBytes(Math.round(bytes))}`}
          </dd>
        </dl>
        {gapS >= 1 && (
          <Note tone="warn">
            {missing.present === 0
              ? 'Nothing of this part is recorded.'
              : `${formatLength(gapS * 1000)} of it are not recorded; the file jumps over them.`}
          </Note>
        )}
        <Field label="File name" hint="Without extension; letters, digits, dot, _ and -" error={fieldError(error, 'name')}>
          {(ids) => (
            <input
              {...ids}
              class="input mono"
              maxLength={120}
              pattern="[A-Za-z0-9][A-Za-z0-9._\-]*"
              title="Letters, digits, dot, _ and -, starting with a letter or digit"
              data-testid="export-name"
              value={name}
              onInput={(event) => setName(event.currentTarget.value)}
            />
          )}
        </Field>
        <p class="small muted">One MP4, without encoding again: it begins at the keyframe before.</p>
        <Problem error={error} />
        <div class="actions">
          <button type="button" class="btn" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class="btn primary" disabled={busy || missing.present === 0} data-testid="create-export">
            {busy ? <span class="spinner" /> : <Icon name="download" size={16} />} Export
          </button>
        </div>
      </form>
    </Dialog>
  );
}

/** Reads one export again and again until it is over. */
export function useExport(first: Export): { state: Export; lost: boolean } {
  const [state, setState] = useState(first);
  const [lost, setLost] = useState(false);
  const isOver = state.state !== 'queued' && state.state !== 'running';
  useEffect(() => {
    if (isOver) return undefined;
    const controller = new AbortController();
    const timer = setInterval(() => {
      call('get_export', { params: { export_id: first.export_id }, signal: controller.signal }).then(
        (next) => {
          setState(next);
          setLost(false);
        },
        () => setLost(true),
      );
    }, lookEveryMs);
    return () => {
      clearInterval(timer);
      controller.abort();
    };
  }, [isOver, first.export_id]);
  return { state, lost };
}

function Progress({ first, onClose }: { first: Export; onClose: () => void }) {
  const { state, lost } = useExport(first);
  const { busy, error, run } = useAction();
  const cancel = () => run(() => call('delete_export', { params: { export_id: first.export_id } })).then((ok) => ok && onClose());
  const running = state.state === 'queued' || state.state === 'running';
  return (
    <Dialog title={running ? 'Exporting' : state.state === 'done' ? 'The export is ready' : 'The export failed'} onClose={onClose}>
      <div class="stack">
        <p class="mono clip" title={state.name}>
          {state.filename ?? state.name}
        </p>
        <Bar percent={state.progress} label={`Export ${Math.round(state.progress)} percent`} bad={state.state === 'failed'} />
        <p class="small second" role="status" data-testid="export-state">
          {state.state === 'queued' && 'Waits for its turn'}
          {state.state === 'running' && `${Math.round(state.progress)} %`}
          {state.state === 'done' &&
            `${formatBytes(state.file_size ?? 0)}${state.missing_s >= 1 ? `, ${formatLength(state.missing_s * 1000)} not recorded` : ''}`}
          {state.state === 'failed' && (state.error ?? 'No reason was given')}
          {state.state === 'cancelled' && 'It was cancelled'}
          {lost && ' · the hub does not answer just now'}
        </p>
        <Problem error={error} />
        <div class="actions">
          {running && (
            <button type="button" class="btn" disabled={busy} onClick={() => void cancel()}>
              Cancel it
            </button>
          )}
          <button type="button" class="btn" onClick={onClose}>
            {running ? 'Go on in the background' : 'Close'}
          </button>
          {state.state === 'done' && state.download_url !== null && (
            <a class="btn primary" href={state.download_url} download data-testid="download-export">
              <Icon name="download" size={16} /> Download
            </a>
          )}
        </div>
      </div>
    </Dialog>
  );
}

/** A bar of progress. */
export function Bar({ percent, label, bad = false }: { percent: number; label: string; bad?: boolean }) {
  return (
    <div class="bar" role="progressbar" aria-label={label} aria-valuenow={Math.round(percent)} aria-valuemin={0} aria-valuemax={100} data-bad={bad}>
      <i style={{ width: `${Math.min(100, percent)}%` }} />
    </div>
  );
}
