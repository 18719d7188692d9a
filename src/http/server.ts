/** The hub's HTTP server: every route of the contract, the interface's files and the bus socket, on one port. */
import { setMaxListeners } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest, type FastifyServerOptions } from 'fastify';
import { type RouteName, type TusDoor, WeirError } from '../contracts/index.js';
import { type BusProxy, type BusProxyOptions, createBusProxy } from './bus-proxy.js';
import { createOpenConnections, type OpenConnections } from './connections.js';
import { type BodyPace, defaultPace, drainRest, limitBodyTime } from './incoming.js';
import { startLoginWatch } from './login-watch.js';
import type { AuditRecord, Authentication, Operations, StaticFiles } from './operations.js';
import { sendProblem } from './problems.js';
import { createRateLimit } from './rate-limit.js';
import { identityOf, type RequestIdentity } from './request-identity.js';
import { createRouteRunner, isStreaming } from './route-runner.js';
import { createRpcServer, type RpcServer } from './rpc/server.js';
import type { RpcSettings } from './rpc/settings.js';
import { securityHeaders } from './security.js';
import { registerTus } from './tus.js';
import { answerUnknown } from './unknown.js';
import { pathOf } from './upgrade.js';

/** 1 MiB: the largest body any route has a use for. */
const bodyLimitBytes = 1_048_576;

/** Where the server writes what an operator must know; a pino logger fits. */
export interface HttpLog {
  error(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  debug(fields: object, message: string): void;
}

/** One finished request, for metrics. `route` is the name in the contract, `static` or `unknown`: never a raw path. */
export interface RequestRecord {
  readonly route: string;
  readonly method: string;
  readonly status: number;
  readonly seconds: number;
}

export interface HttpServerOptions {
  readonly operations: Operations;
  readonly authentication: Authentication;
  readonly log: HttpLog;
  readonly audit: (record: AuditRecord) => void;
  /** Routes whose operation keeps its own audit line; the server then reports only what it refuses itself. */
  readonly selfAudited?: ReadonlySet<RouteName>;
  /** Called once per finished request. */
  readonly observe?: (record: RequestRecord) => void;
  readonly files?: StaticFiles;
  /** Key and certificate chain as PEM text: the server speaks TLS. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** Address that links are made with, behind a proxy. */
  readonly publicUrl?: string;
  readonly allowedOrigins?: readonly string[];
  /** Take the client's address from the last hop of X-Forwarded-For. Default false. */
  readonly trustProxy?: boolean;
  /** Resumable uploads; without it nothing is at `/api/v1/uploads/tus`. */
  readonly tus?: TusDoor;
  /** How slowly a body that is handed on may come; default: 30 s without a byte, 1 KiB/s over a minute. */
  readonly pace?: BodyPace;
  /** The broker's WebSocket; without it `/nats` answers 503. */
  readonly bus?: BusProxyOptions;
  /** JSON-RPC; without it nothing is at `/ws`. */
  readonly rpc?: RpcSettings;
}

export interface HttpServer {
  /**
   * Listens; resolves with the port taken. `port` 0 lets the system choose. Fails with `failed_precondition` when the port is taken.
   * Called again, it moves to the new address; requests and sockets under way go on.
   */
  listen(host: string, port: number): Promise<number>;
  /** Ends long-lived connections, lets running requests finish for `graceMs` (default 2000), then cuts them. */
  close(graceMs?: number): Promise<void>;
  /** Media, event and bus connections, to cut those of a revoked login. */
  readonly connections: OpenConnections;
  /** Asks at once whose login does not hold any more, and cuts them; it also happens every few seconds by itself. */
  checkLogins(): Promise<void>;
  readonly bus: BusProxy | undefined;
  readonly rpc: RpcServer | undefined;
  /** Serves a request that came in by a further listener. Call it after `listen`. */
  serve(request: IncomingMessage, response: ServerResponse): void;
  /** Takes over a WebSocket handshake that came in by a further listener. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** For tests without a socket. */
  readonly inject: FastifyInstance['inject'];
}

/** Makes the server; nothing listens yet. */
export function createHttpServer(options: HttpServerOptions): HttpServer {
  const app = createApp(options);
  const connections = createOpenConnections();
  const logins = startLoginWatch({
    connections,
    authentication: options.authentication,
    onFailure: (error) => options.log.warn({ err: error }, 'whose login still holds could not be asked'),
  });
  const stopping = new AbortController();
  // Every request under way listens to it.
  setMaxListeners(0, stopping.signal);
  const secure = (request: FastifyRequest) =>
    options.tls !== undefined || request.protocol === 'https' || options.publicUrl?.startsWith('https:') === true;

  addHooks(app, options, secure);
  const pace = options.pace ?? defaultPace;
  const rateLimit = createRateLimit();
  const running = { ...options, connections, rateLimit, stopping: stopping.signal, secure, pace };
  const run = createRouteRunner(running);
  run.register(app);
  registerStreaming(app, (scope) => {
    run.registerStreaming(scope);
    if (options.tus !== undefined) registerTus(scope, { ...running, tus: options.tus });
  });
  app.setNotFoundHandler((request, reply) => answerUnknown(request, reply, { files: options.files, secure: secure(request) }));

  const bus = options.bus === undefined ? undefined : createBusProxy({ ...options, bus: options.bus, connections });
  const rpc = options.rpc === undefined ? undefined : createRpcServer({ ...options, settings: options.rpc, connections });
  const upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const door = rpc !== undefined && pathOf(request) === '/ws' ? rpc : bus;
    if (door === undefined) refuseUpgrade(socket);
    else door.upgrade(request, socket, head);
  };
  app.server.on('upgrade', upgrade);

