/** Reads the configuration: flag beats environment beats file beats default. A value that is not understood stops the start, with its source. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, isAbsolute, resolve } from 'node:path';
import { LineCounter, parseDocument } from 'yaml';
import type { z } from 'zod';
import { type Config, configSchema, type FieldError, WeirError } from '../contracts/index.js';
import { maskUrls } from '../telemetry/mask.js';
import { configKeys, environmentAliases, findConfigKey, sectionPrefixes } from './config-keys.js';

/** Where values come from. Given by the program's entry; nothing else reads them. */
export interface ConfigInputs {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Values of flags by dotted path, for example `http.port`. */
  readonly flags?: Readonly<Record<string, unknown>>;
  /** Named file: it must exist. Default: `weir.yaml` in `folder`, if there is one. */
  readonly file?: string | undefined;
  /** Folder that relative paths of flags and environment are meant from. */
  readonly folder: string;
}

export interface LoadedConfig {
  readonly config: Config;
  /** The file that was read. */
  readonly file: string | undefined;
  /** Dotted path to `flag --port`, `environment WEIR_HTTP_PORT`, `file weir.yaml`; absent: default. */
  readonly sources: ReadonlyMap<string, string>;
  /** Things that look like mistakes without being certain ones. */
  readonly warnings: readonly string[];
}

type Tree = { [name: string]: unknown };

/** Loads and checks everything. Throws `invalid_argument` naming every faulty key with its value and source. */
export function loadConfig(inputs: ConfigInputs): LoadedConfig {
  const sources = new Map<string, string>();
  const faults: FieldError[] = [];
  const warnings: string[] = [];
  const tree: Tree = {};
  const file = readFile(inputs, tree, sources, faults);
  readEnvironment(inputs, tree, sources, faults, warnings);
  for (const [path, value] of Object.entries(inputs.flags ?? {})) {
    if (value === undefined) continue;
    put(tree, path, toAbsolute(path, value, inputs.folder));
    sources.set(path, `flag --${path.split('.').at(-1)?.replaceAll('_', '-')}`);
  }
  const parsed = configSchema.safeParse(tree);
  if (!parsed.success) for (const issue of parsed.error.issues) faults.push(...toFaults(issue, tree, sources, file));
  if (faults.length > 0 || !parsed.success) throw configError(faults);
  // The default of `data_dir` is meant from the working folder too.
  const config: Config = { ...parsed.data, data_dir: resolve(inputs.folder, parsed.data.data_dir) };
  checkTogether(config, sources);
  return { config, file, sources, warnings };
}

function configError(faults: FieldError[]): WeirError {
  const lines = faults.map((fault) => `${fault.field}: ${fault.message}`);
  return new WeirError('invalid_argument', lines.length === 1 ? `Configuration: ${lines[0]}` : `Configuration:\n  ${lines.join('\n  ')}`, {
    errors: faults,
    hint: '`weir config check` repeats this check; all keys are listed by `weir config show`',
  });
}

function readFile(inputs: ConfigInputs, tree: Tree, sources: Map<string, string>, faults: FieldError[]): string | undefined {
  const named = inputs.file ?? inputs.environment.WEIR_CONFIG;
  const path = resolve(inputs.folder, named ?? 'weir.yaml');
  if (!existsSync(path)) {
    if (named !== undefined) throw new WeirError('not_found', `The configuration file ${path} does not exist`, { field: 'config', received: named });
    return undefined;
  }
  const lines = new LineCounter();
  const document = parseDocument(readText(path), { lineCounter: lines, uniqueKeys: true });
  const fault = document.errors[0];
  if (fault !== undefined) {
    const at = fault.linePos?.[0];
    throw new WeirError('invalid_argument', `${path}${at === undefined ? '' : `:${at.line}:${at.col}`}: ${fault.message.split('\n', 1)[0]}`, {
      field: path,
    });
  }
  const content: unknown = document.toJS();
  if (content === null || content === undefined) return path;
  if (typeof content !== 'object' || Array.isArray(content)) {
    throw new WeirError(
      'invalid_argument',
      `${path} must hold sections (http:, nats:, ...), not ${Array.isArray(content) ? 'a list' : typeof content}`,
    );
  }
  take(content as Tree, '', (leaf, value) => {
    if (leaf === 'access.admin_password') {
      faults.push({ field: leaf, message: `belongs into the environment (WEIR_ADMIN_PASSWORD), not into the file ${path}` });
      return;
    }
    put(tree, leaf, toAbsolute(leaf, value, dirname(path)));
    sources.set(leaf, `file ${path}`);
  });
  return path;
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new WeirError('permission_denied', `The configuration file ${path} cannot be read: ${(cause as NodeJS.ErrnoException).code}`, { cause });
  }
}

/** Walks down to the values. A section that is written without content counts as absent. */
function take(tree: Tree, prefix: string, leaf: (path: string, value: unknown) => void): void {
  for (const [name, value] of Object.entries(tree)) {
    const path = prefix === '' ? name : `${prefix}.${name}`;
    if (value === null || value === undefined) continue;
    if (typeof value === 'object' && !Array.isArray(value)) take(value as Tree, path, leaf);
    else leaf(path, value);
  }
}

