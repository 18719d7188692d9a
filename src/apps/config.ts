/** Reads the configuration: flag beats environment beats file beats default. A value that is not understood stops the start, with its source. */
import { dirname, isAbsolute, resolve } from 'node:path';
import type { z } from 'zod';
import { type Config, configSchema, type FieldError, WeirError } from '../contracts/index.js';
import { maskUrls } from '../telemetry/mask.js';
import { type FilePlaces, findConfigFile, type ParsedFile, parseConfigText, readConfigText } from './config-file.js';
import { type ConfigKey, configKeys, environmentAliases, findConfigKey, sectionPrefixes } from './config-keys.js';
import { adviceOnOlderName, olderNames } from './older-names.js';

/** Where values come from. Given by the program's entry; nothing else reads them. */
export interface ConfigInputs {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Values of flags by dotted path, for example `http.port`. */
  readonly flags?: Readonly<Record<string, unknown>>;
  /** Named file: it must exist. Default: `weir.yaml` in `folder`, else in the data folder, if there is one. */
  readonly file?: string | undefined;
  /** Folder that relative paths of flags and environment are meant from. */
  readonly folder: string;
  /** Reads this as if it stood in the file at `path`, whatever is there. */
  readonly instead?: { readonly path: string; readonly text: string } | undefined;
}

export interface LoadedConfig {
  readonly config: Config;
  /** The file that was read. */
  readonly file: string | undefined;
  /** What stood in it; empty without one. */
  readonly text: string;
  /** Dotted path to the value as the file writes it. */
  readonly fileValues: ReadonlyMap<string, unknown>;
  /** Dotted path to `flag --port`, `environment WEIR_HTTP_PORT`, `file weir.yaml`; absent: default. */
  readonly sources: ReadonlyMap<string, string>;
  /** Things that look like mistakes without being certain ones. */
  readonly warnings: readonly string[];
}

type Tree = { [name: string]: unknown };

/** A fault, and where in the file it stands, if it does. */
interface Fault extends FieldError {
  readonly place?: string | undefined;
}

/** What was gathered before it is checked. */
interface Gathered {
  readonly tree: Tree;
  readonly sources: Map<string, string>;
  readonly fileValues: Map<string, unknown>;
  readonly faults: Fault[];
  readonly warnings: string[];
  file: string | undefined;
  text: string;
  parsed: ParsedFile | undefined;
}

/** Loads and checks everything. Throws `invalid_argument` naming every faulty key with its value and source. */
export function loadConfig(inputs: ConfigInputs): LoadedConfig {
  const gathered: Gathered = {
    tree: {},
    sources: new Map(),
    fileValues: new Map(),
    faults: [],
    warnings: [],
    file: undefined,
    text: '',
    parsed: undefined,
  };
  readFile(inputs, gathered);
  readEnvironment(inputs, gathered);
  readFlags(inputs, gathered);
  const { tree, sources, faults, file, text, fileValues, warnings } = gathered;
  for (const key of configKeys) if (key.isNumber) checkNumber(key, gathered);
  const parsed = configSchema.safeParse(tree);
  if (!parsed.success) for (const issue of parsed.error.issues) faults.push(...toFaults(issue, gathered));
  if (faults.length > 0 || !parsed.success) throw configError(faults);
  // The default of `data_dir` is meant from the working folder too.
  const config: Config = { ...parsed.data, data_dir: resolve(inputs.folder, parsed.data.data_dir) };
  checkTogether(config, gathered);
  return { config, file, text, fileValues, sources, warnings };
}

/** Where the file of these inputs is looked for. */
export function filePlaces({ environment, flags, file, folder }: ConfigInputs): FilePlaces {
  const dataFolder = flags?.data_dir ?? environment.WEIR_DATA_DIR ?? configSchema.parse({}).data_dir;
  return { named: file ?? environment.WEIR_CONFIG, folder, dataFolder: resolve(folder, String(dataFolder)) };
}