  return {
    connections,
    checkLogins: logins.look,
    bus,
    rpc,
    serve: (request, response) => app.routing(request, response),
    upgrade,
    inject: app.inject.bind(app) as FastifyInstance['inject'],
    listen: (host, port) => listen(app, host, port),
    close: async (graceMs = 2000) => {
      stopping.abort(new WeirError('unavailable', 'The hub is stopping'));
      // Before the cut, which would tell of revoked logins.
      rpc?.close();
      logins.stop();
      connections.cutAll('the hub is stopping');
      // A connection that was busy when the stop began is closed as soon as it is idle, not when its keep-alive time is over.
      const idle = setInterval(() => app.server.closeIdleConnections(), 25);
      const force = setTimeout(() => app.server.closeAllConnections(), graceMs);
      try {
        await app.close();
      } finally {
        clearInterval(idle);
        clearTimeout(force);
      }
    },
  };
}

/** Called only for a route with a schema for Fastify, and there is none. */
function noCompiler(): never {
  throw new WeirError('internal', 'A route has a JSON schema for Fastify; schemas are in the contracts');
}

function createApp(options: HttpServerOptions): FastifyInstance {
  const app = Fastify({
    logger: false,
    bodyLimit: bodyLimitBytes,
    trustProxy: options.trustProxy === true ? 1 : false,
    // Node's limit is the same for all: it would end an upload as well. Headers and short bodies have limits of their own.
    requestTimeout: 0,
    keepAliveTimeout: 65_000,
    exposeHeadRoutes: false,
    // The longest is a file name as it was given.
    routerOptions: { maxParamLength: 4096 },
    // Routes are checked by the contracts; Fastify's own compilers of JSON schemas would only be loaded.
    schemaController: { compilersFactory: { buildValidator: noCompiler, buildSerializer: noCompiler } },
    frameworkErrors: (error: Error, request: FastifyRequest, reply: FastifyReply) => {
      identify(request, reply);
      sendProblem(reply, error);
    },
    ...(options.tls === undefined ? {} : { https: { cert: options.tls.cert, key: options.tls.key, minVersion: 'TLSv1.2' as const } }),
  } as FastifyServerOptions);
  app.server.headersTimeout = 30_000;
  app.removeAllContentTypeParsers();
  const parseJson = app.getDefaultJsonParser('error', 'error');
  app.addContentTypeParser('application/json', { parseAs: 'string', bodyLimit: bodyLimitBytes }, (request, body, done) => {
    // A client that names the type but sends nothing means no body.
    if (body.length === 0) done(null, undefined);
    else void parseJson(request, body as string, done);
  });
  return app;
}

