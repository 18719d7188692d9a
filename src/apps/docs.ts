/**
 * Writes `docs/reference/` from the contracts, or with `--check` fails when a file there differs.
 *   node dist/apps/docs.js [--check]
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { z } from 'zod';
import { createAsyncApi } from '../contracts/asyncapi.js';
import { busRoles, type Channel, channelNames, channels } from '../contracts/channels.js';
import { errorCodes, errorTable } from '../contracts/errors.js';
import { type JsonSchema, SchemaCollection } from '../contracts/json-schema.js';
import { createOpenApi } from '../contracts/openapi.js';
import { createOpenRpc } from '../contracts/openrpc.js';
import { permissionsFor } from '../contracts/permissions.js';
import { type Route, routeNames, routes } from '../contracts/routes.js';
import { tusCallDescriptions } from '../contracts/tus.js';
import { configKeys } from './config-keys.js';
import { rpcPage } from './docs-rpc.js';
import { olderNames } from './older-names.js';
import { appliesOf } from './settings/applies.js';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const folder = join(root, 'docs', 'reference');
const note = '<!-- Generated from src/contracts by `node dist/apps/docs.js`; do not edit. -->\n\n';

/** File name to content of every generated document. */
export function generateDocuments(version: string): Record<string, string> {
  return {
    'subjects.md': note + subjectsPage(),
    'http-api.md': note + httpPage(),
    'json-rpc.md': note + rpcPage({ table, fieldTable }),
    'errors.md': note + errorsPage(),
    'config.md': note + configPage(),
    'openapi.json': `${JSON.stringify(createOpenApi(version), null, 1)}\n`,
    'openrpc.json': `${JSON.stringify(createOpenRpc(version), null, 1)}\n`,
    'asyncapi.json': `${JSON.stringify(createAsyncApi(version), null, 1)}\n`,
  };
}

function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function fieldTable(schema: z.ZodType): string {
  const collection = new SchemaCollection('');
  const json = resolve(collection.of(schema), collection);
  const required = new Set((json.required as string[] | undefined) ?? []);
  const properties = (json.properties ?? {}) as Record<string, JsonSchema>;
  const rows = Object.entries(properties).map(([name, property]) => [
    `\`${name}\`${required.has(name) ? '' : ' ?'}`,
    describeType(property),
    String(property.description ?? ''),
  ]);
  return rows.length === 0 ? 'No fields.' : table(['Field', 'Type', 'Meaning'], rows);
}

function resolve(json: JsonSchema, collection: SchemaCollection): JsonSchema {
  return typeof json.$ref === 'string' ? (collection.schemas[json.$ref] ?? {}) : json;
}

function describeType(json: JsonSchema): string {
  if (typeof json.$ref === 'string') return json.$ref;
  if (json.const !== undefined) return `\`${String(json.const)}\``;
  if (Array.isArray(json.enum)) return json.enum.map((value) => `\`${String(value)}\``).join(', ');
  for (const key of ['anyOf', 'oneOf']) {
    if (Array.isArray(json[key])) return [...new Set((json[key] as JsonSchema[]).map(describeType))].join(' or ');
  }
  if (json.type === 'array') return `list of ${describeType((json.items ?? {}) as JsonSchema)}`;
  const type = Array.isArray(json.type) ? json.type.join(' or ') : String(json.type ?? 'any');
  return json.format === 'date-time' ? 'time (RFC 3339)' : type;
}

function subjectsPage(): string {
  const rows = channelNames.map((name) => {
    const channel: Channel = channels[name];
    return [`[\`${channel.address}\`](#${name})`, channel.kind, channel.publishers.join(', '), channel.subscribers.join(', '), channel.rate ?? ''];
  });
  const details = channelNames.map((name) => {
    const channel: Channel = channels[name];
    const parts = [`### ${name}`, `\`${channel.address}\``, channel.summary];
    if (channel.kind === 'bytes') parts.push('Bytes of fragmented MP4; headers in `src/contracts/media.ts`.');
    else parts.push(fieldTable(channel.message));
    if (channel.reply !== undefined) parts.push('Answer:', fieldTable(channel.reply));
    return parts.join('\n\n');
  });
  const scope = { streams: ['cam1'], inboxPrefix: '_INBOX_x', viewer: 'x' } as const;
  const permissions = busRoles
    .filter((role) => role !== 'hub')
    .map((role) => {
      const streams = role === 'admin' ? ('all' as const) : scope.streams;
      const lists = permissionsFor(role, { ...scope, streams, ...(role === 'spoke' ? { spokeId: 'spoke1' } : {}) });
      const show = (subjects: string[]) => subjects.map((subject) => `  ${subject}`).join('\n');
      return `### ${role}\n\n\`\`\`\npublish\n${show(lists.publish)}\nsubscribe\n${show(lists.subscribe)}\n\`\`\``;
    });
  return [
    '# Subjects',
    'Messages are JSON in UTF-8 unless the kind says bytes. A request may carry `traceparent`; a failed one is answered with a `Problem` and the header `Nats-Service-Error-Code`. Fields marked `?` are optional. The first token can be renamed (`nats.root`).',
    table(['Subject', 'Kind', 'Published by', 'Subscribed by', 'Rate'], rows),
    '## Messages',
    ...details,
    '## Permissions',
    'What a client of each role may do, here bound to the stream `cam1` (spoke `spoke1`, reading place `x`); admins are bound to none.',
    ...permissions,
    '',
  ].join('\n\n');
}

