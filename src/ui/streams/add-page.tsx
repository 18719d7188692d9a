/** From nothing to a picture in three steps: what it is, what is there, how it shall run. */
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import type { SourceProbe } from '../../contracts/stream.js';
import { call } from '../core/api.js';
import { streams, takeStream } from '../core/data.js';
import { formatCodec, formatVideo, nameSource, suggestId } from '../core/format.js';
import { navigate } from '../core/router.js';
import { matchPlace, streamHref } from '../core/routing.js';
import { Field, Note, PageHead, Problem } from '../parts/basics.js';
import { Icon, type IconName } from '../parts/icon.js';
import { fieldError, useAction } from '../parts/use-action.js';
import { useList } from '../parts/use-list.js';
import { ConfigFields } from './config-fields.js';
import { type ConfigForm, type FormErrors, parseForm, toForm } from './config-form.js';
import './add.css';

interface Kind {
  id: 'test' | 'device' | 'network' | 'file';
  icon: IconName;
  title: string;
  text: string;
  label: string;
  placeholder: string;
  hint: string;
  first: string;
}

const kinds: readonly Kind[] = [
  {
    id: 'test',
    icon: 'test',
    title: 'Test picture',
    text: 'Needs no camera',
    label: 'Source',
    placeholder: 'test:',
    hint: 'A moving picture with a counter; test:?audio=1 adds a tone',
    first: 'test:',
  },
  {
    id: 'device',
    icon: 'usb',
    title: 'Camera on this machine',
    text: 'USB or capture card',
    label: 'Device',
    placeholder: '/dev/video0',
    hint: 'Path of the video device on the spoke',
    first: '/dev/video0',
  },
  {
    id: 'network',
    icon: 'network',
    title: 'Network stream',
    text: 'RTSP, RTMP, SRT, HTTP',
    label: 'Address',
    placeholder: 'rtsp://user:password@camera.local/stream1',
    hint: 'rtsp, rtsps, rtmp, rtmps, srt, http or https; user and password may stand before the host',
    first: '',
  },
  {
    id: 'file',
    icon: 'file',
    title: 'File',
    text: 'Played in a loop, as if live',
    label: 'Path',
    placeholder: 'clip.mp4',
    hint: 'A file inside the media folders of the spoke',
    first: '',
  },
];

export default function AddPage() {
  const [kind, setKind] = useState<Kind | undefined>(undefined);
  const [device, setDevice] = useState('');
  const [probe, setProbe] = useState<SourceProbe | undefined>(undefined);
  const choose = (next: Kind) => {
    setKind(next);
    setDevice(next.first);
    setProbe(undefined);
  };
  return (
    <div class="page narrow">
      <PageHead title="Add a stream">
        <a class="btn quiet" href="/streams">
          Cancel
        </a>
      </PageHead>
      <div class="stack wizard">
        <Step number={1} title="What is it?">
          <div class="kinds" role="radiogroup" aria-label="Kind of source">
            {kinds.map((one) => (
              // biome-ignore lint/a11y/useSemanticElements: a card to press reads better than a bare radio
              <button
                type="button"
                key={one.id}
                class="kind"
                role="radio"
                aria-checked={kind === one}
                data-testid={`kind-${one.id}`}
                onClick={() => choose(one)}
              >
                <Icon name={one.icon} size={26} />
                <b>{one.title}</b>
                <span class="small muted">{one.text}</span>
              </button>
            ))}
          </div>
        </Step>
        {kind !== undefined && <SourceStep key={kind.id} kind={kind} device={device} onDevice={setDevice} probe={probe} onProbe={setProbe} />}
        {kind !== undefined && probe !== undefined && <OptionsStep key={`${kind.id} ${probe.device}`} kind={kind} device={device} />}
      </div>
    </div>
  );
}

function Step({ number, title, children }: { number: number; title: string; children: ComponentChildren }) {
  return (
    <section class="card step">
      <header>
        <h2>
          <span class="step-number">{number}</span>
          {title}
        </h2>
      </header>
      <div class="body stack">{children}</div>
    </section>
  );
}

interface SourceProps {
  kind: Kind;
  device: string;
  onDevice: (device: string) => void;
  probe: SourceProbe | undefined;
  onProbe: (probe: SourceProbe | undefined) => void;
}

function SourceStep({ kind, device, onDevice, probe, onProbe }: SourceProps) {
  const { busy, error, run } = useAction();
  const known = useKnownDevices(kind.id === 'device');
  const look = () => run(async () => onProbe(await call('probe_source', { body: { device: device.trim() } })));
  return (
    <Step number={2} title="Where is it?">
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          void look();
        }}
      >
        <Field label={kind.label} hint={kind.hint} error={fieldError(error, 'device')}>
          {(ids) => (
            <div class="probe-row">
              <input
                {...ids}
                class="input"
                required
                placeholder={kind.placeholder}
                autocomplete="off"
                autocapitalize="none"
                spellcheck={false}
                list="known-devices"
                data-testid="device"
                autofocus
                value={device}
                onInput={(event) => {
                  onDevice(event.currentTarget.value);
                  onProbe(undefined);
                }}
              />
              <button type="submit" class="btn primary" disabled={busy || device.trim() === ''} data-testid="probe">
                {busy ? <span class="spinner" /> : <Icon name="search" size={16} />} {busy ? 'Looking…' : 'Look at it'}
              </button>
            </div>
          )}
        </Field>
        {known.length > 0 && (
          <datalist id="known-devices">
            {known.map((path) => (
              <option key={path} value={path} />
            ))}
          </datalist>
        )}
      </form>
      {busy && (
        <div class="probing" role="status">
          <span class="small second">Opening the source and reading its first frames…</span>
        </div>
      )}
      {!busy && <Problem error={error} />}
      {!busy && probe !== undefined && <Found probe={probe} />}
      {!busy && error !== undefined && probe === undefined && device.trim() !== '' && (
        <div>
          <button type="button" class="btn small" onClick={() => onProbe({ device: device.trim(), reachable: false, took_ms: 0 })}>
            Go on without looking
          </button>
        </div>
      )}
    </Step>
  );
}

