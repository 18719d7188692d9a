/** Adding a camera that does not come by itself: by address, found by ONVIF, or a stream that others serve. */
import { useState } from 'preact/hooks';
import type { AddCamera as NewCamera } from '../../contracts/camera.js';
import type { SourceProbe } from '../../contracts/stream.js';
import { call } from '../core/api.js';
import { formatCodec, formatVideo } from '../core/format.js';
import { navigate } from '../core/router.js';
import { cameraHref } from '../core/routing.js';
import { showToast } from '../core/toasts.js';
import { Dialog, Field, Note, Problem } from '../parts/basics.js';
import { Icon, type IconName } from '../parts/icon.js';
import { fieldError, useAction } from '../parts/use-action.js';
import { takeCamera } from './camera-data.js';
import { FindExternal } from './find-external.js';
import { FindOnvif } from './find-onvif.js';
import type { Found } from './found.js';

type Way = 'address' | 'onvif' | 'external';
const ways: readonly { id: Way; icon: IconName; label: string }[] = [
  { id: 'address', icon: 'network', label: 'By address' },
  { id: 'onvif', icon: 'search', label: 'Find ONVIF' },
  { id: 'external', icon: 'drone', label: 'External streams' },
];

export function AddCamera({ onClose }: { onClose: () => void }) {
  const [way, setWay] = useState<Way>('address');
  const [found, setFound] = useState<Found | undefined>(undefined);
  const choose = (next: Found) => {
    setFound(next);
    setWay('address');
  };
  return (
    <Dialog title="Add a camera" onClose={onClose} wide>
      <p class="second small">
        USB cameras and capture devices need no adding: they appear by themselves as soon as they are plugged into a machine that runs Weir.
      </p>
      <fieldset class="segmented add-ways" aria-label="How">
        {ways.map((one) => (
          <button type="button" key={one.id} aria-pressed={way === one.id} data-testid={`way-${one.id}`} onClick={() => setWay(one.id)}>
            <Icon name={one.icon} size={15} /> {one.label}
          </button>
        ))}
      </fieldset>
      {way === 'address' && <AddressForm key={found?.source ?? ''} first={found} onClose={onClose} />}
      {way === 'onvif' && <FindOnvif onChoose={choose} onClose={onClose} />}
      {way === 'external' && <FindExternal onClose={onClose} />}
    </Dialog>
  );
}

/** User and password out of an address, so that they are kept apart from it. */
function splitAddress(text: string): { source: string; username: string; password: string } {
  const match = /^([a-z+]+:\/\/)([^:@/]*)(?::([^@/]*))?@(.*)$/i.exec(text.trim());
  if (match === null) return { source: text.trim(), username: '', password: '' };
  const [, scheme = '', user = '', password = '', rest = ''] = match;
  return { source: scheme + rest, username: decodeOr(user), password: decodeOr(password) };
}

