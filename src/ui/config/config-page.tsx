/** The configuration: what runs, where each value comes from, changing it, and what it was before. */
import { useEffect, useMemo, useState } from 'preact/hooks';
import type { Setting, Settings } from '../../contracts/settings.js';
import { call } from '../core/api.js';
import { lastChange } from '../core/data.js';
import { place } from '../core/router.js';
import { Blank, Failed, Note, PageHead, SkeletonRows } from '../parts/basics.js';
import { Icon } from '../parts/icon.js';
import { useList } from '../parts/use-list.js';
import { isSame } from './diff.js';
import { History } from './history.js';
import { Review } from './review.js';
import { editorOf, parseText, toText } from './schema.js';
import { SettingRow } from './setting-row.js';
import './config.css';

export default function ConfigPage() {
  const tab = place.value.params.tab ?? 'settings';
  const change = lastChange.value?.entity === 'config' ? lastChange.value.at : 0;
  const { list, reload } = useList((signal) => call('get_settings', { signal }), change);
  return (
    <div class="page config-page">
      <PageHead title="Settings" note={list.kind === 'ready' ? `version ${list.value.version}` : undefined}>
        <nav class="tabs" aria-label="Kinds">
          <a href="/config" aria-current={tab === 'settings' ? 'page' : undefined}>
            <Icon name="sliders" size={16} /> Values
          </a>
          <a href="/config/history" aria-current={tab === 'history' ? 'page' : undefined} data-testid="config-history">
            <Icon name="clock" size={16} /> History
          </a>
        </nav>
      </PageHead>
      {list.kind === 'ready' && <Banners settings={list.value} />}
      {tab === 'history' ? <History onRestored={reload} changed={change} /> : <Values list={list} reload={reload} />}
    </div>
  );
}

function Banners({ settings }: { settings: Settings }) {
  return (
    <div class="banners">
      {settings.problem !== null && (
        <Note tone="bad">
          <b data-testid="config-problem">The file as it stands is not in force</b>
          <div class="second">{settings.problem}</div>
          <div class="second">
            Weir runs on with what was valid before. Correct {settings.file ?? 'the file'}, or restore a version from the history.
          </div>
        </Note>
      )}
      {settings.needs_restart.length > 0 && (
        <Note tone="warn">
          <b data-testid="needs-restart">Restart the hub to put these in force</b>
          <div class="second mono">{settings.needs_restart.join(', ')}</div>
        </Note>
      )}
      {!settings.writable && (
        <Note>
          Nothing can be changed here: {settings.file === null ? 'the hub runs without a configuration file' : `${settings.file} cannot be written`}.
          Use the environment, flags, or a file that the hub may write.
        </Note>
      )}
    </div>
  );
}

interface ValuesProps {
  list: ReturnType<typeof useList<Settings>>['list'];
  reload: () => void;
}

function Values({ list, reload }: ValuesProps) {
  if (list.kind === 'failed') return <Failed error={list.error} onRetry={reload} />;
  if (list.kind === 'loading') {
    return (
      <section class="card">
        <SkeletonRows rows={9} height={26} />
      </section>
    );
  }
  return <Editor settings={list.value} reload={reload} />;
}

const sectionWords: Record<string, string> = {
  http: 'Web server',
  nats: 'Message bus',
  database: 'Database',
  streams: 'Streams',
  ffmpeg: 'FFmpeg',
  cameras: 'Cameras',
  external_discovery: 'Search for external streams',
  recordings: 'Recordings',
  snapshots: 'Snapshots',
  storage: 'Storage',
  gateway: 'Gateway (RTSP, WebRTC, SRT, RTMP)',
  rpc: 'JSON-RPC',
  access: 'Access',
  log: 'Log',
};

function sectionOf(key: string): string {
  return key.includes('.') ? key.slice(0, key.indexOf('.')) : 'general';
}

/** `at_once` values that were changed and not sent yet, as text by key. */
type Draft = ReadonlyMap<string, string>;

