/** `/ws`: JSON-RPC 2.0 over WebSocket. Who may connect, how many, and for how long; what is said is the dispatcher's business. */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { WeirError } from '../../contracts/index.js';
import { rpcCloseCodes } from '../../contracts/rpc/index.js';
import type { OpenConnections } from '../connections.js';
import type { AuditRecord, Authentication } from '../operations.js';
import { maySocket } from '../security.js';
import { addressOf, isHandshake, refuseHandshake } from '../upgrade.js';
import type { RpcOperations } from './call.js';
import { createDispatcher, type FinishedCall } from './dispatch.js';
import { noRpcEvents } from './events.js';
import { createCallLimits } from './limits.js';
import { createRpcWorks } from './methods/index.js';
import type { RpcCounters, RpcSettings } from './settings.js';
import { type CutReason, RpcSocket, type SocketOptions } from './socket.js';
import { SubscriptionBook } from './subscriptions.js';

export interface RpcServerOptions {
  readonly settings: RpcSettings;
  readonly operations: RpcOperations;
  readonly authentication: Authentication;
  readonly connections: OpenConnections;
  readonly audit: (record: AuditRecord) => void;
  readonly log: { error(fields: object, message: string): void };
  readonly publicUrl?: string;
  readonly allowedOrigins?: readonly string[];
  readonly trustProxy?: boolean;
}

export interface RpcServer {
  /** Takes an HTTP upgrade over; answers it in every case. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  counters(): RpcCounters;
  /** Changes the limits: those of queues, pings and calls for every socket, that of messages for sockets that open from now on. */
  configure(limits: RpcSettings['limits']): void;
  /** Says goodbye to all sockets and takes no new ones. */
  close(): void;
}

/** Longest time between two looks at a socket's clock. */
const lookMs = 1000;

/** Makes the server; it owns no listener of its own. */
export function createRpcServer(options: RpcServerOptions): RpcServer {
  return new JsonRpcServer(options);
}

class JsonRpcServer implements RpcServer {
  readonly #options: RpcServerOptions;
  readonly #wss: WebSocketServer;
  readonly #book = new SubscriptionBook();
  readonly #live = new Set<RpcSocket>();
  readonly #socketOptions: Writable<SocketOptions>;
  #limits: RpcSettings['limits'];
  #timer: NodeJS.Timeout | undefined;
  readonly #endEvents: () => void;
  readonly #counts = { accepted: 0, calls: 0, failed: 0 };
  readonly #refused = { origin: 0, limit: 0, handshake: 0 };
  readonly #cut: Record<CutReason, number> = { too_slow: 0, no_pong: 0, half_message: 0, revoked: 0 };
  #isClosed = false;

