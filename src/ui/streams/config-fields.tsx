/** The fields of a stream's configuration; shared by the wizard and the settings. */
import { streamConfigSchema, videoEncoders } from '../../contracts/stream.js';
import { Field } from '../parts/basics.js';
import type { ConfigForm, FormErrors } from './config-form.js';

interface Props {
  form: ConfigForm;
  errors: FormErrors;
  onChange: (change: Partial<ConfigForm>) => void;
}

interface TextProps extends Props {
  name: keyof ConfigForm;
  label: string;
  placeholder?: string;
  numeric?: boolean;
  list?: readonly string[];
}

/** One text field; its hint is the contract's own description. */
export function ConfigText({ name, label, placeholder, numeric = false, list, form, errors, onChange }: TextProps) {
  const hint = streamConfigSchema.shape[name].description?.replaceAll('`', '');
  const listId = list === undefined ? undefined : `list-${name}`;
  return (
    <Field label={label} hint={hint} error={errors[name]}>
      {(ids) => (
        <>
          <input
            {...ids}
            class="input"
            name={name}
            data-testid={`config-${name}`}
            inputMode={numeric ? 'decimal' : 'text'}
            autocomplete="off"
            autocapitalize="none"
            spellcheck={false}
            placeholder={placeholder}
            list={listId}
            value={form[name]}
            onInput={(event) => onChange({ [name]: event.currentTarget.value })}
          />
          {list !== undefined && (
            <datalist id={listId}>
              {list.map((value) => (
                <option key={value} value={value} />
              ))}
            </datalist>
          )}
        </>
      )}
    </Field>
  );
}

interface ChoiceProps extends Props {
  name: keyof ConfigForm;
  label: string;
  options: readonly (readonly [value: string, label: string])[];
}

/** One of a few values. */
export function ConfigChoice({ name, label, options, form, errors, onChange }: ChoiceProps) {
  return (
    <Field label={label} error={errors[name]}>
      {(ids) => (
        <select
          {...ids}
          class="input"
          name={name}
          data-testid={`config-${name}`}
          value={form[name]}
          onChange={(event) => onChange({ [name]: event.currentTarget.value })}
        >
          {options.map(([value, text]) => (
            <option key={value} value={value}>
              {text}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

const sizes = ['640x360', '1280x720', '1920x1080', '2560x1440', '3840x2160'];

/** Picture, encoding and the rest; what does not apply to the source is left out. */
export function ConfigFields(props: Props) {
  const { form } = props;
  const encodes = form.codec !== 'copy';
  return (
    <>
      <div class="form-grid">
        <ConfigChoice
          {...props}
          name="codec"
          label="Codec"
          options={[
            ['', 'Automatic: copy where browsers can play it'],
            ['copy', 'Copy: pass through unchanged'],
            ['h264', 'H.264: always encode'],
          ]}
        />
        <ConfigChoice
          {...props}
          name="audio"
          label="Sound"
          options={[
            ['', 'When the source has it'],
            ['none', 'None'],
          ]}
        />
        {form.device.startsWith('rtsp') && (
          <ConfigChoice
            {...props}
            name="rtsp_transport"
            label="RTSP transport"
            options={[
              ['', 'TCP (safe)'],
              ['udp', 'UDP (less delay, may lose)'],
            ]}
          />
        )}
      </div>
      {encodes && (
        <div class="form-grid">
          <ConfigText {...props} name="resolution" label="Resolution" placeholder="as the source" list={sizes} />
          <ConfigText {...props} name="framerate" label="Frame rate" placeholder="as the source" numeric />
          <ConfigText {...props} name="bitrate" label="Bitrate (kbit/s)" placeholder="by resolution" numeric />
          <ConfigText {...props} name="keyframe_interval_s" label="Keyframe interval (s)" placeholder="1" numeric />
          <ConfigChoice
            {...props}
            name="encoder"
            label="Encoder"
            options={[['', 'Automatic'], ...videoEncoders.filter((one) => one !== 'auto').map((one) => [one, one] as const)]}
          />
        </div>
      )}
      <div class="form-grid">
        <ConfigText {...props} name="frozen_after_s" label="Frozen-picture alert (s)" placeholder="off" numeric />
        <ConfigText {...props} name="output_url" label="Push target" placeholder="none" />
      </div>
    </>
  );
}
