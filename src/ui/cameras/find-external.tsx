/** Streams that others serve on the network: drones and RTSP servers, found by a scan or named by hand. */
import { useState } from 'preact/hooks';
import type { ExternalStream } from '../../contracts/camera.js';
import { call } from '../core/api.js';
import { cameraHref } from '../core/routing.js';
import { may } from '../core/session.js';
import { Dot, Failed, Field, Note, Problem, SkeletonRows, Time } from '../parts/basics.js';
import { Icon } from '../parts/icon.js';
import { fieldError, useAction } from '../parts/use-action.js';
import { useList } from '../parts/use-list.js';
import { loadCameras } from './camera-data.js';

const typeWords: Record<ExternalStream['type'], string> = { skydio_stanag4609: 'Skydio drone', generic_rtsp: 'RTSP server' };

export function FindExternal({ onClose }: { onClose: () => void }) {
  const { list, reload } = useList((signal) => call('list_external_streams', { signal }));
  const [errors, setErrors] = useState<readonly string[]>([]);
  const { busy, error, run } = useAction();
  const scan = () =>
    run(async () => {
      const answer = await call('scan_external_streams', { body: { force_rescan: true } });
      setErrors(answer.errors);
      reload();
      void loadCameras();
    });
  const remove = (stream: ExternalStream) =>
    run(async () => {
      await call('remove_external_stream', { query: { stream_url: stream.url } });
      reload();
      void loadCameras();
    });
  return (
    <div class="stack">
      <div class="btn-row">
        <button type="button" class="btn primary" disabled={busy} data-testid="scan" onClick={() => void scan()}>
          {busy ? <span class="spinner" /> : <Icon name="search" size={16} />} {busy ? 'Looking…' : 'Scan the configured ranges'}
        </button>
        {list.kind === 'ready' && may('admin') && <Interval interval={list.value.scan_interval} onSet={reload} />}
      </div>
      <Problem error={error} />
      {errors.map((text) => (
        <Note key={text} tone="warn">
          {text}
        </Note>
      ))}
      {list.kind === 'loading' && <SkeletonRows rows={2} />}
      {list.kind === 'failed' && <Failed error={list.error} onRetry={reload} />}
      {list.kind === 'ready' && list.value.items.length === 0 && (
        <Note>Nothing was found so far. Which networks and ports are looked at is set under external_discovery in the settings.</Note>
      )}
      {list.kind === 'ready' && list.value.items.length > 0 && (
        <ul class="found-list">
          {list.value.items.map((stream) => (
            <li key={stream.url}>
              <div class="found-head">
                <Dot tone={stream.status === 'DISCOVERED' ? 'ok' : 'bad'} />
                <div>
                  <b>{stream.name}</b>
                  <div class="small muted clip">
                    {typeWords[stream.type]} · <span class="mono">{stream.url}</span> · seen <Time value={stream.last_seen} />
                  </div>
                </div>
                {stream.camera_id !== null && (
                  <a class="btn small quiet" href={cameraHref(stream.camera_id)} onClick={onClose}>
                    {stream.camera_id}
                  </a>
                )}
                <button
                  type="button"
                  class="btn icon quiet small"
                  aria-label={`Forget ${stream.name} and its camera`}
                  title="Forget it and its camera"
                  disabled={busy}
                  onClick={() => void remove(stream)}
                >
                  <Icon name="trash" size={15} />
                </button>
              </div>
            </li>
          ))}
        </ul>
      )}
      <NameOne
        onAdded={() => {
          reload();
          void loadCameras();
        }}
      />
    </div>
  );
}

const intervals: readonly [number, string][] = [
  [0, 'only when asked'],
  [60, 'every minute'],
  [300, 'every 5 minutes'],
  [3600, 'every hour'],
];

function Interval({ interval, onSet }: { interval: number; onSet: () => void }) {
  const { run } = useAction();
  const options = intervals.some(([seconds]) => seconds === interval) ? intervals : [...intervals, [interval, `every ${interval} s`] as const];
  return (
    <label class="btn-row small">
      <span class="second">Scan</span>
      <select
        class="input"
        style={{ width: 'auto' }}
        value={String(interval)}
        onChange={(event) => {
          const seconds = Number(event.currentTarget.value);
          void run(() => call('set_scan_interval', { body: { scan_interval: seconds } })).then(onSet);
        }}
      >
        {options.map(([seconds, text]) => (
          <option key={seconds} value={String(seconds)}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}

function NameOne({ onAdded }: { onAdded: () => void }) {
  const [url, setUrl] = useState('');
  const [name, setName] = useState('');
  const [type, setType] = useState<ExternalStream['type']>('generic_rtsp');
  const { busy, error, run } = useAction();
  const add = () =>
    run(async () => {
      await call('add_external_stream', { body: { stream_url: url.trim(), stream_name: name.trim(), stream_type: type } });
      setUrl('');
      setName('');
      onAdded();
    });
  return (
    <form
      class="stack name-one"
      onSubmit={(event) => {
        event.preventDefault();
        void add();
      }}
    >
      <h3>Name one by hand</h3>
      <div class="form-grid">
        <Field label="Address" error={fieldError(error, 'stream_url')}>
          {(ids) => (
            <input
              {...ids}
              class="input mono"
              required
              placeholder="rtsp://192.168.42.10:5554/subject"
              spellcheck={false}
              value={url}
              onInput={(event) => setUrl(event.currentTarget.value)}
            />
          )}
        </Field>
        <Field label="Name" error={fieldError(error, 'stream_name')}>
          {(ids) => <input {...ids} class="input" required maxLength={120} value={name} onInput={(event) => setName(event.currentTarget.value)} />}
        </Field>
        <Field label="Type">
          {(ids) => (
            <select {...ids} class="input" value={type} onChange={(event) => setType(event.currentTarget.value as ExternalStream['type'])}>
              {Object.entries(typeWords).map(([value, text]) => (
                <option key={value} value={value}>
                  {text}
                </option>
              ))}
            </select>
          )}
        </Field>
      </div>
      <Problem error={error} />
      <div class="btn-row">
        <button type="submit" class="btn" disabled={busy || url.trim() === '' || name.trim() === ''}>
          <Icon name="plus" size={16} /> Add
        </button>
      </div>
    </form>
  );
}
