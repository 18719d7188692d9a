/** The keys of the configuration, read off its schema: dotted path, environment name, what it is for. */
import type { z } from 'zod';
import { configSchema } from '../contracts/index.js';

/** One value that can be set. */
export interface ConfigKey {
  /** `http.tls.cert_file` */
  readonly path: string;
  /** `WEIR_HTTP_TLS_CERT_FILE` */
  readonly environment: string;
  readonly description: string;
  readonly isSecret: boolean;
  /** A relative value is meant from the folder of the file that names it. */
  readonly isPath: boolean;
  /** Several comma-separated values, or a list in the file. */
  readonly isList: boolean;
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

/** Every key, in the order of the schema. */
export const configKeys: readonly ConfigKey[] = keysOf(configSchema, []);

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
  const path = environmentAliases[name] ?? configKeys.find((key) => key.environment === name)?.path;
  if (path === undefined) return name === 'WEIR_TOKEN';
  return /(?:^|[._])url$/.test(path) || byPath.get(path)?.isSecret === true;
}

/** The sections, as environment names begin with them: `WEIR_HTTP_`. */
export const sectionPrefixes: readonly string[] = [
  ...new Set(configKeys.filter((key) => key.path.includes('.')).map((key) => `WEIR_${key.path.split('.')[0]?.toUpperCase()}_`)),
];

function keysOf(schema: z.ZodType, path: readonly string[]): ConfigKey[] {
  const shape = shapeOf(schema);
  if (shape !== undefined) return Object.entries(shape).flatMap(([name, inner]) => keysOf(inner, [...path, name]));
  const dotted = path.join('.');
  const last = path.at(-1) ?? '';
  return [
    {
      path: dotted,
      environment: dotted === 'access.admin_password' ? 'WEIR_ADMIN_PASSWORD' : `WEIR_${path.join('_').toUpperCase()}`,
      description: descriptionOf(schema),
      isSecret: /password|token$|secret|^bus_users$/.test(last),
      isPath: /_(?:dir|file)$/.test(last) || last === 'media_folders',
      isList: ['allowed_origins', 'media_folders', 'source_hosts'].includes(last),
    },
  ];
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
