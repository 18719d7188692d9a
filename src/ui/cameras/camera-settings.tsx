/** Size, rate and the camera's own controls. A slider speaks to the camera as soon as it rests. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Camera, CameraCapabilities } from '../../contracts/camera.js';
import { call } from '../core/api.js';
import { streamModel } from '../core/data.js';
import { showToast } from '../core/toasts.js';
import { Field, Problem } from '../parts/basics.js';
import { Icon } from '../parts/icon.js';
import { fieldError, useAction } from '../parts/use-action.js';
import { AddressForm } from './address-form.js';
import { takeCamera } from './camera-data.js';
import { nameControl, ratesOf, sizesOf } from './camera-words.js';

type Control = CameraCapabilities['controls'][number];
type Value = number | boolean | string;

/** For those who may change the camera. */
export function CameraSettings({ camera }: { camera: Camera }) {
  const controls = camera.capabilities?.controls ?? [];
  return (
    <>
      <PictureSettings camera={camera} />
      {hasAddress(camera) && <AddressForm camera={camera} />}
      {controls.length > 0 && <Controls camera={camera} controls={controls} />}
    </>
  );
}

function hasAddress({ kind }: Camera): boolean {
  return kind === 'network' || kind === 'onvif' || kind === 'external';
}

function PictureSettings({ camera }: { camera: Camera }) {
  const model = streamModel(camera.camera_id)?.stream.value;
  const [size, setSize] = useState(model?.config.resolution ?? '');
  const [rate, setRate] = useState(model?.config.framerate === undefined ? '' : String(model.config.framerate));
  const [alwaysOn, setAlwaysOn] = useState(model === undefined ? false : !model.on_demand);
  const [touched, setTouched] = useState(false);
  const { busy, error, run } = useAction();
  const { capabilities } = camera;
  useEffect(() => {
    if (touched || model === undefined) return;
    setSize(model.config.resolution ?? '');
    setRate(model.config.framerate === undefined ? '' : String(model.config.framerate));
    setAlwaysOn(!model.on_demand);
  }, [model, touched]);
  const sizes = withOwn(sizesOf(capabilities), size);
  const rates = withOwn(ratesOf(capabilities, size).map(String), rate);
  const isPlugged = camera.kind === 'v4l2';
  const edit =
    <T,>(set: (value: T) => void) =>
    (value: T) => {
      set(value);
      setTouched(true);
    };
  const save = async () => {
    const body = { resolution: size === '' ? null : size, framerate: rate === '' ? null : Number(rate), always_on: alwaysOn };
    takeCamera(await call('update_camera', { params: { camera_id: camera.camera_id }, body }));
    setTouched(false);
    showToast({ tone: 'ok', title: 'Settings applied', text: 'The picture is back in a moment.' });
  };
  return (
    <section class="card">
      <header>
        <h2>Picture</h2>
      </header>
      <form
        class="body stack"
        onSubmit={(event) => {
          event.preventDefault();
          void run(save);
        }}
      >
        <div class="form-grid">
          <Field label="Size" error={fieldError(error, 'resolution')} hint={isPlugged ? undefined : 'Scaled when it is not the camera’s own'}>
            {(ids) => (
              <Choice
                ids={ids}
                values={sizes}
                value={size}
                onValue={edit(setSize)}
                format={(one) => one.replace('x', ' × ')}
                placeholder="1280x720"
              />
            )}
          </Field>
          <Field label="Frames per second" error={fieldError(error, 'framerate')}>
            {(ids) => <Choice ids={ids} values={rates} value={rate} onValue={edit(setRate)} format={(one) => `${one} fps`} placeholder="25" />}
          </Field>
        </div>
        <label class="check">
          <input type="checkbox" checked={alwaysOn} onChange={(event) => edit(setAlwaysOn)(event.currentTarget.checked)} />
          <span>
            Run also while nobody watches
            <small>Pictures are there at once, for the cost of encoding all the time</small>
          </span>
        </label>
        <Problem error={error} />
        {touched && (
          <div class="btn-row">
            <button type="submit" class="btn primary" disabled={busy} data-testid="apply-picture">
              {busy && <span class="spinner" />} Apply
            </button>
            <button type="button" class="btn" onClick={() => setTouched(false)}>
              Discard
            </button>
          </div>
        )}
      </form>
    </section>
  );
}

function withOwn(values: string[], own: string): string[] {
  return own === '' || values.includes(own) ? values : [own, ...values];
}

