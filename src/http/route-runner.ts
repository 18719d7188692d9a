/** Runs one route of the contract: access, limits, input, operation, audit, answer. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { parseWith, type Route, type RouteName, routeNames, routes, WeirError } from '../contracts/index.js';
import { sendAnswer } from './answers.js';
import { authenticate, type Credentials, requireOwnPage, requireRole, requireStream } from './authorize.js';
import type { OpenConnections } from './connections.js';
import { type BodyPace, incomingOf, watchPace } from './incoming.js';
import type { AuditRecord, Authentication, Operation, Operations, Principal, RequestContext } from './operations.js';
import { HttpError } from './problems.js';
import { limitKey, type RateLimit } from './rate-limit.js';
import { identityOf } from './request-identity.js';
import { formatSessionCookie } from './security.js';

export interface RouteRunnerOptions {
  readonly operations: Operations;
  readonly authentication: Authentication;
  readonly audit: (record: AuditRecord) => void;
  readonly selfAudited?: ReadonlySet<RouteName>;
  readonly publicUrl?: string;
  readonly connections: OpenConnections;
  readonly rateLimit: RateLimit;
  readonly stopping: AbortSignal;
  readonly secure: (request: FastifyRequest) => boolean;
  readonly pace: BodyPace;
}

/** Answers without an end: they are counted, and cut when their login is revoked. */
const endless: ReadonlySet<RouteName> = new Set<RouteName>(['events', 'stream_live_mp4']);

/** True for a route whose body is handed on as it comes. */
export function isStreaming(request: FastifyRequest): boolean {
  const name = (request.routeOptions.config as { route?: string } | undefined)?.route;
  return name === 'upload_tus' || (name !== undefined && name in routes && (routes[name as RouteName] as Route).consumes !== undefined);
}

export interface RouteRunner {
  /** Registers the routes of the contract that read their body as a whole, or have none. */
  register(app: FastifyInstance): void;
  /** Registers those that hand it on; the scope must not parse it. */
  registerStreaming(scope: FastifyInstance): void;
}

export function createRouteRunner(options: RouteRunnerOptions): RouteRunner {
  const register = (app: FastifyInstance, wanted: (route: Route) => boolean): void => {
    for (const name of routeNames) {
      const route: Route = routes[name];
      if (!wanted(route)) continue;
      app.route({
        method: route.method,
        url: route.path.replace(/\{(\w+)\}/g, ':$1'),
        // A HEAD of an endless answer would start it for nobody.
        exposeHeadRoute: route.method === 'GET' && !endless.has(name),
        config: { route: name },
        // Refused before the body is read, so that a stranger cannot make us take one.
        preParsing: async (request) => {
          await admit(name, request, options);
        },
        handler: (request, reply) => perform(name, request, reply, options),
      });
    }
  };
  return {
    register: (app) => register(app, (route) => route.consumes === undefined),
    registerStreaming: (scope) => register(scope, (route) => route.consumes !== undefined),
  };
}

const admitted = new WeakMap<FastifyRequest, Credentials>();

async function admit(name: RouteName, request: FastifyRequest, options: RouteRunnerOptions): Promise<void> {
  const route: Route = routes[name];
  let credentials: Credentials = { principal: undefined, shown: 'none' };
  try {
    if (route.rateLimitPerMinute !== undefined) {
      const waitS = options.rateLimit.take(`${name} ${limitKey(request.ip)}`, route.rateLimitPerMinute);
      if (waitS > 0) throw tooOften(waitS);
    }
    credentials = await authenticate(request.headers, options.authentication);
    requireRole(route.role, credentials);
    requireOwnPage(route.method, request.headers, credentials, options.publicUrl);
    requireStream(credentials.principal, streamOf(request));
  } catch (thrown) {
    auditRefusal(name, request, credentials, WeirError.from(thrown), options);
    throw thrown;
  }
  admitted.set(request, credentials);
}

function tooOften(waitS: number): WeirError {
  return new WeirError('resource_exhausted', 'Too many attempts from this address', { hint: `Try again in ${waitS} s`, retryAfterS: waitS });
}

/** A camera's id is that of its stream. */
function streamOf(request: FastifyRequest): unknown {
  const { stream_id, camera_id } = request.params as { stream_id?: unknown; camera_id?: unknown };
  return stream_id ?? camera_id ?? (request.query as { stream_id?: unknown }).stream_id;
}

