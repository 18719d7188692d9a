/** Sessions: what a cookie stands for. */
import { type User, WeirError } from '../contracts/index.js';
import { type AccessParts, note, principalOf, timeText } from './parts.js';
import { hashPassword, verifyPassword } from './passwords.js';
import { type Caller, type Principal, rememberSecret, type SignedIn } from './principal.js';
import type { AccessRepositories, SessionRecord } from './repositories.js';
import { createName, createSecret, fingerprint } from './secrets.js';

/** Use is written down no more often than this. */
const touchMs = 60_000;
/** A user's oldest sessions end when there are more. */
const maxPerUser = 50;

export interface SessionLife {
  /** May change while sessions are open: it holds for them from now on. */
  idleMs: number;
  readonly maxMs: number;
}

/** Undefined when the secret is wrong, the session is over or its user is disabled. */
export async function findSession(parts: AccessParts, life: SessionLife, secret: string): Promise<Principal | undefined> {
  const found = await parts.store.sessions.findByHash(fingerprint(secret));
  const now = parts.now();
  if (found === undefined || found.user.disabled || hasEnded(found.session, life, now)) return undefined;
  let { session } = found;
  if (now - Date.parse(session.last_seen_at) >= touchMs) {
    const times = { last_seen_at: timeText(now), expires_at: timeText(Math.min(now + life.idleMs, Date.parse(session.ends_at))) };
    await parts.store.sessions.touch(session.session_id, times);
    session = { ...session, ...times };
  }
  return toPrincipal(session, found.user, secret);
}

/** Its end was written when a session might rest for longer than now, so both are looked at. */
export function hasEnded(session: Pick<SessionRecord, 'expires_at' | 'last_seen_at'>, life: SessionLife, nowMs: number): boolean {
  return nowMs >= Math.min(Date.parse(session.expires_at), Date.parse(session.last_seen_at) + life.idleMs);
}

/** Opens a session within the transaction that admitted its user. */
export async function openSession(
  parts: Pick<AccessParts, 'now'>,
  life: SessionLife,
  tx: AccessRepositories,
  user: User,
  caller: Caller,
): Promise<SignedIn> {
  const secret = createSecret();
  const now = parts.now();
  const session: SessionRecord = {
    session_id: createName('s'),
    token_hash: fingerprint(secret),
    user_id: user.user_id,
    created_at: timeText(now),
    expires_at: timeText(now + Math.min(life.idleMs, life.maxMs)),
    ends_at: timeText(now + life.maxMs),
    last_seen_at: timeText(now),
    address: caller.address === '' ? null : caller.address,
    user_agent: caller.header?.('user-agent')?.slice(0, 256) ?? null,
  };
  const open = await tx.sessions.ofUser(user.user_id);
  for (const old of open.slice(0, Math.max(0, open.length - maxPerUser + 1))) await tx.sessions.delete(old.session_id);
  await tx.sessions.insert(session);
  return { secret, maxAgeS: Math.floor(life.maxMs / 1000), principal: toPrincipal(session, user, secret) };
}

export async function logout(parts: AccessParts, caller: Caller): Promise<void> {
  const principal = sessionOf(caller);
  await parts.store.transaction(async (tx) => {
    await tx.sessions.delete(principal.id);
    await note(tx, caller, { action: 'logout' });
  });
  await endPrincipals(parts, [principal.id]);
}

export async function logoutEverywhere(parts: AccessParts, caller: Caller): Promise<void> {
  const userId = sessionOf(caller).session.user_id ?? '';
  const ended = await parts.store.transaction(async (tx) => {
    await note(tx, caller, { action: 'logout_everywhere' });
    return await tx.sessions.deleteOfUser(userId);
  });
  await endPrincipals(parts, ended);
}

export async function changePassword(parts: AccessParts, change: { current: string; password: string }, caller: Caller): Promise<void> {
  const principal = sessionOf(caller);
  const userId = principal.session.user_id ?? '';
  const user = await parts.store.users.get(userId);
  if (user === undefined || !(await verifyPassword(change.current, user.password_hash))) {
    await note(parts.store, caller, { action: 'change_password', outcome: 'refused', detail: 'current password is wrong' });
    throw new WeirError('permission_denied', 'The current password is wrong', { field: 'current' });
  }
  const password_hash = await hashPassword(change.password);
  const ended = await parts.store.transaction(async (tx) => {
    await tx.users.update(userId, { password_hash });
    await note(tx, caller, { action: 'change_password' });
    return await tx.sessions.deleteOfUser(userId, principal.id);
  });
  await endPrincipals(parts, ended);
}

/** Cuts what these sessions and tokens still hold: their bus logins and, through `revoke`, their open connections. */
export async function endPrincipals(parts: AccessParts, principalIds: readonly string[]): Promise<void> {
  if (principalIds.length === 0) return;
  parts.revoke(principalIds);
  await parts.busLogins.remove((login) => principalIds.includes(login.principal_id));
}

function toPrincipal(session: SessionRecord, user: User, secret: string): Principal {
  const { user_id, username, role, streams } = user;
  return rememberSecret(
    { kind: 'session', id: session.session_id, session: { user_id, username, role, streams, expires_at: session.expires_at } },
    secret,
  );
}

function sessionOf(caller: Caller): Principal {
  const principal = principalOf(caller);
  if (principal.kind === 'session') return principal;
  throw new WeirError('failed_precondition', 'A token has no session', { hint: 'delete the token to revoke it' });
}
