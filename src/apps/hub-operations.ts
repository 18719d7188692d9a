/** Ties every route to the part that does its work. Doors translate; nothing is decided here. */
import type { Access } from '../access/index.js';
import type { CameraOperations } from '../cameras/index.js';
import { createAsyncApi } from '../contracts/asyncapi.js';
import { type CallContext, type Roots, type RouteName, routes, type Session, type SystemHealth, WeirError } from '../contracts/index.js';
import { createOpenApi } from '../contracts/openapi.js';
import { createOpenRpc } from '../contracts/openrpc.js';
import type { GatewayOperations } from '../gateways/index.js';
import type { Operations, Principal, RequestContext } from '../http/index.js';
import type { RecordingsOperations } from '../recordings/hub/index.js';
import type { StreamsOperations } from '../streams/hub/index.js';
import type { Metrics } from '../telemetry/index.js';
import type { HubVideos } from './hub-videos.js';
import type { SettingsOperations } from './settings/index.js';

export interface HubOperationsOptions {
  readonly access: Access;
  /** Streams, cameras, recordings and so on: together they carry out every route that is not done here. */
  readonly domains: DomainOperations;
  readonly metrics: Metrics;
  readonly health: () => SystemHealth;
  /** Undefined once requests can be served, else what is missing. */
  readonly notReady: () => string | undefined;
  /** Called after the first admin was made. */
  readonly onFirstAdmin: () => void;
  readonly version: string;
  readonly roots: Roots;
  /** False with an external NATS, whose users are not ours to write. */
  readonly busUsers: boolean;
}

/** Routes whose work writes its own line in the audit log. */
export const auditedByAccess: ReadonlySet<RouteName> = new Set<RouteName>([
  'setup_admin',
  'login',
  'logout',
  'logout_everywhere',
  'change_password',
  'bus_credentials',
  'create_user',
  'update_user',
  'delete_user',
  'create_token',
  'delete_token',
  'create_bus_user',
  'delete_bus_user',
  // Asked for every player that comes and goes; what is refused stands in the log.
  'gateway_auth',
]);

/** Every operation of the hub. */
export function createHubOperations(options: HubOperationsOptions): Operations {
  return {
    ...atTheDoor(options.domains),
    ...createAccessOperations(options.access, options.onFirstAdmin),
    ...busUserOperations(options),
    ...systemOperations(options),
  };
}

/** Operations of the domains take session and input; their answers have the shapes that HTTP sends. */
function atTheDoor<D extends object>(domain: D): Pick<Operations, keyof D & RouteName> {
  const entries = Object.entries(domain).map(([name, operation]) => [
    name,
    (input: unknown, context: RequestContext) => {
      const lastEventId = name === 'events' ? context.header('last-event-id') : undefined;
      const host = context.header('host');
      return (operation as AnyOperation)(sessionOf(name as RouteName, context), input, {
        signal: context.signal,
        address: context.address,
        ...(host === undefined ? {} : { host }),
        ...(lastEventId === undefined ? {} : { lastEventId }),
        ...(context.incoming === undefined ? {} : { incoming: context.incoming }),
      });
    },
  ]);
  return Object.fromEntries(entries) as Pick<Operations, keyof D & RouteName>;
}

type AnyOperation = (session: Session, input: unknown, context: CallContext) => unknown;
/** Every operation of a domain, by route. */
export type DomainOperations = StreamsOperations &
  CameraOperations &
  RecordingsOperations &
  GatewayOperations &
  SettingsOperations &
  HubVideos['operations'];

/** Whoever calls a route that anyone may call without signing in. */
const nobody: Session = { user_id: null, username: 'anonymous', role: 'viewer', streams: [], expires_at: null };

function sessionOf(name: RouteName, context: RequestContext): Session {
  return routes[name].role === 'anyone' ? (context.principal?.session ?? nobody) : principalOf(context).session;
}

