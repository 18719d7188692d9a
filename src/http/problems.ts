/** Every failure leaves as `application/problem+json`; Fastify's own failures are translated here and nowhere else. */
import type { FastifyReply } from 'fastify';
import { type Problem, WeirError } from '../contracts/index.js';

/** A failure of HTTP itself has a status that the closed code list does not carry. */
export class HttpError extends WeirError {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, error: WeirError, headers: Readonly<Record<string, string>> = {}) {
    super(error.code, error.message, {
      errors: error.errors,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
      ...(error.facts === undefined ? {} : { facts: { ...error.facts } }),
      ...(error.retryAfterS === undefined ? {} : { retryAfterS: error.retryAfterS }),
    });
    this.status = status;
    this.headers = headers;
  }
}

const titles: Record<number, string> = {
  405: 'Method not allowed',
  408: 'Too slow',
  414: 'Address too long',
  415: 'Unsupported media type',
  416: 'No such range',
};

/** The wire form of anything thrown. */
export function problemOf(error: WeirError, traceId?: string): Problem {
  const problem = error.toProblem(traceId);
  if (!(error instanceof HttpError)) return problem;
  return { ...problem, status: error.status, title: titles[error.status] ?? problem.title };
}

/** Sends a failure. Headers set for a success are dropped. */
export function sendProblem(reply: FastifyReply, thrown: unknown, traceId?: string): WeirError {
  const error = translate(thrown);
  const problem = problemOf(error, traceId);
  for (const name of ['etag', 'last-modified', 'content-length', 'accept-ranges']) reply.removeHeader(name);
  reply.code(problem.status).header('content-type', 'application/problem+json').header('cache-control', 'no-store');
  if (error instanceof HttpError) reply.headers(error.headers);
  if (error.code === 'unauthenticated') reply.header('www-authenticate', 'Bearer');
  if (error.retryAfterS !== undefined) reply.header('retry-after', String(Math.ceil(error.retryAfterS)));
  // Bytes, since Fastify adds a charset to text, which this media type does not have.
  void reply.send(Buffer.from(JSON.stringify(problem)));
  return error;
}

/** Fastify's codes to ours. */
function translate(thrown: unknown): WeirError {
  const code = (thrown as { code?: unknown } | null)?.code;
  switch (code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new WeirError('payload_too_large', 'The body is larger than 1 MiB');
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new HttpError(415, new WeirError('unsupported', 'Send the body as application/json', { field: 'content-type' }));
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
    case 'FST_ERR_CTP_INVALID_JSON_BODY':
    case 'FST_ERR_CTP_EMPTY_JSON_BODY':
      return new WeirError('invalid_argument', 'The body is not valid JSON', { field: '(body)' });
    case 'FST_ERR_MAX_PARAM_LENGTH':
      return new HttpError(414, new WeirError('invalid_argument', 'The address of the request is too long', { field: '(path)' }));
    case 'FST_ERR_BAD_URL':
    case 'FST_ERR_ROUTE_MISSING_HANDLER':
      return new WeirError('invalid_argument', 'The address of the request is not valid', { field: '(path)' });
    default:
      break;
  }
  if (!(thrown instanceof WeirError) && thrown instanceof SyntaxError && (thrown as { statusCode?: number }).statusCode === 400) {
    return new WeirError('invalid_argument', 'The body is not valid JSON', { field: '(body)', cause: thrown });
  }
  return WeirError.from(thrown);
}