function readEnvironment(inputs: ConfigInputs, tree: Tree, sources: Map<string, string>, faults: FieldError[], warnings: string[]): void {
  const set = (path: string, name: string) => {
    const value = inputs.environment[name];
    if (value === undefined || value === '') return;
    put(tree, path, toAbsolute(path, value, inputs.folder));
    sources.set(path, `environment ${name}`);
  };
  for (const [name, path] of Object.entries(environmentAliases)) set(path, name);
  for (const key of configKeys) set(key.path, key.environment);
  const known = new Set([...configKeys.map((key) => key.environment), ...Object.keys(environmentAliases)]);
  for (const name of Object.keys(inputs.environment)) {
    if (!name.startsWith('WEIR_') || known.has(name) || otherNames.has(name)) continue;
    const near = nearest(name, [...known]);
    const advice = near === undefined ? '' : `; did you mean ${near}?`;
    if (sectionPrefixes.some((prefix) => name.startsWith(prefix)))
      faults.push({ field: name, message: `is no setting (from the environment)${advice}` });
    else warnings.push(`${name} in the environment is no setting${advice}`);
  }
}

/** Read by other parts of the program, or by set-up. */
const otherNames = new Set(['WEIR_CONFIG', 'WEIR_TOKEN', 'WEIR_URL', 'WEIR_CACHE_DIR', 'WEIR_DOWNLOAD_BASE', 'WEIR_STREAM_ID', 'WEIR_SPOKE_ID']);

function toAbsolute(path: string, value: unknown, folder: string): unknown {
  if (findConfigKey(path)?.isPath !== true) return value;
  const one = (text: string) => (isAbsolute(text) ? text : resolve(folder, text));
  if (Array.isArray(value)) return value.map((entry: unknown) => (typeof entry === 'string' ? one(entry) : entry));
  if (typeof value !== 'string') return value;
  if (findConfigKey(path)?.isList !== true) return one(value);
  return value
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map(one);
}

function put(tree: Tree, path: string, value: unknown): void {
  const names = path.split('.');
  const last = names.pop() ?? '';
  let at = tree;
  for (const name of names) {
    const inner = at[name];
    if (typeof inner === 'object' && inner !== null && !Array.isArray(inner)) at = inner as Tree;
    else {
      const made: Tree = {};
      at[name] = made;
      at = made;
    }
  }
  at[last] = value;
}

function toFaults(issue: z.core.$ZodIssue, tree: Tree, sources: ReadonlyMap<string, string>, file: string | undefined): FieldError[] {
  if (issue.code === 'unrecognized_keys') {
    const all = configKeys.map((key) => key.path);
    return issue.keys.map((name) => {
      const field = [...issue.path.map(String), name].join('.');
      const near = nearest(field, all);
      return { field, message: `is no setting (from ${sourceOf(field, sources, file)})${near === undefined ? '' : `; did you mean ${near}?`}` };
    });
  }
  const field = issue.path.map(String).join('.');
  const key = findConfigKey(field);
  const value = issue.path.reduce<unknown>((at, name) => (at as Record<PropertyKey, unknown> | undefined)?.[name], tree);
  const message = issue.code === 'invalid_union' ? (key?.isList === true ? 'use a list of words' : 'use true or false') : issue.message;
  const shown = value === undefined ? '' : `; received ${key?.isSecret === true ? '***' : JSON.stringify(maskUrl(value))}`;
  const fault: FieldError = { field, message: `${message}${shown} (from ${sourceOf(field, sources, file)})` };
  if (value !== undefined && key?.isSecret !== true) fault.received = maskUrl(value);
  return [fault];
}

/** The source of a value, or of whatever was set below or above it. */
function sourceOf(field: string, sources: ReadonlyMap<string, string>, file: string | undefined): string {
  for (const [path, source] of sources) if (path === field || path.startsWith(`${field}.`) || field.startsWith(`${path}.`)) return source;
  return file === undefined ? 'default' : `file ${file}`;
}

function checkTogether(config: Config, sources: ReadonlyMap<string, string>): void {
  const faults: FieldError[] = [];
  const tls = config.http.tls;
  if (tls !== undefined && (tls.cert_file === undefined) !== (tls.key_file === undefined)) {
    faults.push({ field: 'http.tls', message: 'cert_file and key_file belong together' });
  }
  const nats = config.nats;
  const { tls: bus } = nats;
  if (bus !== undefined && (bus.cert_file === undefined) !== (bus.key_file === undefined)) {
    faults.push({ field: 'nats.tls', message: 'cert_file and key_file belong together' });
  } else if (bus?.enabled === true && bus.cert_file === undefined && nats.url === undefined) {
    faults.push({ field: 'nats.tls', message: 'the supervised server needs cert_file and key_file' });
  }
  const ways = [nats.user ?? nats.password, nats.token, nats.nkey_seed_file, nats.credentials_file].filter((way) => way !== undefined);
  if (ways.length > 1) faults.push({ field: 'nats', message: 'choose one of user and password, token, nkey_seed_file, credentials_file' });
  if (nats.url === undefined) {
    for (const name of ['user', 'password', 'token', 'nkey_seed_file', 'credentials_file'] as const) {
      if (nats[name] !== undefined)
        faults.push({ field: `nats.${name}`, message: `is only used with nats.url, which is not set (from ${sources.get(`nats.${name}`)})` });
    }
  } else if (config.access.bus_users.length > 0) {
    faults.push({
      field: 'access.bus_users',
      message: `is for the supervised server; the one at nats.url has users of its own (from ${sources.get('access.bus_users')})`,
    });
  }
  if (faults.length > 0) throw configError(faults);
}

/** The same values with secrets and passwords in URLs replaced by `***`. */
export function maskConfig(config: Config): Tree {
  const masked: Tree = {};
  take(config as unknown as Tree, '', (path, value) => put(masked, path, findConfigKey(path)?.isSecret === true ? '***' : maskUrl(value)));
  return masked;
}

function maskUrl(value: unknown): unknown {
  return typeof value === 'string' ? maskUrls(value) : value;
}

/** The candidate that differs in the fewest letters, when it is at most two, or a third of them. */
export function nearest(name: string, candidates: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(name.length / 3)) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(name, candidate);
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substitution, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
