/**
 * A program that passes for MediaMTX: the documented control interface of the version it is told to be, the HTTP question, on-demand
 * commands that really run, RTSP over TCP, and faults on request. Usage: `--fake=VERSION CONFIG`.
 */
import { readFileSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, request as requestHttp, type ServerResponse } from 'node:http';
import { dirname, join } from 'node:path';
import { parse } from 'yaml';
import { type FakePath, FakePaths, type FakePublisher, type FakeReader, FakeRefusal } from './fake-mediamtx-paths.js';
import { createFakeRtsp, type FakeQuestion } from './fake-mediamtx-rtsp.js';

const version = (process.argv.find((text) => text.startsWith('--fake=')) ?? '--fake=1.20.1').slice('--fake='.length);
const configFile = process.argv.at(-1) ?? '';
// As in its YAML library, `no` and `off` are no texts unless quoted.
const config = parse(readFileSync(configFile, 'utf8'), { version: '1.1' }) as Record<string, unknown>;
const started = new Date();
let fault: 'none' | 'hang' | 'garbage' | 'error' = 'none';

const known = new Set(
  'logLevel logDestinations readTimeout writeTimeout authMethod authHTTPAddress authHTTPExclude api apiAddress metrics pprof playback rtsp rtspAddress rtspTransports rtspEncryption rtmp rtmpAddress hls hlsAddress webrtc webrtcAddress webrtcLocalUDPAddress webrtcAdditionalHosts srt srtAddress paths'.split(
    ' ',
  ),
);
if (isAtLeast('1.15.4')) known.add('apiAllowOrigins');
if (isAtLeast('1.19.0')) known.add('moq');
const unknown = Object.keys(config).find((name) => !known.has(name));
if (unknown !== undefined) fail(`json: unknown field "${unknown}"`);

if (config.rtspEncryption !== undefined && typeof config.rtspEncryption !== 'string')
  fail('json: cannot unmarshal bool into Go value of type conf.alias');

function isAtLeast(floor: string): boolean {
  const [a = [], b = []] = [version, floor].map((text) => text.split('.').map(Number));
  for (const at of [0, 1, 2]) if ((a[at] ?? 0) !== (b[at] ?? 0)) return (a[at] ?? 0) > (b[at] ?? 0);
  return true;
}

function fail(message: string): never {
  process.stdout.write(`ERR: ${message}\n`);
  process.exit(1);
}

function addressOf(name: string): { host: string; port: number } {
  const text = String(config[name] ?? '');
  return { host: text.slice(0, text.lastIndexOf(':')).replace(/^\[|\]$/g, ''), port: Number(text.slice(text.lastIndexOf(':') + 1)) };
}

/** The question to the hub; nobody to ask means no. */
function ask(question: FakeQuestion): Promise<boolean> {
  const address = config.authHTTPAddress;
  if (config.authMethod !== 'http' || typeof address !== 'string') return Promise.resolve(true);
  const body = JSON.stringify(isAtLeast('1.19.0') ? { ...question, userAgent: 'fake' } : question);
  return new Promise((resolve) => {
    const outgoing = requestHttp(address, { method: 'POST', headers: { 'content-type': 'application/json' }, timeout: 5000 }, (response) => {
      response.resume();
      resolve((response.statusCode ?? 500) >= 200 && (response.statusCode ?? 500) <= 299);
    });
    outgoing.on('error', () => resolve(false));
    outgoing.on('timeout', () => outgoing.destroy());
    outgoing.end(body);
  });
}

const rtspAddress = addressOf('rtspAddress');
const paths = new FakePaths(() => rtspAddress.port);

function listOf(items: readonly unknown[], query: URLSearchParams): unknown {
  const perPage = Number(query.get('itemsPerPage') ?? 100);
  const page = Number(query.get('page') ?? 0);
  return { itemCount: items.length, pageCount: Math.ceil(items.length / perPage), items: items.slice(page * perPage, (page + 1) * perPage) };
}

