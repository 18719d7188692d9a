/** `weir config`, `weir version`, `weir doctor`. */
import type { Command } from 'commander';
import { maskConfig } from '../config.js';
import { configKeys } from '../config-keys.js';
import { version } from '../version.js';
import { addSettingsCommands } from './settings-commands.js';
import { configFor, configInputs, formatTable, isJson, type Terminal } from './terminal.js';

/** Adds them. */
export function addConfigCommands(program: Command, terminal: Terminal): void {
  const config = program.command('config').description('the configuration: flag beats environment beats file beats default');
  config
    .command('show')
    .description('every setting with its value and where that comes from; secrets are masked')
    .option('--all', 'also settings that have no value')
    .action((options: { all?: boolean }, command: Command) => {
      const loaded = configFor(command, terminal);
      const values = flatten(maskConfig(loaded.config));
      if (isJson(command)) {
        terminal.out(
          `${JSON.stringify({ file: loaded.file ?? null, config: maskConfig(loaded.config), sources: Object.fromEntries(loaded.sources) }, null, 2)}\n`,
        );
        return;
      }
      const rows = configKeys
        .filter((key) => options.all === true || values.has(key.path))
        .map((key) => [key.path, values.get(key.path) ?? '', loaded.sources.get(key.path) ?? 'default', key.environment]);
      terminal.out(formatTable(['SETTING', 'VALUE', 'FROM', 'ENVIRONMENT'], rows));
    });
  config
    .command('check')
    .description('reads the configuration as a start would; 0 when it is sound, 2 when not')
    .action((_options: unknown, command: Command) => {
      const loaded = configFor(command, terminal);
      if (isJson(command)) terminal.out(`${JSON.stringify({ ok: true, file: loaded.file ?? null, warnings: loaded.warnings }, null, 2)}\n`);
      else
        terminal.out(
          `${loaded.warnings.map((warning) => `warning: ${warning}\n`).join('')}${loaded.file ?? 'no file, defaults and environment'}: sound\n`,
        );
    });
  addSettingsCommands(config, terminal);
  addMachineCommands(program, terminal);
}

function addMachineCommands(program: Command, terminal: Terminal): void {
  program
    .command('version')
    .description('version of Weir, Node.js and the programs it runs')
    .action(async (_options: unknown, command: Command) => {
      const { findVersions } = await import('../doctor.js');
      const { config: settings } = configFor(command, terminal);
      const found = { weir: version, node: process.versions.node, ...(await findVersions(settings)) };
      if (isJson(command)) terminal.out(`${JSON.stringify(found, null, 2)}\n`);
      else for (const [name, one] of Object.entries(found)) terminal.out(`${name.padEnd(12)} ${one ?? 'not found'}\n`);
    });
  program
    .command('doctor')
    .description('looks at this machine and the configuration and says what is missing, unsafe or old')
    .addHelpText('after', '\nExit code: 0 nothing wrong, 1 something will not work, 0 with warnings only.')
    .action(async (_options: unknown, command: Command) => {
      const { examine, formatFindings } = await import('../doctor.js');
      const findings = await examine(configInputs(command, terminal));
      const failed = findings.some((finding) => finding.level === 'error');
      terminal.out(isJson(command) ? `${JSON.stringify({ ok: !failed, findings }, null, 2)}\n` : formatFindings(findings));
      terminal.exitCode = failed ? 1 : 0;
    });
}

function flatten(tree: Readonly<Record<string, unknown>>, prefix = ''): Map<string, string> {
  const values = new Map<string, string>();
  for (const [name, value] of Object.entries(tree)) {
    const path = prefix === '' ? name : `${prefix}.${name}`;
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      for (const entry of flatten(value as Record<string, unknown>, path)) values.set(...entry);
    else values.set(path, Array.isArray(value) ? value.join(', ') : String(value));
  }
  return values;
}