function configError(faults: readonly Fault[]): WeirError {
  const lines = faults.map(({ place, field, message }) => `${place === undefined ? '' : `${place}: `}${field}: ${message}`);
  return new WeirError('invalid_argument', lines.length === 1 ? `Configuration: ${lines[0]}` : `Configuration:\n  ${lines.join('\n  ')}`, {
    errors: faults.map(({ place: _place, ...fault }) => fault),
    hint: '`weir config check` repeats this check; all keys are listed by `weir config show --all`',
  });
}

function readFile(inputs: ConfigInputs, gathered: Gathered): void {
  const places = filePlaces(inputs);
  const found = inputs.instead === undefined ? findConfigFile(places) : { path: inputs.instead.path, ignored: [] };
  if (found === undefined) return;
  const { path } = found;
  for (const other of found.ignored) gathered.warnings.push(`${other} is not read, since there is ${path}`);
  const text = inputs.instead?.text ?? readConfigText(path);
  const parsed = parseConfigText(path, text);
  // A text that is only tried stands nowhere that anybody could look.
  Object.assign(gathered, { file: path, text, ...(inputs.instead === undefined ? { parsed } : {}) });
  take(parsed.content, '', (leaf, value) => {
    const place = gathered.parsed?.placeOf(leaf);
    const key = findConfigKey(leaf);
    if (key?.isEnvironmentOnly === true) {
      gathered.faults.push({ field: leaf, message: `belongs into the environment (${key.environment}), not into the file ${path}`, place });
      return;
    }
    if (leaf === 'data_dir' && places.named === undefined && dirname(path) === places.dataFolder && places.dataFolder !== places.folder) {
      gathered.faults.push({ field: leaf, message: `cannot be set in the file that is found in the data folder (from file ${path})`, place });
      return;
    }
    put(gathered.tree, leaf, toAbsolute(leaf, value, dirname(path)));
    gathered.fileValues.set(leaf, value);
    gathered.sources.set(leaf, `file ${path}`);
  });
}

function readFlags({ flags, folder }: ConfigInputs, { tree, sources }: Gathered): void {
  for (const [path, value] of Object.entries(flags ?? {})) {
    if (value === undefined) continue;
    put(tree, path, toAbsolute(path, value, folder));
    sources.set(path, `flag --${path.split('.').at(-1)?.replaceAll('_', '-')}`);
  }
}