async function perform(name: RouteName, request: FastifyRequest, reply: FastifyReply, options: RouteRunnerOptions): Promise<FastifyReply> {
  const route: Route = routes[name];
  const principal = admitted.get(request)?.principal;
  const abort = new AbortController();
  const stop = () => abort.abort(options.stopping.reason);
  options.stopping.addEventListener('abort', stop, { once: true });
  const forget =
    (endless.has(name) || route.consumes !== undefined) && principal !== undefined
      ? options.connections.add(principal, (reason) => abort.abort(new WeirError('cancelled', reason)), { outlivesExpiry: !endless.has(name) })
      : undefined;
  const unwatch = route.consumes === undefined ? undefined : watchPace(request, options.pace, (error) => abort.abort(error));
  reply.raw.once('close', () => {
    options.stopping.removeEventListener('abort', stop);
    forget?.();
    unwatch?.();
    abort.abort(new WeirError('cancelled', 'The client went away'));
  });
  const context = createContext(route, request, reply, principal, abort.signal, options);
  const target = targetOf(request);
  try {
    const input = { params: parsed(route.params, request.params), query: parsed(route.query, request.query), body: parsed(route.body, request.body) };
    const operation = options.operations[name] as unknown as (input: unknown, context: RequestContext) => ReturnType<Operation<RouteName>>;
    const answer = await operation(input, context);
    if (isAudited(route, name, options)) record(options, name, context, target, 'allowed', null);
    return sendAnswer(route, answer, request, reply, abort.signal);
  } catch (caught) {
    const thrown = tooSlowOr(caught);
    if (isAudited(route, name, options)) {
      const error = WeirError.from(thrown);
      const outcome = error.code === 'unauthenticated' || error.code === 'permission_denied' ? 'refused' : 'failed';
      record(options, name, context, target, outcome, error.code === 'internal' ? 'internal error' : error.message);
    }
    throw thrown;
  }
}

/** A body that came too slowly has a status of its own in HTTP. */
function tooSlowOr(thrown: unknown): unknown {
  return thrown instanceof WeirError && thrown.facts?.reason === 'too_slow' ? new HttpError(408, thrown) : thrown;
}

function parsed(schema: Route['body'], value: unknown): unknown {
  return schema === undefined ? undefined : parseWith(schema, value);
}

function createContext(
  route: Route,
  request: FastifyRequest,
  reply: FastifyReply,
  principal: Principal | undefined,
  signal: AbortSignal,
  options: RouteRunnerOptions,
): RequestContext {
  const { requestId, traceId } = identityOf(request);
  const secure = options.secure(request);
  return {
    principal,
    address: request.ip,
    requestId,
    traceId,
    signal,
    ...(route.consumes === undefined ? {} : { incoming: incomingOf(request) }),
    header: (name) => {
      const value = request.headers[name];
      return Array.isArray(value) ? value[0] : value;
    },
    setSession: (secret, maxAgeS) => void reply.header('set-cookie', formatSessionCookie(secret, maxAgeS, secure)),
    clearSession: () => void reply.header('set-cookie', formatSessionCookie('', 0, secure)),
  };
}

/** Changes are audited; looking at what a change would do is none. */
function isAudited(route: Route, name: RouteName, options: RouteRunnerOptions): boolean {
  return route.method !== 'GET' && name !== 'preview_command' && options.selfAudited?.has(name) !== true;
}

/** A stranger without any credentials is not worth a line in the audit log, or anyone could fill the disk; wrong ones are. */
function auditRefusal(name: RouteName, request: FastifyRequest, credentials: Credentials, error: WeirError, options: RouteRunnerOptions): void {
  if (error.code === 'unauthenticated' && credentials.shown === 'none') return;
  options.audit({
    actor: credentials.principal?.session.username ?? 'anonymous',
    action: name,
    target: targetOf(request),
    outcome: error.code === 'internal' ? 'failed' : 'refused',
    address: request.ip,
    detail: error.code === 'internal' ? 'internal error' : error.message,
  });
}

function record(
  options: RouteRunnerOptions,
  name: RouteName,
  context: RequestContext,
  target: string | null,
  outcome: AuditRecord['outcome'],
  detail: string | null,
): void {
  options.audit({ actor: context.principal?.session.username ?? 'anonymous', action: name, target, outcome, address: context.address, detail });
}

/** What the request is about: the id in its path, or the name of what is being made. Never a secret. */
function targetOf(request: FastifyRequest): string | null {
  const fromPath = Object.values(request.params as Record<string, string>)[0];
  if (fromPath !== undefined) return fromPath.slice(0, 128);
  const body = request.body as Record<string, unknown> | null | undefined;
  for (const key of ['stream_id', 'username', 'name', 'stream_name', 'device']) {
    const value = body?.[key];
    if (typeof value === 'string') return key === 'device' ? null : value.slice(0, 128);
  }
  return null;
}
