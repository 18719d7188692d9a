/** One's own account. */
import { useState } from 'preact/hooks';
import { call } from '../core/api.js';
import { session, signOut } from '../core/session.js';
import { setTheme, theme, themes } from '../core/theme.js';
import { showToast } from '../core/toasts.js';
import { Confirm, PageHead, Problem, Time } from '../parts/basics.js';
import { useAction } from '../parts/use-action.js';
import { NewPassword, TextField } from './fields.js';

const themeNames = { system: 'As the system', light: 'Light', dark: 'Dark' } as const;

export default function AccountPage() {
  const me = session.value;
  const [leaving, setLeaving] = useState(false);
  if (me === undefined) return null;
  return (
    <div class="page narrow">
      <PageHead title="Account" />
      <div class="stack">
        <section class="card">
          <header>
            <h2>{me.username}</h2>
            <button type="button" class="btn" onClick={() => void signOut()}>
              Sign out
            </button>
          </header>
          <div class="body">
            <dl class="facts">
              <dt>Role</dt>
              <dd>{me.role}</dd>
              <dt>Streams</dt>
              <dd>{me.streams === null ? 'all' : me.streams.join(', ') || 'none'}</dd>
              {me.expires_at !== null && (
                <>
                  <dt>This session</dt>
                  <dd>
                    ends <Time value={me.expires_at} />, later while you use it
                  </dd>
                </>
              )}
            </dl>
          </div>
        </section>
        <section class="card">
          <header>
            <h2>Appearance</h2>
            <fieldset class="segmented" aria-label="Theme">
              {themes.map((one) => (
                <button type="button" key={one} aria-pressed={theme.value === one} onClick={() => setTheme(one)}>
                  {themeNames[one]}
                </button>
              ))}
            </fieldset>
          </header>
        </section>
        {me.user_id !== null && <PasswordCard />}
        <section class="card">
          <header>
            <div>
              <h2>Sign out everywhere</h2>
              <p class="small second">Ends all your sessions on every device, and their connections to the bus at once.</p>
            </div>
            <button type="button" class="btn" data-testid="signout-everywhere" onClick={() => setLeaving(true)}>
              Sign out everywhere
            </button>
          </header>
        </section>
      </div>
      {leaving && (
        <Confirm
          title="Sign out everywhere?"
          text="This device is signed out as well."
          action="Sign out everywhere"
          onConfirm={() => signOut(true)}
          onClose={() => setLeaving(false)}
        />
      )}
    </div>
  );
}

function PasswordCard() {
  const [current, setCurrent] = useState('');
  const [password, setPassword] = useState('');
  const [repeated, setRepeated] = useState('');
  const { busy, error, run } = useAction();
  const submit = async () => {
    await call('change_password', { body: { current, password } });
    setCurrent('');
    setPassword('');
    setRepeated('');
    showToast({ tone: 'ok', title: 'Password changed', text: 'Your other sessions have ended.' });
  };
  return (
    <section class="card">
      <header>
        <h2>Password</h2>
      </header>
      <form
        class="body stack"
        style={{ maxWidth: '420px' }}
        onSubmit={(event) => {
          event.preventDefault();
          if (password === repeated) void run(submit);
        }}
      >
        <Problem error={error} />
        <TextField
          label="Current password"
          name="current-password"
          type="password"
          autocomplete="current-password"
          value={current}
          onValue={setCurrent}
        />
        <NewPassword password={password} repeated={repeated} onPassword={setPassword} onRepeated={setRepeated} />
        <div>
          <button type="submit" class="btn primary" disabled={busy || password === '' || password !== repeated} data-testid="change-password">
            {busy && <span class="spinner" />} Change password
          </button>
        </div>
      </form>
    </section>
  );
}
