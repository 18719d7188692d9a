/**
 * Where a supervised MediaMTX asks whether somebody may: a listener of its own on loopback. The hub's port would do as well, but may speak
 * TLS with a certificate that MediaMTX does not know, and counts and writes down every request.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type GatewayAuth, gatewayAuthSchema, parseWith, WeirError } from '../../contracts/index.js';

export interface AuthListener {
  readonly port: number;
  close(): Promise<void>;
}

export interface AuthListenerOptions {
  /** Port of last time, so that a MediaMTX that outlived us finds us again. */
  readonly wantedPort: number | undefined;
  /** Resolves when it is allowed. */
  readonly ask: (secret: string, question: GatewayAuth, signal: AbortSignal) => Promise<void>;
}

export const authPath = '/api/v1/gateway/auth';
const maxBodyBytes = 64 * 1024;
const answerWithinMs = 9000;

/** Listens on the wanted port, or on any when that is taken. */
export async function openAuthListener(options: AuthListenerOptions): Promise<AuthListener> {
  const server = createServer((request, response) => {
    void answer(request, options).then((status) => finish(response, status));
  });
  server.headersTimeout = 5000;
  server.requestTimeout = 5000;
  const wanted = options.wantedPort ?? 0;
  const port = await listen(server, wanted).catch(() => listen(server, 0));
  server.unref();
  return {
    port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => {
      server.off('error', reject);
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
}

async function answer(request: IncomingMessage, { ask }: AuthListenerOptions): Promise<number> {
  try {
    const url = new URL(request.url ?? '/', 'http://127.0.0.1');
    if (request.method !== 'POST' || url.pathname !== authPath) return 404;
    const question = parseWith(gatewayAuthSchema, JSON.parse(await readBody(request)) as unknown);
    await ask(url.searchParams.get('secret') ?? '', question, AbortSignal.timeout(answerWithinMs));
    return 204;
  } catch (error) {
    // Whatever went wrong, nobody is let in; 401 makes a player without credentials try again with them.
    return error instanceof WeirError && error.code === 'permission_denied' ? 403 : 401;
  }
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBodyBytes) throw new WeirError('payload_too_large', 'The question is too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function finish(response: ServerResponse, status: number): void {
  response.writeHead(status).end();
}
