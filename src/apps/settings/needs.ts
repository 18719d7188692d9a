/** What live settings are made from, and what they give. */
import type { ChangeSettings, Config, Operation, RouteAnswer } from '../../contracts/index.js';
import type { Store } from '../../store/index.js';
import type { Logger } from '../../telemetry/index.js';
import type { ConfigInputs, LoadedConfig } from '../config.js';

export type SettingsSection = Exclude<keyof Config, 'data_dir'>;

/** What a listener is told: its section as it shall be now, and as it was. */
export interface SectionChange<S extends SettingsSection> {
  readonly now: Config[S];
  readonly before: Config[S];
  /** Dotted keys that differ. */
  readonly keys: readonly string[];
}

/** Brings a change into effect. When it throws, or takes more than ten seconds, everything goes back to how it was. */
export type SectionListener<S extends SettingsSection> = (change: SectionChange<S>, signal: AbortSignal) => void | Promise<void>;

/** Conditions that live settings raise; one open alert per kind. */
export interface SettingsAlerts {
  raise(alert: { severity: 'warning'; kind: string; message: string; hint: string }): void | Promise<void>;
  clear(kind: string): void | Promise<void>;
}

export interface SettingsOptions {
  /** How the program was started; the file is read again under the same environment and flags. */
  readonly inputs: ConfigInputs;
  /** What the program started with; it runs with that until a change is applied. */
  readonly loaded: LoadedConfig;
  readonly store: Pick<Store, 'settings_versions' | 'transaction'>;
  readonly alerts: SettingsAlerts;
  readonly log: Pick<Logger, 'info' | 'warn' | 'error'>;
  /** A file that changed is read after so many milliseconds of rest; default 100. */
  readonly debounceMs?: number;
  /** The file is looked at so often even when nothing was heard, in milliseconds; default 10 000. */
  readonly lookMs?: number;
}

export interface SettingsOperations {
  readonly get_settings: Operation<'get_settings'>;
  readonly change_settings: Operation<'change_settings'>;
  readonly list_settings_versions: Operation<'list_settings_versions'>;
  readonly restore_settings: Operation<'restore_settings'>;
}

export interface Settings {
  readonly operations: SettingsOperations;
  /** The configuration in effect: keys that need a restart keep the value of the start. */
  current(): Config;
  /**
   * Calls back when keys of a section change that can be applied at once; `keys` limits that to some of them. A key that nobody
   * listens for is told as needing a restart, whatever the table says. Returns the way to unsubscribe.
   */
  onChange<S extends SettingsSection>(section: S, listener: SectionListener<S>, keys?: readonly string[]): () => void;
  /** Makes a change as an operation would, for parts of the hub that keep one of their settings in the file. Throws like `change_settings`. */
  change(
    changes: ChangeSettings['changes'],
    actor: { readonly username: string; readonly user_id: string | null },
  ): Promise<RouteAnswer<'change_settings'>>;
  /** Reads the file now, and not only when a change of it is heard. Never throws: what is wrong becomes an alert. */
  reload(): Promise<void>;
  /** Ends the watch after what is under way. */
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}
