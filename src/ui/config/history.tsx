/** Past changes, newest first; each can be gone back to. */
import { useState } from 'preact/hooks';
import type { SettingsVersion } from '../../contracts/settings.js';
import { call } from '../core/api.js';
import { showToast } from '../core/toasts.js';
import { Blank, Confirm, Failed, SkeletonRows, Time } from '../parts/basics.js';
import { Icon } from '../parts/icon.js';
import { useAction } from '../parts/use-action.js';
import { useList } from '../parts/use-list.js';
import { ChangeList } from './review.js';

const outcomes = { applied: ['in force at once', 'ok'], needs_restart: ['needed a restart', 'warn'], rejected: ['refused', 'bad'] } as const;

export function History({ onRestored, changed }: { onRestored: () => void; changed: unknown }) {
  const { list, reload } = useList((signal) => call('list_settings_versions', { query: { limit: 30 }, signal }), changed);
  const [older, setOlder] = useState<{ items: SettingsVersion[]; cursor: string | null } | undefined>(undefined);
  const [restoring, setRestoring] = useState<SettingsVersion | undefined>(undefined);
  const { busy, run } = useAction();
  if (list.kind === 'failed') return <Failed error={list.error} onRetry={reload} />;
  if (list.kind === 'loading') {
    return (
      <section class="card">
        <SkeletonRows rows={5} height={34} />
      </section>
    );
  }
  const items = [...list.value.items, ...(older?.items ?? [])];
  const cursor = older === undefined ? list.value.next_cursor : older.cursor;
  if (items.length === 0) return <Blank icon="clock" title="No change yet" text="Each change, made here or in the file, is kept with its author." />;
  const more = async () => {
    if (cursor === null) return;
    const page = await call('list_settings_versions', { query: { limit: 30, cursor } });
    setOlder({ items: [...(older?.items ?? []), ...page.items], cursor: page.next_cursor });
  };
  const newest = items.find((one) => one.outcome !== 'rejected')?.version;
  return (
    <>
      <ol class="versions" data-testid="versions">
        {items.map((one) => (
          <li key={one.version} class="card" data-testid={`version-${one.version}`}>
            <header>
              <div class="version-title">
                <h3>Version {one.version}</h3>
                <span class="tag" data-tone={outcomes[one.outcome][1]}>
                  {outcomes[one.outcome][0]}
                </span>
                <span class="small muted">
                  <Time value={one.time} style="exact" /> by {one.actor === 'file' ? 'hand in the file' : one.actor}
                </span>
              </div>
              {one.version !== newest && one.outcome !== 'rejected' && (
                <button type="button" class="btn small" data-testid={`restore-${one.version}`} onClick={() => setRestoring(one)}>
                  <Icon name="undo" size={15} /> Go back to this
                </button>
              )}
              {one.version === newest && <span class="small second">the present one</span>}
            </header>
            <div class="body stack">
              {one.comment !== null && <p>{one.comment}</p>}
              {one.detail !== null && <p class="small second">{one.detail}</p>}
              {one.changes.length > 0 ? <ChangeList changes={one.changes} /> : <p class="small muted">No value changed.</p>}
            </div>
          </li>
        ))}
      </ol>
      {cursor !== null && (
        <div class="btn-row" style={{ justifyContent: 'center', padding: '14px' }}>
          <button type="button" class="btn" disabled={busy} onClick={() => void run(more)}>
            Older versions
          </button>
        </div>
      )}
      {restoring !== undefined && (
        <Confirm
          title={`Go back to version ${restoring.version}?`}
          text="The configuration becomes what it was right after that version. This is a new version itself, so it can be undone in the same way."
          action="Go back"
          danger={false}
          onConfirm={async () => {
            const answer = await call('restore_settings', { params: { version: restoring.version } });
            showToast({
              tone: answer.needs_restart.length > 0 ? 'warn' : 'ok',
              title: `Saved as version ${answer.version}`,
              text: answer.needs_restart.length > 0 ? 'Some of it needs a restart of the hub.' : 'It is in force.',
            });
            setOlder(undefined);
            reload();
            onRestored();
          }}
          onClose={() => setRestoring(undefined)}
        />
      )}
    </>
  );
}
