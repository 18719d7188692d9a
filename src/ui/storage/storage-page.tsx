/** Room on the disk: what fills it, how long it lasts, what is deleted when. */
import { useState } from 'preact/hooks';
import type { CleanupResult, RetentionPolicy, Storage } from '../../contracts/storage.js';
import { call } from '../core/api.js';
import { now } from '../core/clock.js';
import { lastChange, streamModel } from '../core/data.js';
import { formatBytes, formatCount } from '../core/format.js';
import { timelineHref } from '../core/routing.js';
import { may } from '../core/session.js';
import { showToast } from '../core/toasts.js';
import { Blank, Confirm, Dot, Failed, Field, Note, PageHead, Problem, SkeletonRows, Time } from '../parts/basics.js';
import { Icon } from '../parts/icon.js';
import { fieldError, useAction } from '../parts/use-action.js';
import { useList } from '../parts/use-list.js';
import { forecastOf, partsOf, policySentence } from './storage-words.js';
import './storage.css';

const tones = { ok: 'ok', warning: 'warn', blocked: 'bad' } as const;
const titles = { ok: 'There is room', warning: 'Room runs short', blocked: 'Recording is blocked' } as const;
const lookEveryMs = 15_000;

export default function StoragePage() {
  const change = lastChange.value?.entity === 'retention' ? lastChange.value.at : 0;
  const { list, reload } = useList((signal) => call('get_storage', { signal }), `${change} ${Math.floor(now.value / lookEveryMs)}`);
  return (
    <div class="page">
      <PageHead title="Storage" />
      {list.kind === 'loading' && (
        <section class="card">
          <SkeletonRows rows={5} height={26} />
        </section>
      )}
      {list.kind === 'failed' && <Failed error={list.error} onRetry={reload} />}
      {list.kind === 'ready' && (
        <div class="stack">
          <Use storage={list.value} />
          <Retention storage={list.value} onChanged={reload} />
          <PerStream storage={list.value} />
        </div>
      )}
    </div>
  );
}

function Use({ storage }: { storage: Storage }) {
  const parts = partsOf(storage);
  return (
    <section class="card" data-testid="storage" data-state={storage.state}>
      <header>
        <h2 class="state">
          <Dot tone={tones[storage.state]} />
          {titles[storage.state]}
        </h2>
        <span class="small muted">{storage.path !== null && <span class="mono">{storage.path}</span>}</span>
      </header>
      <div class="body stack">
        <p class="storage-figures">
          <b>{formatBytes(storage.available_space)}</b> free of {formatBytes(storage.total_space)}
          <span class="second"> · {storage.usage_percentage.toFixed(1)} % used</span>
        </p>
        <UseBar storage={storage} />
        <ul class="legend">
          {parts.map((part) => (
            <li key={part.key}>
              <i data-part={part.key} />
              {part.label} <b>{formatBytes(part.bytes)}</b>
            </li>
          ))}
        </ul>
        <p class="forecast" data-testid="forecast">
          {forecastOf(storage)}
          {storage.oldest_at !== null && (
            <span class="second">
              {' '}
              The oldest recording is from <Time value={storage.oldest_at} style="exact" />.
            </span>
          )}
        </p>
        {storage.state === 'blocked' && (
          <Note tone="bad">
            Make room: delete recordings, shorten the time they are kept, or give the folder a larger disk. Recording goes on by itself.
          </Note>
        )}
      </div>
    </section>
  );
}

function UseBar({ storage }: { storage: Storage }) {
  return (
    <div class="use">
      {/* biome-ignore lint/a11y/useSemanticElements: a meter element cannot be drawn in parts */}
      <div
        class="use-bar"
        role="meter"
        aria-label="Used room"
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.round(storage.usage_percentage)}
        aria-valuetext={`${storage.usage_percentage.toFixed(1)} percent used, warning at ${storage.warn_percent}, blocked at ${storage.block_percent}`}
      >
        {partsOf(storage).map(
          (part) => part.bytes > 0 && <i key={part.key} data-part={part.key} style={{ width: `${part.percent}%` }} title={part.label} />,
        )}
      </div>
      <span
        class="threshold"
        data-tone="warn"
        style={{ left: `${storage.warn_percent}%` }}
        title={`A warning is raised at ${storage.warn_percent} %`}
      >
        <em>warns at {storage.warn_percent} %</em>
      </span>
      <span
        class="threshold"
        data-tone="bad"
        style={{ left: `${storage.block_percent}%` }}
        title={`Nothing new is recorded from ${storage.block_percent} % on`}
      >
        <em>stops at {storage.block_percent} %</em>
      </span>
    </div>
  );
}

const types: readonly { id: RetentionPolicy['policy_type']; label: string }[] = [
  { id: 'age', label: 'By age' },
  { id: 'size', label: 'By size' },
  { id: 'manual', label: 'By hand only' },
];

