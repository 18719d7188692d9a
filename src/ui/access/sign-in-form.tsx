/** Name and password. */
import { useState } from 'preact/hooks';
import { Field, Problem } from '../parts/basics.js';
import { useAction } from '../parts/use-action.js';

interface Props {
  /** Known already when a session is taken up again. */
  username?: string;
  onSignIn: (username: string, password: string) => Promise<void>;
}

/** A form that browsers and password managers recognise. */
export function SignInForm({ username: known, onSignIn }: Props) {
  const [username, setUsername] = useState(known ?? '');
  const [password, setPassword] = useState('');
  const { busy, error, run } = useAction();
  return (
    <form
      class="stack"
      onSubmit={(event) => {
        event.preventDefault();
        void run(() => onSignIn(username.trim(), password));
      }}
    >
      <Problem error={error} />
      <Field label="User name">
        {(ids) => (
          <input
            {...ids}
            class="input"
            name="username"
            autocomplete="username"
            autocapitalize="none"
            spellcheck={false}
            required
            autofocus={known === undefined}
            data-testid="username"
            value={username}
            onInput={(event) => setUsername(event.currentTarget.value)}
          />
        )}
      </Field>
      <Field label="Password">
        {(ids) => (
          <input
            {...ids}
            class="input"
            type="password"
            name="password"
            autocomplete="current-password"
            required
            autofocus={known !== undefined}
            data-testid="password"
            value={password}
            onInput={(event) => setPassword(event.currentTarget.value)}
          />
        )}
      </Field>
      <button type="submit" class="btn primary wide" disabled={busy} data-testid="sign-in">
        {busy && <span class="spinner" />} Sign in
      </button>
    </form>
  );
}
