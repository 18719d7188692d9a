/** The first start: the one-time link makes the first admin. */
import { useState } from 'preact/hooks';
import { navigate, place } from '../core/router.js';
import { makeFirstAdmin } from '../core/session.js';
import { Note, Problem } from '../parts/basics.js';
import { useAction } from '../parts/use-action.js';
import { Door } from './door.js';
import { NewPassword, TextField } from './fields.js';

export default function SetupPage() {
  const code = place.value.query.get('code');
  if (code === null || code === '') return <NeedsLink />;
  return <SetupForm code={code} />;
}

function NeedsLink() {
  return (
    <Door title="Almost there" text="This Weir has no admin yet. Open the one-time link that it printed when it started; it makes the first account.">
      <Note icon="terminal">
        The link ends with <code>/setup?code=…</code> and stands in the terminal, or in the log of the service.
      </Note>
    </Door>
  );
}

function SetupForm({ code }: { code: string }) {
  const [username, setUsername] = useState('admin');
  const [password, setPassword] = useState('');
  const [repeated, setRepeated] = useState('');
  const { busy, error, run } = useAction();
  const differs = repeated !== '' && repeated !== password;
  const submit = async () => {
    await makeFirstAdmin(code, username.trim(), password);
    navigate('/', { replace: true });
  };
  return (
    <Door title="Set up Weir" text="Choose the account that will administer it. You can add others later.">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (!differs) void run(submit);
        }}
      >
        <Problem error={error} />
        <TextField label="User name" name="username" autocomplete="username" value={username} onValue={setUsername} testId="username" />
        <NewPassword password={password} repeated={repeated} onPassword={setPassword} onRepeated={setRepeated} />
        <button type="submit" class="btn primary wide" disabled={busy || differs} data-testid="create-admin">
          {busy && <span class="spinner" />} Create account
        </button>
      </form>
    </Door>
  );
}
