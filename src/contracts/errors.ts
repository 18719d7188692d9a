/**
 * The one closed list of error codes. Every failure that leaves Weir, through REST, JSON-RPC or the bus, carries one of them.
 * Each outside system (NATS, FFmpeg, SQL, child processes) has one translator from its own failure to these codes.
 */
import { z } from 'zod';
import { integer } from './numbers.js';

/** Code to HTTP status, JSON-RPC 2.0 number and the sentence used as the problem title. */
export const errorTable = {
  invalid_argument: { status: 400, rpc: -32602, title: 'The request is not valid' },
  unauthenticated: { status: 401, rpc: -32001, title: 'Sign in first' },
  permission_denied: { status: 403, rpc: -32002, title: 'Not allowed' },
  not_found: { status: 404, rpc: -32010, title: 'Not found' },
  already_exists: { status: 409, rpc: -32020, title: 'Already exists' },
  failed_precondition: { status: 409, rpc: -32020, title: 'Not possible in this state' },
  payload_too_large: { status: 413, rpc: -32602, title: 'Too large' },
  unsupported: { status: 422, rpc: -32030, title: 'Not supported' },
  resource_exhausted: { status: 429, rpc: -32040, title: 'Limit reached' },
  cancelled: { status: 499, rpc: -32603, title: 'Cancelled' },
  internal: { status: 500, rpc: -32603, title: 'Internal error' },
  unavailable: { status: 503, rpc: -32050, title: 'Not available now' },
  deadline_exceeded: { status: 504, rpc: -32050, title: 'Took too long' },
} as const satisfies Record<string, { status: number; rpc: number; title: string }>;

export type ErrorCode = keyof typeof errorTable;

export const errorCodes = Object.keys(errorTable) as [ErrorCode, ...ErrorCode[]];

/** One faulty field of a request: where it is (dotted path), what was wrong, what was received. */
export const fieldErrorSchema = z.object({
  field: z.string(),
  message: z.string(),
  received: z.unknown().optional(),
});
export type FieldError = z.infer<typeof fieldErrorSchema>;

/** The error object on the wire: body of an HTTP answer (application/problem+json), `error.data` in JSON-RPC, `error` in bus replies. */
export const problemSchema = z
  .object({
    type: z.string().describe('stable reference of the code'),
    title: z.string(),
    status: integer,
    code: z.enum(errorCodes),
    detail: z.string().describe('what happened, in one sentence'),
    hint: z.string().optional().describe('what to do about it'),
    errors: z.array(fieldErrorSchema).optional(),
    facts: z
      .record(z.string(), z.unknown())
      .optional()
      .describe('what else a program may want: `resource` and `id`, `state` and `allowed_states`, `required_role`, `feature`, `dependency`'),
    retry_after_s: z.number().optional().describe('seconds after which another attempt makes sense'),
    trace_id: z.string().optional(),
  })
  .meta({ id: 'Problem' });
export type Problem = z.infer<typeof problemSchema>;

export interface WeirErrorOptions {
  /** What the caller can do about it. */
  hint?: string;
  /** The faulty field, when there is one; shorthand for a single entry in `errors`. */
  field?: string;
  /** The value that was received for `field`; secrets must not be passed. */
  received?: unknown;
  errors?: FieldError[];
  /** Facts for programs, named as in {@link Problem}; no secrets. */
  facts?: Record<string, unknown>;
  /** Seconds after which another attempt makes sense; the `Retry-After` of HTTP. */
  retryAfterS?: number;
  cause?: unknown;
}

/** The only error class that domains throw on purpose. */
export class WeirError extends Error {
  override readonly name = 'WeirError';
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly errors: FieldError[];
  readonly facts: Readonly<Record<string, unknown>> | undefined;
  readonly retryAfterS: number | undefined;

  constructor(code: ErrorCode, message: string, options: WeirErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
    this.errors = options.errors ?? [];
    this.facts = options.facts;
    this.retryAfterS = options.retryAfterS;
    if (options.field !== undefined) {
      this.errors = [{ field: options.field, message, received: options.received }, ...this.errors];
    }
  }

