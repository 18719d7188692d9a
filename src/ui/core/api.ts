/** The REST door, typed by the contracts. */

import { routeTable } from 'virtual:weir-routes';
import type { z } from 'zod';
import type { ErrorCode, FieldError, Problem } from '../../contracts/errors.js';
import type { RouteAnswer, RouteName, routes } from '../../contracts/routes.js';

type InputOf<N extends RouteName, K extends string> = (typeof routes)[N] extends { readonly [P in K]: infer S extends z.ZodType }
  ? z.input<S>
  : undefined;

export interface CallInput<N extends RouteName> {
  params?: InputOf<N, 'params'>;
  query?: InputOf<N, 'query'>;
  body?: InputOf<N, 'body'>;
  signal?: AbortSignal;
  /** Sent also when the page is being left. */
  keepalive?: boolean;
}

/** A refusal by the hub, or `unavailable` when it could not be reached. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly errors: FieldError[];

  constructor(code: ErrorCode, message: string, hint?: string, errors: FieldError[] = []) {
    super(message);
    this.code = code;
    this.hint = hint;
    this.errors = errors;
  }
}

const sessionEnded = new Set<() => void>();

/** Calls back when the hub says that nobody is signed in. */
export function onSessionEnded(listener: () => void): void {
  sessionEnded.add(listener);
}

const signInRoutes: ReadonlySet<RouteName> = new Set<RouteName>(['login', 'setup_admin', 'setup_state', 'change_password']);

/** Calls a route of the contracts. Throws ApiError; an abort of `signal` throws its reason. */
export async function call<N extends RouteName>(name: N, input: CallInput<N> = {}): Promise<RouteAnswer<N>> {
  const [method] = routeTable[name];
  const request: RequestInit = { method, headers: { accept: 'application/json' }, credentials: 'same-origin' };
  if (input.signal !== undefined) request.signal = input.signal;
  if (input.keepalive === true) request.keepalive = true;
  if (input.body !== undefined) {
    request.body = JSON.stringify(input.body);
    request.headers = { accept: 'application/json', 'content-type': 'application/json' };
  }
  const answer = await send(urlOf(name, input.params, input.query), request);
  if (answer.ok) return (answer.status === 204 ? undefined : await answer.json()) as RouteAnswer<N>;
  const error = await toError(answer);
  if (error.code === 'unauthenticated' && !signInRoutes.has(name)) for (const listener of sessionEnded) listener();
  throw error;
}

/** Address of a route, for links and pictures. */
export function urlOf(name: RouteName, params?: unknown, query?: unknown): string {
  const [, path] = routeTable[name];
  const values = (params ?? {}) as Record<string, string>;
  const filled = path.replace(/\{(\w+)\}/g, (_whole, key: string) => encodeURIComponent(values[key] ?? ''));
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries((query ?? {}) as Record<string, unknown>)) {
    if (value !== undefined && value !== '') search.set(key, String(value));
  }
  return search.size === 0 ? filled : `${filled}?${search}`;
}

async function send(url: string, request: RequestInit): Promise<Response> {
  try {
    return await fetch(url, request);
  } catch (cause) {
    if (request.signal?.aborted) throw cause;
    throw new ApiError('unavailable', 'The hub cannot be reached', 'Check that it runs and that this device is on its network.');
  }
}

async function toError(answer: Response): Promise<ApiError> {
  const problem = await answer.json().then(
    (body) => body as Partial<Problem>,
    () => undefined,
  );
  if (problem?.code === undefined) {
    const code: ErrorCode = answer.status === 401 ? 'unauthenticated' : answer.status >= 500 ? 'unavailable' : 'internal';
    return new ApiError(code, `The hub answered ${answer.status}`);
  }
  return new ApiError(problem.code, problem.detail ?? problem.title ?? 'Refused', problem.hint, problem.errors);
}

/** What to show for anything that was thrown. */
export function toApiError(thrown: unknown): ApiError {
  if (thrown instanceof ApiError) return thrown;
  return new ApiError('internal', thrown instanceof Error ? thrown.message : String(thrown));
}
