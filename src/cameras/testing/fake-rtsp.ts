/** An RTSP server for tests that answers OPTIONS and DESCRIBE, and behaves as badly as told. It plays nothing. */
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';

export interface FakeRtspOptions {
  readonly host?: string;
  readonly port?: number;
  /** What DESCRIBE answers by path: a session description, or a status. Others are 404. */
  readonly paths?: Readonly<Record<string, string | number>>;
  /** Hangs up after each refusal, as many do. */
  readonly hangsUp?: boolean;
  /** What comes instead of RTSP. */
  readonly fault?: 'silent' | 'http' | 'garbage' | 'endless';
}

export interface FakeRtsp extends AsyncDisposable {
  readonly port: number;
  /** `METHOD path` of each request. */
  readonly requests: string[];
  /** Most connections that were open at the same time. */
  readonly peak: number;
}

export const h264Sdp = [
  'v=0',
  'o=- 0 0 IN IP4 127.0.0.1',
  's=x',
  't=0 0',
  'm=video 0 RTP/AVP 96',
  'a=rtpmap:96 H264/90000',
  'm=application 0 RTP/AVP 97',
  'a=rtpmap:97 SMPTE336M/90000',
  '',
].join('\r\n');

export async function startFakeRtsp(options: FakeRtspOptions = {}): Promise<FakeRtsp> {
  const sockets = new Set<Socket>();
  const requests: string[] = [];
  let peak = 0;
  const server = createServer((socket) => {
    sockets.add(socket);
    peak = Math.max(peak, sockets.size);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    let pending = '';
    socket.on('data', (chunk) => {
      pending += chunk.toString('latin1');
      for (let end = pending.indexOf('\r\n\r\n'); end >= 0; end = pending.indexOf('\r\n\r\n')) {
        respond(socket, pending.slice(0, end), options, requests);
        pending = pending.slice(end + 4);
      }
    });
  });
  server.listen(options.port ?? 0, options.host ?? '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    requests,
    get peak() {
      return peak;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

function respond(socket: Socket, request: string, { paths = {}, hangsUp = false, fault }: FakeRtspOptions, requests: string[]): void {
  const [method = '', url = ''] = request.split(' ');
  const path = url.replace(/^rtsp:\/\/[^/]+/, '') || '/';
  requests.push(`${method} ${path}`);
  if (fault === 'silent') return;
  if (fault === 'http') return void socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
  if (fault === 'garbage') return void socket.write(Buffer.from([0, 1, 2, 3, 255]));
  if (fault === 'endless') return void socket.write(`RTSP/1.0 200 OK\r\n${'X: y\r\n'.repeat(50_000)}`);
  const sequence = /^cseq:\s*(\d+)/im.exec(request)?.[1] ?? '0';
  const reply = (status: string, body = '') =>
    socket.write(`RTSP/1.0 ${status}\r\nCSeq: ${sequence}\r\nServer: Fake/1\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  if (method === 'OPTIONS') return void reply('200 OK');
  const answer = paths[path] ?? 404;
  if (typeof answer === 'string') return void reply('200 OK', answer);
  reply(`${answer} No`);
  if (hangsUp) socket.end();
}
