/** All cameras: what is plugged in, what is on the network, and how each one is. */
import { signal } from '@preact/signals';
import { useEffect, useState } from 'preact/hooks';
import type { Camera, CameraStatus } from '../../contracts/camera.js';
import { call } from '../core/api.js';
import { streamModel } from '../core/data.js';
import { formatBitrate, formatRate } from '../core/format.js';
import { recordingOf } from '../core/recording-state.js';
import { navigate } from '../core/router.js';
import { cameraHref, streamHref, timelineHref } from '../core/routing.js';
import { may } from '../core/session.js';
import { remember, remembered } from '../core/theme.js';
import { Blank, Dot, Failed, Menu, PageHead } from '../parts/basics.js';
import { Icon } from '../parts/icon.js';
import { removeLater } from '../parts/undo.js';
import { toggleRecording } from '../player/record.js';
import { RecMark } from '../player/record-button.js';
import { AddCamera } from './add-camera.js';
import { cameras, dropCamera, followCameras, loadCameras } from './camera-data.js';
import { CameraStill, isStreaming } from './camera-still.js';
import { cameraLabels, cameraTones, kindIcons, kindWords, pictureOf, placeOf, troubleOf } from './camera-words.js';
import '../player/player.css';
import './cameras.css';

const key = 'weir.cameras_as';
const view = signal<'cards' | 'table'>(remembered(key) === 'table' ? 'table' : 'cards');
const filters: readonly { status: CameraStatus | 'all'; label: string }[] = [
  { status: 'all', label: 'All' },
  { status: 'CONNECTED', label: 'Connected' },
  { status: 'ERROR', label: 'Error' },
  { status: 'DISCONNECTED', label: 'Disconnected' },
];

export default function CamerasPage() {
  const [text, setText] = useState('');
  const [status, setStatus] = useState<CameraStatus | 'all'>('all');
  const [adding, setAdding] = useState(false);
  useEffect(() => followCameras(), []);
  const list = cameras.value;
  const all = list.kind === 'ready' ? list.value : [];
  const shown = all.filter((camera) => (status === 'all' || camera.status === status) && matches(camera, text));
  return (
    <div class="page">
      <PageHead title="Cameras" note={list.kind === 'ready' ? countNote(all) : undefined}>
        {all.length > 3 && (
          <label class="search">
            <span class="sr">Search cameras</span>
            <Icon name="search" size={16} />
            <input class="input" type="search" placeholder="Name, id, place" value={text} onInput={(event) => setText(event.currentTarget.value)} />
          </label>
        )}
        {all.length > 0 && <ViewChoice />}
        {may('operator') && (
          <button type="button" class="btn primary" data-testid="add-camera" onClick={() => setAdding(true)}>
            <Icon name="plus" /> Add camera
          </button>
        )}
      </PageHead>
      {list.kind === 'failed' && <Failed error={list.error} onRetry={() => void loadCameras()} />}
      {list.kind === 'loading' && <CardSkeletons />}
      {list.kind === 'ready' && all.length === 0 && <NoCameras onAdd={() => setAdding(true)} />}
      {all.length > 3 && <StatusFilter all={all} status={status} onStatus={setStatus} />}
      {all.length > 0 && shown.length === 0 && <Blank icon="search" title="Nothing matches" text="Try fewer letters, or another filter." />}
      {shown.length > 0 && (view.value === 'cards' ? <Cards list={shown} /> : <CameraTable list={shown} />)}
      {adding && <AddCamera onClose={() => setAdding(false)} />}
    </div>
  );
}

function matches(camera: Camera, text: string): boolean {
  const hay = `${camera.name} ${camera.camera_id} ${placeOf(camera)} ${kindWords[camera.kind]}`.toLowerCase();
  return text
    .toLowerCase()
    .split(/\s+/)
    .every((word) => hay.includes(word));
}

