/** One setting: what it means, what it is, where that comes from, and an editor that fits its schema. */
import { useId } from 'preact/hooks';
import type { Setting } from '../../contracts/settings.js';
import { formatBytes, formatLength } from '../core/format.js';
import { Icon } from '../parts/icon.js';
import { formatValue, isSame } from './diff.js';
import { type Editor, editorOf, toText } from './schema.js';

interface RowProps {
  setting: Setting;
  writable: boolean;
  /** Text typed and not saved yet. */
  draft: string | undefined;
  error: string | undefined;
  /** Written, but not in force before a restart. */
  pending: boolean;
  onDraft: (text: string | undefined) => void;
}

export function SettingRow({ setting, writable, draft, error, pending, onDraft }: RowProps) {
  const id = useId();
  const editor = editorOf(setting.schema);
  const told = toText(setting.value, editor);
  const text = draft ?? told;
  // A flag or a variable of the environment beats the file: a change there would do nothing.
  const isOutside = /^(?:environment|flag)/.test(setting.source);
  const locked = !writable || isOutside || setting.secret;
  const change = (next: string) => onDraft(next === told ? undefined : next);
  const canReset = !locked && draft === undefined && setting.source !== 'default';
  return (
    <li data-testid={`setting-${setting.key}`} data-dirty={draft !== undefined}>
      <div class="setting-words">
        <label for={id} class="mono setting-key">
          {setting.key}
        </label>
        {setting.description !== null && <p class="small second">{setting.description}</p>}
        <p class="small muted setting-facts">
          <span>{sourceWords(setting.source)}</span>
          <span>default {formatDefault(setting)}</span>
          {setting.applies === 'restart' && !pending && (
            <span class="tag" data-tone={draft === undefined ? undefined : 'warn'}>
              needs a restart
            </span>
          )}
          {setting.applies === 'at_once' && <span>takes effect at once</span>}
          {pending && (
            <span class="tag" data-tone="warn">
              waits for a restart
            </span>
          )}
        </p>
      </div>
      <div class="setting-value">
        {setting.secret ? (
          <span class="btn-row small second">
            <Icon name="key" size={15} /> {setting.value === null || setting.value === undefined ? 'not set' : 'set; not shown'}
          </span>
        ) : (
          <EditorOf id={id} editor={editor} setting={setting} text={text} disabled={locked} invalid={error !== undefined} onText={change} />
        )}
        {error !== undefined && (
          <span class="small problem" id={`${id}-problem`} role="alert">
            {error}
          </span>
        )}
        {error === undefined && <Human setting={setting} text={text} editor={editor} />}
        {isOutside && <span class="small muted">set from outside; change it there</span>}
        {draft !== undefined && (
          <button type="button" class="btn small quiet" onClick={() => onDraft(undefined)}>
            <Icon name="undo" size={14} /> as it was
          </button>
        )}
        {canReset && !isSame(setting.value, setting.default) && (
          <button type="button" class="btn small quiet" onClick={() => change(toText(setting.default, editor))}>
            <Icon name="undo" size={14} /> default
          </button>
        )}
      </div>
    </li>
  );
}

function sourceWords(source: string): string {
  if (source === 'default') return 'by default';
  return `from ${source}`;
}

function formatDefault(setting: Setting): string {
  const text = formatValue(setting.default);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

/** What a number of bytes or seconds comes to. */
function Human({ setting, text, editor }: { setting: Setting; text: string; editor: Editor }) {
  const value = Number(text);
  if (editor.kind !== 'number' || text === '' || !Number.isFinite(value)) return null;
  const last = setting.key.split('.').pop() ?? '';
  const words =
    last.endsWith('_bytes') && value >= 1000 ? formatBytes(value) : /_s$|_interval$/.test(last) && value >= 120 ? formatLength(value * 1000) : '';
  return words === '' ? null : <span class="small muted">{words}</span>;
}

interface EditorProps {
  id: string;
  editor: Editor;
  setting: Setting;
  text: string;
  disabled: boolean;
  invalid: boolean;
  onText: (text: string) => void;
}

function EditorOf({ id, editor, setting, text, disabled, invalid, onText }: EditorProps) {
  const shared = { id, disabled, 'aria-invalid': invalid ? ('true' as const) : undefined, 'aria-describedby': invalid ? `${id}-problem` : undefined };
  const testid = `value-${setting.key}`;
  if (editor.kind === 'switch') {
    return (
      <label class="switch">
        <input
          {...shared}
          type="checkbox"
          role="switch"
          aria-checked={text === 'true'}
          checked={text === 'true'}
          data-testid={testid}
          onChange={(event) => onText(String(event.currentTarget.checked))}
        />
        <span aria-hidden="true">{text === 'true' ? 'on' : 'off'}</span>
      </label>
    );
  }
  if (editor.kind === 'choice') {
    return (
      <select {...shared} class="input" value={text} data-testid={testid} onChange={(event) => onText(event.currentTarget.value)}>
        {(setting.default === null || setting.default === undefined) && <option value="">not set</option>}
        {editor.values.map((value) => (
          <option key={String(value)} value={String(value)}>
            {String(value)}
          </option>
        ))}
      </select>
    );
  }
  if (editor.kind === 'list' || editor.kind === 'json') {
    const rows = Math.min(8, Math.max(2, text.split('\n').length));
    return (
      <textarea
        {...shared}
        class="input mono"
        rows={rows}
        spellcheck={false}
        placeholder={editor.kind === 'list' ? 'one per line' : 'not set'}
        data-testid={testid}
        value={text}
        onInput={(event) => onText(event.currentTarget.value)}
      />
    );
  }
  return (
    <input
      {...shared}
      class={`input ${editor.kind === 'number' ? '' : 'mono'}`}
      inputMode={editor.kind === 'number' ? (editor.integer ? 'numeric' : 'decimal') : undefined}
      spellcheck={false}
      autocomplete="off"
      placeholder="not set"
      data-testid={testid}
      value={text}
      onInput={(event) => onText(event.currentTarget.value)}
    />
  );
}