/** Capture devices that spokes have told of. */
function useKnownDevices(wanted: boolean): string[] {
  const { list } = useList((signal) => (wanted ? call('list_spokes', { signal }) : Promise.resolve({ items: [] })), wanted);
  if (list.kind !== 'ready') return [];
  return list.value.items.flatMap((spoke) => {
    const devices = spoke.capabilities.devices;
    if (!Array.isArray(devices)) return [];
    return devices.flatMap((one: unknown) =>
      typeof one === 'string' ? [one] : typeof one === 'object' && one !== null && 'path' in one ? [String(one.path)] : [],
    );
  });
}

/** What the probe saw, in words. */
function Found({ probe }: { probe: SourceProbe }) {
  if (!probe.reachable) {
    return (
      <Note tone="warn">
        <b data-testid="probe-result">{probe.error?.detail ?? 'The source was not looked at.'}</b>
        <div class="second">
          {probe.error?.hint ?? 'You can create the stream all the same: Weir keeps trying and shows the picture as soon as it is there.'}
        </div>
      </Note>
    );
  }
  return (
    <Note tone={probe.video === undefined ? 'warn' : 'ok'}>
      <b data-testid="probe-result">{probe.video === undefined ? 'It answers, but sends no video' : `Found ${formatVideo(probe.video)}`}</b>
      <div class="second">
        {probe.audio === undefined ? 'Without sound. ' : `With sound (${formatCodec(probe.audio.codec)}). `}
        {probe.plan === 'copy' && 'It will be passed through unchanged. '}
        {probe.plan === 'encode' && 'It will be encoded. '}
        {probe.why !== undefined && `${probe.why.charAt(0).toUpperCase()}${probe.why.slice(1)}. `}
        {probe.took_ms >= 100 && <span class="muted">Took {(probe.took_ms / 1000).toFixed(1)} s.</span>}
      </div>
    </Note>
  );
}

function freeId(wanted: string): string {
  const list = streams.peek();
  const taken = new Set(list.kind === 'ready' ? list.value.map((model) => model.id) : []);
  const base = wanted === '' ? 'stream' : wanted;
  for (let number = 1; number < 1000; number += 1) {
    const id = number === 1 ? base : `${base}-${number}`;
    // An id whose address is a page of its own would be refused.
    if (!taken.has(id) && matchPlace(streamHref(id)).page === 'stream') return id;
  }
  return base;
}

function suggestName(kind: Kind, device: string): string {
  if (kind.id === 'test') return 'Test picture';
  if (kind.id === 'network') return /^[a-z+]+:\/\/(?:[^@/]*@)?([^/:?]+)/i.exec(device)?.[1] ?? 'Camera';
  const name = nameSource(device).replace(/\.[a-z0-9]+$/i, '');
  return name.charAt(0).toUpperCase() + name.slice(1);
}

function OptionsStep({ kind, device }: { kind: Kind; device: string }) {
  const [name, setName] = useState(() => suggestName(kind, device));
  const [id, setId] = useState<string | undefined>(undefined);
  const [onDemand, setOnDemand] = useState(false);
  const [form, setForm] = useState<ConfigForm>(() => toForm({ device: device.trim() }));
  const { busy, error, run } = useAction();
  const streamId = id ?? freeId(suggestId(name));
  const parsed = parseForm({ ...form, device });
  const errors: FormErrors = 'errors' in parsed ? parsed.errors : {};
  const create = async () => {
    if (!('config' in parsed)) return;
    const made = await call('create_stream', { body: { stream_id: streamId, name: name.trim(), config: parsed.config, on_demand: onDemand } });
    takeStream(made);
    navigate(streamHref(made.stream_id));
  };
  return (
    <Step number={3} title="How shall it run?">
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          void run(create);
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
                data-testid="name"
                value={name}
                onInput={(event) => setName(event.currentTarget.value)}
              />
            )}
          </Field>
          <Field label="Id" hint="Part of addresses and subjects; stays as it is" error={fieldError(error, 'stream_id')}>
            {(ids) => (
              <input
                {...ids}
                class="input mono"
                required
                maxLength={64}
                pattern="[A-Za-z0-9][A-Za-z0-9_\-]{0,63}"
                title="Letters, digits, _ and -"
                data-testid="stream-id"
                value={streamId}
                onInput={(event) => setId(event.currentTarget.value)}
              />
            )}
          </Field>
        </div>
        <label class="check">
          <input type="checkbox" checked={onDemand} data-testid="on-demand" onChange={(event) => setOnDemand(event.currentTarget.checked)} />
          <span>
            Run only while somebody watches
            <small>Saves the camera and this machine; the first picture takes a moment longer</small>
          </span>
        </label>
        <details class="more-options" open={Object.keys(errors).length > 0}>
          <summary>Picture, codec, sound and more</summary>
          <div class="stack">
            <ConfigFields form={form} errors={errors} onChange={(change) => setForm({ ...form, ...change })} />
          </div>
        </details>
        <Problem error={error} />
        <div class="btn-row">
          <button type="submit" class="btn primary" disabled={busy || Object.keys(errors).length > 0} data-testid="create">
            {busy ? <span class="spinner" /> : <Icon name="play" size={16} />} Create and watch
          </button>
        </div>
      </form>
    </Step>
  );
}
