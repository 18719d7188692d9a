/** `weir config get|set|unset|history|diff|restore`: through the hub that runs, or, for the first three, in the file while none does. */
import type { Command } from 'commander';
import { WeirError } from '../../contracts/errors.js';
import type { ChangeSettings, RouteAnswer, Setting, SettingsVersion } from '../../contracts/index.js';
import { maskConfig, nearest } from '../config.js';
import { configKeys, findConfigKey } from '../config-keys.js';
import { answer } from './answer.js';
import { askSecret } from './ask.js';
import { type Client, isHubNamed } from './client.js';
import { allPages } from './pages.js';
import { configFor, configInputs, formatTable, isJson, type Terminal } from './terminal.js';
import { formatTime, toNumber } from './words.js';

interface ChangeFlags {
  readonly dryRun?: boolean;
  readonly comment?: string;
  readonly ifVersion?: string;
}

/** Characters of a row of the history: it should fit a line of a usual terminal. */
const changesWidth = 36;
const whyWidth = 48;

/** Adds them below `weir config`. */
export function addSettingsCommands(config: Command, terminal: Terminal): void {
  addReading(config, terminal);
  addWriting(config, terminal);
  addHistory(config, terminal);
}

function addReading(config: Command, terminal: Terminal): void {
  config
    .command('get <key>')
    .description('one setting: what the running hub has, else what a start would have')
    .addHelpText('after', '\nExamples:\n  weir config get http.port\n  weir config get storage.retention.type --json')
    .action(async (key: string, _options: unknown, command: Command) => {
      needKey(key);
      if (!isHubNamed(command, terminal)) {
        const { config: loaded, sources } = configFor(command, terminal);
        const value = key.split('.').reduce<unknown>((at, name) => (at as Record<string, unknown> | undefined)?.[name], maskConfig(loaded));
        const source = sources.get(key) ?? 'default';
        terminal.out(isJson(command) ? `${JSON.stringify({ key, value: value ?? null, source }, null, 2)}\n` : `${formatValue(value)}\n`);
        return;
      }
      await answer(command, terminal, (client) => settingOf(client, key), showSetting);
    });
}

function addWriting(config: Command, terminal: Terminal): void {
  const changeFlags = (command: Command) =>
    command
      .option('--dry-run', 'check it and tell what would change')
      .option('--comment <text>', 'why, for the history')
      .option('--if-version <number>', 'only when the configuration is still at this version');
  changeFlags(config.command('set <words...>').description('change settings in the file, and in the running hub where that can be'))
    .addHelpText(
      'after',
      '\nWrite KEY VALUE, or KEY=VALUE several times. A secret that is left out is asked for, or read from standard input.\n\nExamples:\n' +
        '  weir config set log.level debug\n  weir config set http.port=8081 http.host=0.0.0.0 --comment "open it"\n  weir config set gateway.api_password',
    )
    .action(async (given: string[], options: ChangeFlags, command: Command) => change(await toChanges(given), options, command, terminal));
  changeFlags(config.command('unset <keys...>').description('go back to the default'))
    .addHelpText('after', '\nExamples:\n  weir config unset log.level')
    .action((keys: string[], options: ChangeFlags, command: Command) =>
      change(Object.fromEntries(keys.map((key) => [key, null])), options, command, terminal),
    );
}

function addHistory(config: Command, terminal: Terminal): void {
  config
    .command('history')
    .description('past changes, newest first; `weir config diff VERSION` shows one in full')
    .option('-n, --limit <number>', 'at most so many', '20')
    .action((options: { limit: string }, command: Command) =>
      answer(
        command,
        terminal,
        async (client) => ({ items: await allPages(client, 'list_settings_versions', {}, toNumber(options.limit, 'limit')) }),
        ({ items }) => showHistory(items),
      ),
    );
  config
    .command('diff [version]')
    .description('what a version changed; without one: what differs from the defaults, and what waits for a restart')
    .action((version: string | undefined, _options: unknown, command: Command) =>
      version === undefined
        ? answer(command, terminal, differing, showDiffering)
        : answer(command, terminal, (client) => versionOf(client, toNumber(version, 'version')), showVersion),
    );
  config
    .command('restore <version>')
    .description('go back to how it was after that version; secrets stay as they are')
    .action((version: string, _options: unknown, command: Command) =>
      answer(
        command,
        terminal,
        (client) => client.call('restore_settings', { params: { version: String(toNumber(version, 'version')) } }),
        (done) => (done.changes.length === 0 ? `the file says what version ${version} said; nothing else changes\n` : showChange(done, false)),
      ),
    );
}

function needKey(key: string): void {
  if (findConfigKey(key)?.path === key) return;
  const near = nearest(
    key,
    configKeys.map((one) => one.path),
  );
  throw new WeirError('invalid_argument', `${key} is no setting`, {
    field: key,
    hint: near === undefined ? '`weir config show --all` lists every key' : `Did you mean ${near}?`,
  });
}

/** `KEY VALUE`, `KEY=VALUE ...`, or a single `KEY` of a secret. */
async function toChanges(given: readonly string[]): Promise<ChangeSettings['changes']> {
  const [first = '', second, ...more] = given;
  const isPair = !first.includes('=') && second !== undefined && more.length === 0;
  if (isPair) return { [first]: second };
  if (given.length === 1 && !first.includes('=')) {
    if (findConfigKey(first)?.isSecret !== true)
      throw new WeirError('invalid_argument', `A value for ${first} is missing`, {
        field: first,
        hint: 'Write KEY VALUE; `weir config unset` takes one out',
      });
    return { [first]: await askSecret(`${first}: `) };
  }
  return Object.fromEntries(
    given.map((word): [string, string] => {
      const at = word.indexOf('=');
      if (at < 1) throw new WeirError('invalid_argument', `${word} is neither KEY VALUE nor KEY=VALUE`, { field: 'set', received: word });
      return [word.slice(0, at), word.slice(at + 1)];
    }),
  );
}

