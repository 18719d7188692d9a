/** A server with every operation replaced by one that answers plausibly, and logins of every kind. */
import type { Role, RouteName, Session } from '../../contracts/index.js';
import { routeNames } from '../../contracts/index.js';
import type { AuditRecord, Authentication, Operations, Principal, RequestContext } from '../operations.js';
import { createHttpServer, type HttpServer, type HttpServerOptions } from '../server.js';

export interface Call {
  name: RouteName;
  input: unknown;
  context: RequestContext;
}

export interface Fixture {
  server: HttpServer;
  calls: Call[];
  audited: AuditRecord[];
  /** Logins that no longer hold. */
  revoked: Set<string>;
}

/** Secrets are `<role>`, or `<role>:<stream>` for a login bound to one stream. */
export function principalOf(kind: Principal['kind'], secret: string): Principal | undefined {
  const [role = '', stream] = secret.split('.');
  if (!['viewer', 'operator', 'admin'].includes(role)) return undefined;
  const session: Session = {
    user_id: kind === 'session' ? `user-${role}` : null,
    username: `${role}-name`,
    role: role as Role,
    streams: stream === undefined ? null : [stream],
    expires_at: null,
  };
  return { kind, id: `${kind}-${secret}`, session };
}

/** Makes the server; operations may be replaced one by one. */
export function createFixture(operations: Partial<Operations> = {}, options: Partial<HttpServerOptions> = {}): Fixture {
  const calls: Call[] = [];
  const audited: AuditRecord[] = [];
  const revoked = new Set<string>();
  const authentication: Authentication = {
    bySession: (secret) => (revoked.has(secret) ? undefined : principalOf('session', secret)),
    byToken: (secret) => (revoked.has(secret) ? undefined : principalOf('token', secret)),
    rightsNow: ({ id, session }) => (revoked.has(id.replace(/^(?:session|token)-/, '')) ? undefined : session),
  };
  const all = Object.fromEntries(
    routeNames.map((name) => [
      name,
      (input: unknown, context: RequestContext) => {
        calls.push({ name, input, context });
        const given = operations[name] as ((input: unknown, context: RequestContext) => unknown) | undefined;
        return given?.(input, context) ?? plausible(name);
      },
    ]),
  ) as unknown as Operations;
  const silent = { error: () => undefined, warn: () => undefined, debug: () => undefined };
  const server = createHttpServer({ operations: all, authentication, audit: (record) => audited.push(record), log: silent, ...options });
  return { server, calls, audited, revoked };
}

function plausible(name: RouteName): unknown {
  if (name === 'events') return { events: noEvents() };
  return { body: 'x', status: 'healthy' };
}

async function* noEvents(): AsyncGenerator<never> {
  // An empty stream of events.
}