function Retention({ storage, onChanged }: { storage: Storage; onChanged: () => void }) {
  const [editing, setEditing] = useState(false);
  const [cleaning, setCleaning] = useState(false);
  const [result, setResult] = useState<CleanupResult | undefined>(undefined);
  const { retention } = storage;
  const isManual = !retention.enabled || retention.policy_type === 'manual';
  return (
    <section class="card">
      <header>
        <h2>What is kept</h2>
        {may('admin') && !editing && (
          <div class="btn-row">
            <button
              type="button"
              class="btn small"
              disabled={isManual}
              title={isManual ? 'There is no policy to apply' : undefined}
              data-testid="cleanup"
              onClick={() => setCleaning(true)}
            >
              <Icon name="trash" size={15} /> Clean up now
            </button>
            <button type="button" class="btn small" data-testid="edit-retention" onClick={() => setEditing(true)}>
              <Icon name="edit" size={15} /> Change
            </button>
          </div>
        )}
      </header>
      <div class="body stack">
        {editing ? (
          <RetentionForm
            retention={retention}
            onClose={() => setEditing(false)}
            onSaved={() => {
              setEditing(false);
              onChanged();
            }}
          />
        ) : (
          <p data-testid="retention">
            {policySentence(retention)} <span class="second">Protected files stay in any case.</span>
          </p>
        )}
        {result !== undefined && (
          <Note tone={result.files_deleted > 0 ? 'ok' : 'plain'}>
            <span data-testid="cleanup-result">
              {result.files_deleted === 0
                ? 'Nothing had to go.'
                : `${formatCount(result.files_deleted)} ${result.files_deleted === 1 ? 'file' : 'files'} deleted, ${formatBytes(result.space_freed)} freed.`}
            </span>
            <div class="second">{result.message}</div>
          </Note>
        )}
      </div>
      {cleaning && (
        <Confirm
          title="Clean up now?"
          text={`${policySentence(retention)} This happens by itself every few minutes; now it happens at once. It cannot be undone.`}
          action="Clean up"
          onConfirm={async () => {
            setResult(await call('cleanup_storage'));
            onChanged();
          }}
          onClose={() => setCleaning(false)}
        />
      )}
    </section>
  );
}

function RetentionForm({ retention, onClose, onSaved }: { retention: RetentionPolicy; onClose: () => void; onSaved: () => void }) {
  const [type, setType] = useState(retention.enabled ? retention.policy_type : 'manual');
  const [age, setAge] = useState(String(retention.max_age_days ?? 30));
  const [size, setSize] = useState(String(retention.max_size_gb ?? 100));
  const { busy, error, run } = useAction();
  const body: RetentionPolicy = {
    policy_type: type,
    enabled: true,
    ...(Number(age) > 0 ? { max_age_days: Number(age) } : {}),
    ...(Number(size) > 0 ? { max_size_gb: Number(size) } : {}),
  };
  const save = async () => {
    await call('set_retention', { body });
    showToast({ tone: 'ok', title: 'The policy is in force', text: policySentence(body) });
    onSaved();
  };
  return (
    <form
      class="stack"
      onSubmit={(event) => {
        event.preventDefault();
        void run(save);
      }}
    >
      <fieldset class="segmented retention-type" aria-label="How it is decided">
        {types.map((one) => (
          <button type="button" key={one.id} aria-pressed={type === one.id} data-testid={`retention-${one.id}`} onClick={() => setType(one.id)}>
            {one.label}
          </button>
        ))}
      </fieldset>
      <div class="form-grid">
        {type === 'age' && (
          <Field label="Keep for days" error={fieldError(error, 'max_age_days')}>
            {(ids) => (
              <input
                {...ids}
                class="input"
                type="number"
                required
                min={0.01}
                max={3650}
                step="any"
                data-testid="max-age"
                value={age}
                onInput={(event) => setAge(event.currentTarget.value)}
              />
            )}
          </Field>
        )}
        {type === 'size' && (
          <Field label="At most, in GB" error={fieldError(error, 'max_size_gb')}>
            {(ids) => (
              <input
                {...ids}
                class="input"
                type="number"
                required
                min={0.001}
                max={1_000_000}
                step="any"
                value={size}
                onInput={(event) => setSize(event.currentTarget.value)}
              />
            )}
          </Field>
        )}
      </div>
      <p class="small second">{policySentence(body)} A stream may have a time of its own in its plan.</p>
      <Problem error={error} />
      <div class="btn-row">
        <button type="submit" class="btn primary" disabled={busy} data-testid="save-retention">
          {busy && <span class="spinner" />} Save
        </button>
        <button type="button" class="btn" onClick={onClose}>
          Cancel
        </button>
      </div>
    </form>
  );
}

function PerStream({ storage }: { storage: Storage }) {
  const rows = [...storage.streams].sort((a, b) => b.size - a.size);
  const most = Math.max(1, ...rows.map((row) => row.size));
  return (
    <section class="card">
      <header>
        <h2>Streams</h2>
        <span class="small muted">Recordings only, largest first</span>
      </header>
      {rows.length === 0 ? (
        <Blank icon="record" title="Nothing is recorded yet" text="What each stream takes up is listed here as soon as there is something." />
      ) : (
        <div class="table-wrap">
          <table class="table storage-streams" data-testid="storage-streams">
            <thead>
              <tr>
                <th>Stream</th>
                <th>
                  <span class="sr">Share</span>
                </th>
                <th class="num">Size</th>
                <th class="num">A day</th>
                <th class="num">Files</th>
                <th>Since</th>
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <tr key={row.stream_id}>
                  <td>
                    <a class="row-name" href={timelineHref([row.stream_id])}>
                      {streamModel(row.stream_id)?.stream.value.name ?? row.stream_id}
                    </a>
                  </td>
                  <td class="cell-share">
                    <span class="share">
                      <i style={{ width: `${(row.size / most) * 100}%` }} />
                    </span>
                  </td>
                  <td class="num">{formatBytes(row.size)}</td>
                  <td class="num second">{row.bytes_per_day < 1 ? '–' : formatBytes(Math.round(row.bytes_per_day))}</td>
                  <td class="num second">{formatCount(row.segments)}</td>
                  <td class="second">{row.oldest_at === null ? '–' : <Time value={row.oldest_at} style="exact" />}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
