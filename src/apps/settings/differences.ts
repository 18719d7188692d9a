/** What differs between two states of the configuration, and what of it may be kept or shown. */
import { isDeepStrictEqual } from 'node:util';
import type { Config, SettingsVersion } from '../../contracts/index.js';
import { maskUrl } from '../config.js';
import { configKeys, findConfigKey } from '../config-keys.js';

export type Change = SettingsVersion['changes'][number];

/** Value of a dotted key; undefined where there is none. */
export function settingAt(config: unknown, key: string): unknown {
  return key.split('.').reduce<unknown>((at, name) => (at as Readonly<Record<string, unknown>> | undefined)?.[name], config);
}

/** Keys whose values differ, in the order of the schema. */
export function differingKeys(before: Config, now: Config): string[] {
  return configKeys.filter(({ path }) => !isDeepStrictEqual(settingAt(before, path), settingAt(now, path))).map(({ path }) => path);
}

/** Keys that the file writes differently. */
export function differingInFile(before: ReadonlyMap<string, unknown>, now: ReadonlyMap<string, unknown>): string[] {
  return [...new Set([...before.keys(), ...now.keys()])].filter((key) => !isDeepStrictEqual(before.get(key), now.get(key)));
}

/** The value as it may be shown: secrets as `***`, addresses without their logins, null for none. */
export function masked(key: string, value: unknown): unknown {
  if (value === undefined || value === null) return null;
  return findConfigKey(key)?.isSecret === true ? '***' : maskUrl(value);
}

/** The changes of these keys as told to people. */
export function describeChanges(keys: readonly string[], before: Config, now: Config, isLive: (key: string) => boolean): Change[] {
  return keys.map((key) => ({
    key,
    before: masked(key, settingAt(before, key)),
    after: masked(key, settingAt(now, key)),
    applies: isLive(key) ? 'at_once' : 'restart',
  }));
}

/** Whether a value carries a secret, by its key or in an address; such values are not kept in the history. */
export function isConfidential(key: string, value: unknown): boolean {
  return findConfigKey(key)?.isSecret === true || !isDeepStrictEqual(maskUrl(value), value);
}

/** What the file says, without what is confidential. */
export function toKept(fileValues: ReadonlyMap<string, unknown>): Record<string, unknown> {
  return Object.fromEntries([...fileValues].filter(([key, value]) => !isConfidential(key, value)));
}

/** The edits that bring the file to what was kept; confidential values stay as they are now. */
export function editsTowards(kept: Readonly<Record<string, unknown>>, fileValues: ReadonlyMap<string, unknown>): Map<string, unknown> {
  const edits = new Map<string, unknown>();
  for (const [key, value] of fileValues) if (!(key in kept) && !isConfidential(key, value)) edits.set(key, undefined);
  for (const [key, value] of Object.entries(kept)) {
    const present = fileValues.get(key);
    if (isDeepStrictEqual(present, value) || (present !== undefined && isConfidential(key, present))) continue;
    edits.set(key, value);
  }
  return edits;
}

/** `config` with the values of `keys` as they are in `other`. */
export function withKeys(config: Config, keys: readonly string[], other: Config): Config {
  const copy = structuredClone(config) as unknown as Record<string, unknown>;
  for (const key of keys) {
    const names = key.split('.');
    const last = names.pop() ?? '';
    let at = copy;
    for (const name of names) {
      at[name] ??= {};
      at = at[name] as Record<string, unknown>;
    }
    const value = settingAt(other, key);
    if (value === undefined) delete at[last];
    else at[last] = structuredClone(value);
  }
  return copy as unknown as Config;
}
