/** Follows the configuration while the hub runs, and brings what can be changed at once into effect. */
import type { Bus } from '../bus/index.js';
import type { Recordings } from '../recordings/hub/index.js';
import type { Store } from '../store/index.js';
import type { LevelledLogger } from '../telemetry/index.js';
import type { ConfigInputs, LoadedConfig } from './config.js';
import { recordingsSettings } from './hub-domains.js';
import { type Settings, startSettings } from './settings/index.js';

export interface FollowedParts {
  readonly loaded: LoadedConfig;
  readonly inputs: ConfigInputs;
  readonly store: Store;
  readonly bus: Bus;
  readonly log: LevelledLogger;
  readonly recordings: Recordings;
}

/** Starts it; stop it before the database. */
export async function followSettings(parts: FollowedParts): Promise<Settings> {
  const { loaded, inputs, store, bus, log, recordings } = parts;
  const settings = await startSettings({
    inputs,
    loaded,
    store,
    log,
    alerts: {
      raise: ({ kind, message, hint }) => bus.publish('alert_warning', {}, { kind, message, hint, timestamp: new Date().toISOString() }),
      clear: (kind) => bus.publish('alert_warning', {}, { kind, message: 'over', cleared: true, timestamp: new Date().toISOString() }),
    },
  });
  let held = recordingsSettings(loaded.config);
  const configure = (part: Partial<typeof held>) => {
    held = { ...held, ...part };
    recordings.configure(held);
  };
  settings.onChange('log', ({ now }) => log.setLevel(now.level === 'warning' ? 'warn' : now.level), ['log.level']);
  settings.onChange('recordings', ({ now }) => configure({ recordings: now }));
  settings.onChange('snapshots', ({ now }) => configure({ snapshots: now }));
  settings.onChange('storage', ({ now }) => configure({ storage: now }));
  return settings;
}
