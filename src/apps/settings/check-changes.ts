/** Looks at each key of a change by itself, before anything is written. */
import { type FieldError, WeirError } from '../../contracts/index.js';
import { maskUrl, nearest } from '../config.js';
import { type ConfigKey, configKeys } from '../config-keys.js';

const byPath = new Map(configKeys.map((key) => [key.path, key]));

/**
 * The values as they are to be written; undefined takes a key out. Throws `invalid_argument` naming every faulty key with its value, and
 * `failed_precondition` for a key that environment or flags decide.
 */
export function checkChanges(changes: Readonly<Record<string, unknown>>, sources: ReadonlyMap<string, string>): Map<string, unknown> {
  const edits = new Map<string, unknown>();
  const faults: (FieldError & { hint?: string })[] = [];
  for (const [path, value] of Object.entries(changes)) {
    const key = byPath.get(path);
    if (key === undefined) {
      faults.push({ field: path, message: 'is no setting', hint: adviceOn(path) });
      continue;
    }
    checkSource(key, sources.get(path));
    const checked = checkValue(key, value);
    if ('message' in checked) faults.push({ field: path, ...checked, ...(key.isSecret ? {} : { received: maskUrl(value) }) });
    else edits.set(path, checked.value);
  }
  const [first] = faults;
  if (first === undefined) return edits;
  throw new WeirError('invalid_argument', faults.map(({ field, message }) => `${field}: ${message}`).join('; '), {
    errors: faults.map(({ hint: _hint, ...fault }) => fault),
    ...(first.hint === undefined ? {} : { hint: first.hint }),
  });
}

function adviceOn(path: string): string {
  if (configKeys.some((key) => key.path.startsWith(`${path}.`))) return `Name one of the keys below it, for example ${path}.${firstBelow(path)}`;
  const near = nearest(
    path,
    configKeys.map((key) => key.path),
  );
  return near === undefined ? '`weir config show --all` lists every key' : `Did you mean ${near}?`;
}

function firstBelow(path: string): string {
  return configKeys.find((key) => key.path.startsWith(`${path}.`))?.path.slice(path.length + 1) ?? '';
}

function checkSource(key: ConfigKey, source: string | undefined): void {
  if (key.isEnvironmentOnly) {
    throw new WeirError('failed_precondition', `${key.path} is taken from the environment only`, {
      field: key.path,
      hint: `Set ${key.environment} where the hub is started`,
    });
  }
  if (source === undefined || source.startsWith('file ')) return;
  throw new WeirError('failed_precondition', `${key.path} is set by ${source}: a value in the file would have no effect`, {
    field: key.path,
    hint: 'Take it out there and start the hub again; then it can be changed here',
  });
}

type Checked = { readonly value: unknown } | { readonly message: string; readonly hint: string };

function checkValue(key: ConfigKey, value: unknown): Checked {
  if (value === null) return { value: undefined };
  const refuse = (message: string, hint = describeKey(key)): Checked => ({ message, hint });
  if (typeof value === 'string' && (value === '***' || value.includes('://***@')))
    return refuse('*** stands for a secret and is no value', 'Send the secret itself, or leave the key out to keep what is there');
  const looksLikeNumber = typeof value === 'number' || (typeof value === 'string' && value.trim() !== '');
  if (key.isNumber && !looksLikeNumber) return refuse('use a number');
  const parsed = key.schema.safeParse(value);
  if (parsed.success) return { value: key.isPath ? value : parsed.data };
  const [issue] = parsed.error.issues;
  if (issue === undefined || issue.code === 'invalid_union') return refuse(`must be ${wanted(key)}`);
  return refuse(issue.path.length === 0 ? issue.message : `${issue.path.join('.')}: ${issue.message}`);
}

/** What a key takes, in words. */
export function describeKey(key: ConfigKey): string {
  const what = `${key.path} takes ${wanted(key)}`;
  return key.description === '' ? what : `${what}: ${key.description}`;
}

function wanted({ json, isList }: ConfigKey): string {
  if (isList) return 'a list';
  const parts = Array.isArray(json.anyOf) ? (json.anyOf as Record<string, unknown>[]) : [json];
  return [...new Set(parts.flatMap(wordsOf))].join(', ') || 'a value of its kind';
}

function wordsOf(json: Readonly<Record<string, unknown>>): string[] {
  if (Array.isArray(json.anyOf)) return (json.anyOf as Record<string, unknown>[]).flatMap(wordsOf);
  if (Array.isArray(json.enum)) return json.enum.map(String);
  if (json.const !== undefined) return [String(json.const)];
  if (json.type === 'boolean') return ['true', 'false'];
  const range = [json.minimum, json.maximum].map((bound) => (typeof bound === 'number' && Math.abs(bound) < 9e15 ? String(bound) : ''));
  const within = range.every((bound) => bound === '')
    ? ''
    : ` from ${range[0] === '' ? 'below' : range[0]}${range[1] === '' ? '' : ` to ${range[1]}`}`;
  if (json.type === 'integer') return [`a whole number${within}`];
  if (json.type === 'number') return [`a number${within}`];
  if (json.type === 'string') return [json.format === 'uri' ? 'an address' : 'a text'];
  return [];
}