function countNote(all: readonly Camera[]): string | undefined {
  const connected = all.filter((camera) => camera.status === 'CONNECTED').length;
  if (all.length === 0) return undefined;
  return connected === all.length ? `${all.length} connected` : `${connected} of ${all.length} connected`;
}

function ViewChoice() {
  const choose = (next: 'cards' | 'table') => {
    view.value = next;
    remember(key, next === 'table' ? next : null);
  };
  return (
    <fieldset class="segmented" aria-label="Show as">
      <button type="button" aria-pressed={view.value === 'cards'} aria-label="Cards" title="Cards" onClick={() => choose('cards')}>
        <Icon name="grid" size={16} />
      </button>
      <button
        type="button"
        aria-pressed={view.value === 'table'}
        aria-label="Table"
        title="Table"
        data-testid="as-table"
        onClick={() => choose('table')}
      >
        <Icon name="rows" size={16} />
      </button>
    </fieldset>
  );
}

function StatusFilter({ all, status, onStatus }: { all: readonly Camera[]; status: string; onStatus: (status: CameraStatus | 'all') => void }) {
  return (
    <fieldset class="segmented list-filter" aria-label="Show">
      {filters.map((filter) => (
        <button type="button" key={filter.status} aria-pressed={status === filter.status} onClick={() => onStatus(filter.status)}>
          {filter.label}{' '}
          <span class="muted">{filter.status === 'all' ? all.length : all.filter((camera) => camera.status === filter.status).length}</span>
        </button>
      ))}
    </fieldset>
  );
}

function CardSkeletons() {
  return (
    <div class="camera-cards" role="status" aria-label="Loading">
      {[0, 1, 2].map((one) => (
        <div key={one} class="card camera-card">
          <span class="camera-still skeleton" />
          <div class="camera-card-body">
            <span class="skeleton" style={{ height: '18px', width: '60%' }} />
            <span class="skeleton" style={{ height: '14px', width: '80%', marginTop: '10px' }} />
          </div>
        </div>
      ))}
    </div>
  );
}

function NoCameras({ onAdd }: { onAdd: () => void }) {
  if (!may('operator')) return <Blank icon="camera" title="No cameras yet" text="There is no camera that you may see." />;
  return (
    <Blank
      icon="usb"
      title="No cameras yet"
      text="Plug a USB camera into a machine that runs Weir, and it appears here by itself. Or add one on the network by its address."
    >
      <button type="button" class="btn primary" data-testid="empty-add-camera" onClick={onAdd}>
        <Icon name="plus" /> Add a network camera
      </button>
    </Blank>
  );
}

function Cards({ list }: { list: readonly Camera[] }) {
  return (
    <ul class="camera-cards" data-testid="cameras">
      {list.map((camera) => (
        <CameraCard key={camera.camera_id} camera={camera} />
      ))}
    </ul>
  );
}

function CameraCard({ camera }: { camera: Camera }) {
  const trouble = troubleOf(camera);
  return (
    <li class="card camera-card" data-testid={`camera-${camera.camera_id}`} data-status={camera.status}>
      <a class="camera-picture" href={cameraHref(camera.camera_id)} aria-label={`Watch ${camera.name}`} tabIndex={-1}>
        <CameraStill camera={camera} />
        <span class="camera-marks">
          <RecMark streamId={camera.camera_id} />
          {isStreaming(camera) && <LiveTag camera={camera} />}
        </span>
      </a>
      <div class="camera-card-body">
        <div class="camera-title">
          <a href={cameraHref(camera.camera_id)} class="row-name clip">
            {camera.name}
          </a>
          <CameraMenu camera={camera} />
        </div>
        <div class="camera-line">
          <span class="state">
            <Dot tone={cameraTones[camera.status]} />
            {cameraLabels[camera.status]}
          </span>
          <span class="muted small">{camera.camera_id}</span>
        </div>
        {trouble === undefined ? (
          <div class="small second clip" title={placeOf(camera)}>
            <Icon name={kindIcons[camera.kind]} size={14} /> {placeOf(camera) || kindWords[camera.kind]}
          </div>
        ) : (
          <div class="small second camera-trouble">{trouble}</div>
        )}
        <div class="small muted">{pictureOf(camera)}</div>
      </div>
    </li>
  );
}

