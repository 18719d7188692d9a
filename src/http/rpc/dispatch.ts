/**
 * From a message to its answer. The order of the checks is part of the contract: limit, method, login, role, readiness, parameters, work;
 * so a stranger learns nothing but that there is a door.
 */
import { parseWith, roleAllows, WeirError } from '../../contracts/index.js';
import { defaultLimit, type RpcMethod, type RpcMethodName, rpcMethods } from '../../contracts/rpc/index.js';
import { createTraceContext } from '../../telemetry/index.js';
import { hasExpired } from '../connections.js';
import { mayUseStream, type Principal, type RequestContext } from '../operations.js';
import { limitKey } from '../rate-limit.js';
import type { RpcCall, RpcConnection, RpcWork, RpcWorks } from './call.js';
import { type Envelope, EnvelopeError, readEnvelope, readParams } from './envelope.js';
import { ProtocolError, toRpcError } from './failures.js';
import type { CallLimits } from './limits.js';
import { tooOften } from './refusals.js';
import type { RpcCallRecord, RpcSettings } from './settings.js';

/** What happened to one call, for the audit log and the log. */
export interface FinishedCall {
  readonly name: RpcMethodName;
  readonly method: RpcMethod;
  readonly connection: RpcConnection;
  readonly params: Readonly<Record<string, unknown>>;
  readonly requestId: string;
  readonly error: WeirError | undefined;
}

export interface DispatcherOptions {
  readonly works: RpcWorks;
  readonly limits: CallLimits;
  /** Those of now. */
  readonly callLimits: () => Pick<RpcSettings['limits'], 'rate_limit_per_minute' | 'method_limits'>;
  readonly settings: Pick<RpcSettings, 'notReady'>;
  readonly observe: (record: RpcCallRecord) => void;
  readonly onFinished: (call: FinishedCall) => void;
}

/** A connection as the dispatcher sees it. */
export interface Caller extends RpcConnection {
  /** Aborts when the connection ends. */
  readonly signal: AbortSignal;
  /** A header of the handshake. */
  header(name: string): string | undefined;
  /** Names the next call. */
  nextRequestId(): string;
}

export interface Dispatcher {
  /** Resolves to the answer, or to undefined for a notification. Never rejects. */
  answer(text: string, caller: Caller): Promise<string | undefined>;
}

export function createDispatcher(options: DispatcherOptions): Dispatcher {
  return {
    async answer(text, caller) {
      const call = new Call(text, caller, options);
      await call.run();
      return call.answer();
    },
  };
}

const methods: Readonly<Record<string, RpcMethod>> = rpcMethods;

class Call {
  readonly #caller: Caller;
  readonly #options: DispatcherOptions;
  readonly #text: string;
  readonly #startedAt = performance.now();
  readonly #requestId: string;
  #envelope: Envelope | undefined;
  #id: string | number | null | undefined = null;
  #method: RpcMethod | undefined;
  #params: Record<string, unknown> = {};
  #result: unknown;
  #error: WeirError | undefined;

  constructor(text: string, caller: Caller, options: DispatcherOptions) {
    this.#text = text;
    this.#caller = caller;
    this.#options = options;
    this.#requestId = caller.nextRequestId();
  }

  async run(): Promise<void> {
    try {
      this.#envelope = readEnvelope(this.#text);
      this.#id = this.#envelope.id;
      this.#result = await this.#work(this.#envelope);
    } catch (thrown) {
      if (thrown instanceof EnvelopeError) this.#id = thrown.id;
      this.#error = thrown instanceof EnvelopeError ? thrown.error : WeirError.from(thrown);
    }
    this.#report();
  }

