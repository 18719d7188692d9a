/** The door for resumable uploads: access, limits and audit as for every route, the protocol by whoever was given. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type TusAnswer, type TusDoor, type TusRequest, tusPath, WeirError } from '../contracts/index.js';
import { authenticate, type Credentials, requireOwnPage, requireRole } from './authorize.js';
import { type BodyPace, incomingOf, watchPace } from './incoming.js';
import type { AuditRecord, Principal } from './operations.js';
import { limitKey } from './rate-limit.js';
import type { RouteRunnerOptions } from './route-runner.js';

const methods = ['POST', 'HEAD', 'PATCH', 'DELETE'] as const;

/** Per minute and address: many small files, and many small chunks, pass. */
const creationsPerMinute = 600;
const requestsPerMinute = 30_000;

export interface TusRoutesOptions extends RouteRunnerOptions {
  readonly tus: TusDoor;
  readonly pace: BodyPace;
}

/** Registers the door. The scope must hand bodies on unread. */
export function registerTus(scope: FastifyInstance, options: TusRoutesOptions): void {
  const admitted = new WeakMap<FastifyRequest, Principal>();
  for (const url of [tusPath, `${tusPath}/*`]) {
    scope.route({
      method: [...methods],
      url,
      exposeHeadRoute: false,
      config: { route: 'upload_tus' },
      preParsing: async (request) => {
        admitted.set(request, await admit(request, options));
      },
      handler: (request, reply) => {
        const principal = admitted.get(request);
        if (principal === undefined) throw new WeirError('unauthenticated', 'Sign in first');
        return perform(request, reply, principal, options);
      },
    });
    // A client may ask before it has a login what it can expect; the address of an upload is not looked at.
    scope.route({
      method: 'OPTIONS',
      url,
      config: { route: 'upload_tus' },
      preParsing: async (request) => limitRate(request, 'OPTIONS', options),
      handler: async (_request, reply) => send(reply, await options.tus.describe()),
    });
  }
}

async function admit(request: FastifyRequest, options: TusRoutesOptions): Promise<Principal> {
  const method = methodOf(request);
  let credentials: Credentials = { principal: undefined, shown: 'none' };
  try {
    limitRate(request, method, options);
    credentials = await authenticate(request.headers, options.authentication);
    requireRole('operator', credentials);
    // By what was sent: a page of another site could put the method it wants into a header.
    if (request.method !== 'HEAD') requireOwnPage('POST', request.headers, credentials, options.publicUrl);
  } catch (thrown) {
    const error = WeirError.from(thrown);
    // As for every route: a stranger without credentials is not worth a line.
    if (error.code !== 'unauthenticated' || credentials.shown !== 'none') {
      const outcome = error.code === 'internal' ? 'failed' : 'refused';
      record(options, request, credentials.principal, outcome, error.code === 'internal' ? 'internal error' : error.message);
    }
    throw thrown;
  }
  if (credentials.principal === undefined) throw new WeirError('unauthenticated', 'Sign in first');
  return credentials.principal;
}

/** Throws `resource_exhausted`. */
function limitRate(request: FastifyRequest, method: TusRequest['method'] | 'OPTIONS', options: TusRoutesOptions): void {
  const isCreation = method === 'POST';
  const perMinute = isCreation ? creationsPerMinute : requestsPerMinute;
  const waitS = options.rateLimit.take(`upload_tus ${isCreation ? 'POST ' : ''}${limitKey(request.ip)}`, perMinute);
  if (waitS === 0) return;
  throw new WeirError('resource_exhausted', 'Too many requests from this address', { hint: `Try again in ${waitS} s`, retryAfterS: waitS });
}

async function perform(request: FastifyRequest, reply: FastifyReply, principal: Principal, options: TusRoutesOptions): Promise<FastifyReply> {
  const abort = new AbortController();
  const stop = () => abort.abort(options.stopping.reason);
  options.stopping.addEventListener('abort', stop, { once: true });
  const forget = options.connections.add(principal, (reason) => abort.abort(new WeirError('cancelled', reason)), {
    outlivesExpiry: true,
  });
  const unwatch = watchPace(request, options.pace, (error) => abort.abort(error));
  reply.raw.once('close', () => {
    options.stopping.removeEventListener('abort', stop);
    forget();
    unwatch();
    abort.abort(new WeirError('cancelled', 'The client went away'));
  });
  const method = methodOf(request);
  const answer = await options.tus.handle(
    { method, uploadId: uploadIdOf(request), headers: request.headers, incoming: incomingOf(request), signal: abort.signal },
    principal.session,
  );
  // Each chunk is no change worth a line; beginning and cancelling are.
  if (method === 'POST' || method === 'DELETE') {
    const isRefused = answer.status === 401 || answer.status === 403;
    record(
      options,
      request,
      principal,
      answer.status < 400 ? 'allowed' : isRefused ? 'refused' : 'failed',
      answer.status < 400 ? null : `status ${answer.status}`,
    );
  }
  return send(reply, answer);
}

function send(reply: FastifyReply, answer: TusAnswer): FastifyReply {
  for (const [name, value] of Object.entries(answer.headers)) reply.header(name, value);
  return reply.code(answer.status).send(answer.body === '' ? undefined : Buffer.from(answer.body));
}

function record(
  options: TusRoutesOptions,
  request: FastifyRequest,
  principal: Principal | undefined,
  outcome: AuditRecord['outcome'],
  detail: string | null,
): void {
  const action = methodOf(request) === 'DELETE' ? 'upload_tus_delete' : 'upload_tus';
  const target = uploadIdOf(request)?.slice(0, 128) ?? null;
  options.audit({ actor: principal?.session.username ?? 'anonymous', action, target, outcome, address: request.ip, detail });
}

/** Clients behind proxies that let only POST pass say what they mean in a header. */
function methodOf(request: FastifyRequest): TusRequest['method'] {
  const wanted = request.method === 'POST' ? request.headers['x-http-method-override'] : undefined;
  return methods.find((one) => one === wanted) ?? methods.find((one) => one === request.method) ?? 'HEAD';
}

function uploadIdOf(request: FastifyRequest): string | undefined {
  return (request.params as { '*'?: string })['*'] || undefined;
}