/** Routes whose bodies are handed on unread: no limit of size or time for the whole, and back-pressure up to the client. */
function registerStreaming(app: FastifyInstance, routesOf: (scope: FastifyInstance) => void): void {
  app.register((scope, _options, done) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, payload, parsed) => parsed(null, payload));
    scope.addHook('onResponse', (request, _reply, next) => {
      drainRest(request);
      next();
    });
    routesOf(scope);
    done();
  });
}

function identify(request: FastifyRequest, reply: FastifyReply): RequestIdentity {
  const identity = identityOf(request);
  reply.header('x-request-id', identity.requestId).header('traceparent', identity.traceparent);
  return identity;
}

function addHooks(app: FastifyInstance, options: HttpServerOptions, secure: (request: FastifyRequest) => boolean): void {
  app.addHook('onRequest', (request, reply, done) => {
    identify(request, reply);
    reply.headers(securityHeaders('data', secure(request)));
    if (!isStreaming(request)) limitBodyTime(request);
    done();
  });
  app.addHook('onResponse', (request, reply, done) => {
    const route = routeLabel(request, reply);
    options.observe?.({ route, method: request.method, status: reply.statusCode, seconds: reply.elapsedTime / 1000 });
    done();
  });
  app.setErrorHandler((thrown, request, reply) => {
    const identity = identityOf(request);
    const error = sendProblem(reply, thrown, identity.traceId);
    if (error.code === 'internal') {
      options.log.error(
        { err: error.cause ?? error, request_id: identity.requestId, trace_id: identity.traceId, path: request.routeOptions.url },
        error.message,
      );
    }
  });
}

function routeLabel(request: FastifyRequest, reply: FastifyReply): string {
  const name = (request.routeOptions.config as { route?: string } | undefined)?.route;
  if (name !== undefined) return name;
  return reply.statusCode < 400 ? 'static' : 'unknown';
}

async function listen(app: FastifyInstance, host: string, port: number): Promise<number> {
  try {
    if (app.server.listening) await move(app, host, port);
    else await app.listen({ host, port });
  } catch (cause) {
    throw listenError(cause, host, port);
  }
  return (app.server.address() as AddressInfo).port;
}

/** `close` gives the address back at once and leaves open connections alone. When the new one cannot be had, the old one is taken again. */
async function move(app: FastifyInstance, host: string, port: number): Promise<void> {
  const old = app.server.address() as AddressInfo;
  app.server.close();
  try {
    await listenRaw(app, host, port);
  } catch (error) {
    await listenRaw(app, old.address, old.port);
    throw error;
  }
}

function listenRaw(app: FastifyInstance, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    app.server.once('error', reject);
    app.server.listen({ host, port }, () => {
      app.server.off('error', reject);
      resolve();
    });
  });
}

function listenError(cause: unknown, host: string, port: number): WeirError {
  const code = (cause as NodeJS.ErrnoException).code;
  if (code === 'EADDRINUSE') {
    const hint = 'Stop it, or choose another port: --port, WEIR_HTTP_PORT or http.port';
    return new WeirError('failed_precondition', `${host}:${port} is taken by another program`, { hint, cause });
  }
  if (code === 'EACCES') return new WeirError('permission_denied', `This user may not listen on ${host}:${port}`, { cause });
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') {
    return new WeirError('invalid_argument', `${host} is no address of this machine`, { field: 'http.host', received: host, cause });
  }
  return WeirError.from(cause);
}

function refuseUpgrade(socket: { end(text: string): unknown }): void {
  socket.end('HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
}
