/** Same-origin checks, security headers and the session cookie: what stands between a browser's other pages and the hub. */
import type { IncomingHttpHeaders } from 'node:http';

export const sessionCookieName = 'weir_session';

/**
 * For the pages of the interface: own scripts and styles only, media from blobs (Media Source Extensions), sockets to the hub itself.
 * Nothing may frame it, and forms go nowhere else.
 */
const pagePolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  // An empty caption track is written into the address itself, so that browsers show captions that arrive later.
  "media-src 'self' blob: data:",
  "connect-src 'self'",
  "font-src 'self'",
  "worker-src 'self' blob:",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ');

/** An answer of the API is data: should a browser ever show it as a page, nothing in it may run. */
const dataPolicy = "default-src 'none'; frame-ancestors 'none'; sandbox";

/** The page with nothing but a player, which other sites show in a frame: as strict as any other page except that it may be framed. */
const embeddedPolicy = pagePolicy.replace("frame-ancestors 'none'", 'frame-ancestors *');

/** True for the pages that any site may show in a frame; nothing on them can be done in the name of who is signed in. */
export function isEmbeddedPage(path: string): boolean {
  return path.startsWith('/embed/');
}

/** Headers that every answer carries. */
export function securityHeaders(kind: 'page' | 'embedded_page' | 'data', secure: boolean): Record<string, string> {
  const headers: Record<string, string> = {
    'content-security-policy': kind === 'page' ? pagePolicy : kind === 'embedded_page' ? embeddedPolicy : dataPolicy,
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': kind === 'embedded_page' ? 'cross-origin' : 'same-origin',
  };
  if (kind !== 'embedded_page') headers['x-frame-options'] = 'DENY';
  if (secure) headers['strict-transport-security'] = 'max-age=31536000';
  return headers;
}

/** What decides whether an `Origin` is the hub's own. */
export interface OriginRules {
  /** `public_url` of the configuration, behind a proxy that changes `Host`. */
  readonly publicUrl?: string;
  /** Origins that may open sockets besides the hub's own. */
  readonly allowedOrigins: readonly string[];
}

/** True when `origin` names the address this request came to. The scheme is not compared: a proxy may end TLS before us. */
export function isOwnOrigin(origin: string, host: string | undefined, publicUrl?: string): boolean {
  const parsed = parseOrigin(origin);
  if (parsed === undefined) return false;
  if (host !== undefined && parsed.host === host.toLowerCase()) return true;
  return publicUrl !== undefined && parseOrigin(publicUrl)?.origin === parsed.origin;
}

/** True when a WebSocket may be opened from a page of this origin. */
export function maySocket(origin: string, host: string | undefined, rules: OriginRules): boolean {
  if (isOwnOrigin(origin, host, rules.publicUrl)) return true;
  const wanted = parseOrigin(origin)?.origin;
  return wanted !== undefined && rules.allowedOrigins.some((allowed) => parseOrigin(allowed)?.origin === wanted);
}

/**
 * True when a state-changing request that carries a cookie may proceed: the browser says that our own page sent it. A client that sends
 * neither header is no browser of the last years; it should use a token.
 */
export function isSameOriginRequest(headers: IncomingHttpHeaders, publicUrl?: string): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined) return site === 'same-origin' || (site === 'same-site' && hasOwnOrigin(headers, publicUrl));
  return hasOwnOrigin(headers, publicUrl);
}

function hasOwnOrigin(headers: IncomingHttpHeaders, publicUrl?: string): boolean {
  return headers.origin !== undefined && isOwnOrigin(headers.origin, headers.host, publicUrl);
}

/** True when a page of another origin sent this: refused even where no cookie is needed (login, set-up). */
export function isForeignRequest(headers: IncomingHttpHeaders, publicUrl?: string): boolean {
  if (headers.origin !== undefined) return !isOwnOrigin(headers.origin, headers.host, publicUrl);
  return headers['sec-fetch-site'] === 'cross-site';
}

function parseOrigin(text: string): URL | undefined {
  try {
    const url = new URL(text);
    return url.protocol === 'http:' || url.protocol === 'https:' ? url : undefined;
  } catch {
    return undefined;
  }
}

/** The session secret in a `Cookie` header. */
export function readSessionCookie(header: string | undefined): string | undefined {
  for (const part of header?.split(';') ?? []) {
    const at = part.indexOf('=');
    if (at > 0 && part.slice(0, at).trim() === sessionCookieName) return part.slice(at + 1).trim() || undefined;
  }
  return undefined;
}

/** The `Set-Cookie` value that keeps (or with `maxAgeS` 0 removes) the session. */
export function formatSessionCookie(secret: string, maxAgeS: number, secure: boolean): string {
  const parts = [`${sessionCookieName}=${secret}`, 'Path=/', `Max-Age=${Math.floor(maxAgeS)}`, 'HttpOnly', 'SameSite=Strict'];
  if (secure) parts.push('Secure');
  return parts.join('; ');
}

/** The secret of an `Authorization: Bearer` header; a JWT may be a few kilobytes long. */
export function readBearer(header: string | undefined): string | undefined {
  const match = /^Bearer +([A-Za-z0-9._~+/=-]{1,8192})$/i.exec(header ?? '');
  return match?.[1];
}
