/** Every setting as the API shows it. */
import { isDeepStrictEqual } from 'node:util';
import type { Config, Setting } from '../../contracts/index.js';
import type { LoadedConfig } from '../config.js';
import { configKeys } from '../config-keys.js';
import { masked, settingAt } from './differences.js';

export interface ShownState {
  readonly running: Config;
  readonly accepted: LoadedConfig;
  readonly isLive: (key: string) => boolean;
}

/** One row for each key, in the order of the schema. */
export function showSettings({ running, accepted, isLive }: ShownState): Setting[] {
  return configKeys.map((key) => {
    const [now, written] = [settingAt(running, key.path), settingAt(accepted.config, key.path)];
    return {
      key: key.path,
      value: masked(key.path, now),
      ...(isDeepStrictEqual(now, written) ? {} : { pending: masked(key.path, written) }),
      default: masked(key.path, key.default),
      source: accepted.sources.get(key.path) ?? 'default',
      applies: isLive(key.path) ? 'at_once' : 'restart',
      description: key.description === '' ? null : key.description,
      schema: { ...key.json },
      secret: key.isSecret,
    };
  });
}
