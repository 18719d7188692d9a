/** Failures as JSON-RPC tells them: the number of the catalogue, its name, and `data` with the keys that belong to the number. */
import { errorTable, roleAllows, WeirError, type WeirErrorOptions } from '../../contracts/index.js';
import { type RpcError, type RpcErrorNumber, type RpcMethod, rpcErrors } from '../../contracts/rpc/index.js';

/** A failure of the protocol itself, whose number the closed code list does not carry. */
export class ProtocolError extends WeirError {
  readonly number: RpcErrorNumber;

  constructor(number: -32700 | -32600 | -32601, message: string, options: WeirErrorOptions = {}) {
    super('invalid_argument', message, options);
    this.number = number;
  }
}

/** What a failed call was about, to fill in what the operation did not say itself. */
export interface FailedCall {
  readonly requestId: string;
  readonly method?: RpcMethod;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly role?: string;
}

/** The wire form. Causes and stacks stay inside. */
export function toRpcError(error: WeirError, call: FailedCall): RpcError {
  const number = error instanceof ProtocolError ? error.number : (errorTable[error.code].rpc as RpcErrorNumber);
  const problem = error.toProblem();
  const facts = problem.facts ?? {};
  const suggestion = problem.hint ?? '';
  return {
    code: number,
    message: rpcErrors[number].name,
    data: { ...facts, ...keysOf(number, error, call, facts), reason: reasonOf(number, error, facts), details: problem.detail, suggestion },
  };
}

type Facts = Readonly<Record<string, unknown>>;

function reasonOf(number: RpcErrorNumber, error: WeirError, facts: Facts): string {
  if (typeof facts.reason === 'string') return facts.reason;
  if (number === -32700) return 'parse_error';
  if (number === -32600) return 'invalid_request';
  return number === -32601 ? 'method_not_found' : error.code;
}

function keysOf(number: RpcErrorNumber, error: WeirError, call: FailedCall, facts: Facts): Record<string, unknown> {
  switch (number) {
    case -32700:
    case -32600:
    case -32601:
      return { hint: error.hint ?? '' };
    case -32602:
      return paramKeys(error);
    case -32603:
      return { request_id: call.requestId };
    case -32001:
      return {};
    case -32002:
      return { required_role: facts.required_role ?? requiredRole(call), have_role: facts.have_role ?? call.role ?? '' };
    case -32010:
      return { ...aboutWhat(call), ...facts };
    case -32020:
      return {
        state: toWord(facts.state ?? error.code),
        allowed_states: Array.isArray(facts.allowed_states) ? facts.allowed_states.map(toWord) : [],
      };
    case -32030:
      return { feature: facts.feature ?? call.method?.tag ?? '' };
    case -32040:
      return { retry_after_ms: facts.retry_after_ms ?? Math.ceil((error.retryAfterS ?? 1) * 1000) };
    case -32050:
      return { dependency: facts.dependency ?? 'weir', detail: facts.detail ?? error.message };
  }
}

/** The fields of operations, by the names that clients of this door gave them. */
const ownNames: Readonly<Record<string, string>> = { stream_id: 'device', camera_id: 'device', duration_s: 'duration' };

function paramKeys(error: WeirError): Record<string, unknown> {
  const errors = error.errors.map((entry) => ({
    param: entry.field === '(body)' ? '(params)' : (ownNames[entry.field] ?? entry.field),
    rule: entry.message,
    ...(entry.received === undefined ? {} : { received: entry.received }),
  }));
  const first = errors[0];
  return {
    param: first?.param ?? '(params)',
    rule: first?.rule ?? error.message,
    hint: error.hint ?? 'See the parameters of this method in /api/v1/openrpc.json',
    ...(errors.length > 1 ? { errors } : {}),
  };
}

function requiredRole({ method, role }: FailedCall): string {
  if (method === undefined || method.role === 'anyone') return '';
  // The role was enough, so it is the list of streams that was not.
  return role === 'viewer' || role === 'operator' || role === 'admin' ? (roleAllows(role, method.role) ? role : method.role) : method.role;
}

/** What could not be found, told from the parameters. */
function aboutWhat({ method, params }: FailedCall): Record<string, unknown> {
  if (typeof params?.device === 'string') return { resource: 'camera', id: params.device };
  if (typeof params?.filename === 'string') return { resource: method?.tag === 'snapshots' ? 'snapshot' : 'recording', id: params.filename };
  if (typeof params?.stream_url === 'string') return { resource: 'stream', id: params.stream_url };
  return { resource: method?.tag ?? '', id: '' };
}

/** States are upper-case words here, except the one that the contract itself writes small. */
function toWord(state: unknown): string {
  return state === 'storage_blocked' ? state : String(state).toUpperCase();
}
