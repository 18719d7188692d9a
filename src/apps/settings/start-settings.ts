/** The configuration while it is used. One change at a time: read, check, write, apply, note down; what fails is taken back. */
import { randomUUID } from 'node:crypto';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { type ChangeSettings, type Config, type RouteAnswer, type SettingsVersion, WeirError } from '../../contracts/index.js';
import { maskUrls } from '../../telemetry/index.js';
import { filePlaces, type LoadedConfig, loadConfig } from '../config.js';
import { configFileName, configPaths, findConfigFile, readConfigText } from '../config-file.js';
import { configKeys } from '../config-keys.js';
import { checkChanges } from './check-changes.js';
import { type Change, describeChanges, differingInFile, differingKeys, editsTowards, masked, toKept, withKeys } from './differences.js';
import { editConfigText, isWritable, writeConfigText } from './edit-file.js';
import { Listeners } from './listeners.js';
import type { SectionListener, Settings, SettingsAlerts, SettingsOperations, SettingsOptions, SettingsSection } from './needs.js';
import { showSettings } from './show-settings.js';
import { watchFile } from './watch-file.js';

const defaultDebounceMs = 100;
const defaultLookMs = 10_000;
const keptVersions = 1000;
const alertKind = 'config_invalid';

/** Who makes a change, and why. */
interface Author {
  readonly username: string;
  readonly user_id: string | null;
  readonly comment: string | null;
}

const byHand: Author = { username: 'file', user_id: null, comment: null };

type ChangeAnswer = RouteAnswer<'change_settings'>;

/** Takes up the history, notes what was changed while no hub ran, and follows the file from now on. */
export async function startSettings(options: SettingsOptions): Promise<Settings> {
  const settings = new LiveSettings(options);
  await settings.start();
  return settings;
}

class LiveSettings implements Settings {
  readonly operations: SettingsOperations;
  readonly #options: SettingsOptions;
  readonly #listeners = new Listeners();
  /** In effect. */
  #running: Config;
  /** The newest that was accepted. */
  #accepted: LoadedConfig;
  #version = 0;
  #problem: string | null = null;
  /** What was read and refused, so that it is looked at only once. */
  #refused: string | undefined;
  #queue: Promise<unknown> = Promise.resolve();
  #unwatch: () => void = () => undefined;
  #isStopped = false;

  constructor(options: SettingsOptions) {
    this.#options = options;
    this.#running = options.loaded.config;
    this.#accepted = options.loaded;
    this.operations = {
      get_settings: async () => this.#show(),
      change_settings: async (session, { body }) => this.#serially(() => this.#change(body, { ...session, comment: body.comment ?? null })),
      list_settings_versions: async (_session, { query }) => options.store.settings_versions.list(query),
      restore_settings: async (session, { params }) => this.#serially(() => this.#restore(params.version, session)),
    };
  }

  async start(): Promise<void> {
    await this.#takeUpHistory();
    // A program that started has a sound file, whatever was wrong with it when the one before ended.
    await this.#tell(async (alerts) => alerts.clear(alertKind));
    this.#unwatch = watchFile({
      paths: configPaths(filePlaces(this.#options.inputs)),
      onChange: () => void this.reload(),
      debounceMs: this.#options.debounceMs ?? defaultDebounceMs,
      lookMs: this.#options.lookMs ?? defaultLookMs,
    });
    // What was written between the start of the program and the watch.
    await this.reload();
  }

  current(): Config {
    return this.#running;
  }

  onChange<S extends SettingsSection>(section: S, listener: SectionListener<S>, keys?: readonly string[]): () => void {
    return this.#listeners.add(section, listener, keys);
  }

  change(changes: ChangeSettings['changes'], actor: { readonly username: string; readonly user_id: string | null }): Promise<ChangeAnswer> {
    return this.#serially(() => this.#change({ changes }, { ...actor, comment: null }));
  }

