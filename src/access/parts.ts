/** What the nouns of access control share. */
import { randomUUID } from 'node:crypto';
import { type ConfigChange, type Roots, type Session, WeirError } from '../contracts/index.js';
import type { BusLogins } from './bus-logins.js';
import type { Caller, Principal } from './principal.js';
import type { AccessRepositories, AccessStore } from './repositories.js';

export interface AccessParts {
  readonly store: AccessStore;
  readonly roots: Roots;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly busLogins: BusLogins;
  /** Tells whoever holds connections of these sessions and tokens that their rights are gone or changed. */
  readonly revoke: (principalIds: readonly string[]) => void;
}

export function timeText(ms: number): string {
  return new Date(ms).toISOString();
}

/** The signed-in caller; throws `unauthenticated` when there is none. */
export function principalOf(caller: Caller): Principal {
  if (caller.principal === undefined) throw new WeirError('unauthenticated', 'Sign in first');
  return caller.principal;
}

interface AuditOptions {
  readonly action: string;
  readonly target?: string | null;
  readonly outcome?: 'allowed' | 'refused' | 'failed';
  readonly detail?: string;
  /** Default: name of the caller's principal. */
  readonly actor?: string;
}

/** Writes down what the caller did, in the same transaction as the deed where there is one. */
export async function note(repositories: Pick<AccessRepositories, 'audit'>, caller: Caller, options: AuditOptions): Promise<void> {
  await repositories.audit.append({
    actor: options.actor ?? caller.principal?.session.username ?? 'anonymous',
    action: options.action,
    target: options.target ?? null,
    outcome: options.outcome ?? 'allowed',
    address: caller.address === '' ? null : caller.address,
    detail: options.detail ?? null,
  });
}

/** Announces a change on the bus once its transaction commits. */
export async function announce(
  tx: Pick<AccessRepositories, 'outbox'>,
  caller: Caller,
  change: Pick<ConfigChange, 'entity' | 'entity_id' | 'change'>,
  nowMs: number,
): Promise<void> {
  const event_id = randomUUID();
  const actor = caller.principal?.session.user_id ?? caller.principal?.id;
  await tx.outbox.add({
    event_id,
    name: 'system_config',
    params: {},
    message: { event_id, ...change, ...(actor === undefined ? {} : { actor }), timestamp: timeText(nowMs) },
  });
}

/** An admin reaches everything: a bound would be undone by giving itself another. */
export function checkScope(rights: Pick<Session, 'role' | 'streams'>): void {
  if (rights.role !== 'admin' || rights.streams === null) return;
  throw new WeirError('invalid_argument', 'An admin cannot be bound to streams', {
    field: 'streams',
    received: rights.streams,
    hint: 'leave streams out, or choose another role',
  });
}
