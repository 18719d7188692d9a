/** Health of the whole: components and spokes. */
import { useState } from 'preact/hooks';
import type { Spoke } from '../../contracts/agent.js';
import type { ComponentHealth, HealthState, SystemHealth } from '../../contracts/system.js';
import { call } from '../core/api.js';
import { now } from '../core/clock.js';
import { health, streamModel } from '../core/data.js';
import { formatBytes, formatCount, formatUptime } from '../core/format.js';
import { streamHref } from '../core/routing.js';
import { may } from '../core/session.js';
import type { Tone } from '../core/words.js';
import { Blank, Confirm, Dot, Failed, PageHead, SkeletonRows, Time } from '../parts/basics.js';
import { useList } from '../parts/use-list.js';
import './system.css';

const tones: Record<HealthState, Tone> = { healthy: 'ok', degraded: 'warn', unhealthy: 'bad' };
const wholeWords: Record<HealthState, string> = {
  healthy: 'Everything works',
  degraded: 'Something needs attention',
  unhealthy: 'Something is broken',
};

export default function SystemPage() {
  return (
    <div class="page">
      <PageHead title="System" />
      <div class="stack">
        <Whole />
        {may('operator') && <Spokes />}
      </div>
    </div>
  );
}

function Whole() {
  const { list, reload } = useList((signal) => call('system_health', { signal }));
  // What the bus says is newer than what was asked once.
  const current = health.value ?? (list.kind === 'ready' ? list.value : undefined);
  if (current === undefined && list.kind === 'failed') return <Failed error={list.error} onRetry={reload} />;
  if (current === undefined) {
    return (
      <section class="card">
        <SkeletonRows rows={4} />
      </section>
    );
  }
  return <HealthCard current={current} />;
}

function HealthCard({ current }: { current: SystemHealth }) {
  return (
    <section class="card" data-testid="health" data-status={current.status}>
      <header>
        <h2 class="state">
          <Dot tone={tones[current.status]} />
          {wholeWords[current.status]}
        </h2>
        <span class="small muted">
          Weir {current.version} · up {formatUptime(current.uptime_s * 1000)} · told <Time value={current.timestamp} />
        </span>
      </header>
      <ul class="components">
        {current.components.map((component) => (
          <Component key={component.name} component={component} />
        ))}
      </ul>
    </section>
  );
}

function Component({ component }: { component: ComponentHealth }) {
  return (
    <li>
      <div class="component-head">
        <Dot tone={tones[component.status]} />
        <b>{component.name.replaceAll('_', ' ')}</b>
        {component.since !== undefined && component.status !== 'healthy' && (
          <span class="small muted">
            since <Time value={component.since} />
          </span>
        )}
      </div>
      {component.message !== undefined && <p class="small second">{component.message}</p>}
      {component.details !== undefined && <Details details={component.details} />}
    </li>
  );
}

function Details({ details }: { details: Record<string, unknown> }) {
  const rows = Object.entries(details).filter(([, value]) => value !== null && typeof value !== 'object');
  if (rows.length === 0) return null;
  return (
    <dl class="facts details">
      {rows.flatMap(([name, value]) => [
        <dt key={`${name}-name`}>{name.replace(/_(?:bytes|s|ms|percent)$/, '').replaceAll('_', ' ')}</dt>,
        <dd key={name}>{formatDetail(name, value)}</dd>,
      ])}
    </dl>
  );
}

function formatDetail(name: string, value: unknown): string {
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value !== 'number') return String(value);
  if (name.endsWith('_bytes')) return formatBytes(value);
  if (name.endsWith('_ms')) return `${Math.round(value * 10) / 10} ms`;
  if (name.endsWith('_percent')) return `${value.toFixed(1)} %`;
  if (name === 'uptime_s') return formatUptime(value * 1000);
  if (/port|pid|process/.test(name)) return String(value);
  return Number.isInteger(value) ? formatCount(value) : String(Math.round(value * 100) / 100);
}

function Spokes() {
  // Spokes beat every two seconds; the list is small, so it is simply read again.
  const turn = Math.floor(now.value / 5000);
  const { list, reload } = useList((signal) => call('list_spokes', { signal }).then((answer) => answer.items), turn);
  const [draining, setDraining] = useState<Spoke | undefined>(undefined);
  return (
    <section class="card">
      <header>
        <h2>Spokes</h2>
        <span class="small muted">Each runs FFmpeg for the streams given to it</span>
      </header>
      {list.kind === 'loading' && <SkeletonRows rows={2} height={30} />}
      {list.kind === 'failed' && <Failed error={list.error} onRetry={reload} />}
      {list.kind === 'ready' && list.value.length === 0 && (
        <Blank icon="streams" title="No spoke has announced itself" text="Streams run as soon as one connects." />
      )}
      {list.kind === 'ready' && list.value.length > 0 && (
        <div class="table-wrap">
          <table class="table" data-testid="spokes">
            <thead>
              <tr>
                <th>Spoke</th>
                <th>Host</th>
                <th>Streams</th>
                <th class="num">CPU</th>
                <th class="num">Memory</th>
                <th>Last seen</th>
                <th>
                  <span class="sr">Actions</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {list.value.map((spoke) => (
                <SpokeRow key={spoke.spoke_id} spoke={spoke} onDrain={() => setDraining(spoke)} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {draining !== undefined && (
        <Confirm
          title={`Drain ${draining.spoke_id}?`}
          text="Its streams move to other spokes, and it takes no new ones."
          action="Drain"
          danger={false}
          onConfirm={async () => {
            await call('drain_spoke', { params: { spoke_id: draining.spoke_id } });
            reload();
          }}
          onClose={() => setDraining(undefined)}
        />
      )}
    </section>
  );
}

const spokeTones = { online: 'ok', draining: 'warn', lost: 'bad' } as const;

function SpokeRow({ spoke, onDrain }: { spoke: Spoke; onDrain: () => void }) {
  const ffmpeg = spoke.capabilities.ffmpeg;
  return (
    <tr data-testid={`spoke-${spoke.spoke_id}`} data-state={spoke.state}>
      <td>
        <span class="state">
          <Dot tone={spokeTones[spoke.state]} />
          <b>{spoke.spoke_id}</b>
        </span>
        <div class="small muted">
          {spoke.state} · Weir {spoke.version}
          {typeof ffmpeg === 'string' && ` · FFmpeg ${ffmpeg}`}
        </div>
      </td>
      <td class="second">
        {spoke.host}
        <div class="small muted">process {spoke.pid}</div>
      </td>
      <td class="spoke-streams">
        {spoke.streams.length === 0 && <span class="muted">none</span>}
        {spoke.streams.slice(0, 6).map((id) => (
          <a key={id} class="tag" href={streamHref(id)}>
            {streamModel(id)?.stream.value.name ?? id}
          </a>
        ))}
        {spoke.streams.length > 6 && <span class="small muted">and {spoke.streams.length - 6} more</span>}
      </td>
      <td class="num">{spoke.cpu_percent === null ? '–' : `${spoke.cpu_percent.toFixed(0)} %`}</td>
      <td class="num">{spoke.rss_bytes === null ? '–' : formatBytes(spoke.rss_bytes)}</td>
      <td class="second">
        <Time value={spoke.last_seen_at} />
      </td>
      <td class="num">
        {may('admin') && spoke.state === 'online' && (
          <button type="button" class="btn quiet small" onClick={onDrain}>
            Drain
          </button>
        )}
      </td>
    </tr>
  );
}
