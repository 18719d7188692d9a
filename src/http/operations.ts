/** What the HTTP server is given: one function for each route of the contract, and what it hands to them. */
import type { IncomingBody, Redirect, Role, RouteAnswer, RouteInput, RouteName, routes, Session, StoredFile } from '../contracts/index.js';

/** Who is asking. Lives as long as the login it stands for; `id` names the login, so that its open connections can be cut. */
export interface Principal {
  readonly kind: 'session' | 'token';
  /** Session or token id, never the secret. */
  readonly id: string;
  readonly session: Session;
}

/** Everything an operation may want to know about the request besides its checked input. */
export interface RequestContext {
  /** Undefined only on routes that `anyone` may call. */
  readonly principal: Principal | undefined;
  /** Address of the client (of its proxy's header, when proxies are trusted). */
  readonly address: string;
  readonly requestId: string;
  readonly traceId: string;
  /** Aborts when the client goes away, the login is revoked or the server stops. */
  readonly signal: AbortSignal;
  /** The body as it comes, for routes that `consumes` one. */
  readonly incoming?: IncomingBody;
  /** A request header in lower case, or undefined. */
  header(name: string): string | undefined;
  /** Sets the session cookie: HttpOnly, SameSite=Strict, Secure under TLS. */
  setSession(secret: string, maxAgeS: number): void;
  /** Removes the session cookie. */
  clearSession(): void;
}

/** One server-sent event; `data` is one JSON text without line breaks. */
export interface ServerSentEvent {
  readonly id?: string;
  readonly event?: string;
  readonly data: string;
}

/** Answer of a route that does not speak JSON. An iterable is read no faster than the client takes it, and ended with the request. */
export interface MediaAnswer {
  readonly body: Uint8Array | string | AsyncIterable<Uint8Array>;
  /** Default: what the route `produces`. */
  readonly contentType?: string;
  /** Seconds a client may keep it; default 0: never. */
  readonly maxAgeS?: number;
  /** Quoted strong validator: answered with 304 when the client has it already. */
  readonly etag?: string;
}

/** Answer of a `text/event-stream` route; heartbeats are added by the server. */
export interface EventsAnswer {
  readonly events: AsyncIterable<ServerSentEvent>;
}

/** Routes that answer with a file, in whole or in part. */
export const fileRoutes = [
  'recording_file',
  'snapshot_file',
  'export_file',
  'video_source',
  'video_revision_file',
  'linked_video_revision_file',
] as const satisfies readonly RouteName[];
type FileRoute = (typeof fileRoutes)[number];

export type OperationAnswer<N extends RouteName> = N extends FileRoute
  ? StoredFile
  : N extends 'video_file' | 'linked_video_file'
    ? StoredFile | Redirect
    : (typeof routes)[N] extends { produces: 'text/event-stream' }
      ? EventsAnswer
      : (typeof routes)[N] extends { produces: string }
        ? MediaAnswer
        : RouteAnswer<N>;

/** Does the work of one route. Input is checked, role and stream scope are checked; failures are thrown as WeirError. */
export type Operation<N extends RouteName> = (input: RouteInput<N>, context: RequestContext) => Promise<OperationAnswer<N>> | OperationAnswer<N>;

/** One operation for every route of the contract; the compiler refuses a missing one. */
export type Operations = { readonly [N in RouteName]: Operation<N> };

/** Turns credentials into a principal; undefined when they are wrong, expired, revoked or the user is disabled. */
export interface Authentication {
  bySession(secret: string): Promise<Principal | undefined> | Principal | undefined;
  byToken(secret: string): Promise<Principal | undefined> | Principal | undefined;
  /** What a login may do by now; undefined when it has ended. Prolongs nothing. */
  rightsNow(principal: Principal): Promise<Session | undefined> | Session | undefined;
  /** Whether a secret that `byToken` does not take was good until it expired. Default: none is known to have been. */
  hasExpired?(secret: string): Promise<boolean> | boolean;
}

/** One line of the audit log, as the server reports it. */
export interface AuditRecord {
  readonly actor: string;
  readonly action: RouteName | 'bus_socket' | 'rpc_socket' | 'rpc_login' | 'upload_tus' | 'upload_tus_delete';
  readonly target: string | null;
  readonly outcome: 'allowed' | 'refused' | 'failed';
  readonly address: string;
  readonly detail: string | null;
}

/** The user interface's files, by path below the root. */
export interface StaticFiles {
  /** The file, in the best of the encodings the client accepts; undefined when there is none. */
  find(path: string, encodings: ReadonlySet<string>): Promise<StaticFile | undefined>;
}

export interface StaticFile {
  readonly body: Uint8Array;
  readonly contentType: string;
  readonly encoding?: string;
  readonly etag: string;
  /** True when the name carries a hash of the contents, so that it may be kept for ever. */
  readonly immutable: boolean;
}

/** True when `principal` may see or command the stream. */
export function mayUseStream(principal: Principal, streamId: string): boolean {
  const streams = principal.session.streams;
  return streams === null || streams.includes(streamId);
}

/** Roles as routes name them. */
export type RouteRole = Role | 'anyone';