interface ChoiceProps {
  ids: { id: string; 'aria-describedby': string | undefined; 'aria-invalid': 'true' | undefined };
  values: readonly string[];
  value: string;
  onValue: (value: string) => void;
  format: (value: string) => string;
  placeholder: string;
}

/** A list where the camera told what it can, else free text. */
function Choice({ ids, values, value, onValue, format, placeholder }: ChoiceProps) {
  if (values.length === 0) {
    return (
      <input
        {...ids}
        class="input"
        placeholder={`As the source (${placeholder})`}
        value={value}
        onInput={(event) => onValue(event.currentTarget.value.trim())}
      />
    );
  }
  return (
    <select {...ids} class="input" value={value} onChange={(event) => onValue(event.currentTarget.value)}>
      <option value="">As the camera likes</option>
      {values.map((one) => (
        <option key={one} value={one}>
          {format(one)}
        </option>
      ))}
    </select>
  );
}

function Controls({ camera, controls }: { camera: Camera; controls: readonly Control[] }) {
  const { error, run } = useAction();
  const set = (changes: Record<string, Value>) =>
    run(async () => takeCamera(await call('update_camera', { params: { camera_id: camera.camera_id }, body: { controls: changes } })));
  const odd = controls.filter((control) => control.default !== undefined && control.value !== undefined && control.value !== control.default);
  const reset = () => void set(Object.fromEntries(odd.map((control) => [control.name, control.default as Value])));
  return (
    <section class="card" data-testid="controls">
      <header>
        <h2>Controls</h2>
        <button type="button" class="btn small quiet" disabled={odd.length === 0 || camera.status !== 'CONNECTED'} onClick={reset}>
          <Icon name="undo" size={15} /> Back to defaults
        </button>
      </header>
      <div class="body stack">
        <Problem error={error} />
        <div class="camera-controls">
          {controls.map((control) => (
            <ControlRow
              key={control.name}
              control={control}
              disabled={camera.status !== 'CONNECTED'}
              onSet={(value) => set({ [control.name]: value })}
            />
          ))}
        </div>
      </div>
    </section>
  );
}

const restMs = 200;

function ControlRow({ control, disabled, onSet }: { control: Control; disabled: boolean; onSet: (value: Value) => Promise<boolean> }) {
  const told = control.value ?? control.default ?? '';
  const [value, setValue] = useState<Value>(told);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const pending = useRef(false);
  // What the camera says counts, unless somebody is moving the slider just now.
  useEffect(() => {
    if (!pending.current) setValue(told);
  }, [told]);
  useEffect(() => () => clearTimeout(timer.current), []);
  const change = (next: Value, delayMs = restMs) => {
    setValue(next);
    pending.current = true;
    clearTimeout(timer.current);
    timer.current = setTimeout(async () => {
      const ok = await onSet(next);
      pending.current = false;
      if (!ok) setValue(told);
    }, delayMs);
  };
  const label = nameControl(control.name);
  const testid = `control-${control.name}`;
  if (control.type === 'bool' || control.type === 'boolean' || typeof told === 'boolean') {
    const on = value === true || value === 1;
    return (
      <label class="check">
        <input
          type="checkbox"
          checked={on}
          disabled={disabled}
          data-testid={testid}
          onChange={(event) => change(typeof told === 'boolean' ? event.currentTarget.checked : Number(event.currentTarget.checked), 0)}
        />
        <span>{label}</span>
      </label>
    );
  }
  if (control.choices !== undefined && control.choices.length > 0) {
    return (
      <Field label={label}>
        {(ids) => (
          <select
            {...ids}
            class="input"
            value={String(value)}
            disabled={disabled}
            data-testid={testid}
            onChange={(event) => change(Number(event.currentTarget.value), 0)}
          >
            {control.choices?.map((choice) => (
              <option key={choice.value} value={String(choice.value)}>
                {choice.label}
              </option>
            ))}
          </select>
        )}
      </Field>
    );
  }
  if (control.min === undefined || control.max === undefined) return null;
  return (
    <div class="field">
      <label for={testid} class="control-label">
        {label} <output>{String(value)}</output>
      </label>
      <input
        id={testid}
        type="range"
        class="range"
        min={control.min}
        max={control.max}
        step={control.step ?? 1}
        value={Number(value)}
        disabled={disabled}
        data-testid={testid}
        onInput={(event) => change(Number(event.currentTarget.value))}
        onDblClick={() => control.default !== undefined && change(control.default, 0)}
        title={control.default === undefined ? undefined : `Default ${String(control.default)}; double click to go back to it`}
      />
    </div>
  );
}