function LiveTag({ camera }: { camera: Camera }) {
  const progress = streamModel(camera.camera_id)?.progress.value;
  return (
    <span class="live-tag" title="Its stream runs now">
      {progress === null || progress === undefined ? 'Live' : `${formatRate(progress.fps)} fps · ${formatBitrate(progress.bitrate_kbps)}`}
    </span>
  );
}

/** What can be done with a camera without opening it. */
export function CameraMenu({ camera }: { camera: Camera }) {
  const id = camera.camera_id;
  const removable = camera.kind !== 'v4l2' || camera.status === 'DISCONNECTED';
  const isRecorded = recordingOf(id).value !== undefined;
  return (
    <Menu label={`More for ${camera.name}`} class="btn icon quiet small" trigger={<Icon name="more" />}>
      <a href={cameraHref(id)}>
        <Icon name="eye" /> Watch
      </a>
      <a href={timelineHref([id])}>
        <Icon name="timeline" /> Recordings
      </a>
      <a href={streamHref(id)}>
        <Icon name="streams" /> Its stream
      </a>
      {may('operator') && (
        <>
          <button type="button" onClick={() => void toggleRecording(id)}>
            <Icon name={isRecorded ? 'stop' : 'record'} /> {isRecorded ? 'Stop recording' : 'Record'}
          </button>
          <hr />
          <button
            type="button"
            disabled={!removable}
            title={removable ? undefined : 'A camera that is plugged in cannot be removed'}
            data-testid={`remove-${id}`}
            onClick={() => removeCamera(camera)}
          >
            <Icon name="trash" /> Remove
          </button>
        </>
      )}
    </Menu>
  );
}

/** With a way back for some seconds. Its recordings stay. */
export function removeCamera(camera: Camera): void {
  removeLater({
    key: camera.camera_id,
    title: `${camera.name} was removed; its recordings stay`,
    remove: (keepalive) => call('delete_camera', { params: { camera_id: camera.camera_id }, keepalive }),
    onRemoved: () => dropCamera(camera.camera_id),
  });
}

function CameraTable({ list }: { list: readonly Camera[] }) {
  return (
    <section class="card table-wrap">
      <table class="table camera-table" data-testid="cameras">
        <thead>
          <tr>
            <th style={{ width: '104px' }}>
              <span class="sr">Picture</span>
            </th>
            <th>Name</th>
            <th>Status</th>
            <th>Where</th>
            <th>Picture</th>
            <th>
              <span class="sr">Now</span>
            </th>
            <th>
              <span class="sr">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {list.map((camera) => (
            <tr
              key={camera.camera_id}
              class="link"
              data-testid={`camera-${camera.camera_id}`}
              data-status={camera.status}
              onClick={(event) => (event.target as Element).closest('a, button') === null && navigate(cameraHref(camera.camera_id))}
            >
              <td>
                <CameraStill camera={camera} width={176} />
              </td>
              <td>
                <a href={cameraHref(camera.camera_id)} class="row-name">
                  {camera.name}
                </a>
                <div class="small muted">{camera.camera_id}</div>
              </td>
              <td>
                <span class="state">
                  <Dot tone={cameraTones[camera.status]} />
                  {cameraLabels[camera.status]}
                </span>
                {camera.error !== null && <div class="small muted clip cell-error">{camera.error}</div>}
              </td>
              <td class="second cell-place">
                <div class="clip">{placeOf(camera)}</div>
                <div class="small muted">{kindWords[camera.kind]}</div>
              </td>
              <td class="second">{pictureOf(camera)}</td>
              <td>
                <span class="btn-row">
                  <RecMark streamId={camera.camera_id} />
                  {isStreaming(camera) && <span class="tag">live</span>}
                </span>
              </td>
              <td class="num">
                <CameraMenu camera={camera} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
