/** From the JSON Schema of a setting to an editor for it, and from what was typed to a value. Pure. */

export type JsonSchema = Readonly<Record<string, unknown>>;

/** How a value is edited. */
export type Editor =
  | { kind: 'switch' }
  | { kind: 'choice'; values: readonly (string | number | boolean)[] }
  | { kind: 'number'; integer: boolean; min: number | undefined; max: number | undefined }
  | { kind: 'text'; pattern: string | undefined; minLength: number | undefined; maxLength: number | undefined; format: string | undefined }
  | { kind: 'list'; items: 'string' | 'number' }
  | { kind: 'json' };

const numberOf = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined);
const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

/** Bounds that a schema library writes for every safe integer say nothing to a person. */
function bound(value: unknown): number | undefined {
  const number = numberOf(value);
  return number === undefined || Math.abs(number) >= Number.MAX_SAFE_INTEGER ? undefined : number;
}

function branchesOf(schema: JsonSchema): JsonSchema[] {
  const any = schema.anyOf ?? schema.oneOf;
  return Array.isArray(any) ? (any as JsonSchema[]).flatMap(branchesOf) : [schema];
}

/** The editor that fits a schema; what fits none is edited as JSON. */
export function editorOf(schema: JsonSchema): Editor {
  const branches = branchesOf(schema);
  if (branches.length > 1) return editorOfMany(branches);
  const [one = {}] = branches;
  if (Array.isArray(one.enum)) return { kind: 'choice', values: one.enum as (string | number | boolean)[] };
  const minimum = bound(one.minimum) ?? bound(one.exclusiveMinimum);
  switch (one.type) {
    case 'boolean':
      return { kind: 'switch' };
    case 'integer':
    case 'number':
      return { kind: 'number', integer: one.type === 'integer', min: minimum, max: bound(one.maximum) };
    case 'string':
      return {
        kind: 'text',
        pattern: textOf(one.pattern),
        minLength: numberOf(one.minLength),
        maxLength: numberOf(one.maxLength),
        format: textOf(one.format),
      };
    case 'array': {
      const item = branchesOf((one.items ?? {}) as JsonSchema)[0]?.type;
      return item === 'string'
        ? { kind: 'list', items: 'string' }
        : item === 'integer' || item === 'number'
          ? { kind: 'list', items: 'number' }
          : { kind: 'json' };
    }
    default:
      return { kind: 'json' };
  }
}

/** A flag may also be written as text, a list as text with commas: the shapes of environment variables, not more to choose from. */
function editorOfMany(branches: readonly JsonSchema[]): Editor {
  const array = branches.find((one) => one.type === 'array');
  if (array !== undefined) return editorOf(array);
  const words = branches.flatMap((one) => (Array.isArray(one.enum) ? (one.enum as unknown[]) : 'const' in one ? [one.const] : []));
  if (branches.some((one) => one.type === 'boolean')) {
    const further = words.filter((word): word is string => typeof word === 'string' && word !== 'true' && word !== 'false');
    return further.length === 0 ? { kind: 'switch' } : { kind: 'choice', values: [...further, true, false] };
  }
  const number = branches.find((one) => one.type === 'number' || one.type === 'integer');
  if (number !== undefined) return editorOf(number);
  if (words.length > 0 && words.length === branches.length) return { kind: 'choice', values: words as (string | number)[] };
  const others = branches.filter((one) => one.type !== 'null');
  return others.length === 1 && others[0] !== undefined ? editorOf(others[0]) : { kind: 'json' };
}

/** The text an editor starts with. */
export function toText(value: unknown, editor: Editor): string {
  if (value === undefined || value === null) return '';
  if (editor.kind === 'list') return Array.isArray(value) ? value.join('\n') : String(value);
  if (editor.kind === 'json') return JSON.stringify(value, null, 2);
  return String(value);
}

export type Parsed = { value: unknown } | { error: string };

/** What was typed as a value, or what is wrong with it. An empty text is null: back to the default. */
export function parseText(text: string, editor: Editor): Parsed {
  const trimmed = text.trim();
  if (editor.kind === 'list') return parseList(text, editor.items);
  if (trimmed === '') return { value: null };
  if (editor.kind === 'switch') return { value: trimmed === 'true' };
  if (editor.kind === 'choice') {
    const value = editor.values.find((one) => String(one) === trimmed);
    return value === undefined ? { error: `Choose one of ${editor.values.join(', ')}` } : { value };
  }
  if (editor.kind === 'number') return parseNumber(trimmed, editor);
  if (editor.kind === 'json') return parseJson(trimmed);
  return checkWord(trimmed, editor);
}

function parseList(text: string, items: 'string' | 'number'): Parsed {
  const lines = text
    .split(/[\n,]/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
  if (items === 'string') return { value: lines };
  const numbers = lines.map(Number);
  const wrong = numbers.findIndex((one) => !Number.isFinite(one));
  return wrong === -1 ? { value: numbers } : { error: `“${lines[wrong]}” is not a number` };
}

function parseNumber(text: string, { integer, min, max }: Editor & { kind: 'number' }): Parsed {
  const value = Number(text.replace(/[\u202f\u00a0 _]/g, ''));
  if (!Number.isFinite(value)) return { error: 'Write a number' };
  if (integer && !Number.isInteger(value)) return { error: 'Write a whole number' };
  if (min !== undefined && value < min) return { error: `At least ${min}` };
  if (max !== undefined && value > max) return { error: `At most ${max}` };
  return { value };
}

function parseJson(text: string): Parsed {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch (thrown) {
    return { error: `Not JSON: ${thrown instanceof Error ? thrown.message : String(thrown)}` };
  }
}

function checkWord(text: string, { pattern, minLength, maxLength }: Editor & { kind: 'text' }): Parsed {
  if (minLength !== undefined && text.length < minLength) return { error: `At least ${minLength} characters` };
  if (maxLength !== undefined && text.length > maxLength) return { error: `At most ${maxLength} characters` };
  if (pattern !== undefined && !matches(text, pattern)) return { error: 'Not in the form this setting needs' };
  return { value: text };
}

/** A pattern this browser cannot read is left to the hub. */
function matches(text: string, pattern: string): boolean {
  try {
    return new RegExp(pattern, 'u').test(text);
  } catch {
    return true;
  }
}
