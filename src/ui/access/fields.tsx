/** Fields that the access pages share; they need nothing of the app's data, so that the first page stays small. */
import { Field } from '../parts/basics.js';

interface TextProps {
  label: string;
  name: string;
  value: string;
  onValue: (value: string) => void;
  autocomplete?: string;
  type?: 'text' | 'password';
  hint?: string;
  error?: string | undefined;
  testId?: string;
  required?: boolean;
  placeholder?: string;
}

/** One line of text. */
export function TextField({
  label,
  name,
  value,
  onValue,
  type = 'text',
  hint,
  error,
  testId,
  autocomplete,
  required = true,
  placeholder,
}: TextProps) {
  return (
    <Field label={label} hint={hint} error={error}>
      {(ids) => (
        <input
          {...ids}
          class="input"
          type={type as 'text'}
          name={name}
          autocomplete={autocomplete ?? 'off'}
          autocapitalize="none"
          spellcheck={false}
          required={required}
          placeholder={placeholder}
          data-testid={testId ?? name}
          value={value}
          onInput={(event) => onValue(event.currentTarget.value)}
        />
      )}
    </Field>
  );
}

interface NewPasswordProps {
  password: string;
  repeated: string;
  onPassword: (value: string) => void;
  onRepeated: (value: string) => void;
}

/** Shortest password the hub takes. */
export const leastPassword = 10;

/** A new password, twice. */
export function NewPassword({ password, repeated, onPassword, onRepeated }: NewPasswordProps) {
  const short = password !== '' && password.length < leastPassword;
  const differs = repeated !== '' && repeated !== password;
  return (
    <>
      <TextField
        label="New password"
        name="new-password"
        type="password"
        autocomplete="new-password"
        value={password}
        onValue={onPassword}
        hint={short ? `${leastPassword - password.length} more characters` : `At least ${leastPassword} characters`}
        testId="password"
      />
      <TextField
        label="Once more"
        name="repeat-password"
        type="password"
        autocomplete="new-password"
        value={repeated}
        onValue={onRepeated}
        error={differs ? 'The two differ' : undefined}
        testId="password-repeat"
      />
    </>
  );
}
