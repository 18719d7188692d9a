/**
 * `/nats`: browsers reach the broker's loopback WebSocket through the hub's own port. The hub checks the session and the page's origin
 * before the upgrade and then only moves bytes; what a client may publish and subscribe is decided by the broker.
 */
import type { IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { WeirError } from '../contracts/index.js';
import { authenticate } from './authorize.js';
import type { OpenConnections } from './connections.js';
import type { AuditRecord, Authentication, Principal } from './operations.js';
import { maySocket } from './security.js';
import { isHandshake, pathOf, refuseHandshake } from './upgrade.js';

export interface BusProxyOptions {
  /** Where the broker's WebSocket listens right now; undefined while it is away. */
  readonly target: () => { readonly host: string; readonly port: number } | undefined;
  /** Sockets of one user at a time, over all of its browsers. Default 64. */
  readonly maxPerUser?: number;
  /** Sockets in all. Default 2048. */
  readonly max?: number;
  /**
   * A socket over which nothing moved for so long is dead: both sides of the bus protocol ping each other more often than this.
   * Default 180 s; must be longer than the broker's ping interval.
   */
  readonly idleMs?: number;
}

/** Why an upgrade was refused. */
export const busRefusals = ['path', 'method', 'origin', 'session', 'user_limit', 'total_limit', 'broker'] as const;
export type BusRefusal = (typeof busRefusals)[number];

export interface BusProxyCounters {
  readonly open: number;
  readonly accepted: number;
  readonly refused: Readonly<Record<BusRefusal, number>>;
  /** Sockets ended because nothing moved any more. */
  readonly idleCut: number;
  /** Sockets ended because their login was revoked, or the hub stopped. */
  readonly revokedCut: number;
  /** Bytes after the upgrade, of ended and open sockets. */
  readonly bytesFromClients: number;
  readonly bytesToClients: number;
}

export interface BusProxy {
  /** Takes an HTTP upgrade over; answers it in every case. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  counters(): BusProxyCounters;
}

interface ProxyParts {
  readonly bus: BusProxyOptions;
  readonly authentication: Authentication;
  readonly connections: OpenConnections;
  readonly audit: (record: AuditRecord) => void;
  readonly publicUrl?: string;
  readonly allowedOrigins?: readonly string[];
}

class Refusal extends Error {
  constructor(
    readonly kind: BusRefusal,
    readonly error: WeirError,
  ) {
    super(error.message);
  }
}

/** Makes the proxy; it owns no listener of its own. */
export function createBusProxy(parts: ProxyParts): BusProxy {
  const { bus } = parts;
  const maxPerUser = bus.maxPerUser ?? 64;
  const max = bus.max ?? 2048;
  const idleMs = bus.idleMs ?? 180_000;
  const refused = Object.fromEntries(busRefusals.map((kind) => [kind, 0])) as Record<BusRefusal, number>;
  const live = new Set<Tunnel>();
  const ended = { accepted: 0, idleCut: 0, revokedCut: 0, fromClients: 0, toClients: 0 };
  /** Sockets by owner. */
  const byOwner = new Map<string, number>();

  const admit = async (request: IncomingMessage): Promise<Principal> => {
    checkPath(request);
    const origin = request.headers.origin;
    const rules = { allowedOrigins: parts.allowedOrigins ?? [], ...(parts.publicUrl === undefined ? {} : { publicUrl: parts.publicUrl }) };
    // No browser leaves the origin out of a WebSocket handshake; a program that does so shows a cookie or token of its own.
    if (origin !== undefined && !maySocket(origin, request.headers.host, rules)) {
      throw new Refusal(
        'origin',
        new WeirError('permission_denied', `Pages of ${origin.slice(0, 120)} may not use this bus`, { hint: 'http.allowed_origins' }),
      );
    }
    const { principal } = await authenticate(request.headers, parts.authentication);
    if (principal === undefined) throw new Refusal('session', new WeirError('unauthenticated', 'The bus needs a session or a token'));
    return principal;
  };

  /** Checks the limits and builds the tunnel in one turn of the event loop, so that a burst cannot pass the limits together. */
  const reserve = (principal: Principal, client: Socket, target: { host: string; port: number }): Tunnel => {
    const owner = ownerOf(principal);
    const taken = byOwner.get(owner) ?? 0;
    if (live.size >= max) throw new Refusal('total_limit', new WeirError('resource_exhausted', `All ${max} bus sockets are taken`));
    if (taken >= maxPerUser) {
      throw new Refusal(
        'user_limit',
        new WeirError('resource_exhausted', `${principal.session.username} has ${maxPerUser} bus sockets open already`),
      );
    }
    byOwner.set(owner, taken + 1);
    const tunnel = createTunnel(client, connect(target), idleMs);
    live.add(tunnel);
    const forget = parts.connections.add(principal, () => {
      ended.revokedCut++;
      tunnel.cut();
    });
    const settle = () => {
      live.delete(tunnel);
      forget();
      const left = (byOwner.get(owner) ?? 1) - 1;
      if (left > 0) byOwner.set(owner, left);
      else byOwner.delete(owner);
      ended.fromClients += tunnel.fromClient();
      ended.toClients += tunnel.toClient();
      if (tunnel.wasIdle()) ended.idleCut++;
    };
    tunnel.closed.then(settle, settle);
    return tunnel;
  };

  const open = async (request: IncomingMessage, client: Socket, head: Buffer): Promise<void> => {
    const principal = await admit(request);
    const target = bus.target();
    if (target === undefined) throw new Refusal('broker', new WeirError('unavailable', 'The broker is away; try again soon'));
    const tunnel = reserve(principal, client, target);
    if (await tunnel.start(upgradeText(request, target), head)) ended.accepted++;
    else throw new Refusal('broker', new WeirError('unavailable', 'The broker does not answer; try again soon'));
  };

  return {
    upgrade(request, socket, head) {
      const client = socket as Socket;
      client.on('error', () => client.destroy());
      open(request, client, head).catch((thrown: unknown) => {
        const refusal = thrown instanceof Refusal ? thrown : new Refusal('broker', WeirError.from(thrown));
        refused[refusal.kind]++;
        if (refusal.kind === 'origin' || refusal.kind.endsWith('_limit')) auditRefusal(parts, request, refusal.error);
        refuseHandshake(client, refusal.error);
      });
    },
    counters: () => ({
      open: live.size,
      accepted: ended.accepted,
      refused: { ...refused },
      idleCut: ended.idleCut,
      revokedCut: ended.revokedCut,
      bytesFromClients: sum(live, (tunnel) => tunnel.fromClient()) + ended.fromClients,
      bytesToClients: sum(live, (tunnel) => tunnel.toClient()) + ended.toClients,
    }),
  };
}

function checkPath(request: IncomingMessage): void {
  if (pathOf(request) !== '/nats') {
    throw new Refusal('path', new WeirError('not_found', 'No socket is at this address', { hint: 'The bus is at /nats, JSON-RPC at /ws' }));
  }
  if (!isHandshake(request)) {
    throw new Refusal('method', new WeirError('invalid_argument', 'This address takes WebSocket handshakes, version 13'));
  }
}

/**
 * The handshake as the broker gets it. Cookie and credentials stay here; so do `Origin`, already checked, and extensions: old brokers
 * can be brought down through compression.
 */
function upgradeText(request: IncomingMessage, target: { host: string; port: number }): string {
  const lines = [
    'GET / HTTP/1.1',
    `Host: ${target.host}:${target.port}`,
    'Upgrade: websocket',
    'Connection: Upgrade',
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${request.headers['sec-websocket-key']}`,
  ];
  return `${lines.join('\r\n')}\r\n\r\n`;
}

interface Tunnel {
  /** Sends the handshake and lets bytes flow; false when the broker could not be reached, with the client untouched. */
  start(handshake: string, head: Buffer): Promise<boolean>;
  cut(): void;
  readonly closed: Promise<void>;
  fromClient(): number;
  toClient(): number;
  wasIdle(): boolean;
}

function createTunnel(client: Socket, broker: Socket, idleMs: number): Tunnel {
  let idle = false;
  let isOpen = false;
  const clientBytesBefore = client.bytesRead;
  const clientWrittenBefore = client.bytesWritten;
  client.setNoDelay(true);
  broker.setNoDelay(true);
  // A peer that vanished without a word is noticed by the kernel even when nothing is to be sent.
  client.setKeepAlive(true, 20_000);
  const end = () => {
    client.destroy();
    broker.destroy();
  };
  const onIdle = () => {
    idle = true;
    end();
  };
  const closed = new Promise<void>((resolve) => {
    broker.once('close', () => {
      // What the broker said last (an error that names the reason) still reaches the client.
      if (isOpen) client.end(() => client.destroy());
      else resolve();
    });
    client.once('close', () => {
      broker.destroy();
      resolve();
    });
  });
  return {
    closed,
    start: (handshake, head) =>
      new Promise((resolve) => {
        broker.once('error', () => resolve(false));
        client.once('close', () => resolve(isOpen));
        broker.setTimeout(5000, () => broker.destroy(new Error('connect timeout')));
        broker.once('connect', () => {
          isOpen = true;
          broker.setTimeout(0);
          client.setTimeout(idleMs, onIdle);
          broker.write(handshake);
          if (head.length > 0) broker.write(head);
          client.pipe(broker);
          broker.pipe(client);
          resolve(true);
        });
      }),
    cut: end,
    fromClient: () => client.bytesRead - clientBytesBefore,
    toClient: () => client.bytesWritten - clientWrittenBefore,
    wasIdle: () => idle,
  };
}

function auditRefusal(parts: ProxyParts, request: IncomingMessage, error: WeirError): void {
  parts.audit({
    actor: 'anonymous',
    action: 'bus_socket',
    target: null,
    outcome: 'refused',
    address: request.socket.remoteAddress ?? '',
    detail: error.message,
  });
}

function ownerOf(principal: Principal): string {
  return principal.session.user_id ?? principal.id;
}

function sum<T>(items: Iterable<T>, value: (item: T) => number): number {
  let total = 0;
  for (const item of items) total += value(item);
  return total;
}
