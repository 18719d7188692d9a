/** A small RTSP server (TCP interleaved) that plays one live H.264 track made by FFmpeg, with the faults cameras show. Tests only. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';

export type DescribeRefusal = '404 Not Found' | '403 Forbidden' | '503 Service Unavailable';

export interface RtspServerOptions {
  /** FFmpeg input arguments; default: `testsrc2` 640x360 at 30 frames per second, in real time. */
  readonly input?: readonly string[];
  /** Encoder arguments; default: libx264 ultrafast, one keyframe per second. */
  readonly encode?: readonly string[];
  /** When set, a request without these credentials is answered 401. */
  readonly credentials?: { readonly user: string; readonly password: string };
  /** How they are asked for; default `basic`. */
  readonly authentication?: 'basic' | 'digest';
  /** Answers every DESCRIBE with this status instead. */
  readonly describeStatus?: DescribeRefusal;
  /** Port to listen on; default: chosen by the system. */
  readonly port?: number;
}

export interface RtspServer {
  readonly url: string;
  readonly port: number;
  /** Connections that are playing now. */
  readonly players: number;
  /** Keeps connections open but sends nothing, as a camera that hangs. */
  setMuted(isMuted: boolean): void;
  /** From now on every DESCRIBE is answered so; undefined: with the stream. */
  refuseDescribe(status: DescribeRefusal | undefined): void;
  /** Cuts all connections. */
  cut(): void;
  stop(): Promise<void>;
}

interface Feed {
  readonly sdp: string;
  readonly child: ChildProcess;
  readonly sockets: UdpSocket[];
}

/** Starts the encoder and the server; both end with `stop`. Fails after 10 s without a first description. */
export async function startRtspServer(options: RtspServerOptions = {}): Promise<RtspServer> {
  const players = new Set<Socket>();
  const connections = new Set<Socket>();
  let isMuted = false;
  let refusal = options.describeStatus;
  const feed = await startFeed(options, (packet, channel) => {
    if (isMuted) return;
    const header = Buffer.from([0x24, channel, packet.length >> 8, packet.length & 0xff]);
    // A reader that does not read loses packets, as from a real camera.
    for (const player of players) if (player.writableLength < 4_000_000) player.write(Buffer.concat([header, packet]));
  });
  const server: Server = createServer((socket) => {
    connections.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => {
      players.delete(socket);
      connections.delete(socket);
    });
    let pending = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      pending = Buffer.concat([pending, chunk]);
      pending = answerRequests(pending, socket, { ...options, sdp: feed.sdp, refusal }, players);
    });
  });
  server.listen(options.port ?? 0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const cut = () => {
    for (const socket of connections) socket.destroy();
  };
  return {
    url: `rtsp://127.0.0.1:${port}/live`,
    port,
    get players() {
      return players.size;
    },
    setMuted(value) {
      isMuted = value;
    },
    refuseDescribe(status) {
      refusal = status;
    },
    cut,
    async stop() {
      cut();
      server.close();
      const closed = once(server, 'close');
      const exited = feed.child.exitCode === null ? once(feed.child, 'exit') : Promise.resolve();
      feed.child.kill('SIGKILL');
      for (const socket of feed.sockets) socket.close();
      await Promise.all([closed, exited]);
    },
  };
}