/** Users, sessions, tokens, bus logins, audit. `onFirstAdmin` is called whenever an admin was made. */
export function createAccessOperations(access: Access, onFirstAdmin: () => void) {
  return {
    setup_state: async () => ({ needed: await access.setupNeeded() }),
    setup_admin: async ({ body }, context) => {
      const signedIn = await access.setupAdmin(body, context);
      context.setSession(signedIn.secret, signedIn.maxAgeS);
      onFirstAdmin();
      return signedIn.principal.session;
    },
    login: async ({ body }, context) => {
      const signedIn = await access.login(body, context);
      context.setSession(signedIn.secret, signedIn.maxAgeS);
      return signedIn.principal.session;
    },
    session: (_input, context) => principalOf(context).session,
    logout: async (_input, context) => {
      await access.logout(context);
      context.clearSession();
      return undefined;
    },
    logout_everywhere: async (_input, context) => {
      await access.logoutEverywhere(context);
      context.clearSession();
      return undefined;
    },
    change_password: async ({ body }, context) => {
      await access.changePassword(body, context);
      return undefined;
    },
    bus_credentials: ({ body }, context) => access.issueBusCredentials(principalOf(context), body?.viewer),
    list_users: async () => ({ items: await access.listUsers() }),
    create_user: async ({ body }, context) => {
      const user = await access.createUser(body, context);
      if (user.role === 'admin') onFirstAdmin();
      return user;
    },
    update_user: ({ params, body }, context) => access.updateUser(params.user_id, body, context),
    delete_user: async ({ params }, context) => {
      await access.deleteUser(params.user_id, context);
      return undefined;
    },
    list_tokens: async () => ({ items: await access.listTokens() }),
    create_token: ({ body }, context) => access.createToken(body, context),
    delete_token: async ({ params }, context) => {
      await access.deleteToken(params.token_id, context);
      return undefined;
    },
    list_bus_users: async () => ({ items: await access.listBusUsers() }),
    create_bus_user: ({ body }, context) => access.createBusUser(body, context),
    delete_bus_user: async ({ params }, context) => {
      await access.deleteBusUser(params.name, context);
      return undefined;
    },
    list_audit: ({ query }) => access.listAudit(query),
  } satisfies Partial<Operations>;
}

function busUserOperations({ busUsers }: HubOperationsOptions): Partial<Pick<Operations, 'create_bus_user'>> {
  if (busUsers) return {};
  return {
    create_bus_user: () => {
      throw new WeirError('unsupported', 'The users of an external NATS are not managed by Weir', {
        hint: 'Add the user in that server; `weir config show` tells which one nats.url names',
      });
    },
  };
}

function systemOperations({ metrics, health, notReady, version, roots }: HubOperationsOptions) {
  // Made at the first request: few hubs are ever asked.
  let openApi: Record<string, unknown> | undefined;
  let asyncApi: Record<string, unknown> | undefined;
  let openRpc: Record<string, unknown> | undefined;
  return {
    system_health: (_input: unknown, context: RequestContext) => healthFor(principalOf(context).session, health()),
    health: () => ({ status: health().status }),
    health_ready: () => {
      const missing = notReady();
      if (missing !== undefined) throw new WeirError('unavailable', missing, { retryAfterS: 1 });
      return { status: 'ready' };
    },
    health_live: () => ({ status: 'live' }),
    metrics: async (_input: unknown, context: RequestContext) => {
      const { streams } = principalOf(context).session;
      return { body: await metrics.text(streams === null ? {} : { streams }), contentType: metrics.contentType };
    },
    openapi: () => {
      openApi ??= createOpenApi(version);
      return openApi;
    },
    openrpc: () => {
      openRpc ??= createOpenRpc(version);
      return openRpc;
    },
    asyncapi: () => {
      asyncApi ??= createAsyncApi(version, roots);
      return asyncApi;
    },
  } satisfies Partial<Operations>;
}

/** Who is bound to streams is not told how many others there are and how they do. */
function healthFor({ streams }: Session, health: SystemHealth): SystemHealth {
  if (streams === null) return health;
  const components = health.components.map((part) => {
    if (part.name !== 'streams') return part;
    const { details: _details, message: _message, ...rest } = part;
    return rest;
  });
  return { ...health, components };
}

function principalOf(context: RequestContext): Principal {
  if (context.principal === undefined) throw new WeirError('unauthenticated', 'This needs a session or a token');
  return context.principal;
}
