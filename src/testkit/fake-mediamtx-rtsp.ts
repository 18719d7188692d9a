/** The RTSP side of the fake MediaMTX, TCP interleaved only: publishers announce, readers describe, packets are passed on. */
import { randomUUID } from 'node:crypto';
import { createServer, type Server, type Socket } from 'node:net';
import { type FakePath, type FakePaths, type FakePublisher, type FakeReader, FakeRefusal } from './fake-mediamtx-paths.js';

export interface FakeQuestion {
  readonly user: string;
  readonly password: string;
  readonly token: string;
  readonly ip: string;
  readonly action: string;
  readonly path: string;
  readonly protocol: string;
  readonly id: string | null;
  readonly query: string;
}

export type FakeAsk = (question: FakeQuestion) => Promise<boolean>;

interface RtspRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

interface Client {
  /** Of the connection. */
  readonly id: string;
  /** Of the session that it carries. */
  readonly session: string;
  readonly asksAs: string;
  readonly socket: Socket;
  path: FakePath | undefined;
  publisher: FakePublisher | undefined;
  reader: FakeReader | undefined;
  user: string;
  sdp: string;
}

/** Begins to listen; every session is one of `rtspSession`. `asksAs`: under whose id rights are asked for, which depends on the version. */
export function createFakeRtsp(paths: FakePaths, ask: FakeAsk, asksAs: 'connection' | 'session'): Server {
  return createServer((socket) => {
    const ids = { id: randomUUID(), session: randomUUID() };
    const client: Client = {
      ...ids,
      asksAs: asksAs === 'session' ? ids.session : ids.id,
      socket,
      path: undefined,
      publisher: undefined,
      reader: undefined,
      user: '',
      sdp: '',
    };
    let pending = Buffer.alloc(0);
    let queue: Promise<undefined> = Promise.resolve(undefined);
    const cut = () => {
      socket.destroy();
      return undefined;
    };
    socket.on('error', () => undefined);
    socket.on('close', () => leave(client, paths));
    socket.on('data', (chunk) => {
      pending = Buffer.concat([pending, chunk]);
      for (let taken = take(pending); taken !== undefined; taken = take(pending)) {
        pending = pending.subarray(taken.length);
        const { request, packet } = taken;
        if (packet !== undefined) pass(client, packet, paths);
        // A request waits for the one before, as the answers must keep their order.
        if (request !== undefined) queue = queue.then(() => serve(client, request, paths, ask)).catch(cut);
      }
    });
  });
}

interface Taken {
  readonly length: number;
  readonly request?: RtspRequest;
  readonly packet?: { channel: number; bytes: Buffer };
}

/** The first packet or request; undefined until it is there as a whole. */
function take(bytes: Buffer): Taken | undefined {
  if (bytes[0] !== 0x24) return takeRequest(bytes);
  const length = bytes.length < 4 ? Number.POSITIVE_INFINITY : 4 + bytes.readUInt16BE(2);
  return bytes.length < length ? undefined : { length, packet: { channel: bytes[1] ?? 0, bytes: bytes.subarray(4, length) } };
}

function pass(client: Client, { channel, bytes }: { channel: number; bytes: Buffer }, paths: FakePaths): void {
  if (client.publisher !== undefined && client.path !== undefined) paths.relay(client.path, channel, bytes);
}

function takeRequest(bytes: Buffer): { request: RtspRequest; length: number } | undefined {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const [first = '', ...lines] = bytes.toString('utf8', 0, end).split('\r\n');
  const headers = new Map(lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]));
  const length = end + 4 + Number(headers.get('content-length') ?? 0);
  if (bytes.length < length) return undefined;
  const [method = '', address = ''] = first.split(' ');
  return {
    request: { method, url: new URL(address === '*' ? 'rtsp://x/' : address), headers, body: bytes.toString('utf8', end + 4, length) },
    length,
  };
}

