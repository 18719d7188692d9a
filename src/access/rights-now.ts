/** What a login that was let in a while ago may do by now. */
import type { Session } from '../contracts/index.js';
import { recordedToken } from './api-tokens.js';
import type { AccessParts } from './parts.js';
import type { Principal } from './principal.js';
import type { UserRecord } from './repositories.js';
import { mayOperate, mayView } from './rights.js';
import { fingerprint } from './secrets.js';
import { hasEnded, type SessionLife } from './sessions.js';

/** Names a login by password that opened no session: another password is another login. */
export function passwordLoginId(user: Pick<UserRecord, 'password_hash'>): string {
  return `password-${fingerprint(user.password_hash).slice(0, 24)}`;
}

/**
 * The rights as of now, by the facts of a principal alone, without its secret: it may have been kept over a restart. Undefined once the
 * login has ended, expired, was revoked, or its user is gone, disabled, or has lost the stream of the token.
 */
export async function rightsNow(parts: AccessParts, life: SessionLife, principal: Principal): Promise<Session | undefined> {
  return principal.kind === 'session' ? await ofUser(parts, life, principal) : await ofToken(parts, principal);
}

async function ofUser(parts: AccessParts, life: SessionLife, { id, session }: Principal): Promise<Session | undefined> {
  const user = session.user_id === null ? undefined : await parts.store.users.get(session.user_id);
  if (user === undefined || user.disabled) return undefined;
  const { user_id, username, role, streams } = user;
  if (id === passwordLoginId(user)) return { user_id, username, role, streams, expires_at: null };
  const open = (await parts.store.sessions.ofUser(user_id)).find((one) => one.session_id === id);
  if (open === undefined || hasEnded(open, life, parts.now())) return undefined;
  return { user_id, username, role, streams, expires_at: open.expires_at };
}

async function ofToken(parts: AccessParts, { id, session, madeBy, publishes = false }: Principal): Promise<Session | undefined> {
  if (session.expires_at !== null && parts.now() >= Date.parse(session.expires_at)) return undefined;
  const record = await recordedToken(parts, id);
  if (record === 'deleted') return undefined;
  if (madeBy === undefined) return session;
  const uses = (session.streams ?? []).map((streamId) => mayStill(parts, madeBy, { streamId, publishes }));
  return (await Promise.all(uses)).every(Boolean) ? session : undefined;
}

/** Whether a user may himself do what a token that he made is for. */
export async function mayStill(parts: Pick<AccessParts, 'store'>, userId: string, use: { streamId: string; publishes: boolean }): Promise<boolean> {
  const user = await parts.store.users.get(userId);
  if (user === undefined || user.disabled) return false;
  return use.publishes ? mayOperate(user, use.streamId) : mayView(user, use.streamId);
}
