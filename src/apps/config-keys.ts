/** The keys of the configuration, read off its schema: dotted path, environment name, what it is for. */
import { z } from 'zod';
import { configSchema } from '../contracts/index.js';
import { olderNames } from './older-names.js';

/** One value that can be set. */
export interface ConfigKey {
  /** `http.tls.cert_file` */
  readonly path: string;
  /** `WEIR_HTTP_TLS_CERT_FILE` */
  readonly environment: string;
  readonly description: string;
  readonly isSecret: boolean;
  /** A secret that is taken from the environment only. */
  readonly isEnvironmentOnly: boolean;
  /** A relative value is meant from the folder of the file that names it. */
  readonly isPath: boolean;
  /** Several comma-separated values, or a list in the file. */
  readonly isList: boolean;
  readonly isNumber: boolean;
  readonly schema: z.ZodType;
  /** JSON Schema of what may be given. */
  readonly json: Readonly<Record<string, unknown>>;
  /** Undefined: no value. */
  readonly default: unknown;
}

/** Names that other programs made usual; they count less than the `WEIR_` name of the same key. */
export const environmentAliases: Readonly<Record<string, string>> = {
  NATS_URL: 'nats.url',
  NATS_USER: 'nats.user',
  NATS_PASSWORD: 'nats.password',
  NATS_TLS_ENABLED: 'nats.tls.enabled',
  WEIR_NATS_SERVER: 'nats.binary',
  WEIR_ADMIN_PASSWORD: 'access.admin_password',
};

const environmentOnly: Readonly<Record<string, string>> = {
  'access.admin_password': 'WEIR_ADMIN_PASSWORD',
  'access.jwt_secret': 'WEIR_ACCESS_JWT_SECRET',
};

/** Every key, in the order of the schema. */
export const configKeys: readonly ConfigKey[] = keysOf(configSchema, [], configSchema.parse({}));

const byPath = new Map(configKeys.map((key) => [key.path, key]));

/** The key at a dotted path, also of a place inside its value: `access.bus_users.0.password`. */
export function findConfigKey(path: string): ConfigKey | undefined {
  for (let at = path; at !== ''; at = at.slice(0, Math.max(0, at.lastIndexOf('.')))) {
    const key = byPath.get(at);
    if (key !== undefined) return key;
  }
  return undefined;
}

/** Whether an environment variable is (or, in an address, may hold) a secret. */
export function isSecretVariable(name: string): boolean {
  const path = environmentAliases[name] ?? olderNames[name]?.path ?? configKeys.find((key) => key.environment === name)?.path;
  if (path === undefined) return name === 'WEIR_TOKEN';
  return /(?:^|[._])url$/.test(path) || byPath.get(path)?.isSecret === true;
}

/** The sections, as environment names begin with them: `WEIR_HTTP_`. */
export const sectionPrefixes: readonly string[] = [
  ...new Set(configKeys.filter((key) => key.path.includes('.')).map((key) => `WEIR_${key.path.split('.')[0]?.toUpperCase()}_`)),
];

function keysOf(schema: z.ZodType, path: readonly string[], defaults: unknown): ConfigKey[] {
  const shape = shapeOf(schema);
  if (shape !== undefined) {
    const inner = defaults as Readonly<Record<string, unknown>> | undefined;
    return Object.entries(shape).flatMap(([name, below]) => keysOf(below, [...path, name], inner?.[name]));
  }
  const dotted = path.join('.');
  const last = path.at(-1) ?? '';
  const result = typesOf(schema, 'output');
  return [
    {
      path: dotted,
      environment: environmentOnly[dotted] ?? `WEIR_${path.join('_').toUpperCase()}`,
      description: descriptionOf(schema),
      isSecret: /password|token$|secret|^bus_users$/.test(last),
      isEnvironmentOnly: environmentOnly[dotted] !== undefined,
      isPath: /_(?:dir|file)$|^folder$/.test(last) || last === 'media_folders',
      isList: result.includes('array'),
      isNumber: result.length === 1 && (result[0] === 'number' || result[0] === 'integer'),
      schema,
      json: jsonOf(schema, 'input'),
      default: defaults,
    },
  ];
}

function jsonOf(schema: z.ZodType, io: 'input' | 'output'): Record<string, unknown> {
  const { $schema: _schema, default: _default, ...json } = z.toJSONSchema(schema, { io, unrepresentable: 'any' }) as Record<string, unknown>;
  // What is coerced takes anything; what it takes sensibly is what it gives.
  return io === 'input' && json.type === undefined && json.anyOf === undefined && json.enum === undefined ? jsonOf(schema, 'output') : json;
}

function typesOf(schema: z.ZodType, io: 'input' | 'output'): string[] {
  const json = jsonOf(schema, io);
  const parts = Array.isArray(json.anyOf) ? (json.anyOf as Record<string, unknown>[]) : [json];
  return [...new Set(parts.map((part) => part.type).filter((type) => typeof type === 'string'))];
}

interface Wrapped {
  def: { innerType?: z.ZodType };
  shape?: Record<string, z.ZodType>;
}

function shapeOf(schema: z.ZodType): Record<string, z.ZodType> | undefined {
  const { def, shape } = schema as unknown as Wrapped;
  if (shape !== undefined) return shape;
  return def.innerType === undefined ? undefined : shapeOf(def.innerType);
}

function descriptionOf(schema: z.ZodType): string {
  if (schema.description !== undefined) return schema.description;
  const inner = (schema as unknown as Wrapped).def.innerType;
  return inner === undefined ? '' : descriptionOf(inner);
}