function showPath(path: FakePath): unknown {
  const ready = path.publisher !== undefined;
  const since = ready ? started.toISOString() : null;
  const [, codec] = /a=rtpmap:\d+ (\w+)\//.exec(path.publisher?.sdp ?? '') ?? [];
  const tracks = codec === undefined ? [] : [codec];
  return {
    ...{ name: path.name, confName: path.name, ready, readyTime: since },
    ...(isAtLeast('1.16.0') ? { available: ready, availableTime: since, online: ready, onlineTime: since } : {}),
    source: path.publisher === undefined ? null : { type: path.publisher.type, id: path.publisher.id },
    tracks,
    ...(isAtLeast('1.17.0') ? { tracks2: tracks.map((name) => ({ codec: name, codecProps: null })) } : {}),
    readers: [...path.readers.values()].map(({ type, id }) => ({ type, id })),
    bytesReceived: path.received,
    bytesSent: path.sent,
    ...(isAtLeast('1.17.0') ? { inboundBytes: path.received, outboundBytes: path.sent, inboundFramesInError: 0 } : {}),
  };
}

function allReaders(): { path: FakePath; reader: FakeReader }[] {
  return paths.all().flatMap((path) => [...path.readers.values()].map((reader) => ({ path, reader })));
}

function allSessions(): (FakeReader | FakePublisher)[] {
  const publishers = paths.all().flatMap(({ publisher }) => (publisher === undefined || publisher.connection === '' ? [] : [publisher]));
  return [...allReaders().map(({ reader }) => reader), ...publishers];
}

function showReader({ path, reader }: { path: FakePath; reader: FakeReader }): unknown {
  const { id, created, remoteAddr, user, bytes } = reader;
  const later = isAtLeast('1.17.0') ? { user, outboundBytes: bytes } : {};
  return { id, created, remoteAddr, state: 'read', path: path.name, query: '', bytesReceived: 0, bytesSent: bytes, ...later };
}

/** Files of a path by the pattern that ends with microseconds and seconds. */
async function segmentsOf(path: FakePath): Promise<{ start: string; file: string }[]> {
  const folder = dirname(path.conf.recordPath).replaceAll('%path', path.name);
  const names = await readdir(folder).catch(() => []);
  return names.sort().flatMap((name) => {
    const [, micros = '0', seconds] = /-(\d{6})_(\d{10})\.mp4$/.exec(name) ?? [];
    if (seconds === undefined) return [];
    const whole = new Date(Number(seconds) * 1000).toISOString().slice(0, 19);
    return [{ start: `${whole}.${micros.replace(/0+$/, '') || '0'}Z`, file: join(folder, name) }];
  });
}

class NotFound extends Error {}

function wanted(name: string): FakePath {
  const path = paths.get(name);
  if (path === undefined) throw new NotFound('path not found');
  return path;
}

type Answer = (name: string, query: URLSearchParams, body: unknown) => unknown;

const kick: Answer = (id) => {
  const found = allSessions().find((session) => session.id === id);
  if (found === undefined) throw new NotFound('session not found');
  found.cut();
  return undefined;
};

const routes: Record<string, Answer> = {
  'GET /v3/config/global/get': () => ({ ...config, authHTTPAddress: config.authHTTPAddress }),
  'GET /v3/config/paths/list': (_name, query) =>
    listOf(
      paths.all().map((path) => ({ name: path.name, ...path.conf })),
      query,
    ),
  'GET /v3/config/paths/get/*': (name) => {
    if (!paths.has(name)) throw new NotFound('path configuration not found');
    return { name, ...wanted(name).conf };
  },
  'POST /v3/config/paths/add/*': (name, _query, body) => {
    if (paths.has(name)) throw new FakeRefusal('path already exists');
    return paths.put(name, body as Record<string, unknown>, 'replace');
  },
  'POST /v3/config/paths/replace/*': (name, _query, body) => paths.put(name, body as Record<string, unknown>, 'replace'),
  'PATCH /v3/config/paths/patch/*': (name, _query, body) => {
    if (!paths.has(name)) throw new NotFound('path not found');
    return paths.put(name, body as Record<string, unknown>, 'patch');
  },
  'DELETE /v3/config/paths/delete/*': (name) => {
    if (!paths.has(name)) throw new NotFound('path not found');
    return paths.delete(name);
  },
  'GET /v3/paths/list': (_name, query) => listOf(paths.all().map(showPath), query),
  'GET /v3/paths/get/*': (name) => showPath(wanted(name)),
  'GET /v3/rtspsessions/list': (_name, query) => listOf(allReaders().map(showReader), query),
  'POST /v3/rtspsessions/kick/*': kick,
  'GET /v3/rtspconns/list': (_name, query) =>
    listOf(
      allSessions().map(({ id, connection }) => ({ id: connection, session: id })),
      query,
    ),
  'GET /v3/recordings/get/*': async (name) => {
    if (!paths.has(name)) throw new FakeRefusal(`path '${name}' is not configured`);
    return { name, segments: (await segmentsOf(wanted(name))).map(({ start }) => ({ start })) };
  },
  'DELETE /v3/recordings/deletesegment': async (_name, query) => {
    const segment = (await segmentsOf(wanted(query.get('path') ?? ''))).find(({ start }) => start === query.get('start'));
    if (segment === undefined) throw new FakeRefusal('no such file or directory');
    await rm(segment.file);
    return undefined;
  },
  'POST /v3/auth/jwks/refresh': () => undefined,
};
if (isAtLeast('1.15.2')) routes['GET /v3/info'] = () => ({ version: `v${version}`, started: started.toISOString() });
if (isAtLeast('1.18.0')) routes['GET /v3/hlssessions/list'] = (_name, query) => listOf([], query);