/** Coercion would take `true` for 1, and nothing for 0. */
function checkNumber(key: ConfigKey, gathered: Gathered): void {
  const value = valueAt(gathered.tree, key.path.split('.'));
  if (value === undefined || typeof value === 'number' || (typeof value === 'string' && value.trim() !== '')) return;
  gathered.faults.push(faultAt(key.path, 'use a number', value, gathered));
  put(gathered.tree, key.path, undefined);
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

function readEnvironment(inputs: ConfigInputs, { tree, sources, faults, warnings }: Gathered): void {
  const set = (path: string, name: string, convert = (text: string) => text) => {
    const value = inputs.environment[name];
    if (value === undefined || value === '') return;
    put(tree, path, toAbsolute(path, convert(value), inputs.folder));
    sources.set(path, `environment ${name}`);
  };
  for (const [name, { path, convert }] of Object.entries(olderNames)) set(path, name, convert);
  for (const [name, path] of Object.entries(environmentAliases)) set(path, name);
  for (const key of configKeys) set(key.path, key.environment);
  const known = new Set([...configKeys.map((key) => key.environment), ...Object.keys(environmentAliases)]);
  for (const [name, value] of Object.entries(inputs.environment)) {
    const advice = adviceOnOlderName(name, value ?? '');
    if (advice !== undefined) warnings.push(advice);
    if (!name.startsWith('WEIR_') || known.has(name) || otherNames.has(name)) continue;
    const near = nearest(name, [...known]);
    const ending = near === undefined ? '' : `; did you mean ${near}?`;
    if (sectionPrefixes.some((prefix) => name.startsWith(prefix)))
      faults.push({ field: name, message: `is no setting (from the environment)${ending}` });
    else warnings.push(`${name} in the environment is no setting${ending}`);
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

function toFaults(issue: z.core.$ZodIssue, gathered: Gathered): Fault[] {
  const { tree, sources, file, parsed } = gathered;
  if (issue.code === 'unrecognized_keys') {
    const all = configKeys.map((key) => key.path);
    return issue.keys.map((name) => {
      const field = [...issue.path.map(String), name].join('.');
      const near = nearest(field, all);
      const message = `is no setting (from ${sourceOf(field, sources, file)})${near === undefined ? '' : `; did you mean ${near}?`}`;
      return { field, message, place: parsed?.placeOf(field) };
    });
  }
  const field = issue.path.map(String).join('.');
  const isList = findConfigKey(field)?.isList === true;
  const message = issue.code === 'invalid_union' ? (isList ? 'use a list of words' : unionWords(field)) : issue.message;
  return [faultAt(field, message, valueAt(tree, issue.path), gathered)];
}

/** What a value that may be one of several things may be. */
function unionWords(field: string): string {
  const choices = findConfigKey(field)?.json.anyOf as { const?: unknown }[] | undefined;
  const words = (choices ?? []).flatMap((one) => (typeof one.const === 'string' ? [one.const] : []));
  return words.length === 0 ? 'use true or false' : `use true, false or ${words.join(' or ')}`;
}

function faultAt(field: string, message: string, value: unknown, { sources, file, parsed }: Gathered): Fault {
  const isSecret = findConfigKey(field)?.isSecret === true;
  const shown = value === undefined ? '' : `; received ${isSecret ? '***' : JSON.stringify(maskUrl(value))}`;
  const source = sourceOf(field, sources, file);
  return {
    field,
    message: `${message}${shown} (from ${source})`,
    ...(value === undefined || isSecret ? {} : { received: maskUrl(value) }),
    ...(source.startsWith('file ') ? { place: parsed?.placeOf(field) } : {}),
  };
}

function valueAt(tree: Tree, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((at, name) => (at as Record<PropertyKey, unknown> | undefined)?.[name], tree);
}

/** The source of a value, or of whatever was set below or above it. */
function sourceOf(field: string, sources: ReadonlyMap<string, string>, file: string | undefined): string {
  for (const [path, source] of sources) if (path === field || path.startsWith(`${field}.`) || field.startsWith(`${path}.`)) return source;
  return file === undefined ? 'default' : `file ${file}`;
}

/** What no single value can be wrong about. */
function checkTogether(config: Config, { sources, file, parsed }: Gathered): void {
  const faults: Fault[] = checkLimits(config);
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
  if (faults.length === 0) return;
  const isInFile = (field: string) => sourceOf(field, sources, file).startsWith('file ');
  throw configError(faults.map((fault) => (isInFile(fault.field) ? { ...fault, place: parsed?.placeOf(fault.field) } : fault)));
}

function checkLimits({ storage, rpc }: Config): Fault[] {
  const faults: Fault[] = [];
  if (storage.warn_percent >= storage.block_percent) {
    const message = `must be below storage.block_percent, which is ${storage.block_percent}; received ${storage.warn_percent}`;
    faults.push({ field: 'storage.warn_percent', message, received: storage.warn_percent });
  }
  if (rpc.ping_interval_s > 0 && rpc.pong_wait_s > 0 && rpc.pong_wait_s <= rpc.ping_interval_s) {
    const message = `must be above rpc.ping_interval_s, which is ${rpc.ping_interval_s}: clients at rest would be cut; received ${rpc.pong_wait_s}`;
    faults.push({ field: 'rpc.pong_wait_s', message, received: rpc.pong_wait_s });
  }
  return faults;
}

/** The same values with secrets and passwords in URLs replaced by `***`. */
export function maskConfig(config: Config): Tree {
  const masked: Tree = {};
  take(config as unknown as Tree, '', (path, value) => put(masked, path, findConfigKey(path)?.isSecret === true ? '***' : maskUrl(value)));
  return masked;
}

/** A value with passwords in addresses replaced. */
export function maskUrl(value: unknown): unknown {
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
