/** The files of recordings as a list: filter, download, protect, delete. */
import { useEffect, useState } from 'preact/hooks';
import type { Segment } from '../../contracts/recording.js';
import { call } from '../core/api.js';
import { streamModel } from '../core/data.js';
import { formatBytes, formatLength } from '../core/format.js';
import { recordingsChanged } from '../core/recording-state.js';
import { timelineHref } from '../core/routing.js';
import { may } from '../core/session.js';
import { Blank, Confirm, Failed, Menu, SkeletonRows, Time } from '../parts/basics.js';
import { Icon } from '../parts/icon.js';
import { useAction } from '../parts/use-action.js';
import { useList } from '../parts/use-list.js';
import { Pager, StreamChoice } from './filters.js';
import { sayDeleted } from './span-actions.js';
import { addDays, dayBounds, localZone } from './zone.js';

const limit = 50;

export default function FilesTab() {
  const [stream, setStream] = useState('');
  const [from, setFrom] = useState('');
  const [to, setTo] = useState('');
  const [kept, setKept] = useState('');
  const [offset, setOffset] = useState(0);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [deleting, setDeleting] = useState<readonly Segment[] | undefined>(undefined);
  const key = `${stream} ${from} ${to} ${kept}`;
  const { list, reload } = useList(
    (signal) =>
      call('list_segments', {
        query: {
          limit,
          offset,
          ...(stream === '' ? {} : { stream_id: stream }),
          ...(from === '' ? {} : { from: new Date(dayBounds(from, localZone()).from).toISOString() }),
          ...(to === '' ? {} : { to: new Date(dayBounds(addDays(to, 1), localZone()).from).toISOString() }),
          ...(kept === '' ? {} : { protected: kept as 'true' | 'false' }),
        },
        signal,
      }),
    `${key} ${offset} ${recordingsChanged.value}`,
  );
  useEffect(() => {
    setOffset(0);
    setChosen(new Set());
  }, [key]);
  const isFiltered = key.trim() !== '';
  const items = list.kind === 'ready' ? list.value.items : [];
  const picked = items.filter((file) => chosen.has(file.filename));
  return (
    <>
      <div class="filter-bar">
        <StreamChoice value={stream} onValue={setStream} />
        <label class="btn-row tight">
          <span class="small second">From</span>
          <input class="input" type="date" value={from} onChange={(event) => setFrom(event.currentTarget.value)} />
        </label>
        <label class="btn-row tight">
          <span class="small second">to</span>
          <input class="input" type="date" value={to} onChange={(event) => setTo(event.currentTarget.value)} />
        </label>
        <label>
          <span class="sr">Protection</span>
          <select class="input" value={kept} onChange={(event) => setKept(event.currentTarget.value)}>
            <option value="">All files</option>
            <option value="true">Protected</option>
            <option value="false">Not protected</option>
          </select>
        </label>
      </div>
      {list.kind === 'loading' && (
        <section class="card">
          <SkeletonRows rows={8} height={22} />
        </section>
      )}
      {list.kind === 'failed' && <Failed error={list.error} onRetry={reload} />}
      {list.kind === 'ready' && items.length === 0 && <NoFiles isFiltered={isFiltered} />}
      {list.kind === 'ready' && items.length > 0 && (
        <section class="card table-wrap">
          {picked.length > 0 && (
            <div class="picked" data-testid="picked">
              <b>
                {picked.length} chosen · {formatBytes(picked.reduce((sum, file) => sum + file.file_size, 0))}
              </b>
              <span class="push" />
              <button type="button" class="btn small danger" data-testid="delete-picked" onClick={() => setDeleting(picked)}>
                <Icon name="trash" size={15} /> Delete
              </button>
              <button type="button" class="btn small" onClick={() => setChosen(new Set())}>
                None
              </button>
            </div>
          )}
          <FileTable items={items} chosen={chosen} onChosen={setChosen} onChanged={reload} onDelete={(file) => setDeleting([file])} />
        </section>
      )}
      {list.kind === 'ready' && <Pager total={list.value.total} offset={offset} limit={limit} onOffset={setOffset} />}
      {deleting !== undefined && (
        <DeleteFiles
          files={deleting}
          onClose={() => setDeleting(undefined)}
          onDone={() => {
            setChosen(new Set());
            reload();
          }}
        />
      )}
    </>
  );
}

function NoFiles({ isFiltered }: { isFiltered: boolean }) {
  if (isFiltered) return <Blank icon="search" title="No file matches" text="Try a longer time, or all streams." />;
  return (
    <Blank
      icon="record"
      title="Nothing is recorded yet"
      text="Press the record button on a picture, or give a stream a plan on the timeline. A file appears here when it is finished."
    >
      <a class="btn" href="/recordings">
        To the timeline
      </a>
    </Blank>
  );
}

