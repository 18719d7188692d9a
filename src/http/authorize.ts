/** May this request call this route? Credentials, role, stream scope, same origin: in this order, before any input is looked at. */
import type { IncomingHttpHeaders } from 'node:http';
import { type Route, roleAllows, WeirError } from '../contracts/index.js';
import { type Authentication, mayUseStream, type Principal, type RouteRole } from './operations.js';
import { isForeignRequest, isSameOriginRequest, readBearer, readSessionCookie } from './security.js';

/** What a client showed: a bearer token counts before the cookie. */
export interface Credentials {
  readonly principal: Principal | undefined;
  /** `bad`: something was shown and did not hold; `expired`: a token that did until it ended. */
  readonly shown: 'none' | 'bad' | 'expired' | 'session' | 'token';
}

/** Looks the credentials of a request up. */
export async function authenticate(headers: IncomingHttpHeaders, authentication: Authentication): Promise<Credentials> {
  if (headers.authorization !== undefined) {
    const secret = readBearer(headers.authorization);
    const principal = secret === undefined ? undefined : await authentication.byToken(secret);
    return { principal, shown: principal === undefined ? await unfit(secret, authentication) : 'token' };
  }
  // Players and older clients of the file downloads send the token as a key.
  const key = headers['x-api-key'];
  if (typeof key === 'string') {
    const principal = await authentication.byToken(key);
    return { principal, shown: principal === undefined ? await unfit(key, authentication) : 'token' };
  }
  const secret = readSessionCookie(headers.cookie);
  if (secret === undefined) return { principal: undefined, shown: 'none' };
  const principal = await authentication.bySession(secret);
  return { principal, shown: principal === undefined ? 'bad' : 'session' };
}

async function unfit(secret: string | undefined, authentication: Authentication): Promise<'bad' | 'expired'> {
  return secret !== undefined && (await authentication.hasExpired?.(secret)) === true ? 'expired' : 'bad';
}

/** Throws `unauthenticated` or `permission_denied` unless the principal holds the role. */
export function requireRole(role: RouteRole, credentials: Credentials): void {
  if (role === 'anyone') return;
  const principal = credentials.principal;
  if (principal === undefined) {
    const what = credentials.shown === 'bad' ? 'The session or token is not valid, or no longer' : 'This needs a session or a token';
    if (credentials.shown === 'expired') {
      throw new WeirError('unauthenticated', 'The token has expired', { hint: 'Ask for a new one', facts: { reason: 'token_expired' } });
    }
    throw new WeirError('unauthenticated', what, { hint: 'Sign in, or send `Authorization: Bearer <token>`' });
  }
  if (!roleAllows(principal.session.role, role)) {
    throw new WeirError('permission_denied', `This needs the role ${role}; ${principal.session.username} has ${principal.session.role}`);
  }
}

/** Throws `permission_denied` when the route names a stream outside the principal's list, whether or not it exists. */
export function requireStream(principal: Principal | undefined, streamId: unknown): void {
  if (principal === undefined || typeof streamId !== 'string' || mayUseStream(principal, streamId)) return;
  throw new WeirError('permission_denied', `${principal.session.username} may not use this stream`, { field: 'stream_id', received: streamId });
}

/** Throws `permission_denied` for a state-changing request that another site's page may have sent. */
export function requireOwnPage(method: Route['method'], headers: IncomingHttpHeaders, credentials: Credentials, publicUrl?: string): void {
  if (method === 'GET') return;
  const refuse =
    credentials.shown === 'session'
      ? !isSameOriginRequest(headers, publicUrl)
      : credentials.shown !== 'token' && isForeignRequest(headers, publicUrl);
  if (!refuse) return;
  throw new WeirError('permission_denied', 'The request does not come from a page of this hub', {
    hint: 'Programs send a token instead of the cookie; behind a proxy set http.public_url',
  });
}
