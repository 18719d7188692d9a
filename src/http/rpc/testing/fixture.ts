/** A whole HTTP server with JSON-RPC over fakes, on a port of its own. */
import { configSchema } from '../../../contracts/index.js';
import type { Authentication, Operations, Principal } from '../../operations.js';
import type { HttpServerOptions } from '../../server.js';
import { createFixture, type Fixture, principalOf } from '../../testing/fixture.js';
import type { RpcCallRecord, RpcSettings } from '../settings.js';
import { createFakeHub, type FakeHub } from './fake-operations.js';

export interface RpcFixture extends Fixture, FakeHub {
  readonly url: string;
  readonly port: number;
  readonly records: RpcCallRecord[];
  /** Says that the hub is not ready, or with undefined that it is. */
  notReady(missing: string | undefined): void;
  /** Token to the time at which it ends. */
  readonly expiresAt: Map<string, string>;
  stop(): Promise<void>;
}

export interface RpcFixtureOptions {
  readonly limits?: Partial<RpcSettings['limits']>;
  readonly settings?: Partial<RpcSettings>;
  readonly operations?: Partial<Operations>;
  readonly server?: Partial<HttpServerOptions>;
}

/** Tokens are those of `createFixture`; limits per method are off unless asked for. */
export async function startRpcFixture({ limits, settings, operations, server }: RpcFixtureOptions = {}): Promise<RpcFixture> {
  const hub = createFakeHub();
  const records: RpcCallRecord[] = [];
  const expiresAt = new Map<string, string>();
  let missing: string | undefined;
  const rpc: RpcSettings = {
    limits: { ...configSchema.parse({}).rpc, method_limits: false, ...limits },
    facts: { version: '0.1.0', buildDate: '2026-11-20', maxCameras: 64, discovery: true, lingerS: 30 },
    events: hub.events,
    notReady: () => missing,
    observe: (record) => records.push(record),
    ...settings,
  };
  const revoked = new Set<string>();
  const authentication = createAuthentication(revoked, expiresAt);
  const fixture = createFixture({ ...(hub.operations as Partial<Operations>), ...operations }, { rpc, authentication, ...server });
  const port = await fixture.server.listen('127.0.0.1', 0);
  return {
    ...fixture,
    ...hub,
    port,
    url: `ws://127.0.0.1:${port}/ws`,
    records,
    revoked,
    expiresAt,
    notReady: (now) => {
      missing = now;
    },
    stop: () => fixture.server.close(100),
  };
}

function createAuthentication(revoked: ReadonlySet<string>, expiresAt: ReadonlyMap<string, string>): Authentication {
  const byToken = (secret: string) => {
    const principal = principalOf('token', secret);
    const expires_at = expiresAt.get(secret) ?? null;
    if (principal === undefined || revoked.has(secret) || (expires_at !== null && Date.parse(expires_at) <= Date.now())) return undefined;
    return { ...principal, session: { ...principal.session, expires_at } };
  };
  const hasExpired = (secret: string) => Date.parse(expiresAt.get(secret) ?? '9999-12-31') <= Date.now();
  const rightsNow = ({ id, session }: Principal) => (revoked.has(id.replace(/^token-/, '')) ? undefined : session);
  return { byToken, bySession: byToken, rightsNow, hasExpired };
}
