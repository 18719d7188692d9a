/** Names of one request: the id that stands in logs and answers, and its place in a W3C trace. */
import { randomBytes } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { createTraceContext, formatTraceparent, parseTraceparent } from '../telemetry/index.js';

export interface RequestIdentity {
  readonly requestId: string;
  readonly traceId: string;
  /** `traceparent` of this hop, for the answer and for whatever the request causes. */
  readonly traceparent: string;
}

const requestIdForm = /^[A-Za-z0-9._-]{1,64}$/;

/** Continues the caller's trace and request id where they are well formed, and begins new ones where not. */
export function identifyRequest(headers: IncomingHttpHeaders): RequestIdentity {
  const sent = headers['x-request-id'];
  const requestId = typeof sent === 'string' && requestIdForm.test(sent) ? sent : randomBytes(8).toString('hex');
  const parent = typeof headers.traceparent === 'string' ? parseTraceparent(headers.traceparent) : undefined;
  const context = createTraceContext(parent);
  return { requestId, traceId: context.traceId, traceparent: formatTraceparent(context) };
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