  /** The answer as text; undefined where none may be sent. */
  answer(): string | undefined {
    if (this.#id === undefined) return undefined;
    const metadata = {
      processing_time_ms: Math.round((performance.now() - this.#startedAt) * 1000) / 1000,
      server_timestamp: new Date().toISOString(),
      request_id: this.#requestId,
    };
    if (this.#error === undefined) return JSON.stringify({ jsonrpc: '2.0', id: this.#id, result: this.#result, metadata });
    return JSON.stringify({ jsonrpc: '2.0', id: this.#id, error: this.#wireError(this.#error), metadata });
  }

  async #work({ method: name, params }: Envelope): Promise<unknown> {
    const caller = this.#caller;
    const method = Object.hasOwn(methods, name) ? methods[name] : undefined;
    this.#method = method;
    this.#checkLimits(method === undefined ? 'unknown' : name, method);
    if (method === undefined) {
      throw new ProtocolError(-32601, `There is no method ${name.slice(0, 64)}`, { hint: 'The methods are in /api/v1/openrpc.json' });
    }
    const principal = this.#checkLogin(method, caller.principal);
    const missing = method.beforeReady === true ? undefined : this.#options.settings.notReady();
    if (missing !== undefined) throw notReady(missing);
    this.#params = readParams(params);
    this.#params = parseWith(method.params, this.#params);
    this.#checkStream(principal);
    const work = this.#options.works[name as RpcMethodName] as RpcWork<RpcMethodName>;
    return work(this.#params as never, { connection: caller, context: createContext(caller, principal, this.#requestId) });
  }

  #checkLimits(name: string, method: RpcMethod | undefined): void {
    const { limits } = this.#options;
    const { rate_limit_per_minute: perMinute, method_limits: hasMethodLimits } = this.#options.callLimits();
    const { principal, address } = this.#caller;
    const client = principal === undefined ? limitKey(address) : (principal.session.user_id ?? principal.id);
    if (perMinute > 0) {
      const waitMs = limits.take(`all ${client}`, { perSecond: perMinute / 60, burst: perMinute });
      if (waitMs > 0) throw tooOften(waitMs);
    }
    // Attempts to sign in have a limit of their own, which counts only those that fail.
    if (!hasMethodLimits || name === 'authenticate') return;
    const waitMs = limits.take(`${name} ${client}`, method?.limit ?? defaultLimit);
    if (waitMs > 0) throw tooOften(waitMs);
  }

  #checkLogin(method: RpcMethod, principal: Principal | undefined): Principal | undefined {
    if (method.role === 'anyone') return principal;
    if (principal === undefined) {
      throw new WeirError('unauthenticated', 'This connection is not signed in', {
        hint: 'Call authenticate with auth_token first',
        facts: { reason: 'token_missing' },
      });
    }
    if (hasExpired(principal)) {
      throw new WeirError('unauthenticated', 'The token of this connection has expired', {
        hint: 'Call authenticate with a new one',
        facts: { reason: 'token_expired' },
      });
    }
    const { role, username } = principal.session;
    if (!roleAllows(role, method.role)) {
      throw new WeirError('permission_denied', `This needs the role ${method.role}; ${username} has ${role}`, {
        facts: { required_role: method.role, have_role: role },
      });
    }
    return principal;
  }

  /** A camera's id is its stream's id; a login bound to streams learns nothing of others, not even whether they exist. */
  #checkStream(principal: Principal | undefined): void {
    const { device } = this.#params;
    if (principal === undefined || typeof device !== 'string' || mayUseStream(principal, device)) return;
    throw new WeirError('permission_denied', `${principal.session.username} may not use this camera`, {
      facts: { reason: 'stream_not_granted', resource: 'camera', id: device },
    });
  }

  #wireError(error: WeirError) {
    const role = this.#caller.principal?.session.role;
    return toRpcError(error, {
      requestId: this.#requestId,
      params: this.#params,
      ...(this.#method === undefined ? {} : { method: this.#method }),
      ...(role === undefined ? {} : { role }),
    });
  }

  #report(): void {
    const { observe, onFinished } = this.#options;
    const [method, error] = [this.#method, this.#error];
    const name = method === undefined ? 'unknown' : (this.#envelope?.method as RpcMethodName);
    const outcome = error === undefined ? 'ok' : this.#wireError(error).code;
    observe({ method: name, outcome, seconds: (performance.now() - this.#startedAt) / 1000 });
    if (method === undefined || name === 'unknown') return;
    onFinished({ name, method, connection: this.#caller, params: this.#params, requestId: this.#requestId, error });
  }
}

function notReady(missing: string): WeirError {
  return new WeirError('unavailable', missing, {
    hint: 'Ask get_system_status, and try again soon',
    retryAfterS: 1,
    facts: { reason: 'service_initializing', dependency: 'hub', detail: 'service_initializing' },
  });
}

function createContext(caller: Caller, principal: Principal | undefined, requestId: string): RpcCall['context'] {
  let traceId: string | undefined;
  const context: RequestContext = {
    principal,
    address: caller.address,
    requestId,
    get traceId() {
      traceId ??= createTraceContext().traceId;
      return traceId;
    },
    signal: caller.signal,
    header: (name) => caller.header(name),
    setSession: noCookies,
    clearSession: noCookies,
  };
  return context;
}

/** No method leads to an operation that signs a browser in or out. */
function noCookies(): never {
  throw new WeirError('internal', 'A WebSocket has no cookies to set');
}
