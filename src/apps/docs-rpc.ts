/** The page `docs/reference/json-rpc.md`. */
import type { z } from 'zod';
import {
  commonErrors,
  defaultLimit,
  fileItemSchema,
  type RpcMethod,
  rpcCameraSchema,
  rpcCloseCodes,
  rpcErrorNumbers,
  rpcErrors,
  rpcExternalStreamSchema,
  rpcMethodNames,
  rpcMethods,
  rpcNotificationNames,
  rpcNotifications,
  rpcTopicNames,
  rpcTopics,
} from '../contracts/rpc/index.js';

export interface PageParts {
  readonly table: (head: string[], rows: string[][]) => string;
  readonly fieldTable: (schema: z.ZodType) => string;
}

const shapes: [name: string, shape: z.ZodType][] = [
  ['RpcCamera', rpcCameraSchema],
  ['RpcFileItem', fileItemSchema],
  ['RpcExternalStream', rpcExternalStreamSchema],
];

/** Every method with its parameters and result, the events, the errors. */
export function rpcPage({ table, fieldTable }: PageParts): string {
  const rows = rpcMethodNames.map((name) => {
    const { role, summary, limit = defaultLimit, errors }: RpcMethod = rpcMethods[name];
    return [`[\`${name}\`](#${name})`, role, summary, `${limit.perSecond}/${limit.burst}`, errors.join(', ')];
  });
  const methods = rpcMethodNames.map((name) => {
    const { params, result, twin }: RpcMethod = rpcMethods[name];
    const route = twin === null ? [] : [`Same work as the route \`${twin}\`.`];
    return [`### ${name}`, ...route, 'Parameters:', fieldTable(params), 'Result:', resultText(result, fieldTable)].join('\n\n');
  });
  return [
    '# JSON-RPC',
    ...introduction(),
    '## Methods',
    `Limit: calls per second for long / at once, for each client (its address before it signs in, its user or token after); of \`authenticate\` only failed attempts count. Errors are those beside ${commonErrors.join(', ')}, which any call may be answered with.`,
    table(['Method', 'Least role', 'What it does', 'Limit', 'Errors'], rows),
    ...methods,
    '## Shapes',
    ...shapes.flatMap(([name, shape]) => [`### ${name}`, fieldTable(shape)]),
    '## Notifications',
    'Sent without being asked to every connection that is signed in and may see the camera.',
    ...rpcNotificationNames.flatMap((name) => [`### ${name}`, fieldTable(rpcNotifications[name])]),
    '## Topics',
    'Sent to those who subscribed: `method` is the topic, `params` the data. Filters compare keys of the data (and `topic`) for equality; `timestamp_after` and `timestamp_before` take RFC 3339 times; all must hold, and a key that the data does not have does not match.',
    ...rpcTopicNames.flatMap((name) => [`### ${name}`, fieldTable(rpcTopics[name])]),
    '## Errors',
    'Every `error.data` carries `reason` (a stable word), `details` (a sentence), `suggestion`, and the keys of its number.',
    table(
      ['Number', 'Name', 'When', 'Keys of `data`'],
      rpcErrorNumbers
        .sort((a, b) => b - a)
        .map((code) => [String(code), rpcErrors[code].name, rpcErrors[code].when, rpcErrors[code].keys.join(', ')]),
    ),
    '## Close codes',
    table(
      ['Code', 'Why'],
      Object.entries(rpcCloseCodes).map(([why, code]) => [String(code), why.replaceAll('_', ' ')]),
    ),
    '',
  ].join('\n\n');
}

function introduction(): string[] {
  return [
    'JSON-RPC 2.0 over WebSocket at `/ws` of the hub, and at `rpc.port` when it is set. The whole of it as a document is [openrpc.json](openrpc.json), also served at `/api/v1/openrpc.json`.',
    [
      '- One request per text frame; parameters by name; a batch is answered with -32600, a text that is no JSON with -32700 and `id` null, as JSON-RPC 2.0 has it.',
      '- `id` is a string or a number. Without it the call is carried out and never answered.',
      '- Answers carry `metadata`: `processing_time_ms`, `server_timestamp`, `request_id` (which the log of the hub knows).',
      `- Sign in with \`authenticate\`: an API token (\`weir token create\`) or a JWT. It holds for the connection until the token expires or is revoked. An expired connection may sign in again, a revoked one is closed.`,
      '- Checks come in this order: limit, method, login, role, readiness, parameters, work. While the hub starts, only `ping`, `authenticate` and `get_system_status` are answered.',
      '- Cameras are named by their id; device nodes are neither taken nor told.',
      '- Files are downloaded from `/files/recordings/NAME` and `/files/snapshots/NAME` with `Authorization: Bearer TOKEN` or `X-API-Key: TOKEN`; ranges are served.',
      '- Pages of other origins may not connect (`http.allowed_origins`); programs send no `Origin`.',
    ].join('\n'),
  ];
}

/** An object as its fields, a list as those of its items, anything else as it is. */
function resultText(result: z.ZodType, fieldTable: PageParts['fieldTable']): string {
  const { type, element, values } = result._zod.def as unknown as { type: string; element?: z.ZodType; values?: unknown[] };
  if (type === 'array' && element !== undefined) return `A list of\n\n${fieldTable(element)}`;
  return type === 'literal' ? `\`${JSON.stringify(values?.[0])}\`` : fieldTable(result);
}