  /** Turns anything thrown into a WeirError; what is not known becomes `internal` and keeps its cause. */
  static from(thrown: unknown): WeirError {
    if (thrown instanceof WeirError) return thrown;
    if (thrown instanceof z.ZodError) return fromZodError(thrown);
    if (thrown instanceof Error && thrown.name === 'AbortError') {
      return new WeirError('cancelled', 'The operation was cancelled', { cause: thrown });
    }
    if (thrown instanceof Error && thrown.name === 'TimeoutError') {
      return new WeirError('deadline_exceeded', 'The operation took too long', { cause: thrown });
    }
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    return new WeirError('internal', message, { cause: thrown });
  }

  /** The wire form. Causes and stacks stay inside. */
  toProblem(traceId?: string): Problem {
    const row = errorTable[this.code];
    const problem: Problem = {
      type: `urn:weir:error:${this.code}`,
      title: row.title,
      status: row.status,
      code: this.code,
      // An unplanned failure may quote paths or values that are nobody's business outside.
      detail: this.code === 'internal' ? 'Something failed inside Weir; the hub log has the details' : this.message,
    };
    if (this.hint !== undefined) problem.hint = this.hint;
    if (this.errors.length > 0) problem.errors = this.errors;
    if (this.facts !== undefined) problem.facts = { ...this.facts };
    if (this.retryAfterS !== undefined) problem.retry_after_s = this.retryAfterS;
    if (traceId !== undefined) problem.trace_id = traceId;
    return problem;
  }

  /** Rebuilds the error that a peer sent. */
  static fromProblem(problem: Problem): WeirError {
    const options: WeirErrorOptions = {};
    if (problem.hint !== undefined) options.hint = problem.hint;
    if (problem.errors !== undefined) options.errors = problem.errors;
    if (problem.facts !== undefined) options.facts = problem.facts;
    if (problem.retry_after_s !== undefined) options.retryAfterS = problem.retry_after_s;
    return new WeirError(problem.code, problem.detail, options);
  }
}

/** A validation failure names every faulty field with what was received there. */
export function fromZodError(error: z.ZodError, input?: unknown): WeirError {
  const errors = error.issues.map((issue): FieldError => {
    const path = issue.code === 'unrecognized_keys' ? [...issue.path, ...issue.keys.slice(0, 1)] : issue.path;
    const field = path.map(String).join('.') || '(body)';
    const entry: FieldError = { field, message: issue.message };
    const received = valueAt(input, path);
    if (issue.code === 'invalid_type' && received !== undefined) entry.message = wrongType(issue.expected, secretLike.test(field) ? '***' : received);
    if (received !== undefined) entry.received = secretLike.test(field) ? '***' : shorten(received);
    return entry;
  });
  const first = errors[0];
  const detail = first === undefined ? 'The request is not valid' : `${first.field}: ${first.message}`;
  return new WeirError('invalid_argument', detail, { errors, cause: error });
}

/** Parses with a schema; the error names the fields and the values received. Use at every edge. */
export function parseWith<S extends z.ZodType>(schema: S, input: unknown): z.output<S> {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  throw fromZodError(result.error, input);
}

const typeWords: Readonly<Record<string, string>> = {
  number: 'a number',
  int: 'a whole number',
  string: 'a text',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
};

/** What is wanted, and what came instead as it was written: `x` in a query is no NaN to whoever typed it. */
function wrongType(expected: string, received: unknown): string {
  return `must be ${typeWords[expected] ?? expected}, received ${JSON.stringify(shorten(received))}`;
}

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  let value = input;
  for (const key of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Record<PropertyKey, unknown>)[key];
  }
  return value;
}

const secretLike = /pass|secret|token|key|credential/i;

function shorten(value: unknown): unknown {
  if (typeof value === 'string') return value.length > 120 ? `${value.slice(0, 117)}...` : value;
  if (typeof value !== 'object' || value === null) return value;
  // What nests deeper than this is cut off: a thousand brackets must not be walked into.
  const text = JSON.stringify(shallow(value, shownDepth)) ?? '';
  return text.length > 120 ? `${text.slice(0, 117)}...` : JSON.parse(text);
}

const shownDepth = 4;

function shallow(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (depth === 0) return '...';
  if (Array.isArray(value)) return value.slice(0, 60).map((inner) => shallow(inner, depth - 1));
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, secretLike.test(key) ? '***' : shallow(inner, depth - 1)]));
}
