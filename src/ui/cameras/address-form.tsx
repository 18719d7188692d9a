/** Another address or login for a camera on the network. What is left empty stays as it is. */
import { useState } from 'preact/hooks';
import type { Camera } from '../../contracts/camera.js';
import { call } from '../core/api.js';
import { showToast } from '../core/toasts.js';
import { Field, Problem } from '../parts/basics.js';
import { fieldError, useAction } from '../parts/use-action.js';
import { takeCamera } from './camera-data.js';

/** For those who may change the camera. */
export function AddressForm({ camera }: { camera: Camera }) {
  const [source, setSource] = useState(camera.source ?? '');
  const [username, setUsername] = useState('');
  const [password, setPassword] = useState('');
  const [open, setOpen] = useState(false);
  const { busy, error, run } = useAction();
  const isOther = source.trim() !== '' && source.trim() !== camera.source;
  const isChanged = isOther || username !== '' || password !== '';
  const close = () => {
    setUsername('');
    setPassword('');
    setOpen(false);
  };
  const show = () => {
    setSource(camera.source ?? '');
    setOpen(true);
  };
  const save = async () => {
    const body = {
      ...(isOther ? { source: source.trim() } : {}),
      ...(username === '' ? {} : { username }),
      ...(password === '' ? {} : { password }),
    };
    takeCamera(await call('update_camera', { params: { camera_id: camera.camera_id }, body }));
    close();
    showToast({ tone: 'ok', title: 'Address and login changed', text: 'The camera is looked at anew.' });
  };
  if (!open) {
    return (
      <button type="button" class="btn" onClick={show} data-testid="change-address">
        Change address or login
      </button>
    );
  }
  return (
    <section class="card">
      <header>
        <h2>Address and login</h2>
      </header>
      <form
        class="body stack"
        onSubmit={(event) => {
          event.preventDefault();
          void run(save);
        }}
      >
        <Field label="Address" error={fieldError(error, 'source')} hint="Another host needs the login again">
          {(ids) => (
            <input
              {...ids}
              class="input"
              spellcheck={false}
              value={source}
              data-testid="address-source"
              onInput={(event) => setSource(event.currentTarget.value)}
            />
          )}
        </Field>
        <div class="form-grid">
          <Field label="User" error={fieldError(error, 'username')}>
            {(ids) => (
              <input
                {...ids}
                class="input"
                autocomplete="off"
                placeholder="As it is"
                value={username}
                data-testid="address-username"
                onInput={(event) => setUsername(event.currentTarget.value)}
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
                placeholder="As it is"
                value={password}
                data-testid="address-password"
                onInput={(event) => setPassword(event.currentTarget.value)}
              />
            )}
          </Field>
        </div>
        <Problem error={error} />
        <div class="btn-row">
          <button type="submit" class="btn primary" disabled={busy || !isChanged} data-testid="apply-address">
            {busy && <span class="spinner" />} Apply
          </button>
          <button type="button" class="btn" onClick={close}>
            Cancel
          </button>
        </div>
      </form>
    </section>
  );
}
