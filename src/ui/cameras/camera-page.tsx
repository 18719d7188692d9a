/** One camera: its picture, what it is, what it can deliver, how it is set. */
import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { Camera, StreamUrls } from '../../contracts/camera.js';
import { ApiError, call } from '../core/api.js';
import { streamModel } from '../core/data.js';
import { formatCodec } from '../core/format.js';
import { navigate, place } from '../core/router.js';
import { streamHref, timelineHref } from '../core/routing.js';
import { may } from '../core/session.js';
import { Blank, CopyButton, Dot, Failed, Menu, Note, SkeletonRows, Time } from '../parts/basics.js';
import { Icon } from '../parts/icon.js';
import { useAction } from '../parts/use-action.js';
import { LiveVideo } from '../player/live-video.js';
import { cameras, followCameras, loadCameras, takeCamera } from './camera-data.js';
import { CameraSettings } from './camera-settings.js';
import { cameraLabels, cameraTones, kindWords, pictureOf, placeOf, troubleOf } from './camera-words.js';
import { removeCamera } from './cameras-page.js';
import '../streams/stream.css';
import './cameras.css';

export default function CameraPage() {
  const id = place.value.params.id ?? '';
  useEffect(() => followCameras(), []);
  const list = cameras.value;
  if (list.kind === 'failed') return <Failed error={list.error} onRetry={() => void loadCameras()} />;
  const camera = list.kind === 'ready' ? list.value.find((one) => one.camera_id === id) : undefined;
  if (camera === undefined) return list.kind === 'ready' ? <Unknown id={id} /> : <Waiting id={id} />;
  return <Known key={id} camera={camera} />;
}

function Waiting({ id }: { id: string }) {
  return (
    <div class="page stream-page" role="status" aria-label="Loading">
      <header class="page-head">
        <div class="titles">
          <h1>{id}</h1>
        </div>
      </header>
      <div class="stream-top">
        <div class="stage" />
        <aside class="card">
          <SkeletonRows rows={7} height={14} />
        </aside>
      </div>
    </div>
  );
}

/** Perhaps made a moment ago: asks the hub before saying that there is none. */
function Unknown({ id }: { id: string }) {
  const [missing, setMissing] = useState(false);
  useEffect(() => {
    setMissing(false);
    call('get_camera', { params: { camera_id: id } }).then(takeCamera, (thrown: unknown) => setMissing(thrown instanceof ApiError));
  }, [id]);
  if (!missing) return <Waiting id={id} />;
  return (
    <Blank icon="search" title="There is no such camera" text={`Nothing is known of “${id}”, or you may not see it.`}>
      <a class="btn" href="/cameras">
        All cameras
      </a>
    </Blank>
  );
}

function Known({ camera }: { camera: Camera }) {
  const id = camera.camera_id;
  const hasStream = streamModel(id) !== undefined || camera.streaming;
  return (
    <div class="page stream-page">
      <Head camera={camera} />
      <div class="stream-top">
        {hasStream || camera.status === 'CONNECTED' ? (
          <LiveVideo streamId={id} />
        ) : (
          <div class="stage">
            <div class="cover">
              <Icon name="nosignal" size={32} />
              <b>{cameraLabels[camera.status]}</b>
              <p>{troubleOf(camera)}</p>
            </div>
          </div>
        )}
        <aside class="card">
          <Facts camera={camera} />
        </aside>
      </div>
      <div class={`camera-sections ${may('operator') ? '' : 'single'}`}>
        <Addresses camera={camera} />
        {may('operator') && <CameraSettings camera={camera} />}
        <Capabilities camera={camera} />
      </div>
    </div>
  );
}

function Head({ camera }: { camera: Camera }) {
  const { name, camera_id: id } = camera;
  const [naming, setNaming] = useState(false);
  useEffect(() => {
    document.title = `${name} · Weir`;
  }, [name]);
  const removable = camera.kind !== 'v4l2' || camera.status === 'DISCONNECTED';
  return (
    <header class="page-head">
      <div class="titles">
        <a href="/cameras" class="btn icon quiet small" aria-label="All cameras" title="All cameras">
          <Icon name="left" />
        </a>
        {naming ? <Rename camera={camera} onDone={() => setNaming(false)} /> : <h1 class="clip">{name}</h1>}
        {!naming && may('operator') && (
          <button type="button" class="btn icon quiet small" aria-label="Rename" title="Rename" data-testid="rename" onClick={() => setNaming(true)}>
            <Icon name="edit" size={16} />
          </button>
        )}
        <span class="state" data-testid="camera-status" data-status={camera.status}>
          <Dot tone={cameraTones[camera.status]} />
          {cameraLabels[camera.status]}
        </span>
      </div>
      <div class="btn-row">
        <a class="btn" href={timelineHref([id])}>
          <Icon name="timeline" size={16} /> Recordings
        </a>
        <Menu label="More actions" class="btn icon" trigger={<Icon name="more" />}>
          <a href={streamHref(id)}>
            <Icon name="streams" /> Its stream, charts and log
          </a>
          {may('operator') && (
            <>
              <hr />
              <button
                type="button"
                disabled={!removable}
                title={removable ? undefined : 'A camera that is plugged in cannot be removed'}
                data-testid="remove"
                onClick={() => {
                  removeCamera(camera);
                  navigate('/cameras');
                }}
              >
                <Icon name="trash" /> Remove
              </button>
            </>
          )}
        </Menu>
      </div>
    </header>
  );
}

