/** Changing a stream: says before what will happen, and after what did. */
import { useState } from 'preact/hooks';
import { call } from '../core/api.js';
import { type StreamModel, streamModel, takeStream } from '../core/data.js';
import { place } from '../core/router.js';
import { showToast } from '../core/toasts.js';
import { Field, Note, Problem } from '../parts/basics.js';
import { fieldError, useAction } from '../parts/use-action.js';
import { ConfigFields, ConfigText } from './config-fields.js';
import { type ConfigForm, changedFields, type FormErrors, nameFields, parseForm, toForm, willBlink } from './config-form.js';

export default function Settings() {
  const model = streamModel(place.value.params.id ?? '');
  if (model === undefined) return null;
  return <SettingsForm key={model.id} model={model} />;
}

function SettingsForm({ model }: { model: StreamModel }) {
  const stream = model.stream.value;
  // The base stays what the form was opened with, so that a change by somebody else is noticed and not overwritten.
  const [base, setBase] = useState(stream);
  const [form, setForm] = useState<ConfigForm>(() => toForm(stream.config));
  const [name, setName] = useState(stream.name);
  const [onDemand, setOnDemand] = useState(stream.on_demand);
  const { busy, error, run, setError } = useAction();
  const parsed = parseForm(form);
  const localErrors: FormErrors = 'errors' in parsed ? parsed.errors : {};
  const changed = 'config' in parsed ? changedFields(base.config, parsed.config) : [];
  const isDirty = 'errors' in parsed || changed.length > 0 || name.trim() !== base.name || onDemand !== base.on_demand;
  const isStale = stream.revision !== base.revision;
  const blink = willBlink({ ...stream, status: model.status.value }, changed);
  const reset = (to = stream) => {
    setBase(to);
    setForm(toForm(to.config));
    setName(to.name);
    setOnDemand(to.on_demand);
    setError(undefined);
  };
  const save = async () => {
    if (!('config' in parsed)) return;
    const body = {
      revision: base.revision,
      ...(name.trim() === base.name ? {} : { name: name.trim() }),
      ...(onDemand === base.on_demand ? {} : { on_demand: onDemand }),
      ...(changed.length === 0 ? {} : { config: parsed.config }),
    };
    const answer = await call('update_stream', { params: { stream_id: model.id }, body });
    takeStream(answer.stream);
    reset(answer.stream);
    showToast({ tone: 'ok', title: 'Settings applied', text: answer.will_blink ? 'The picture is back in a moment.' : undefined });
  };
  const errors: FormErrors = { ...remoteErrors(error, form), ...localErrors };
  const fields = { form, errors, onChange: (change: Partial<ConfigForm>) => setForm({ ...form, ...change }) };
  return (
    <form
      class="settings"
      onSubmit={(event) => {
        event.preventDefault();
        void run(save);
      }}
    >
      <div class="form-grid">
        <Field label="Name" error={fieldError(error, 'name')}>
          {(ids) => (
            <input
              {...ids}
              class="input"
              required
              maxLength={120}
              data-testid="config-name"
              value={name}
              onInput={(event) => setName(event.currentTarget.value)}
            />
          )}
        </Field>
      </div>
      <ConfigText {...fields} name="device" label="Source" />
      <ConfigFields {...fields} />
      <label class="check">
        <input type="checkbox" checked={onDemand} data-testid="config-on_demand" onChange={(event) => setOnDemand(event.currentTarget.checked)} />
        <span>
          Run only while somebody watches
          <small>Stops half a minute after the last viewer; starts again with the next</small>
        </span>
      </label>
      {(isDirty || error !== undefined) && (
        <div class="form-foot">
          <Problem error={error} />
          {isStale && <Note tone="warn">Somebody else has changed this stream meanwhile. Discard your changes to see theirs.</Note>}
          {blink && (
            <Note tone="warn">
              <span data-testid="will-blink">
                The change of {nameFields(changed)} restarts FFmpeg: viewers see a gap of about a second
                {stream.viewers > 0 && ` (${stream.viewers} watching now)`}, in the same player.
              </span>
            </Note>
          )}
          {!blink && changed.length > 0 && <Note>The change of {nameFields(changed)} applies without a gap.</Note>}
          <div class="btn-row">
            <button type="submit" class="btn primary" disabled={busy || !isDirty || Object.keys(localErrors).length > 0} data-testid="apply">
              {busy && <span class="spinner" />} Apply
            </button>
            <button type="button" class="btn" onClick={() => reset()}>
              Discard
            </button>
          </div>
        </div>
      )}
    </form>
  );
}

function remoteErrors(error: Parameters<typeof fieldError>[0], form: ConfigForm): FormErrors {
  const errors: FormErrors = {};
  for (const key of Object.keys(form)) {
    const message = fieldError(error, key);
    if (message !== undefined) errors[key] = message;
  }
  return errors;
}