function decodeOr(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The address as a probe takes it. */
function joinAddress(source: string, username: string, password: string): string {
  if (username === '' || !/^[a-z+]+:\/\//i.test(source)) return source;
  const login = password === '' ? encodeURIComponent(username) : `${encodeURIComponent(username)}:${encodeURIComponent(password)}`;
  return source.replace('://', `://${login}@`);
}

function AddressForm({ first, onClose }: { first: Found | undefined; onClose: () => void }) {
  const [source, setSource] = useState(first?.source ?? '');
  const [username, setUsername] = useState(first?.username ?? '');
  const [password, setPassword] = useState(first?.password ?? '');
  const [name, setName] = useState(first?.name ?? '');
  const [alwaysOn, setAlwaysOn] = useState(false);
  const [probe, setProbe] = useState<SourceProbe | undefined>(undefined);
  const looking = useAction();
  const adding = useAction();
  const isOnvif = source.startsWith('onvif:');
  const forget = () => setProbe(undefined);
  const tidy = () => {
    const parts = splitAddress(source);
    if (parts.username === '') return { source: source.trim(), username, password };
    setSource(parts.source);
    setUsername(parts.username);
    setPassword(parts.password);
    return parts;
  };
  const look = () =>
    looking.run(async () => {
      const parts = tidy();
      setProbe(await call('probe_source', { body: { device: joinAddress(parts.source, parts.username, parts.password) } }));
    });
  const add = async () => {
    const parts = tidy();
    const body: NewCamera = {
      source: parts.source,
      ...(name.trim() === '' ? {} : { name: name.trim() }),
      ...(parts.username === '' ? {} : { username: parts.username }),
      ...(parts.password === '' ? {} : { password: parts.password }),
      ...(alwaysOn ? { always_on: true } : {}),
    };
    const camera = await call('add_camera', { body });
    takeCamera(camera);
    showToast({ tone: 'ok', title: `${camera.name} was added as ${camera.camera_id}` });
    onClose();
    navigate(cameraHref(camera.camera_id));
  };
  const { error } = adding;
  return (
    <form
      class="stack"
      onSubmit={(event) => {
        event.preventDefault();
        void adding.run(add);
      }}
    >
      <Field
        label="Address"
        hint="rtsp, rtsps, http, https, srt, rtmp or rtmps; onvif://host for a camera that tells its own address; test: for a test picture; or a file in the media folders"
        error={fieldError(error, 'source') ?? fieldError(looking.error, 'device')}
      >
        {(ids) => (
          <div class="probe-row">
            <input
              {...ids}
              class="input mono"
              required
              autofocus
              placeholder="rtsp://camera.local/stream1"
              autocomplete="off"
              autocapitalize="none"
              spellcheck={false}
              data-testid="camera-source"
              value={source}
              onInput={(event) => {
                setSource(event.currentTarget.value);
                forget();
              }}
            />
            {!isOnvif && (
              <button
                type="button"
                class="btn"
                disabled={looking.busy || source.trim() === ''}
                data-testid="camera-probe"
                onClick={() => void look()}
              >
                {looking.busy ? <span class="spinner" /> : <Icon name="search" size={16} />} {looking.busy ? 'Looking…' : 'Look at it'}
              </button>
            )}
          </div>
        )}
      </Field>
      {!looking.busy && looking.error !== undefined && <Problem error={looking.error} />}
      {!looking.busy && probe !== undefined && <Seen probe={probe} />}
      <div class="form-grid">
        <Field label="Name" hint="Default: made from the address">
          {(ids) => (
            <input
              {...ids}
              class="input"
              maxLength={120}
              data-testid="new-camera-name"
              value={name}
              onInput={(event) => setName(event.currentTarget.value)}
            />
          )}
        </Field>
        <Field label="User" error={fieldError(error, 'username')}>
          {(ids) => (
            <input
              {...ids}
              class="input"
              autocomplete="off"
              value={username}
              onInput={(event) => {
                setUsername(event.currentTarget.value);
                forget();
              }}
            />
          )}
        </Field>
        <Field label="Password" error={fieldError(error, 'password')}>
          {(ids) => (
            <input
              {...ids}
              class="input"
              type="password"
              autocomplete="new-password"
              value={password}
              onInput={(event) => {
                setPassword(event.currentTarget.value);
                forget();
              }}
            />
          )}
        </Field>
      </div>
      <label class="check">
        <input type="checkbox" checked={alwaysOn} onChange={(event) => setAlwaysOn(event.currentTarget.checked)} />
        <span>
          Run also while nobody watches
          <small>Otherwise it starts with the first viewer or recording</small>
        </span>
      </label>
      <Problem error={error} />
      <div class="actions">
        <button type="button" class="btn" onClick={onClose}>
          Cancel
        </button>
        <button type="submit" class="btn primary" disabled={adding.busy || source.trim() === ''} data-testid="create-camera">
          {adding.busy ? <span class="spinner" /> : <Icon name="plus" size={16} />} Add camera
        </button>
      </div>
    </form>
  );
}

function Seen({ probe }: { probe: SourceProbe }) {
  if (!probe.reachable) {
    return (
      <Note tone="warn">
        <b data-testid="camera-probe-result">{probe.error?.detail ?? 'It could not be reached.'}</b>
        <div class="second">{probe.error?.hint ?? 'You can add it all the same: Weir keeps trying.'}</div>
      </Note>
    );
  }
  return (
    <Note tone={probe.video === undefined ? 'warn' : 'ok'}>
      <b data-testid="camera-probe-result">{probe.video === undefined ? 'It answers, but sends no video' : `Found ${formatVideo(probe.video)}`}</b>
      <div class="second">
        {probe.audio === undefined ? 'Without sound. ' : `With sound (${formatCodec(probe.audio.codec)}). `}
        {probe.plan === 'copy' && 'It will be passed through unchanged.'}
        {probe.plan === 'encode' && 'It will be encoded.'}
      </div>
    </Note>
  );
}
