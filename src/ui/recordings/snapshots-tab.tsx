/** Pictures that were kept. */
import { useEffect, useState } from 'preact/hooks';
import type { Snapshot } from '../../contracts/snapshot.js';
import { call, urlOf } from '../core/api.js';
import { streamModel } from '../core/data.js';
import { formatBytes } from '../core/format.js';
import { live } from '../core/live.js';
import { streamHref, timelineHref } from '../core/routing.js';
import { may } from '../core/session.js';
import { Blank, Dialog, Failed, Time } from '../parts/basics.js';
import { Icon } from '../parts/icon.js';
import { leaving, removeLater } from '../parts/undo.js';
import { useList } from '../parts/use-list.js';
import { Pager, StreamChoice } from './filters.js';

const limit = 48;

export default function SnapshotsTab() {
  const [stream, setStream] = useState('');
  const [offset, setOffset] = useState(0);
  const [open, setOpen] = useState<string | undefined>(undefined);
  const { list, reload } = useList(
    (signal) => call('list_snapshots', { query: { limit, offset, ...(stream === '' ? {} : { stream_id: stream }) }, signal }),
    `${stream} ${offset}`,
  );
  useEffect(() => setOffset(0), [stream]);
  useNewSnapshots(reload);
  const items = list.kind === 'ready' ? list.value.items.filter((one) => !leaving.value.has(one.filename)) : [];
  const index = items.findIndex((one) => one.filename === open);
  return (
    <>
      <div class="filter-bar">
        <StreamChoice value={stream} onValue={setStream} />
        {list.kind === 'ready' && list.value.total > 0 && <span class="small muted">{list.value.total} kept</span>}
      </div>
      {list.kind === 'failed' && <Failed error={list.error} onRetry={reload} />}
      {list.kind === 'loading' && (
        <div class="gallery" role="status" aria-label="Loading">
          {Array.from({ length: 8 }, (_none, one) => (
            <span key={one} class="skeleton" style={{ aspectRatio: '16 / 9' }} />
          ))}
        </div>
      )}
      {list.kind === 'ready' && items.length === 0 && (
        <Blank
          icon="camera"
          title={stream === '' ? 'No snapshots yet' : 'No snapshots of this stream'}
          text={may('operator') ? 'Press S on a live picture, or its camera button: the picture is kept here.' : 'Nobody has kept a picture so far.'}
        />
      )}
      {items.length > 0 && (
        <ul class="gallery" data-testid="snapshots">
          {items.map((one) => (
            <li key={one.filename}>
              <button type="button" onClick={() => setOpen(one.filename)} aria-label={`Snapshot of ${nameOf(one)}, ${one.taken_at}`}>
                <img src={fileOf(one)} alt="" loading="lazy" decoding="async" />
              </button>
              <div class="small">
                <b class="clip">{nameOf(one)}</b>
                <span class="muted">
                  <Time value={one.taken_at} style="exact" />
                </span>
              </div>
            </li>
          ))}
        </ul>
      )}
      {list.kind === 'ready' && <Pager total={list.value.total} offset={offset} limit={limit} onOffset={setOffset} />}
      {index >= 0 && (
        <Look items={items} index={index} onIndex={(next) => setOpen(items[next]?.filename)} onClose={() => setOpen(undefined)} onRemoved={reload} />
      )}
    </>
  );
}

/** The bus tells of each new one. */
function useNewSnapshots(reload: () => void): void {
  const current = live.value;
  useEffect(() => {
    if (current === undefined) return undefined;
    const controller = new AbortController();
    for (const params of current.streams === null ? [{}] : current.streams.map((id) => ({ stream_id: id }))) {
      current.bus.subscribe('snapshot_taken', params, () => reload(), { signal: controller.signal });
    }
    return () => controller.abort();
  }, [current]);
}

function nameOf(snapshot: Snapshot): string {
  return streamModel(snapshot.stream_id)?.stream.value.name ?? snapshot.stream_id;
}

function fileOf(snapshot: Snapshot): string {
  return urlOf('snapshot_file', { filename: snapshot.filename });
}

interface LookProps {
  items: readonly Snapshot[];
  index: number;
  onIndex: (index: number) => void;
  onClose: () => void;
  onRemoved: () => void;
}

function Look({ items, index, onIndex, onClose, onRemoved }: LookProps) {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key === 'ArrowLeft' && index > 0) onIndex(index - 1);
      else if (event.key === 'ArrowRight' && index < items.length - 1) onIndex(index + 1);
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, [index, items]);
  const one = items[index];
  if (one === undefined) return null;
  const remove = () => {
    onClose();
    removeLater({
      key: one.filename,
      title: 'The snapshot was deleted',
      remove: (keepalive) => call('delete_snapshot', { params: { filename: one.filename }, keepalive }),
      onRemoved,
    });
  };
  return (
    <Dialog title={nameOf(one)} onClose={onClose} wide>
      <div class="look">
        <img src={fileOf(one)} alt={`${nameOf(one)} at ${one.taken_at}`} width={one.width} height={one.height} />
      </div>
      <div class="small second btn-row">
        <Time value={one.taken_at} style="exact" /> · {one.width} × {one.height} · {formatBytes(one.file_size)} · by {one.taken_by}
        {one.protected && (
          <span class="tag" data-tone="accent">
            <Icon name="lock" size={12} /> protected
          </span>
        )}
      </div>
      <div class="actions look-actions">
        <button type="button" class="btn icon" aria-label="Newer (←)" disabled={index === 0} onClick={() => onIndex(index - 1)}>
          <Icon name="left" />
        </button>
        <button type="button" class="btn icon" aria-label="Older (→)" disabled={index === items.length - 1} onClick={() => onIndex(index + 1)}>
          <Icon name="right" />
        </button>
        <span class="push" />
        <a class="btn quiet" href={timelineHref([one.stream_id], Date.parse(one.taken_at))}>
          <Icon name="timeline" size={16} /> That moment
        </a>
        <a class="btn quiet" href={streamHref(one.stream_id)}>
          <Icon name="play" size={16} /> Live
        </a>
        {may('operator') && (
          <button type="button" class="btn" disabled={one.protected} onClick={remove}>
            <Icon name="trash" size={16} /> Delete
          </button>
        )}
        <a class="btn primary" href={one.download_url} download>
          <Icon name="download" size={16} /> Download
        </a>
      </div>
    </Dialog>
  );
}