function httpPage(): string {
  const tags = [...new Set(routeNames.map((name) => routes[name].tag))];
  const sections = tags.map((tag) => {
    const rows = routeNames
      .filter((name) => routes[name].tag === tag)
      .map((name) => {
        const route: Route = routes[name];
        return [`\`${route.method} ${route.path}\``, route.role, route.summary, route.produces ?? (route.answer === undefined ? '204' : 'JSON')];
      });
    const tus =
      tag === 'uploads' ? tusCallDescriptions.map((call) => [`\`${call.method} ${call.path}\``, call.role, call.summary, String(call.status)]) : [];
    const section = `## ${tag}\n\n${table(['Route', 'Least role', 'What it does', 'Answer'], [...rows, ...tus])}`;
    return tag === 'uploads' ? `${section}\n\n${tusWords}` : section;
  });
  return [
    '# HTTP API',
    'The whole of it, with every schema, is [openapi.json](openapi.json), also served at `/api/v1/openapi.json`. Sign in with the session cookie (`POST /api/v1/session`) or send `Authorization: Bearer TOKEN` (`weir token create`). Failures are `application/problem+json`, see [errors](errors.md). A user or token bound to streams sees only these.',
    ...sections,
    '',
  ].join('\n\n');
}

const tusWords = [
  'Resumable uploads are [tus 1.0.0](https://tus.io/protocols/resumable-upload) with any of its clients, each request with `Tus-Resumable: 1.0.0`.',
  'Keys of `Upload-Metadata`: `filename`, `filetype`, and `draft`, a VideoDraft as JSON (title, tags, profile, visibility, …).',
  'The video is `video_id` of `GET /api/v1/uploads/{upload_id}`, where `upload_id` is the end of the address that the client was given.',
].join(' ');

function errorsPage(): string {
  const rows = errorCodes.map((code) => [`\`${code}\``, String(errorTable[code].status), String(errorTable[code].rpc), errorTable[code].title]);
  return `# Errors\n\nEvery failure carries one of these codes, a sentence (\`detail\`), often what to do (\`hint\`), and for bad input each faulty field with the value received (\`errors\`).\n\n${table(['Code', 'HTTP status', 'JSON-RPC', 'Title'], rows)}\n`;
}

function configPage(): string {
  const words: Readonly<Record<string, string>> = { at_once: 'at once', restart: 'restart' };
  const rows = configKeys.map(({ path, environment, json, default: preset, description }) => [
    `\`${path}\``,
    `\`${environment}\``,
    describeType(json),
    preset === undefined ? '' : `\`${JSON.stringify(preset)}\``,
    words[appliesOf.get(path) ?? 'restart'] ?? '',
    description,
  ]);
  const older = Object.entries(olderNames).map(([name, { path }]) => [`\`${name}\``, `\`${path}\``]);
  return [
    '# Configuration',
    'File `weir.yaml` in the working folder, else in the data folder (or `--config FILE`, `WEIR_CONFIG`), environment, flags: a flag beats the environment, which beats the file. `NATS_URL`, `NATS_USER`, `NATS_PASSWORD`, `NATS_TLS_ENABLED` and `STREAM_ID` are understood as well.',
    'A running hub follows the file. A change that is not sound changes nothing and raises the alert `config_invalid`, which names file, line, column, key and value. *Change* tells what a key needs: `at once`, where the running hub follows it, else a restart. `weir config set`, or `PATCH /api/v1/config`, checks a change, writes it to the file (comments stay) and applies it; `weir config history`, `diff` and `restore` look and go back. A secret is kept in no history. When there is no file, one is made in the data folder.',
    table(['Key', 'Environment', 'Type', 'Default', 'Change', 'Meaning'], rows),
    '## Names of an older camera service',
    'These variables mean the same as a key above and count less than its own name. Durations may carry their unit (`30s`). Others that begin with `CAMERA_SERVICE_` are told at the start and change nothing.',
    table(['Variable', 'Key'], older),
    '',
  ].join('\n\n');
}

function main(): void {
  const version = (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }).version;
  const check = process.argv.includes('--check');
  mkdirSync(folder, { recursive: true });
  for (const [name, content] of Object.entries(generateDocuments(version))) {
    const path = join(folder, name);
    if (!check) writeFileSync(path, content);
    else if (readOrEmpty(path) !== content) {
      process.stderr.write(`docs/reference/${name} is not what the contracts say; run: node dist/apps/docs.js\n`);
      process.exitCode = 1;
    }
  }
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main();