function Rename({ camera, onDone }: { camera: Camera; onDone: () => void }) {
  const [name, setName] = useState(camera.name);
  const { busy, error, run } = useAction();
  const save = async () => {
    const wanted = name.trim();
    if (wanted !== camera.name) takeCamera(await call('update_camera', { params: { camera_id: camera.camera_id }, body: { name: wanted } }));
  };
  return (
    <form
      class="rename"
      onSubmit={(event) => {
        event.preventDefault();
        void run(save).then((ok) => ok && onDone());
      }}
      onKeyDown={(event) => event.key === 'Escape' && onDone()}
    >
      <input
        class="input"
        aria-label="Name"
        required
        maxLength={120}
        autofocus
        data-testid="camera-name"
        value={name}
        onInput={(event) => setName(event.currentTarget.value)}
      />
      <button type="submit" class="btn primary" disabled={busy || name.trim() === ''}>
        Save
      </button>
      <button type="button" class="btn quiet" onClick={onDone}>
        Cancel
      </button>
      {error !== undefined && (
        <span class="small" style={{ color: 'var(--bad)' }} role="alert">
          {error.message}
        </span>
      )}
    </form>
  );
}

function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </>
  );
}

function Facts({ camera }: { camera: Camera }) {
  const trouble = troubleOf(camera);
  const capabilities = camera.capabilities;
  return (
    <div class="facts-panel">
      {trouble !== undefined && <Note tone={camera.status === 'ERROR' ? 'bad' : 'warn'}>{trouble}</Note>}
      <dl class="facts">
        <Fact name="Id">
          <span class="mono">{camera.camera_id}</span>
        </Fact>
        <Fact name="Kind">{kindWords[camera.kind]}</Fact>
        {placeOf(camera) !== '' && (
          <Fact name="Where">
            <span class="mono">{placeOf(camera)}</span>
          </Fact>
        )}
        <Fact name="Picture">{pictureOf(camera) || '–'}</Fact>
        {capabilities?.card !== undefined && <Fact name="Device">{capabilities.card}</Fact>}
        {capabilities?.driver !== undefined && <Fact name="Driver">{capabilities.driver}</Fact>}
        {capabilities?.bus !== undefined && (
          <Fact name="Plugged at">
            <span class="mono">{capabilities.bus}</span>
          </Fact>
        )}
        {camera.connected_at !== null && camera.status === 'CONNECTED' && (
          <Fact name="Connected">
            <Time value={camera.connected_at} style="exact" />
          </Fact>
        )}
        {camera.last_seen_at !== null && camera.status !== 'CONNECTED' && (
          <Fact name="Last seen">
            <Time value={camera.last_seen_at} />
          </Fact>
        )}
        <Fact name="Added">
          <Time value={camera.created_at} style="exact" />
        </Fact>
      </dl>
    </div>
  );
}

const urlNames: readonly [keyof StreamUrls, string, string][] = [
  ['rtsp', 'RTSP', 'VLC, FFmpeg, recorders'],
  ['webrtc', 'WHEP', 'WebRTC players'],
  ['hls', 'HLS', 'browsers, phones, televisions'],
  ['live_mp4', 'MP4', 'one endless file'],
  ['srt', 'SRT', 'over bad networks'],
  ['rtmp', 'RTMP', 'older software'],
];

function Addresses({ camera }: { camera: Camera }) {
  const known = urlNames.filter(([key]) => camera.streams[key] !== undefined);
  return (
    <section class="card">
      <header>
        <h2>Addresses</h2>
        <span class="small muted">Only what works right now</span>
      </header>
      {known.length === 0 ? (
        <p class="body second">Nothing serves this camera at the moment.</p>
      ) : (
        <ul class="addresses">
          {known.map(([key, name, use]) => {
            const url = new URL(camera.streams[key] ?? '', location.origin).href;
            return (
              <li key={key}>
                <span>
                  <b>{name}</b>
                  <span class="small muted"> {use}</span>
                </span>
                <code class="clip" title={url}>
                  {url}
                </code>
                <CopyButton text={url} label="Copy" />
              </li>
            );
          })}
        </ul>
      )}
    </section>
  );
}

function Capabilities({ camera }: { camera: Camera }) {
  const capabilities = camera.capabilities;
  if (capabilities === null || capabilities.formats.length === 0) return null;
  return (
    <section class="card" data-testid="capabilities">
      <header>
        <h2>What it can deliver</h2>
        <span class="small muted">
          told <Time value={capabilities.probed_at} />
          {capabilities.took_ms >= 1 && ` in ${Math.round(capabilities.took_ms)} ms`}
        </span>
      </header>
      <div class="body stack">
        {capabilities.formats.map((format) => (
          <section key={format.pixel_format}>
            <h3>
              {formatCodec(format.pixel_format)}{' '}
              {format.description !== undefined && format.description !== format.pixel_format && (
                <span class="small muted">{format.description}</span>
              )}
            </h3>
            <ul class="sizes">
              {format.sizes.map((size) => (
                <li key={`${size.width}x${size.height}`}>
                  <b>
                    {size.width} × {size.height}
                  </b>
                  <span class="small muted">{size.frame_rates.length === 0 ? '' : `${size.frame_rates.map(round).join(', ')} fps`}</span>
                </li>
              ))}
            </ul>
          </section>
        ))}
      </div>
    </section>
  );
}

function round(rate: number): string {
  return String(Math.round(rate * 100) / 100);
}
