/** One stream: its picture, its facts, its curves, its log, its settings. */
import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { lazyComponent } from '../app/lazy.js';
import { ApiError, call } from '../core/api.js';
import { dropStream, loadStreams, type StreamModel, streamModel, streams, takeStream } from '../core/data.js';
import { navigate, place } from '../core/router.js';
import { streamHref } from '../core/routing.js';
import { may } from '../core/session.js';
import { Blank, Confirm, Failed, Menu, SkeletonRows, StateLabel } from '../parts/basics.js';
import { Icon, type IconName } from '../parts/icon.js';
import { useAction } from '../parts/use-action.js';
import { LiveVideo } from '../player/live-video.js';
import { StreamFacts } from './facts.js';
import './stream.css';

const Charts = lazyComponent(() => import('./charts.js'));
const Log = lazyComponent(() => import('./log.js'));
const Settings = lazyComponent(() => import('./settings.js'));
const Command = lazyComponent(() => import('./command.js'));

const tabs: readonly { id: string; label: string; icon: IconName; role: 'viewer' | 'operator'; Part: () => ComponentChildren }[] = [
  { id: 'charts', label: 'Charts', icon: 'chart', role: 'viewer', Part: () => <Charts /> },
  { id: 'log', label: 'Log', icon: 'audit', role: 'viewer', Part: () => <Log /> },
  { id: 'settings', label: 'Settings', icon: 'sliders', role: 'operator', Part: () => <Settings /> },
  { id: 'command', label: 'Command', icon: 'terminal', role: 'operator', Part: () => <Command /> },
];

export default function StreamPage() {
  const id = place.value.params.id ?? '';
  const model = streamModel(id);
  const list = streams.value;
  // The picture does not wait for the list: its address says all a player needs.
  const known = model !== undefined || list.kind !== 'ready';
  if (!known) return <Unknown id={id} />;
  if (list.kind === 'failed' && model === undefined) return <Failed error={list.error} onRetry={() => void loadStreams()} />;
  return (
    <div class="page stream-page">
      <StreamHead id={id} model={model} />
      <div class="stream-top">
        <LiveVideo key={id} streamId={id} />
        <aside class="card">{model === undefined ? <SkeletonRows rows={7} height={14} /> : <StreamFacts model={model} />}</aside>
      </div>
      <Tabs id={id} model={model} />
    </div>
  );
}

/** Perhaps made a moment ago: asks the hub before saying that there is none. */
function Unknown({ id }: { id: string }) {
  const [missing, setMissing] = useState(false);
  useEffect(() => {
    call('get_stream', { params: { stream_id: id } }).then(takeStream, (thrown: unknown) => setMissing(thrown instanceof ApiError));
  }, [id]);
  if (!missing) return <div class="page" role="status" aria-label="Loading" />;
  return (
    <Blank icon="search" title="There is no such stream" text={`Nothing is known of “${id}”, or you may not see it.`}>
      <a class="btn" href="/streams">
        All streams
      </a>
    </Blank>
  );
}

function StreamHead({ id, model }: { id: string; model: StreamModel | undefined }) {
  const name = model?.stream.value.name ?? id;
  useEffect(() => {
    document.title = `${name} · Weir`;
  }, [name]);
  return (
    <header class="page-head">
      <div class="titles">
        <a href="/streams" class="btn icon quiet small" aria-label="All streams" title="All streams">
          <Icon name="left" />
        </a>
        <h1 class="clip">{name}</h1>
        {model !== undefined && <StateLabel status={model.status.value} />}
      </div>
      {model !== undefined && may('operator') && <Actions model={model} />}
    </header>
  );
}

function Actions({ model }: { model: StreamModel }) {
  const { busy, error, run } = useAction();
  const [deleting, setDeleting] = useState(false);
  const stream = model.stream.value;
  const params = { stream_id: model.id };
  const act = (name: 'start_stream' | 'stop_stream' | 'restart_stream') => void run(async () => takeStream((await call(name, { params })).stream));
  return (
    <div class="btn-row">
      {error !== undefined && (
        <span class="small" style={{ color: 'var(--bad)' }} role="alert">
          {error.message}
        </span>
      )}
      {stream.desired === 'stopped' ? (
        <button type="button" class="btn primary" disabled={busy} data-testid="start" onClick={() => act('start_stream')}>
          <Icon name="play" size={16} /> Start
        </button>
      ) : (
        <>
          <button type="button" class="btn" disabled={busy} data-testid="restart" onClick={() => act('restart_stream')}>
            <Icon name="restart" size={16} /> Restart
          </button>
          <button type="button" class="btn" disabled={busy} data-testid="stop" onClick={() => act('stop_stream')}>
            <Icon name="stop" size={16} /> Stop
          </button>
        </>
      )}
      {stream.managed && (
        <Menu label="More actions" class="btn icon" trigger={<Icon name="more" />}>
          <a href={streamHref(model.id, 'settings')}>
            <Icon name="sliders" /> Settings
          </a>
          <hr />
          <button type="button" data-testid="delete" onClick={() => setDeleting(true)}>
            <Icon name="trash" /> Delete stream
          </button>
        </Menu>
      )}
      {deleting && (
        <Confirm
          title={`Delete ${stream.name}?`}
          text={
            stream.viewers > 0
              ? `${stream.viewers} ${stream.viewers === 1 ? 'person watches' : 'people watch'} it now. It is stopped and its definition is forgotten.`
              : 'It is stopped and its definition is forgotten. This cannot be undone.'
          }
          action="Delete stream"
          onConfirm={async () => {
            await call('delete_stream', { params });
            navigate('/streams');
            dropStream(model.id);
          }}
          onClose={() => setDeleting(false)}
        />
      )}
    </div>
  );
}

const patienceMs = 700;

/** The picture comes first: curves and logs wait for it, though not for long. */
function useAfterPicture(): boolean {
  const [isTurn, setTurn] = useState(false);
  useEffect(() => {
    const go = () => setTurn(true);
    const timer = setTimeout(go, patienceMs);
    document.addEventListener('weir:first-picture', go, { once: true });
    return () => {
      clearTimeout(timer);
      document.removeEventListener('weir:first-picture', go);
    };
  }, []);
  return isTurn;
}

function Tabs({ id, model }: { id: string; model: StreamModel | undefined }) {
  const visible = tabs.filter((tab) => may(tab.role) && (tab.role === 'viewer' || model === undefined || model.stream.value.managed));
  const current = visible.find((tab) => tab.id === place.value.params.tab) ?? visible[0];
  const isTurn = useAfterPicture();
  if (current === undefined) return null;
  return (
    <section class="stream-tabs">
      <nav class="tabs" aria-label="About this stream">
        {visible.map((tab) => (
          <a key={tab.id} href={streamHref(id, tab.id)} aria-current={tab === current ? 'page' : undefined} data-testid={`tab-${tab.id}`}>
            <Icon name={tab.icon} size={16} />
            {tab.label}
          </a>
        ))}
      </nav>
      <div class="tab-body" key={current.id}>
        {isTurn && <current.Part />}
      </div>
    </section>
  );
}