async function serve(client: Client, request: RtspRequest, paths: FakePaths, ask: FakeAsk): Promise<undefined> {
  const reply = (status: string, headers: Record<string, string> = {}, body = '') => {
    const all = {
      CSeq: request.headers.get('cseq') ?? '0',
      ...headers,
      ...(body === '' ? {} : { 'Content-Length': String(Buffer.byteLength(body)) }),
    };
    client.socket.write(
      `RTSP/1.0 ${status}\r\n${Object.entries(all)
        .map(([name, value]) => `${name}: ${value}\r\n`)
        .join('')}\r\n${body}`,
    );
    return undefined;
  };
  switch (request.method) {
    case 'OPTIONS':
      return reply('200 OK', { Public: 'DESCRIBE, ANNOUNCE, SETUP, PLAY, RECORD, TEARDOWN, GET_PARAMETER' });
    case 'ANNOUNCE':
    case 'DESCRIBE':
      return await open(client, request, { paths, ask, reply });
    case 'SETUP':
      return reply('200 OK', { Session: client.session, Transport: request.headers.get('transport') ?? '' });
    case 'RECORD':
    case 'PLAY':
      return begin(client, request.method, paths, reply);
    case 'TEARDOWN':
      reply('200 OK');
      client.socket.end();
      return undefined;
    default:
      return reply('200 OK');
  }
}

interface Opening {
  readonly paths: FakePaths;
  readonly ask: FakeAsk;
  readonly reply: (status: string, headers?: Record<string, string>, body?: string) => undefined;
}

async function open(client: Client, request: RtspRequest, { paths, ask, reply }: Opening): Promise<undefined> {
  const name = request.url.pathname.replace(/^\//, '');
  const isPublisher = request.method === 'ANNOUNCE';
  const [user = '', password = ''] = credentialsOf(request.headers.get('authorization'));
  const query = request.url.search.slice(1);
  const token = password !== '' ? password : (request.url.searchParams.get('token') ?? request.url.searchParams.get('jwt') ?? '');
  const ip = (client.socket.remoteAddress ?? '').replace('::ffff:', '');
  const question = { user, password, token, ip, action: isPublisher ? 'publish' : 'read', path: name, protocol: 'rtsp', id: client.asksAs, query };
  if (!(await ask(question))) return reply('401 Unauthorized', { 'WWW-Authenticate': 'Basic realm="mediamtx"' });
  const path = paths.get(name);
  if (path === undefined) return reply('400 Bad Request');
  client.user = user;
  client.path = path;
  if (isPublisher) {
    client.sdp = request.body;
    return reply('200 OK', { Session: client.session });
  }
  if (!(await paths.demand(path))) return reply('404 Not Found');
  return reply('200 OK', { 'Content-Type': 'application/sdp', 'Content-Base': `${request.url.href.split('?')[0]}/` }, path.publisher?.sdp ?? '');
}

function credentialsOf(header: string | undefined): string[] {
  const [, encoded] = /^Basic (.+)$/.exec(header ?? '') ?? [];
  if (encoded === undefined) return [];
  const text = Buffer.from(encoded, 'base64').toString();
  return [text.slice(0, text.indexOf(':')), text.slice(text.indexOf(':') + 1)];
}

function begin(client: Client, method: string, paths: FakePaths, reply: Opening['reply']): undefined {
  const { path, socket, session: id, user } = client;
  if (path === undefined) return reply('454 Session Not Found');
  if (method === 'RECORD') {
    const publisher = { id, connection: client.id, type: 'rtspSession', sdp: client.sdp, cut: () => socket.destroy() };
    try {
      paths.publish(path, publisher);
    } catch (error) {
      if (!(error instanceof FakeRefusal)) throw error;
      return reply('400 Bad Request');
    }
    client.publisher = publisher;
    return reply('200 OK', { Session: id });
  }
  reply('200 OK', { Session: id });
  const reader: FakeReader = {
    ...{
      id,
      connection: client.id,
      type: 'rtspSession',
      remoteAddr: `${socket.remoteAddress}:${socket.remotePort}`,
      user,
      created: new Date().toISOString(),
      bytes: 0,
    },
    send(channel, packet) {
      if (socket.writableLength < 4_000_000)
        socket.write(Buffer.concat([Buffer.from([0x24, channel, packet.length >> 8, packet.length & 0xff]), packet]));
    },
    cut: () => socket.destroy(),
  };
  client.reader = reader;
  paths.addReader(path, reader);
  return undefined;
}

function leave(client: Client, paths: FakePaths): void {
  if (client.path === undefined) return;
  if (client.publisher !== undefined) paths.unpublish(client.path, client.publisher);
  if (client.reader !== undefined) paths.removeReader(client.path, client.reader.id);
}
