/** Further ports for clients of older camera services: one for JSON-RPC and downloads, one for health. */
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { type SystemHealth, WeirError } from '../contracts/index.js';
import { problemOf } from './problems.js';
import { securityHeaders } from './security.js';
import type { HttpServer } from './server.js';
import { pathOf, refuseHandshake } from './upgrade.js';

export interface SideListener {
  readonly port: number;
  /** Takes no new connections; those that wait for nothing are ended. */
  close(): Promise<void>;
}

export interface ListenAddress {
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  readonly tls?: { readonly cert: string; readonly key: string };
}

/**
 * Serves `/ws` and `/files` of a server, and nothing else of it, at one more address. Start it after `server.listen`, close it before the
 * server. Fails with `failed_precondition` when the port is taken.
 */
export async function startRpcListener(server: Pick<HttpServer, 'serve' | 'upgrade'>, address: ListenAddress): Promise<SideListener> {
  const listener = createListener(address, (request, response) => {
    if (pathOf(request).startsWith('/files/')) server.serve(request, response);
    else sendNothing(request, response);
  });
  listener.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (pathOf(request) === '/ws') server.upgrade(request, socket, head);
    else refuseHandshake(socket as never, nothingHere(request, 'JSON-RPC is at /ws'));
  });
  return listen(listener, address, 'rpc.port');
}

export interface HealthListenerOptions {
  readonly health: () => SystemHealth;
  /** Undefined once requests can be served, else what is missing. */
  readonly notReady: () => string | undefined;
}

/**
 * Serves the four health addresses without login, with the bodies that older clients know. Details of components are left out: they are
 * for those who sign in.
 */
export async function startHealthListener(options: HealthListenerOptions, address: ListenAddress): Promise<SideListener> {
  const listener = createListener(address, (request, response) => {
    const answer = healthAnswer(pathOf(request), options);
    if (answer === undefined) sendNothing(request, response);
    else if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('allow', 'GET, HEAD');
      send(request, response, 405, { error: 'Use GET', timestamp: now(), status: 405 });
    } else send(request, response, answer.status, answer.body);
  });
  return listen(listener, address, 'rpc.health_port');
}

const now = () => new Date().toISOString();

function healthAnswer(path: string, { health, notReady }: HealthListenerOptions): { status: number; body: object } | undefined {
  if (path === '/health/live') return { status: 200, body: { alive: true, timestamp: now(), message: 'The process works' } };
  if (path === '/health/ready') {
    const missing = notReady();
    const ready = missing === undefined;
    return { status: ready ? 200 : 503, body: { ready, timestamp: now(), message: missing ?? 'Requests are served' } };
  }
  if (path !== '/health' && path !== '/health/detailed') return undefined;
  const { status, version, uptime_s, components, timestamp } = health();
  const head = { status, timestamp, version, uptime: uptime_s };
  const code = status === 'unhealthy' ? 500 : 200;
  if (path === '/health') return { status: code, body: head };
  const countOf = (wanted: string) => components.filter((component) => component.status === wanted).length;
  return {
    status: code,
    body: {
      ...head,
      components: components.map((component) => ({
        name: component.name,
        status: component.status,
        message: component.message ?? '',
        last_checked: timestamp,
        details: {},
      })),
      metrics: {
        uptime_seconds: uptime_s,
        component_count: components.length,
        components_healthy: countOf('healthy'),
        components_degraded: countOf('degraded'),
        components_unhealthy: countOf('unhealthy'),
      },
      environment: `${process.platform}/${process.arch}`,
    },
  };
}

function createListener({ tls }: ListenAddress, serve: RequestListener): Server {
  const limits = { requestTimeout: 30_000, keepAliveTimeout: 65_000 };
  return tls === undefined ? createServer(limits, serve) : createTlsServer({ ...limits, ...tls, minVersion: 'TLSv1.2' }, serve);
}

function listen(server: Server, { host, port }: ListenAddress, field: string): Promise<SideListener> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const what = cause.code === 'EADDRINUSE' ? `${host}:${port} is taken by another program` : `Cannot listen on ${host}:${port}`;
      reject(new WeirError('failed_precondition', what, { field, received: port, hint: `Choose another ${field}, or 0 for none`, cause }));
    });
    server.listen({ host, port }, () => {
      resolve({
        port: (server.address() as AddressInfo).port,
        // Not waited for: sockets that were upgraded belong to the server behind, which ends them.
        close: async () => {
          server.close();
          server.closeAllConnections();
        },
      });
    });
  });
}

function nothingHere(request: IncomingMessage, hint: string): WeirError {
  return new WeirError('not_found', 'Nothing is at this address', { field: '(path)', received: pathOf(request).slice(0, 200), hint });
}

function sendNothing(request: IncomingMessage, response: ServerResponse): void {
  send(request, response, 404, problemOf(nothingHere(request, 'The whole API is at the main port')), 'application/problem+json');
}

function send(request: IncomingMessage, response: ServerResponse, status: number, body: object, type = 'application/json'): void {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    ...securityHeaders('data', false),
    'content-type': type,
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
  });
  response.end(request.method === 'HEAD' ? undefined : text);
}