/** For tests only, without a login. */
function control(url: URL): unknown {
  const wish = url.searchParams.get('fault');
  if (wish !== null) fault = wish as typeof fault;
  return {
    fault,
    commands: paths.started,
    running: paths
      .all()
      .filter((path) => path.command !== undefined)
      .map((path) => path.name),
  };
}

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://fake');
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  const send = (status: number, body?: unknown) => {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(body === undefined ? '' : JSON.stringify(body));
  };
  if (url.pathname === '/_fake') send(200, control(url));
  else if (fault === 'garbage') response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Welcome to nginx!</html>');
  else if (fault === 'error') send(500, { error: 'internal failure' });
  else if (fault === 'none') await answer(request, url, Buffer.concat(chunks).toString('utf8'), send);
  // And with `hang` nothing ever comes.
}

async function answer(request: IncomingMessage, url: URL, text: string, send: (status: number, body?: unknown) => void): Promise<void> {
  const [user = '', password = ''] = credentialsIn(request);
  const ip = (request.socket.remoteAddress ?? '').replace('::ffff:', '');
  const question = { user, password, token: '', ip, action: 'api', path: '', protocol: '', id: null, query: url.search.slice(1) };
  const error = (message: string) => (isAtLeast('1.15.5') ? { status: 'error', error: message } : { error: message });
  if (!(await ask(question))) return send(401, error('authentication error'));
  try {
    const [route, name] = routeOf(request.method ?? '', decodeURIComponent(url.pathname));
    if (route === undefined) return send(404);
    const result = await route(name, url.searchParams, text === '' ? {} : JSON.parse(text));
    if (result !== undefined) send(200, result);
    else send(200, isAtLeast('1.15.5') ? { status: 'ok' } : undefined);
  } catch (thrown) {
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    const isWrong = thrown instanceof FakeRefusal || thrown instanceof SyntaxError;
    send(thrown instanceof NotFound ? 404 : isWrong ? 400 : 500, error(message));
  }
}

function credentialsIn(request: IncomingMessage): string[] {
  const [, encoded] = /^Basic (.+)$/.exec(request.headers.authorization ?? '') ?? [];
  const text = encoded === undefined ? ':' : Buffer.from(encoded, 'base64').toString();
  return [text.slice(0, text.indexOf(':')), text.slice(text.indexOf(':') + 1)];
}

function routeOf(method: string, path: string): [Answer | undefined, string] {
  const exact = routes[`${method} ${path}`];
  if (exact !== undefined) return [exact, ''];
  const [, head = '', name = ''] = /^(\/v3\/(?:[a-z]+\/){1,3})(.+)$/.exec(path) ?? [];
  return [routes[`${method} ${head}*`], name];
}

const api = addressOf('apiAddress');
createServer((request, response) => void serve(request, response))
  .on('error', (error) => fail(error.message))
  .listen({ host: api.host, port: api.port });
createFakeRtsp(paths, ask, isAtLeast('1.18.0') ? 'session' : 'connection')
  .on('error', (error) => fail(error.message))
  .listen({ host: rtspAddress.host, port: rtspAddress.port });
process.stdout.write(`2026/01/01 00:00:00 INF MediaMTX v${version} (fake)\n`);

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    paths.stop();
    process.exit(0);
  });
}