async function change(changes: ChangeSettings['changes'], options: ChangeFlags, command: Command, terminal: Terminal): Promise<void> {
  const isDryRun = options.dryRun === true;
  if (!isHubNamed(command, terminal)) {
    const { changeOffline } = await import('../settings/index.js');
    const done = changeOffline(configInputs(command, terminal), changes, isDryRun);
    const verb = isDryRun ? 'would be written' : 'written';
    const text =
      done.changes.length === 0
        ? 'nothing changes\n'
        : `${listChanges(done.changes)}${verb} to ${done.file}; no hub runs here, the next start takes it up\n`;
    terminal.out(isJson(command) ? `${JSON.stringify(done, null, 2)}\n` : text);
    return;
  }
  const body = {
    changes,
    ...(isDryRun ? { dry_run: true } : {}),
    ...(options.comment === undefined ? {} : { comment: options.comment }),
    ...(options.ifVersion === undefined ? {} : { version: toNumber(options.ifVersion, 'if-version') }),
  };
  await answer(
    command,
    terminal,
    (client) => client.call('change_settings', { body }),
    (done) => showChange(done, isDryRun),
  );
}

async function settingOf(client: Client, key: string): Promise<Setting> {
  const { settings } = await client.call('get_settings');
  const found = settings.find((one) => one.key === key);
  if (found === undefined) throw new WeirError('not_found', `The hub knows no setting ${key}`, { hint: 'It may be of another version' });
  return found;
}

async function versionOf(client: Client, version: number): Promise<SettingsVersion> {
  const found = (await allPages(client, 'list_settings_versions')).find((one) => one.version === version);
  if (found === undefined) throw new WeirError('not_found', `There is no version ${version}`, { hint: '`weir config history` shows all' });
  return found;
}

interface Differing {
  readonly settings: Setting[];
  readonly needs_restart: string[];
  readonly problem: string | null;
}

async function differing(client: Client): Promise<Differing> {
  const { settings, needs_restart, problem } = await client.call('get_settings');
  const isChanged = (one: Setting) => one.pending !== undefined || one.source !== 'default';
  return { settings: settings.filter(isChanged), needs_restart, problem };
}

function showDiffering({ settings, problem }: Differing): string {
  const table =
    settings.length === 0
      ? 'everything is as by default\n'
      : formatTable(
          ['SETTING', 'NOW', 'DEFAULT', 'AFTER A RESTART', 'FROM'],
          settings.map((one) => [
            one.key,
            formatValue(one.value),
            formatValue(one.default),
            one.pending === undefined ? '' : formatValue(one.pending),
            one.source,
          ]),
        );
  return problem === null ? table : `${table}\nThe file is not taken as it stands: ${problem}\n`;
}

function showSetting(one: Setting): string {
  return `${formatValue(one.value)}${one.pending === undefined ? '' : `  (after a restart: ${formatValue(one.pending)})`}\n`;
}

function showChange({ version, changes, needs_restart }: RouteAnswer<'change_settings'>, isDryRun: boolean): string {
  if (changes.length === 0) return `nothing changes; the configuration is at version ${version}\n`;
  const waiting = needs_restart.length === 0 ? '' : `${isDryRun ? 'would need' : 'needs'} a restart: ${needs_restart.join(', ')}\n`;
  return `${listChanges(changes)}${waiting}${isDryRun ? 'nothing was changed (dry run)\n' : `version ${version}\n`}`;
}

function listChanges(changes: readonly SettingsVersion['changes'][number][]): string {
  return changes.map(({ key, before, after }) => `${key}: ${formatValue(before)} -> ${formatValue(after)}\n`).join('');
}

function showHistory(items: readonly SettingsVersion[]): string {
  if (items.length === 0) return 'no changes yet\n';
  return formatTable(
    ['VERSION', 'TIME', 'BY', 'OUTCOME', 'CHANGES', 'WHY'],
    items.map((one) => [
      String(one.version),
      formatTime(one.time),
      one.actor,
      one.outcome.replace('_', ' '),
      inShort(one.changes.map((change) => change.key)),
      oneLine(one.comment ?? one.detail ?? ''),
    ]),
  );
}

/** As many names as fit a column; `weir config diff VERSION` lists them all. */
function inShort(keys: readonly string[]): string {
  if (keys.length === 0) return '-';
  let shown = 1;
  while (shown < keys.length && keys.slice(0, shown + 1).join(', ').length <= changesWidth) shown += 1;
  const more = keys.length - shown;
  return `${keys.slice(0, shown).join(', ')}${more === 0 ? '' : ` and ${more} more`}`;
}

function oneLine(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length <= whyWidth ? line : `${line.slice(0, whyWidth - 1).trimEnd()}…`;
}

function showVersion(one: SettingsVersion): string {
  const head = `version ${one.version}, ${formatTime(one.time)}, by ${one.actor}: ${one.outcome.replace('_', ' ')}${one.comment === null ? '' : ` (${one.comment})`}\n`;
  return `${head}${one.detail === null ? '' : `${one.detail}\n`}${listChanges(one.changes)}`;
}

function formatValue(value: unknown): string {
  if (value === null || value === undefined) return '(none)';
  if (Array.isArray(value) && value.every((one) => typeof one === 'string' || typeof one === 'number')) return value.join(',') || '(empty)';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
