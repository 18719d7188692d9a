/** What a command may touch outside of itself, and how it shows things to people. */
import type { Command } from 'commander';
import type { WeirError } from '../../contracts/errors.js';
import { type ConfigInputs, type LoadedConfig, loadConfig } from '../config.js';

export interface Terminal {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Folder that the command was started in. */
  readonly folder: string;
  /** Set by a command that is done but found something wrong. */
  exitCode: number;
}

/** Options that every command takes. */
export interface GlobalOptions {
  readonly config?: string;
  readonly dataDir?: string;
  readonly json?: boolean;
}

/** What a command is configured by, with its own flags on top. */
export function configInputs(command: Command, terminal: Terminal, flags: Readonly<Record<string, unknown>> = {}): ConfigInputs {
  const options = command.optsWithGlobals<GlobalOptions>();
  return {
    environment: terminal.environment,
    folder: terminal.folder,
    file: options.config,
    flags: { ...(options.dataDir === undefined ? {} : { data_dir: options.dataDir }), ...flags },
  };
}

/** The configuration for a command, with its own flags on top. */
export function configFor(command: Command, terminal: Terminal, flags: Readonly<Record<string, unknown>> = {}): LoadedConfig {
  return loadConfig(configInputs(command, terminal, flags));
}

/** A failure for people: what happened, where, what to do. With `json`: the problem object. */
export function formatFailure(error: WeirError, json: boolean): string {
  if (json) return `${JSON.stringify({ ...error.toProblem(), detail: error.message })}\n`;
  const lines = [`weir: ${error.message}`];
  for (const fault of error.errors) if (!error.message.includes(fault.field)) lines.push(`  ${fault.field}: ${fault.message}`);
  if (error.hint !== undefined) lines.push(`  ${error.hint}`);
  return `${lines.join('\n')}\n`;
}

/** Rows under headings, each column as wide as its widest cell. */
export function formatTable(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [headings, ...rows];
  const widths = headings.map((_heading, column) => Math.max(...all.map((row) => (row[column] ?? '').length)));
  return all
    .map(
      (row) =>
        `${row
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}

/** Names and values in two columns; undefined values are left out. */
export function formatFields(fields: Readonly<Record<string, string | undefined>>): string {
  const rows = Object.entries(fields).filter((row): row is [string, string] => row[1] !== undefined);
  const width = Math.max(0, ...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}\n`).join('');
}

/** Whether answers go to a program. */
export function isJson(command: Command): boolean {
  return command.optsWithGlobals<GlobalOptions>().json === true;
}
