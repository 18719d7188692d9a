/** All streams at a glance: a table, on phones cards. */
import { signal } from '@preact/signals';
import { useState } from 'preact/hooks';
import { call, toApiError, urlOf } from '../core/api.js';
import { now } from '../core/clock.js';
import { loadStreams, type StreamModel, streams, takeStream } from '../core/data.js';
import { formatBitrate, formatRate, formatUptime, formatVideo, maskSource, nameSource } from '../core/format.js';
import { navigate } from '../core/router.js';
import { streamHref } from '../core/routing.js';
import { may } from '../core/session.js';
import { showToast } from '../core/toasts.js';
import { filterRows, type Row, type SortKey, sortRows, type Tone, toneOf, wordsFor } from '../core/words.js';
import { Blank, Failed, PageHead, SkeletonRows, StateLabel } from '../parts/basics.js';
import { Icon } from '../parts/icon.js';
import { Trail } from '../parts/trail.js';
import './list.css';

const sort = signal<{ key: SortKey; descending: boolean }>({ key: 'state', descending: false });

const filters: readonly { tone: Tone | 'all'; label: string }[] = [
  { tone: 'all', label: 'All' },
  { tone: 'bad', label: 'Error' },
  { tone: 'warn', label: 'Trouble' },
  { tone: 'ok', label: 'Running' },
  { tone: 'off', label: 'Stopped' },
];

function rowOf(model: StreamModel): Row {
  const progress = model.progress.value;
  return { stream: model.stream.value, status: model.status.value, fps: progress?.fps ?? 0, bitrateKbps: progress?.bitrate_kbps ?? 0 };
}

export default function StreamsPage() {
  const [text, setText] = useState('');
  const [tone, setTone] = useState<Tone | 'all'>('all');
  const list = streams.value;
  return (
    <div class="page">
      <PageHead title="Streams" note={list.kind === 'ready' ? list.value.length : undefined}>
        <label class="search">
          <span class="sr">Search streams</span>
          <Icon name="search" size={16} />
          <input
            class="input"
            type="search"
            placeholder="Name, id, source"
            data-testid="search"
            value={text}
            onInput={(event) => setText(event.currentTarget.value)}
          />
        </label>
        {may('operator') && (
          <a class="btn primary" href="/streams/new" data-testid="add-stream">
            <Icon name="plus" /> Add stream
          </a>
        )}
      </PageHead>
      {list.kind === 'failed' && <Failed error={list.error} onRetry={() => void loadStreams()} />}
      {list.kind === 'loading' && (
        <section class="card">
          <SkeletonRows rows={6} height={34} />
        </section>
      )}
      {list.kind === 'ready' && list.value.length === 0 && <NoStreams />}
      {list.kind === 'ready' && list.value.length > 0 && (
        <>
          <ToneFilter models={list.value} tone={tone} onTone={setTone} />
          <StreamTable models={list.value} text={text} tone={tone} />
        </>
      )}
    </div>
  );
}

function NoStreams() {
  return (
    <Blank
      icon="camera"
      title="No streams yet"
      text={
        may('operator')
          ? 'A camera, a network address, a file or a test picture: it plays within seconds.'
          : 'Nobody has added a stream that you may see.'
      }
    >
      {may('operator') && (
        <a class="btn primary" href="/streams/new">
          <Icon name="plus" /> Add a stream
        </a>
      )}
    </Blank>
  );
}

function ToneFilter({ models, tone, onTone }: { models: readonly StreamModel[]; tone: Tone | 'all'; onTone: (tone: Tone | 'all') => void }) {
  const tones = models.map((model) => toneOf(model.status.value));
  return (
    <fieldset class="segmented list-filter" aria-label="Show">
      {filters.map((filter) => {
        const count = filter.tone === 'all' ? tones.length : tones.filter((one) => one === filter.tone).length;
        return (
          <button type="button" key={filter.tone} aria-pressed={tone === filter.tone} onClick={() => onTone(filter.tone)}>
            {filter.label} <span class="muted">{count}</span>
          </button>
        );
      })}
    </fieldset>
  );
}

function StreamTable({ models, text, tone }: { models: readonly StreamModel[]; text: string; tone: Tone | 'all' }) {
  const { key, descending } = sort.value;
  const rows = sortRows(filterRows(models.map(rowOf), text, tone), key, descending);
  if (rows.length === 0) return <Blank icon="search" title="Nothing matches" text="Try fewer letters, or another filter." />;
  return (
    <section class="card table-wrap">
      <table class="table streams" data-testid="streams">
        <thead>
          <tr>
            <th style={{ width: '104px' }}>
              <span class="sr">Picture</span>
            </th>
            <SortHead name="name" label="Name" />
            <SortHead name="state" label="State" />
            <SortHead name="source" label="Source" />
            <SortHead name="fps" label="Rate" numeric />
            <SortHead name="bitrate" label="Bitrate" numeric />
            <SortHead name="viewers" label="Viewers" numeric />
            <th>
              <span class="sr">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <StreamRow key={row.stream.stream_id} row={row} />
          ))}
        </tbody>
      </table>
    </section>
  );
}

