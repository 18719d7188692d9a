/** Conditions that a person should know of. */
import { useState } from 'preact/hooks';
import type { Alert } from '../../contracts/alert.js';
import { call } from '../core/api.js';
import { alertsChanged, loadAlerts, openAlerts, readAlerts, streamModel } from '../core/data.js';
import { streamHref } from '../core/routing.js';
import { Blank, Failed, PageHead, SkeletonRows, Time } from '../parts/basics.js';
import { Icon } from '../parts/icon.js';
import { useAction } from '../parts/use-action.js';
import { useList } from '../parts/use-list.js';
import './alerts.css';

export default function AlertsPage() {
  const [all, setAll] = useState(false);
  return (
    <div class="page">
      <PageHead title="Alerts" note={openAlerts.value === undefined ? undefined : `${openAlerts.value.length} open`}>
        <fieldset class="segmented" aria-label="Show">
          <button type="button" aria-pressed={!all} data-testid="alerts-open" onClick={() => setAll(false)}>
            Open
          </button>
          <button type="button" aria-pressed={all} data-testid="alerts-all" onClick={() => setAll(true)}>
            All
          </button>
        </fieldset>
      </PageHead>
      <section class="card">{all ? <AllAlerts /> : <OpenAlerts />}</section>
    </div>
  );
}

function OpenAlerts() {
  // The open alerts are kept up to date for the whole app; read once more here, in case the bus is away.
  const { list, reload } = useList(readAlerts);
  const alerts = openAlerts.value;
  if (alerts === undefined) return list.kind === 'failed' ? <Failed error={list.error} onRetry={reload} /> : <SkeletonRows rows={4} height={32} />;
  if (alerts.length === 0) return <Blank icon="check" title="All is well" text="No condition is open. What happened before stands under “All”." />;
  return <AlertList alerts={alerts} />;
}

function AllAlerts() {
  const { list, reload } = useList((signal) => call('list_alerts', { query: { limit: 100 }, signal }), alertsChanged.value);
  const [older, setOlder] = useState<{ items: Alert[]; cursor: string | null } | undefined>(undefined);
  const { busy, run } = useAction();
  if (list.kind === 'loading') return <SkeletonRows rows={6} height={32} />;
  if (list.kind === 'failed') return <Failed error={list.error} onRetry={reload} />;
  const cursor = older === undefined ? list.value.next_cursor : older.cursor;
  const alerts = [...list.value.items, ...(older?.items ?? [])];
  const more = async () => {
    if (cursor === null) return;
    const page = await call('list_alerts', { query: { limit: 100, cursor } });
    setOlder({ items: [...(older?.items ?? []), ...page.items], cursor: page.next_cursor });
  };
  if (alerts.length === 0) return <Blank icon="check" title="Nothing has happened yet" />;
  return (
    <>
      <AlertList alerts={alerts} />
      {cursor !== null && (
        <div class="btn-row" style={{ justifyContent: 'center', padding: '12px' }}>
          <button type="button" class="btn" disabled={busy} onClick={() => void run(more)}>
            Older alerts
          </button>
        </div>
      )}
    </>
  );
}

function AlertList({ alerts }: { alerts: readonly Alert[] }) {
  return (
    <ul class="alerts" data-testid="alerts">
      {alerts.map((alert) => (
        <AlertRow key={alert.alert_id} alert={alert} />
      ))}
    </ul>
  );
}

function AlertRow({ alert }: { alert: Alert }) {
  const { busy, error, run } = useAction();
  const isOpen = alert.cleared_at === null;
  const seen = alert.acknowledged_at !== null;
  const acknowledge = () =>
    run(async () => {
      await call('acknowledge_alert', { params: { alert_id: alert.alert_id } });
      await loadAlerts();
    });
  return (
    <li class="alert" data-open={isOpen} data-seen={seen} data-tone={alert.severity === 'error' ? 'bad' : 'warn'} data-testid={`alert-${alert.kind}`}>
      <Icon name={isOpen ? 'alert' : 'check'} size={20} />
      <div>
        <b>{alert.message}</b>
        {alert.hint !== null && isOpen && <div class="second small">{alert.hint}</div>}
        <AlertFacts alert={alert} />
        {error !== undefined && (
          <div class="small" style={{ color: 'var(--bad)' }}>
            {error.message}
          </div>
        )}
      </div>
      {isOpen && !seen && (
        <button type="button" class="btn small" disabled={busy} data-testid="acknowledge" onClick={() => void acknowledge()}>
          <Icon name="check" size={15} /> Acknowledge
        </button>
      )}
    </li>
  );
}

function AlertFacts({ alert }: { alert: Alert }) {
  const stream = alert.stream_id === null ? undefined : streamModel(alert.stream_id);
  return (
    <div class="alert-facts small muted">
      {alert.stream_id !== null && <a href={streamHref(alert.stream_id)}>{stream?.stream.value.name ?? alert.stream_id}</a>}
      <span>
        since <Time value={alert.raised_at} style="exact" />
      </span>
      {alert.count > 1 && (
        <span>
          {alert.count} times, last <Time value={alert.last_raised_at} />
        </span>
      )}
      {alert.cleared_at !== null && (
        <span>
          over <Time value={alert.cleared_at} />
        </span>
      )}
      {alert.acknowledged_at !== null && (
        <span>
          seen by {alert.acknowledged_by ?? 'somebody'} <Time value={alert.acknowledged_at} />
        </span>
      )}
    </div>
  );
}