interface TableProps {
  items: readonly Segment[];
  chosen: ReadonlySet<string>;
  onChosen: (chosen: ReadonlySet<string>) => void;
  onChanged: () => void;
  onDelete: (file: Segment) => void;
}

function FileTable({ items, chosen, onChosen, onChanged, onDelete }: TableProps) {
  const mayChange = may('operator');
  const free = items.filter((file) => !file.protected);
  const all = free.length > 0 && free.every((file) => chosen.has(file.filename));
  const toggle = (name: string) => {
    const next = new Set(chosen);
    if (!next.delete(name)) next.add(name);
    onChosen(next);
  };
  return (
    <table class="table files" data-testid="files">
      <thead>
        <tr>
          {mayChange && (
            <th style={{ width: '34px' }}>
              <input
                type="checkbox"
                aria-label="Choose all on this page"
                checked={all}
                onChange={() => onChosen(all ? new Set() : new Set(free.map((file) => file.filename)))}
              />
            </th>
          )}
          <th>Begin</th>
          <th>Stream</th>
          <th class="num">Length</th>
          <th class="num">Size</th>
          <th>Format</th>
          <th>
            <span class="sr">Marks</span>
          </th>
          <th>
            <span class="sr">Actions</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {items.map((file) => (
          <tr key={file.filename} data-testid={`file-${file.filename}`}>
            {mayChange && (
              <td class="cell-check">
                <input
                  type="checkbox"
                  aria-label={`Choose ${file.filename}`}
                  disabled={file.protected}
                  checked={chosen.has(file.filename)}
                  onChange={() => toggle(file.filename)}
                />
              </td>
            )}
            <td class="cell-begin">
              <a href={timelineHref([file.stream_id], Date.parse(file.started_at))} class="row-name" title="Play it on the timeline">
                <Time value={file.started_at} style="exact" />
              </a>
              <div class="small muted mono clip" title={file.filename}>
                {file.filename}
              </div>
            </td>
            <td class="cell-stream">{streamModel(file.stream_id)?.stream.value.name ?? file.stream_id}</td>
            <td class="num cell-length">{formatLength(file.duration_s * 1000)}</td>
            <td class="num cell-size">{formatBytes(file.file_size)}</td>
            <td class="second cell-format">
              {file.format}
              {file.width !== null && (
                <span class="small muted">
                  {' '}
                  {file.width} × {file.height}
                </span>
              )}
            </td>
            <td class="cell-marks">
              <span class="btn-row tight">
                {file.protected && (
                  <span class="tag" data-tone="accent">
                    <Icon name="lock" size={12} /> protected
                  </span>
                )}
                {file.recovered && (
                  <span class="tag" data-tone="warn" title="Its spoke was killed while writing it; what was written is whole">
                    recovered
                  </span>
                )}
              </span>
            </td>
            <td class="num cell-act">
              <FileMenu file={file} onChanged={onChanged} onDelete={() => onDelete(file)} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function FileMenu({ file, onChanged, onDelete }: { file: Segment; onChanged: () => void; onDelete: () => void }) {
  const { busy, run } = useAction();
  const protect = () =>
    run(() => call('update_segment', { params: { filename: file.filename }, body: { protected: !file.protected } })).then((ok) => ok && onChanged());
  return (
    <span class="btn-row tight end">
      <a class="btn icon quiet small" href={file.download_url} download aria-label={`Download ${file.filename}`} title="Download">
        <Icon name="download" size={16} />
      </a>
      <Menu label={`More for ${file.filename}`} class="btn icon quiet small" trigger={<Icon name="more" />}>
        <a href={timelineHref([file.stream_id], Date.parse(file.started_at))}>
          <Icon name="play" /> Play on the timeline
        </a>
        {may('operator') && (
          <>
            <button type="button" disabled={busy} onClick={() => void protect()}>
              <Icon name={file.protected ? 'unlock' : 'lock'} /> {file.protected ? 'Release' : 'Protect'}
            </button>
            <hr />
            <button type="button" disabled={file.protected} title={file.protected ? 'Release it first' : undefined} onClick={onDelete}>
              <Icon name="trash" /> Delete
            </button>
          </>
        )}
      </Menu>
    </span>
  );
}

function DeleteFiles({ files, onClose, onDone }: { files: readonly Segment[]; onClose: () => void; onDone: () => void }) {
  const bytes = files.reduce((sum, file) => sum + file.file_size, 0);
  const length = files.reduce((sum, file) => sum + file.duration_s * 1000, 0);
  return (
    <Confirm
      title={files.length === 1 ? 'Delete this file?' : `Delete ${files.length} files?`}
      text={`${formatLength(length)} of pictures, ${formatBytes(bytes)}. This cannot be undone.`}
      action="Delete"
      onConfirm={async () => {
        const { results, space_freed } = await call('delete_segments', { body: { filenames: files.map((file) => file.filename) } });
        sayDeleted(results, space_freed);
        onDone();
      }}
      onClose={onClose}
    />
  );
}
