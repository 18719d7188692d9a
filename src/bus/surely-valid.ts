/**
 * A quick way past the schema for messages that are plainly right. The schema library copies each object it checks, which
 * would be the dearest step of receiving a message; these functions only look.
 */
import type { z } from 'zod';

/** True only when the schema would accept the value and give it back unchanged; false says nothing. */
export type Check = (value: unknown) => boolean;

/** What is read of a schema: the library documents `_zod.def` for programs like this one. */
interface Definition {
  type: string;
  checks?: { _zod: { def: CheckDefinition } }[];
  pattern?: unknown;
  format?: string;
  shape?: Record<string, Schema>;
  catchall?: Schema;
  innerType?: Schema;
  element?: Schema;
  entries?: Record<string, string | number>;
  values?: unknown[];
}

interface CheckDefinition {
  check: string;
  format?: string;
  pattern?: unknown;
  value?: number;
  inclusive?: boolean;
  minimum?: number;
  maximum?: number;
}

interface Schema {
  _zod: { def: Definition };
}

/** Builds the check; undefined when the schema holds something that cannot be told by looking, such as a transformation. */
export function surelyValid(schema: z.ZodType): Check | undefined {
  return compile(schema as unknown as Schema);
}

const compilers: Record<string, (definition: Definition) => Check | undefined> = {
  object: compileObject,
  string: (definition) => both((value) => typeof value === 'string', ownPattern(definition), definition.checks, stringCheck),
  number: (definition) =>
    both((value) => typeof value === 'number' && Number.isFinite(value), undefined, definition.checks, numberCheck, ownNumber(definition)),
  boolean: (definition) => both((value) => typeof value === 'boolean', undefined, definition.checks, never),
  enum: (definition) => oneOf(Object.values(definition.entries ?? {})),
  literal: (definition) => oneOf(definition.values ?? []),
  array: compileArray,
  nullable: (definition) => {
    const inner = compile(definition.innerType);
    return inner === undefined ? undefined : (value) => value === null || inner(value);
  },
};

function compile(schema: Schema | undefined): Check | undefined {
  return schema === undefined ? undefined : compilers[schema._zod.def.type]?.(schema._zod.def);
}

function compileObject(definition: Definition): Check | undefined {
  if (definition.checks !== undefined && definition.checks.length > 0) return undefined;
  const names: string[] = [];
  const checks: Check[] = [];
  const optional: boolean[] = [];
  for (const [name, field] of Object.entries(definition.shape ?? {})) {
    const isOptional = field._zod.def.type === 'optional';
    const check = compile(isOptional ? field._zod.def.innerType : field);
    // A field that cannot be told by looking is no hindrance while it is absent, if it may be.
    if (check === undefined && !isOptional) return undefined;
    names.push(name);
    checks.push(check ?? (() => false));
    optional.push(isOptional);
  }
  return (value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
    let present = 0;
    for (let index = 0; index < names.length; index += 1) {
      const field = (value as Record<string, unknown>)[names[index] as string];
      if (field === undefined) {
        if (!optional[index]) return false;
      } else {
        if (!(checks[index] as Check)(field)) return false;
        present += 1;
      }
    }
    // Unknown fields are for the schema to drop or to refuse.
    for (const _name in value) present -= 1;
    return present === 0;
  };
}

function compileArray(definition: Definition): Check | undefined {
  const element = compile(definition.element);
  if (element === undefined || (definition.checks !== undefined && definition.checks.length > 0)) return undefined;
  return (value) => Array.isArray(value) && value.every(element);
}

function oneOf(values: unknown[]): Check {
  const allowed = new Set(values);
  return (value) => allowed.has(value);
}

function ownPattern(definition: Definition): Check | undefined | 'unknown' {
  if (definition.format === undefined) return undefined;
  return patternCheck(definition.pattern) ?? 'unknown';
}

function ownNumber(definition: Definition): boolean {
  return definition.format === undefined || definition.format === 'safeint';
}

function both(
  type: Check,
  own: Check | undefined | 'unknown',
  checks: Definition['checks'],
  translate: (check: CheckDefinition) => Check | undefined,
  isKnown = true,
): Check | undefined {
  if (own === 'unknown' || !isKnown) return undefined;
  const all: Check[] = own === undefined ? [type] : [type, own];
  for (const check of checks ?? []) {
    const one = translate(check._zod.def);
    if (one === undefined) return undefined;
    all.push(one);
  }
  const [first, second, third] = all;
  if (second === undefined) return first;
  if (third === undefined) return (value) => type(value) && second(value);
  return (value) => all.every((one) => one(value));
}

function never(): undefined {
  return undefined;
}

function patternCheck(pattern: unknown): Check | undefined {
  // A pattern with a memory would answer differently each time.
  if (!(pattern instanceof RegExp) || pattern.global || pattern.sticky) return undefined;
  return (value) => pattern.test(value as string);
}

function stringCheck({ check, pattern, minimum, maximum }: CheckDefinition): Check | undefined {
  if (check === 'string_format') return patternCheck(pattern);
  if (check === 'min_length' && minimum !== undefined) return (value) => (value as string).length >= minimum;
  if (check === 'max_length' && maximum !== undefined) return (value) => (value as string).length <= maximum;
  return undefined;
}

function numberCheck({ check, format, value: bound, inclusive }: CheckDefinition): Check | undefined {
  if (check === 'number_format') return format === 'safeint' ? Number.isSafeInteger : undefined;
  if (bound === undefined) return undefined;
  if (check === 'greater_than') return inclusive ? (value) => (value as number) >= bound : (value) => (value as number) > bound;
  if (check === 'less_than') return inclusive ? (value) => (value as number) <= bound : (value) => (value as number) < bound;
  return undefined;
}