function Editor({ settings, reload }: { settings: Settings; reload: () => void }) {
  const [draft, setDraft] = useState<Draft>(new Map());
  const [text, setText] = useState('');
  const [only, setOnly] = useState<'all' | 'changed'>('all');
  const [reviewing, setReviewing] = useState(false);
  const changes = useMemo(() => readChanges(settings.settings, draft), [settings, draft]);
  useLeaveWarning(draft.size > 0);
  const shown = settings.settings.filter(
    (setting) => matches(setting, text) && (only === 'all' || setting.source !== 'default' || draft.has(setting.key)),
  );
  const sections = [...new Set(shown.map((setting) => sectionOf(setting.key)))];
  const edit = (key: string, value: string | undefined) => {
    const next = new Map(draft);
    if (value === undefined) next.delete(key);
    else next.set(key, value);
    setDraft(next);
  };
  return (
    <>
      <div class="filter-bar config-bar">
        <label class="search">
          <span class="sr">Search settings</span>
          <Icon name="search" size={16} />
          <input
            class="input"
            type="search"
            placeholder="Name, meaning, value"
            data-testid="search-settings"
            value={text}
            onInput={(event) => setText(event.currentTarget.value)}
          />
        </label>
        <fieldset class="segmented" aria-label="Show">
          <button type="button" aria-pressed={only === 'all'} onClick={() => setOnly('all')}>
            All <span class="muted">{settings.settings.length}</span>
          </button>
          <button type="button" aria-pressed={only === 'changed'} data-testid="only-set" onClick={() => setOnly('changed')}>
            Set by you <span class="muted">{settings.settings.filter((setting) => setting.source !== 'default').length}</span>
          </button>
        </fieldset>
        {settings.file !== null && <span class="small muted mono clip">{settings.file}</span>}
      </div>
      <div class="config-layout">
        <nav class="config-index small" aria-label="Sections">
          {sections.map((section) => (
            <a
              key={section}
              href={`#${section}`}
              onClick={(event) => {
                event.preventDefault();
                document.getElementById(`section-${section}`)?.scrollIntoView({ behavior: 'smooth', block: 'start' });
              }}
            >
              {sectionWords[section] ?? name(section)}
            </a>
          ))}
        </nav>
        <div class="stack">
          {sections.length === 0 && <Blank icon="search" title="No setting matches" text="Try fewer letters, or show all." />}
          {sections.map((section) => (
            <section key={section} class="card" id={`section-${section}`}>
              <header>
                <h2>{sectionWords[section] ?? name(section)}</h2>
              </header>
              <ul class="settings-list">
                {shown
                  .filter((setting) => sectionOf(setting.key) === section)
                  .map((setting) => (
                    <SettingRow
                      key={setting.key}
                      setting={setting}
                      writable={settings.writable}
                      draft={draft.get(setting.key)}
                      error={changes.errors[setting.key]}
                      pending={settings.needs_restart.includes(setting.key)}
                      onDraft={(value) => edit(setting.key, value)}
                    />
                  ))}
              </ul>
            </section>
          ))}
          {draft.size > 0 && (
            <div class="form-foot" data-testid="config-foot">
              <span>
                <b>
                  {draft.size} {draft.size === 1 ? 'change' : 'changes'}
                </b>{' '}
                <span class="second small">
                  {Object.keys(changes.errors).length === 0 ? 'not saved yet' : `not valid: ${Object.keys(changes.errors).join(', ')}`}
                </span>
              </span>
              <span class="btn-row">
                <button type="button" class="btn" onClick={() => setDraft(new Map())}>
                  Discard
                </button>
                <button
                  type="button"
                  class="btn primary"
                  disabled={Object.keys(changes.errors).length > 0}
                  data-testid="review"
                  onClick={() => setReviewing(true)}
                >
                  Review and save
                </button>
              </span>
            </div>
          )}
        </div>
      </div>
      {reviewing && (
        <Review
          changes={changes.values}
          settings={settings}
          onClose={() => setReviewing(false)}
          onSaved={() => {
            setReviewing(false);
            setDraft(new Map());
            reload();
          }}
        />
      )}
    </>
  );
}

function name(section: string): string {
  const words = section.replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function matches(setting: Setting, text: string): boolean {
  const hay =
    `${setting.key} ${setting.key.replaceAll(/[._]/g, ' ')} ${setting.description ?? ''} ${toText(setting.value, { kind: 'json' })}`.toLowerCase();
  return text
    .toLowerCase()
    .split(/\s+/)
    .every((word) => hay.includes(word));
}

function readChanges(settings: readonly Setting[], draft: Draft): { values: Record<string, unknown>; errors: Record<string, string> } {
  const values: Record<string, unknown> = {};
  const errors: Record<string, string> = {};
  for (const setting of settings) {
    const text = draft.get(setting.key);
    if (text === undefined) continue;
    const parsed = parseText(text, editorOf(setting.schema));
    if ('error' in parsed) errors[setting.key] = parsed.error;
    // What equals the default needs not stand in the file.
    else values[setting.key] = isSame(parsed.value, setting.default) ? null : parsed.value;
  }
  return { values, errors };
}

/** Asks before the page is closed with changes that were not saved. */
function useLeaveWarning(wanted: boolean): void {
  useEffect(() => {
    if (!wanted) return undefined;
    const ask = (event: BeforeUnloadEvent) => event.preventDefault();
    addEventListener('beforeunload', ask);
    return () => removeEventListener('beforeunload', ask);
  }, [wanted]);
}