  constructor(options: RpcServerOptions) {
    this.#options = options;
    const { limits, messageTimeoutS = 15, events = noRpcEvents } = options.settings;
    this.#limits = limits;
    // Compression would cost memory per socket and lets a peer make us work; messages are small.
    this.#wss = new WebSocketServer({ noServer: true, perMessageDeflate: false, clientTracking: false, maxPayload: limits.max_message_bytes });
    this.#socketOptions = {
      dispatcher: this.#createDispatcher(),
      book: this.#book,
      ...socketLimits(limits),
      messageTimeoutMs: messageTimeoutS * 1000,
      register: (principal, cut) =>
        // An expired one is told so with each call, and may sign in again.
        options.connections.add(principal, cut, { outlivesExpiry: true }),
      onCut: (reason) => {
        this.#cut[reason] += 1;
      },
    };
    this.#lookRegularly();
    this.#endEvents = events.on((event) => this.#book.tell(event));
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => socket.destroy());
    const refusal = this.#refusal(request);
    if (refusal !== undefined) {
      this.#refused[refusal.kind] += 1;
      refuseHandshake(socket as Socket, refusal.error);
      return;
    }
    this.#wss.handleUpgrade(request, socket, head, (ws) => this.#open(ws, socket, request));
  }

  counters(): RpcCounters {
    return {
      open: this.#live.size,
      authenticated: [...this.#live].filter((socket) => socket.principal !== undefined).length,
      ...this.#counts,
      refused: { ...this.#refused },
      notifications: this.#book.told,
      cut: { ...this.#cut },
    };
  }

  configure(limits: RpcSettings['limits']): void {
    if (this.#isClosed) return;
    this.#limits = limits;
    this.#wss.options.maxPayload = limits.max_message_bytes;
    // Every socket reads its own from here.
    Object.assign(this.#socketOptions, socketLimits(limits));
    this.#lookRegularly();
  }

  close(): void {
    this.#isClosed = true;
    clearInterval(this.#timer);
    this.#endEvents();
    for (const socket of this.#live) socket.close(rpcCloseCodes.going_away, 'the hub is stopping');
  }

  #createDispatcher() {
    const { settings, operations, authentication } = this.#options;
    const limits = createCallLimits();
    const works = createRpcWorks({
      operations,
      settings,
      book: this.#book,
      authentication,
      limits,
      onBadToken: (address, reason) => this.#audit('anonymous', 'rpc_login', null, 'refused', address, reason),
    });
    return createDispatcher({
      works,
      limits,
      callLimits: () => this.#limits,
      settings,
      observe: (record) => {
        this.#counts.calls += 1;
        if (record.outcome !== 'ok') this.#counts.failed += 1;
        settings.observe?.(record);
      },
      onFinished: (call) => this.#finished(call),
    });
  }

  #refusal(request: IncomingMessage): { kind: 'origin' | 'limit' | 'handshake'; error: WeirError } | undefined {
    const { allowedOrigins = [], publicUrl } = this.#options;
    const maxConnections = this.#limits.max_connections;
    if (!isHandshake(request)) {
      return { kind: 'handshake', error: new WeirError('invalid_argument', 'This address takes WebSocket handshakes, version 13') };
    }
    const { origin, host } = request.headers;
    const rules = { allowedOrigins, ...(publicUrl === undefined ? {} : { publicUrl }) };
    if (origin !== undefined && !maySocket(origin, host, rules)) {
      const error = new WeirError('permission_denied', `Pages of ${origin.slice(0, 120)} may not call this hub`, { hint: 'http.allowed_origins' });
      this.#audit('anonymous', 'rpc_socket', null, 'refused', this.#addressOf(request), error.message);
      return { kind: 'origin', error };
    }
    if (this.#isClosed) return { kind: 'limit', error: new WeirError('unavailable', 'The hub is stopping') };
    if (this.#live.size < maxConnections) return undefined;
    const error = new WeirError('unavailable', `All ${maxConnections} connections are taken`, {
      hint: 'rpc.max_connections',
      retryAfterS: 5,
    });
    return { kind: 'limit', error };
  }

  #open(ws: WebSocket, raw: Duplex, request: IncomingMessage): void {
    (raw as Socket).setNoDelay?.(true);
    const socket = new RpcSocket(ws, raw, { headers: request.headers, address: this.#addressOf(request) }, this.#socketOptions);
    this.#counts.accepted += 1;
    this.#live.add(socket);
    ws.once('close', () => this.#live.delete(socket));
  }

  #addressOf(request: IncomingMessage): string {
    return addressOf(request, this.#options.trustProxy === true);
  }

  #lookRegularly(): void {
    clearInterval(this.#timer);
    this.#timer = setInterval(() => this.#look(), this.#lookInterval());
    this.#timer.unref();
  }

  #lookInterval(): number {
    const limits = this.#limits;
    const { messageTimeoutS = 15 } = this.#options.settings;
    const shortest = Math.min(limits.ping_interval_s || Number.POSITIVE_INFINITY, limits.pong_wait_s || Number.POSITIVE_INFINITY, messageTimeoutS);
    return Math.max(20, Math.min(lookMs, (shortest * 1000) / 4));
  }

  #look(): void {
    const now = performance.now();
    for (const socket of this.#live) socket.look(now);
  }

  #finished({ name, method, connection, params, requestId, error }: FinishedCall): void {
    if (error?.code === 'internal') {
      this.#options.log.error({ err: error.cause ?? error, request_id: requestId, method: name }, error.message);
    }
    // Looking changes nothing; changes, and attempts at them, are kept.
    if (method.twin === null || method.role === 'viewer' || readingForAdmins.has(name)) return;
    const principal = connection.principal;
    if (principal === undefined) return;
    const outcome = error === undefined ? 'allowed' : error.code === 'permission_denied' ? 'refused' : 'failed';
    const detail = error === undefined ? null : error.code === 'internal' ? 'internal error' : error.message;
    this.#audit(principal.session.username, method.twin, targetOf(params), outcome, connection.address, detail);
  }

  #audit(
    actor: string,
    action: AuditRecord['action'],
    target: string | null,
    outcome: AuditRecord['outcome'],
    address: string,
    detail: string | null,
  ): void {
    this.#options.audit({ actor, action, target, outcome, address, detail });
  }
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

function socketLimits(limits: RpcSettings['limits']) {
  return {
    maxQueueBytes: limits.max_queue_bytes,
    pingIntervalMs: limits.ping_interval_s * 1000,
    pongWaitMs: limits.pong_wait_s * 1000,
  };
}

/** Methods for admins that only look. */
const readingForAdmins: ReadonlySet<string> = new Set(['get_metrics', 'get_status', 'get_storage_info']);

/** What the call is about. Addresses are left out: they may hold credentials. */
function targetOf(params: Readonly<Record<string, unknown>>): string | null {
  for (const key of ['device', 'filename', 'stream_name']) {
    const value = params[key];
    if (typeof value === 'string') return value.slice(0, 128);
  }
  return null;
}