  async reload(): Promise<void> {
    if (this.#isStopped) return;
    await this.#serially(() => this.#follow()).catch((error: unknown) => {
      this.#options.log.error({ err: error }, 'the configuration file could not be followed');
    });
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#unwatch();
    await this.#queue;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #serially<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(work);
    this.#queue = result.catch(() => undefined);
    return result;
  }

  #needsRestart(): string[] {
    return differingKeys(this.#running, this.#accepted.config);
  }

  #show(): RouteAnswer<'get_settings'> {
    const file = this.#accepted.file;
    return {
      version: this.#version,
      file: file ?? null,
      writable: isWritable(file ?? this.#newFile()),
      settings: showSettings({ running: this.#running, accepted: this.#accepted, isLive: (key) => this.#listeners.isLive(key) }),
      needs_restart: this.#needsRestart(),
      problem: this.#problem,
    };
  }

  /** Where the file is made when there is none: what a container keeps is its data folder. */
  #newFile(): string {
    return join(filePlaces(this.#options.inputs).dataFolder, configFileName);
  }

  async #takeUpHistory(): Promise<void> {
    const kept = toKept(this.#accepted.fileValues);
    const newest = await this.#options.store.settings_versions.newest();
    this.#version = newest?.version ?? 0;
    if (newest !== undefined && isDeepStrictEqual(newest.settings, kept)) return;
    const before = newest?.settings ?? {};
    const defaults = new Map(configKeys.map((key) => [key.path, key.default]));
    const keys = differingInFile(new Map(Object.entries(before)), new Map(Object.entries(kept)));
    const changes = keys.map((key): Change => {
      const [was, is] = [before[key] ?? defaults.get(key), kept[key] ?? defaults.get(key)];
      return { key, before: masked(key, was), after: masked(key, is), applies: this.#listeners.isLive(key) ? 'at_once' : 'restart' };
    });
    const comment = newest === undefined ? 'as found at the first start' : 'changed while no hub ran';
    await this.#note({ ...byHand, comment }, changes, this.#accepted, 'applied', null);
  }

  /** Looks at the file; accepts it, or keeps what holds and says why. */
  async #follow(): Promise<void> {
    let read: LoadedConfig;
    try {
      read = loadConfig(this.#options.inputs);
      this.#refuseLoss(read);
    } catch (error) {
      await this.#complain(WeirError.from(error).message);
      return;
    }
    const { text, file } = this.#accepted;
    if (read.text === text && read.file === file) return this.#mended();
    if (this.#refused === read.text) return;
    const was = this.#accepted;
    try {
      const { keys, changes } = await this.#apply(read);
      if (keys.length === 0) return;
      await this.#note(byHand, changes, read, this.#outcome(keys), null).catch((error: unknown) => {
        this.#options.log.warn({ err: error, keys }, 'a change of the configuration is in effect, but not in its history');
      });
    } catch (error) {
      const detail = maskUrls(WeirError.from(error).message);
      const changes = this.#changesTo(read);
      await this.#complain(detail);
      this.#refused = read.text;
      await this.#note(byHand, changes, was, 'rejected', detail);
    }
  }

  /** A file that vanishes is on its way to be replaced, or lost; either way it is no wish to have defaults. */
  #refuseLoss(read: LoadedConfig): void {
    const { file } = this.#accepted;
    if (file === undefined || read.file !== undefined) return;
    throw new WeirError('not_found', `${file} is gone; what it said holds on until the next start`);
  }

  async #complain(problem: string): Promise<void> {
    if (this.#problem === problem) return;
    this.#options.log.warn({ problem }, 'the configuration file is not taken; the configuration stays as it was');
    const wasOpen = this.#problem !== null;
    this.#problem = problem;
    await this.#tell(async (alerts) => {
      if (wasOpen) await alerts.clear(alertKind);
      await alerts.raise({
        severity: 'warning',
        kind: alertKind,
        message: problem.slice(0, 1024),
        hint: 'The hub goes on with the configuration it had; mend the file, or go back to an earlier version of it (`weir config history`)',
      });
    });
  }

  /** An alert that cannot be told must not keep a change from being made. */
  async #tell(what: (alerts: SettingsAlerts) => Promise<void>): Promise<void> {
    await what(this.#options.alerts).catch((error: unknown) => this.#options.log.warn({ err: error }, 'an alert could not be raised or cleared'));
  }

  async #mended(): Promise<void> {
    this.#refused = undefined;
    if (this.#problem === null) return;
    this.#problem = null;
    this.#options.log.info({}, 'the configuration file is sound again');
    await this.#tell(async (alerts) => alerts.clear(alertKind));
  }

  #changedKeys(next: LoadedConfig): string[] {
    const changed = new Set([...differingKeys(this.#accepted.config, next.config), ...differingInFile(this.#accepted.fileValues, next.fileValues)]);
    return configKeys.map((key) => key.path).filter((key) => changed.has(key));
  }

  #changesTo(next: LoadedConfig): Change[] {
    return describeChanges(this.#changedKeys(next), this.#accepted.config, next.config, (key) => this.#listeners.isLive(key));
  }

  /** Brings what can be brought into effect now. Throws, with everything as before, when a listener refuses. */
  async #apply(next: LoadedConfig): Promise<{ keys: string[]; changes: Change[] }> {
    const keys = this.#changedKeys(next);
    const changes = this.#changesTo(next);
    const live = differingKeys(this.#running, next.config).filter((key) => this.#listeners.isLive(key));
    const running = withKeys(this.#running, live, next.config);
    await this.#listeners.apply(live, this.#running, running);
    this.#running = running;
    this.#accepted = next;
    await this.#mended();
    if (keys.length > 0) this.#options.log.info({ keys, needs_restart: this.#needsRestart() }, 'the configuration was changed');
    return { keys, changes };
  }

  #outcome(keys: readonly string[]): SettingsVersion['outcome'] {
    const waiting = new Set(this.#needsRestart());
    return keys.some((key) => waiting.has(key)) ? 'needs_restart' : 'applied';
  }

  /** One more version; what holds gets told. */
  async #note(author: Author, changes: Change[], after: LoadedConfig, outcome: SettingsVersion['outcome'], detail: string | null): Promise<void> {
    const { username: actor, comment } = author;
    this.#version = await this.#options.store.transaction(async (tx) => {
      const noted = await tx.settings_versions.append({ actor, comment, changes, settings: toKept(after.fileValues), outcome, detail });
      await tx.settings_versions.prune(keptVersions);
      if (outcome === 'rejected') return noted.version;
      const eventId = randomUUID();
      await tx.outbox.add({
        event_id: eventId,
        name: 'system_config',
        params: {},
        message: {
          event_id: eventId,
          entity: 'config',
          entity_id: configFileName,
          change: 'updated',
          revision: noted.version,
          ...(author.user_id === null ? {} : { actor: author.user_id }),
          timestamp: noted.time,
        },
      });
      return noted.version;
    });
  }

  async #change({ changes, version, dry_run: isDryRun }: ChangeSettings, author: Author): Promise<ChangeAnswer> {
    await this.#follow();
    if (version !== undefined && version !== this.#version) {
      throw new WeirError('failed_precondition', `The configuration has been changed: it is at version ${this.#version}, not ${version}`, {
        field: 'version',
        received: version,
        facts: { version: this.#version },
        hint: 'Read it again, and repeat the change if it is still wanted',
      });
    }
    const edits = checkChanges(changes, this.#accepted.sources);
    return this.#write(this.#presentFile(), edits, author, isDryRun === true);
  }

  async #restore(version: number, session: { username: string; user_id: string | null }): Promise<ChangeAnswer> {
    await this.#follow();
    const record = await this.#options.store.settings_versions.get(version);
    if (record === undefined) {
      throw new WeirError('not_found', `There is no version ${version} of the configuration`, {
        field: 'version',
        received: version,
        hint: '`weir config history` shows all',
      });
    }
    const { file = this.#newFile(), text, fileValues } = this.#accepted;
    // From the last file that was sound: what stands there now may be the reason to go back.
    const edits = editsTowards(record.settings, fileValues);
    return this.#write({ path: file, text }, edits, { ...session, comment: `back to version ${version}` }, false);
  }

  /** The file as it stands, sound or not. */
  #presentFile(): { path: string; text: string } {
    const found = findConfigFile(filePlaces(this.#options.inputs));
    if (found !== undefined) return { path: found.path, text: readConfigText(found.path) };
    const { file } = this.#accepted;
    if (file === undefined) return { path: this.#newFile(), text: '' };
    throw new WeirError('failed_precondition', `${file} is gone`, { hint: 'Put it back, or restore a version of it (`weir config restore`)' });
  }

  async #write(base: { path: string; text: string }, edits: ReadonlyMap<string, unknown>, author: Author, isDryRun: boolean): Promise<ChangeAnswer> {
    const { path } = base;
    const { text, next } = this.#tryEdits(base, edits);
    const changes = this.#changesTo(next);
    const isBroken = this.#problem !== null;
    if (isDryRun) {
      const live = differingKeys(this.#running, next.config).filter((key) => !this.#listeners.isLive(key));
      return { version: this.#version, changes, needs_restart: live };
    }
    if (changes.length === 0 && !isBroken) return { version: this.#version, changes, needs_restart: this.#needsRestart() };
    const stood = existsSync(path) ? readConfigText(path) : undefined;
    const [accepted, running] = [this.#accepted, this.#running];
    writeConfigText(path, text);
    try {
      const { keys } = await this.#apply(next);
      await this.#note(author, changes, next, this.#outcome(keys), null);
    } catch (error) {
      await this.#takeBack(path, stood, accepted, running);
      const fault = WeirError.from(error);
      await this.#note(author, changes, accepted, 'rejected', maskUrls(fault.message)).catch(() => undefined);
      throw fault;
    }
    return { version: this.#version, changes, needs_restart: this.#needsRestart() };
  }

  /** Throws `failed_precondition` when the file itself is at fault and the edits do not mend it. */
  #tryEdits({ path, text: stands }: { path: string; text: string }, edits: ReadonlyMap<string, unknown>): { text: string; next: LoadedConfig } {
    try {
      const text = edits.size === 0 ? stands : editConfigText(path, stands, edits);
      return { text, next: loadConfig({ ...this.#options.inputs, instead: { path, text } }) };
    } catch (error) {
      const fault = faultOf(this.#options.inputs, path, stands);
      if (fault === undefined) throw error;
      throw new WeirError('failed_precondition', `The file ${path} is not sound, so nothing else can be changed in it. ${fault.message}`, {
        facts: { file: path },
        hint: `Mend it there, or go back to an earlier version (\`weir config history\`, \`weir config restore ${this.#version}\`); then repeat the change`,
        cause: error,
      });
    }
  }

  async #takeBack(path: string, stood: string | undefined, accepted: LoadedConfig, running: Config): Promise<void> {
    if (stood === undefined) rmSync(path, { force: true });
    else writeConfigText(path, stood);
    const keys = differingKeys(this.#running, running);
    await this.#listeners.apply(keys, this.#running, running).catch((error: unknown) => {
      this.#options.log.error({ err: error, keys }, 'a change of the configuration could not be taken back everywhere; start the hub again');
    });
    this.#running = running;
    this.#accepted = accepted;
  }
}

/** What is wrong with the file as it stands, with its line; undefined when nothing is, or it is another text that is edited. */
function faultOf(inputs: SettingsOptions['inputs'], path: string, text: string): WeirError | undefined {
  if (findConfigFile(filePlaces(inputs))?.path !== path || readConfigText(path) !== text) return undefined;
  try {
    loadConfig(inputs);
    return undefined;
  } catch (error) {
    return WeirError.from(error);
  }
}