function SortHead({ name, label, numeric = false }: { name: SortKey; label: string; numeric?: boolean }) {
  const { key, descending } = sort.value;
  const isSorted = key === name;
  const toggle = () => {
    sort.value = isSorted ? { key, descending: !descending } : { key: name, descending: numeric };
  };
  return (
    <th class={numeric ? 'num' : ''} aria-sort={isSorted ? (descending ? 'descending' : 'ascending') : undefined}>
      <button type="button" onClick={toggle}>
        {label}
        {isSorted && <Icon name={descending ? 'down' : 'up'} size={13} />}
      </button>
    </th>
  );
}

function StreamRow({ row }: { row: Row }) {
  const { stream, status } = row;
  const words = wordsFor(status);
  const href = streamHref(stream.stream_id);
  const isRunning = status?.state === 'running';
  const trail = streams.peek().kind === 'ready' ? trailOf(stream.stream_id) : [];
  return (
    <tr
      class="link"
      data-testid={`stream-${stream.stream_id}`}
      onClick={(event) => (event.target as Element).closest('a, button') === null && navigate(href)}
    >
      <td class="cell-still">
        <Still id={stream.stream_id} live={isRunning} />
      </td>
      <td class="cell-name">
        <a href={href} class="row-name">
          {stream.name}
        </a>
        <div class="small muted">{stream.stream_id}</div>
      </td>
      <td class="cell-state">
        <StateLabel status={status} />
        <div class="small muted clip">{stateNote(row, words?.title)}</div>
      </td>
      <td class="cell-source">
        <div class="clip" title={maskSource(stream.config.device ?? '')}>
          {nameSource(stream.config.device ?? '') || '–'}
        </div>
        <div class="small muted clip">{formatVideo(status?.video)}</div>
      </td>
      <td class="num cell-fps">{isRunning ? `${formatRate(row.fps)} fps` : ''}</td>
      <td class="num cell-bitrate">
        {isRunning && (
          <>
            <span>{formatBitrate(row.bitrateKbps)}</span>
            <Trail values={trail} />
          </>
        )}
      </td>
      <td class="num cell-viewers">{stream.viewers > 0 ? stream.viewers : <span class="muted">0</span>}</td>
      <td class="num cell-act">{may('operator') && <StartStop stream={stream} />}</td>
    </tr>
  );
}

function trailOf(id: string): readonly number[] {
  const list = streams.value;
  return list.kind === 'ready' ? (list.value.find((model) => model.id === id)?.trail.value ?? []) : [];
}

function stateNote({ stream, status }: Row, title: string | undefined): string {
  if (status?.state === 'running' && status.no_signal !== true && status.started_at !== undefined) {
    return `for ${formatUptime(now.value - Date.parse(status.started_at))}`;
  }
  if (status?.state === 'stopped' && stream.desired === 'stopped') return '';
  return status?.state === 'starting' ? '' : (title ?? '');
}

/** The newest keyframe as a small picture, taken again now and then while it is in view. */
function Still({ id, live }: { id: string; live: boolean }) {
  const [broken, setBroken] = useState(false);
  const turn = Math.floor(now.value / 15_000);
  if (!live || broken) {
    return (
      <span class="still">
        <Icon name={live ? 'camera' : 'nosignal'} size={18} />
      </span>
    );
  }
  return (
    <span class="still">
      <img
        src={urlOf('stream_still', { stream_id: id }, { width: 176, t: turn })}
        alt=""
        loading="lazy"
        decoding="async"
        width={88}
        height={50}
        onError={() => setBroken(true)}
      />
    </span>
  );
}

function StartStop({ stream }: { stream: Row['stream'] }) {
  const [busy, setBusy] = useState(false);
  const starts = stream.desired === 'stopped';
  const act = async () => {
    setBusy(true);
    try {
      const answer = await call(starts ? 'start_stream' : 'stop_stream', { params: { stream_id: stream.stream_id } });
      takeStream(answer.stream);
    } catch (thrown) {
      const error = toApiError(thrown);
      showToast({ tone: 'bad', title: error.message, text: error.hint });
    } finally {
      setBusy(false);
    }
  };
  const label = `${starts ? 'Start' : 'Stop'} ${stream.name}`;
  return (
    <button type="button" class="btn icon quiet small" aria-label={label} title={label} disabled={busy} onClick={() => void act()}>
      {busy ? <span class="spinner" /> : <Icon name={starts ? 'play' : 'stop'} size={16} />}
    </button>
  );
}
