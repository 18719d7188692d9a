/** Who did what, newest first. */
import { useState } from 'preact/hooks';
import type { AuditEntry } from '../../contracts/access.js';
import { call } from '../core/api.js';
import { Blank, Failed, PageHead, SkeletonRows, Time } from '../parts/basics.js';
import { Icon } from '../parts/icon.js';
import { useAction } from '../parts/use-action.js';
import { useList } from '../parts/use-list.js';

const tones = { allowed: 'ok', refused: 'warn', failed: 'bad' } as const;

export default function AuditPage() {
  const { list, reload } = useList((signal) => call('list_audit', { query: { limit: 100 }, signal }));
  const [older, setOlder] = useState<{ items: AuditEntry[]; cursor: string | null } | undefined>(undefined);
  const [text, setText] = useState('');
  const { busy, run } = useAction();
  const first = list.kind === 'ready' ? list.value : undefined;
  const cursor = older === undefined ? (first?.next_cursor ?? null) : older.cursor;
  const entries = [...(first?.items ?? []), ...(older?.items ?? [])];
  const found = entries.filter((entry) =>
    `${entry.actor} ${entry.action} ${entry.target ?? ''} ${entry.detail ?? ''}`.toLowerCase().includes(text.toLowerCase()),
  );
  const more = async () => {
    if (cursor === null) return;
    const page = await call('list_audit', { query: { limit: 100, cursor } });
    setOlder({ items: [...(older?.items ?? []), ...page.items], cursor: page.next_cursor });
  };
  return (
    <div class="page">
      <PageHead title="Audit log" note={first === undefined ? undefined : 'newest first'}>
        <label class="search">
          <span class="sr">Search in what is shown</span>
          <Icon name="search" size={16} />
          <input
            class="input"
            type="search"
            placeholder="Actor, action or target"
            value={text}
            onInput={(event) => setText(event.currentTarget.value)}
          />
        </label>
        <button
          type="button"
          class="btn icon"
          aria-label="Read again"
          title="Read again"
          onClick={() => {
            setOlder(undefined);
            reload();
          }}
        >
          <Icon name="restart" />
        </button>
      </PageHead>
      <section class="card">
        {list.kind === 'loading' && <SkeletonRows rows={8} />}
        {list.kind === 'failed' && <Failed error={list.error} onRetry={reload} />}
        {first !== undefined && found.length === 0 && (
          <Blank icon="audit" title={entries.length === 0 ? 'Nothing has happened yet' : 'Nothing matches'} />
        )}
        {found.length > 0 && <AuditTable entries={found} />}
      </section>
      {cursor !== null && (
        <div class="btn-row" style={{ justifyContent: 'center', marginTop: '16px' }}>
          <button type="button" class="btn" disabled={busy} onClick={() => void run(more)}>
            {busy && <span class="spinner" />} Older entries
          </button>
        </div>
      )}
    </div>
  );
}

function AuditTable({ entries }: { entries: readonly AuditEntry[] }) {
  return (
    <div class="table-wrap">
      <table class="table" data-testid="audit">
        <thead>
          <tr>
            <th>When</th>
            <th>Who</th>
            <th>What</th>
            <th>Target</th>
            <th>Outcome</th>
            <th>From</th>
          </tr>
        </thead>
        <tbody>
          {entries.map((entry) => (
            <tr key={entry.audit_id}>
              <td class="second" style={{ whiteSpace: 'nowrap' }}>
                <Time value={entry.time} style="exact" />
              </td>
              <td>
                <b>{entry.actor}</b>
              </td>
              <td>{entry.action.replaceAll('_', ' ')}</td>
              <td class="second">
                {entry.target ?? '–'}
                {entry.detail !== null && <div class="small muted">{entry.detail}</div>}
              </td>
              <td>
                <span class="tag" data-tone={tones[entry.outcome]}>
                  {entry.outcome}
                </span>
              </td>
              <td class="muted small mono">{entry.address ?? ''}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
