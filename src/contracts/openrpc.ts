/** The JSON-RPC door as OpenRPC 1.3, from the method table. */
import { errorTable } from './errors.js';
import { type JsonSchema, SchemaCollection } from './json-schema.js';
import {
  commonErrors,
  defaultLimit,
  type RpcErrorNumber,
  type RpcMethod,
  rpcErrors,
  rpcMethodNames,
  rpcMethods,
  rpcNotificationNames,
  rpcNotifications,
  rpcTopicNames,
  rpcTopics,
} from './rpc/index.js';

/** Builds the document. `version` is that of the program. */
export function createOpenRpc(version: string): JsonSchema {
  const schemas = new SchemaCollection();
  const methods = rpcMethodNames.map((name) => describeMethod(name, rpcMethods[name], schemas));
  const notifications = rpcNotificationNames.map((name) => ({ name, params: schemas.of(rpcNotifications[name]) }));
  const topics = rpcTopicNames.map((name) => ({ name, params: schemas.of(rpcTopics[name]) }));
  return {
    openrpc: '1.3.2',
    info: {
      title: 'Weir cameras',
      version,
      description: 'JSON-RPC 2.0 in WebSocket text frames at `/ws`. Parameters are named; a batch is refused; every answer carries `metadata`.',
      license: { name: 'Apache-2.0' },
    },
    servers: [{ name: 'hub', url: '/ws' }],
    methods,
    // OpenRPC has no word for what a server sends by itself.
    'x-notifications': notifications,
    'x-topics': topics,
    components: {
      schemas: schemas.schemas,
      errors: Object.fromEntries(Object.keys(rpcErrors).map((key) => [errorName(Number(key)), describeError(key)])),
    },
  };
}

function describeMethod(name: string, method: RpcMethod, schemas: SchemaCollection): JsonSchema {
  return {
    name,
    summary: method.summary,
    tags: [{ name: method.tag }],
    paramStructure: 'by-name',
    params: describeParams(method, schemas),
    result: { name: `${name}_result`, schema: schemas.of(method.result) },
    errors: [...new Set([...commonErrors, ...method.errors])].map((code) => ({ $ref: `#/components/errors/${errorName(code)}` })),
    'x-weir-role': method.role,
    'x-weir-limit': method.limit ?? defaultLimit,
    ...(method.twin === null ? {} : { 'x-weir-route': method.twin }),
  };
}

function describeParams(method: RpcMethod, schemas: SchemaCollection): JsonSchema[] {
  const named = schemas.of(method.params, 'input');
  const json = (typeof named.$ref === 'string' ? schemas.schemas[named.$ref.split('/').at(-1) ?? ''] : named) as {
    properties?: Record<string, JsonSchema>;
    required?: string[];
  };
  return Object.entries(json.properties ?? {}).map(([name, { description, ...schema }]) => ({
    name,
    required: (json.required ?? []).includes(name),
    ...(description === undefined ? {} : { description }),
    schema,
  }));
}

function errorName(code: number): string {
  return (rpcErrors[code as RpcErrorNumber]?.name ?? String(code)).replaceAll(' ', '');
}

function describeError(key: string): JsonSchema {
  const code = Number(key) as RpcErrorNumber;
  const { name, when, keys } = rpcErrors[code];
  const codes = Object.entries(errorTable).flatMap(([ours, row]) => (row.rpc === code ? [ours] : []));
  return { code, message: name, data: { when, keys: [...keys, 'reason', 'details', 'suggestion'], ...(codes.length === 0 ? {} : { codes }) } };
}
