/** Changes the file while no hub follows it; the next start takes it up and notes it in the history. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { ChangeSettings } from '../../contracts/index.js';
import { type ConfigInputs, filePlaces, type LoadedConfig, loadConfig } from '../config.js';
import { configFileName, findConfigFile, readConfigText } from '../config-file.js';
import { configKeys } from '../config-keys.js';
import { checkChanges } from './check-changes.js';
import { type Change, describeChanges, differingInFile, differingKeys } from './differences.js';
import { editConfigText, writeConfigText } from './edit-file.js';

export interface OfflineChange {
  readonly file: string;
  readonly changes: Change[];
}

/** Checks the change as a start would, and writes it. Throws like `change_settings`. `isDryRun`: only checks. */
export function changeOffline(inputs: ConfigInputs, changes: ChangeSettings['changes'], isDryRun: boolean): OfflineChange {
  const places = filePlaces(inputs);
  const path = findConfigFile(places)?.path ?? join(places.dataFolder, configFileName);
  const base = existsSync(path) ? readConfigText(path) : '';
  const before = loadOrDefaults(inputs, path);
  const edits = checkChanges(changes, before.sources);
  const text = editConfigText(path, base, edits);
  const after = loadConfig({ ...inputs, instead: { path, text } });
  const changed = new Set([...differingKeys(before.config, after.config), ...differingInFile(before.fileValues, after.fileValues)]);
  const keys = configKeys.map((key) => key.path).filter((key) => changed.has(key));
  if (!isDryRun && keys.length > 0) writeConfigText(path, text);
  return { file: path, changes: describeChanges(keys, before.config, after.config, () => false) };
}

/** A file that is not sound may be what the change is to mend; then it is compared with none. */
function loadOrDefaults(inputs: ConfigInputs, path: string): LoadedConfig {
  try {
    return loadConfig(inputs);
  } catch {
    return loadConfig({ ...inputs, instead: { path, text: '' } });
  }
}
