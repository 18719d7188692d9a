/** Names of one request: the id that stands in logs and answers, and its place in a W3C trace. */
import { randomBytes } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

export interface RequestIdentity {
  readonly requestId: string;
  readonly traceId: string;
  /** `traceparent` of this hop, for the answer and for whatever the request causes. */
  readonly traceparent: string;
}

const traceparentForm = /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-([0-9a-f]{2})(?:-.*)?$/;
const requestIdForm = /^[A-Za-z0-9._-]{1,64}$/;

/** Continues the caller's trace and request id where they are well formed, and begins new ones where not. */
export function identifyRequest(headers: IncomingHttpHeaders): RequestIdentity {
  const sent = headers['x-request-id'];
  const requestId = typeof sent === 'string' && requestIdForm.test(sent) ? sent : randomBytes(8).toString('hex');
  const parent = traceparentForm.exec(typeof headers.traceparent === 'string' ? headers.traceparent : '');
  const parentTrace = parent?.[1];
  const traceId = parentTrace === undefined || /^0+$/.test(parentTrace) ? randomBytes(16).toString('hex') : parentTrace;
  return { requestId, traceId, traceparent: `00-${traceId}-${randomBytes(8).toString('hex')}-${parent?.[2] ?? '00'}` };
}

const identities = new WeakMap<object, RequestIdentity>();

/** The identity of a request; made on first use. */
export function identityOf(request: { headers: IncomingHttpHeaders }): RequestIdentity {
  const known = identities.get(request);
  if (known !== undefined) return known;
  const identity = identifyRequest(request.headers);
  identities.set(request, identity);
  return identity;
}
