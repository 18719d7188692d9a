/** Looking for ONVIF cameras on the local network, with the login that they ask for. */
import { useState } from 'preact/hooks';
import type { FoundCamera } from '../../contracts/camera.js';
import { call } from '../core/api.js';
import { formatCodec } from '../core/format.js';
import { cameraHref } from '../core/routing.js';
import { Field, Note, Problem } from '../parts/basics.js';
import { Icon } from '../parts/icon.js';
import { useAction } from '../parts/use-action.js';
import type { Found } from './found.js';

interface Result {
  items: FoundCamera[];
  errors: string[];
  took_ms: number;
}

export function FindOnvif({ onChoose, onClose }: { onChoose: (found: Found) => void; onClose: () => void }) {
  const [address, setAddress] = useState('');
  const [username, setUsername] = useState('');
  const [password, setPassword] = useState('');
  const [result, setResult] = useState<Result | undefined>(undefined);
  const { busy, error, run } = useAction();
  const search = () =>
    run(async () => {
      const body = {
        ...(address.trim() === '' ? {} : { address: address.trim() }),
        ...(username === '' ? {} : { username }),
        ...(password === '' ? {} : { password }),
      };
      setResult(await call('discover_cameras', { body }));
    });
  return (
    <form
      class="stack"
      onSubmit={(event) => {
        event.preventDefault();
        void search();
      }}
    >
      <div class="form-grid">
        <Field label="User" hint="Cameras tell their streams only to who is known to them">
          {(ids) => <input {...ids} class="input" autocomplete="off" value={username} onInput={(event) => setUsername(event.currentTarget.value)} />}
        </Field>
        <Field label="Password">
          {(ids) => (
            <input
              {...ids}
              class="input"
              type="password"
              autocomplete="new-password"
              value={password}
              onInput={(event) => setPassword(event.currentTarget.value)}
            />
          )}
        </Field>
        <Field label="Only this host" hint="Where multicast does not reach">
          {(ids) => (
            <input
              {...ids}
              class="input mono"
              placeholder="camera.lan:8000"
              spellcheck={false}
              value={address}
              onInput={(event) => setAddress(event.currentTarget.value)}
            />
          )}
        </Field>
      </div>
      <div class="btn-row">
        <button type="submit" class="btn primary" disabled={busy} data-testid="discover">
          {busy ? <span class="spinner" /> : <Icon name="search" size={16} />} {busy ? 'Asking the network…' : 'Search'}
        </button>
        {result !== undefined && !busy && (
          <span class="small muted">
            {result.items.length === 0 ? 'Nothing answered' : `${result.items.length} found`} in {(result.took_ms / 1000).toFixed(1)} s
          </span>
        )}
      </div>
      <Problem error={error} />
      {result?.errors.map((text) => (
        <Note key={text} tone="warn">
          {text}
        </Note>
      ))}
      {result !== undefined && result.items.length === 0 && !busy && (
        <Note>
          Cameras answer only within one network, and only when ONVIF is switched on in their settings. Where you know the address, name the host
          above.
        </Note>
      )}
      {result !== undefined && result.items.length > 0 && (
        <ul class="found-list" data-testid="found">
          {result.items.map((item) => (
            <FoundRow key={item.source} item={item} onChoose={(found) => onChoose({ ...found, username, password })} onClose={onClose} />
          ))}
        </ul>
      )}
    </form>
  );
}

function FoundRow({ item, onChoose, onClose }: { item: FoundCamera; onChoose: (found: Found) => void; onClose: () => void }) {
  const profiles = item.profiles ?? [];
  return (
    <li>
      <div class="found-head">
        <Icon name="camera" />
        <div>
          <b>{item.name}</b>
          <div class="small muted">
            {item.address}
            {item.hardware !== undefined && ` · ${item.hardware}`}
          </div>
        </div>
        {item.camera_id === null ? (
          <button type="button" class="btn small" onClick={() => onChoose({ source: item.source, name: item.name })}>
            <Icon name="plus" size={15} /> Take
          </button>
        ) : (
          <a class="btn small quiet" href={cameraHref(item.camera_id)} onClick={onClose}>
            Is {item.camera_id}
          </a>
        )}
      </div>
      {item.profiles === undefined && item.kind === 'onvif' && (
        <p class="small second">It tells its streams after a login: fill in user and password and search again.</p>
      )}
      {profiles.length > 0 && item.camera_id === null && (
        <ul class="profiles">
          {profiles.map((profile) => (
            <li key={profile.source}>
              <span>
                {profile.name}{' '}
                <span class="small muted">
                  {[
                    profile.width === undefined ? '' : `${profile.width} × ${profile.height}`,
                    profile.frame_rate === undefined ? '' : `${profile.frame_rate} fps`,
                    profile.codec === undefined ? '' : formatCodec(profile.codec),
                  ]
                    .filter((part) => part !== '')
                    .join(' · ')}
                </span>
              </span>
              <button
                type="button"
                class="btn small quiet"
                onClick={() => onChoose({ source: profile.source, name: `${item.name} ${profile.name}` })}
              >
                Take this one
              </button>
            </li>
          ))}
        </ul>
      )}
    </li>
  );
}
