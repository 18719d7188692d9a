/** What a change will do, before it is done: the hub checks it first and changes nothing. */
import { useEffect, useState } from 'preact/hooks';
import type { Settings, SettingsVersion } from '../../contracts/settings.js';
import { call } from '../core/api.js';
import { showToast } from '../core/toasts.js';
import { Dialog, Field, Note, Problem } from '../parts/basics.js';
import { useAction } from '../parts/use-action.js';
import { diffValues } from './diff.js';

type Change = SettingsVersion['changes'][number];

interface ReviewProps {
  changes: Record<string, unknown>;
  settings: Settings;
  onClose: () => void;
  onSaved: () => void;
}

export function Review({ changes, settings, onClose, onSaved }: ReviewProps) {
  const [plan, setPlan] = useState<readonly Change[] | undefined>(undefined);
  const [comment, setComment] = useState('');
  const { busy, error, run } = useAction();
  useEffect(() => {
    void run(async () => setPlan((await call('change_settings', { body: { changes, version: settings.version, dry_run: true } })).changes));
  }, []);
  const save = async () => {
    const body = { changes, version: settings.version, ...(comment.trim() === '' ? {} : { comment: comment.trim() }) };
    const answer = await call('change_settings', { body });
    showToast({
      tone: answer.needs_restart.length > 0 ? 'warn' : 'ok',
      title: `Saved as version ${answer.version}`,
      text: answer.needs_restart.length > 0 ? 'Some of it needs a restart of the hub.' : 'It is in force.',
    });
    onSaved();
  };
  const later = plan?.filter((change) => change.applies === 'restart') ?? [];
  return (
    <Dialog title="Save these changes?" onClose={onClose} wide>
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          void run(save);
        }}
      >
        {plan !== undefined && plan.length === 0 && <Note>Nothing would change: these are the values in force.</Note>}
        {plan !== undefined && <ChangeList changes={plan} />}
        {plan === undefined && error === undefined && <p class="second">The hub checks them…</p>}
        {later.length > 0 && (
          <Note tone="warn">
            {later.length === 1 ? 'One of them takes' : `${later.length} of them take`} effect only when the hub is restarted; recording and pictures
            go on meanwhile.
          </Note>
        )}
        <Problem error={error} />
        {error?.errors.map((one) => (
          <p key={one.field} class="small">
            <code>{one.field}</code> {one.message}
          </p>
        ))}
        {plan !== undefined && plan.length > 0 && (
          <Field label="Why" hint="For the history; may be left empty">
            {(ids) => (
              <input
                {...ids}
                class="input"
                maxLength={500}
                data-testid="comment"
                value={comment}
                onInput={(event) => setComment(event.currentTarget.value)}
              />
            )}
          </Field>
        )}
        <div class="actions">
          <button type="button" class="btn" onClick={onClose}>
            Back
          </button>
          <button type="submit" class="btn primary" disabled={busy || plan === undefined || plan.length === 0} data-testid="save-config">
            {busy && <span class="spinner" />} Save
          </button>
        </div>
      </form>
    </Dialog>
  );
}

/** Each key with what goes and what comes. */
export function ChangeList({ changes }: { changes: readonly Change[] }) {
  return (
    <ul class="changes" data-testid="changes">
      {changes.map((change) => (
        <li key={change.key}>
          <div class="change-head">
            <code>{change.key}</code>
            <span class="tag" data-tone={change.applies === 'restart' ? 'warn' : undefined}>
              {change.applies === 'restart' ? 'needs a restart' : 'at once'}
            </span>
          </div>
          <div class="diff mono">
            {diffValues(change.before, change.after).map((line, index) => (
              <div key={index} data-sign={line.sign}>
                <span aria-hidden="true">{line.sign}</span>
                <span class="sr">{line.sign === '-' ? 'before' : line.sign === '+' ? 'after' : ''} </span>
                <span>{line.text}</span>
              </div>
            ))}
          </div>
        </li>
      ))}
    </ul>
  );
}