async function startFeed(options: RtspServerOptions, onPacket: (packet: Buffer, channel: number) => void): Promise<Feed> {
  const rtp = createSocket('udp4');
  rtp.bind(0, '127.0.0.1');
  await once(rtp, 'listening');
  rtp.on('message', (packet) => onPacket(packet, 0));
  const input = options.input ?? ['-re', '-f', 'lavfi', '-i', 'testsrc2=size=640x360:rate=30,format=yuv420p'];
  const encode = options.encode ?? ['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-g', '30', '-b:v', '800k'];
  const target = `rtp://127.0.0.1:${rtp.address().port}?rtcpport=${rtp.address().port + 1}&pkt_size=1200`;
  const args = ['-nostdin', '-loglevel', 'error', ...input, '-an', ...encode, '-flags', '+global_header', '-f', 'rtp', target];
  const child = spawn('ffmpeg', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const deadline = AbortSignal.timeout(10_000);
  let text = '';
  // FFmpeg prints the description before the first packet; its last line is the format parameters.
  while (!/a=fmtp[^\n]*sprop[^\n]*\n/.test(text)) {
    const [chunk] = (await once(child.stdout, 'data', { signal: deadline })) as [Buffer];
    text += chunk.toString();
  }
  const sdp = `${text
    .replace(/^SDP:\r?\n/, '')
    .replace(/m=video \d+/, 'm=video 0')
    .trim()
    .replace(/\r?\n/g, '\r\n')}\r\na=control:track1\r\n`;
  return { sdp, child, sockets: [rtp] };
}

type Answering = Pick<RtspServerOptions, 'credentials' | 'authentication'> & { readonly sdp: string; readonly refusal: DescribeRefusal | undefined };

/** Answers every complete request in `pending` and gives back the rest. */
function answerRequests(pending: Buffer, socket: Socket, answering: Answering, players: Set<Socket>): Buffer<ArrayBuffer> {
  let rest = pending;
  for (;;) {
    // Interleaved RTCP from the client is dropped.
    if (rest[0] === 0x24 && rest.length >= 4) {
      const size = 4 + rest.readUInt16BE(2);
      if (rest.length < size) return Buffer.from(rest);
      rest = rest.subarray(size);
      continue;
    }
    const end = rest.indexOf('\r\n\r\n');
    if (end < 0) return Buffer.from(rest);
    answer(rest.subarray(0, end).toString(), socket, answering, players);
    rest = rest.subarray(end + 4);
  }
}

function answer(request: string, socket: Socket, { sdp, refusal, ...options }: Answering, players: Set<Socket>): void {
  const [method = '', url = ''] = request.split(' ');
  const cseq = /^cseq:\s*(\d+)/im.exec(request)?.[1] ?? '0';
  const reply = (status: string, headers: readonly string[] = [], body = '') =>
    socket.write([`RTSP/1.0 ${status}`, `CSeq: ${cseq}`, ...headers, `Content-Length: ${body.length}`, '', body].join('\r\n'));
  if (method !== 'OPTIONS' && !isAuthorized(method, request, options)) return void reply('401 Unauthorized', [challenge(options)]);
  switch (method) {
    case 'OPTIONS':
      return void reply('200 OK', ['Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER']);
    case 'DESCRIBE':
      if (refusal !== undefined) return void reply(refusal);
      return void reply('200 OK', ['Content-Type: application/sdp', `Content-Base: ${url}/`], sdp);
    case 'SETUP':
      if (!/RTP\/AVP\/TCP/.test(request)) return void reply('461 Unsupported Transport');
      return void reply('200 OK', ['Transport: RTP/AVP/TCP;unicast;interleaved=0-1', 'Session: 1;timeout=60']);
    case 'PLAY':
      reply('200 OK', ['Session: 1', 'Range: npt=now-']);
      players.add(socket);
      return;
    case 'TEARDOWN':
      players.delete(socket);
      return void reply('200 OK', ['Session: 1']);
    default:
      return void reply('200 OK', ['Session: 1']);
  }
}

const realm = 'camera';
const nonce = 'b1946ac92492d2347c6235b4d2611184';

function challenge({ authentication }: RtspServerOptions): string {
  return authentication === 'digest' ? `WWW-Authenticate: Digest realm="${realm}", nonce="${nonce}"` : `WWW-Authenticate: Basic realm="${realm}"`;
}

function isAuthorized(method: string, request: string, { credentials, authentication }: RtspServerOptions): boolean {
  if (credentials === undefined) return true;
  const { user, password } = credentials;
  if (authentication !== 'digest') return request.includes(`Authorization: Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`);
  const [, given = ''] = /^Authorization: Digest (.*)$/im.exec(request) ?? [];
  const [, uri = ''] = /\buri="([^"]*)"/.exec(given) ?? [];
  const wanted = md5(`${md5(`${user}:${realm}:${password}`)}:${nonce}:${md5(`${method}:${uri}`)}`);
  return given.includes(`response="${wanted}"`);
}

function md5(text: string): string {
  return createHash('md5').update(text).digest('hex');
}
