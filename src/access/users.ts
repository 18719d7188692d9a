/** People: made, changed, disabled and deleted by admins. */
import { type CreateUser, type UpdateUser, type User, WeirError } from '../contracts/index.js';
import { type AccessParts, announce, checkScope, note, timeText } from './parts.js';
import { hashPassword } from './passwords.js';
import type { Caller } from './principal.js';
import type { AccessTransaction, UserRecord } from './repositories.js';
import { createName } from './secrets.js';
import { endPrincipals } from './sessions.js';

/** A user as it begins. */
export function newUser(facts: Pick<User, 'username' | 'role' | 'streams'>, password_hash: string, nowMs: number): UserRecord {
  return { user_id: createName('u'), ...facts, password_hash, disabled: false, created_at: timeText(nowMs), last_login_at: null };
}

export async function listUsers(parts: AccessParts): Promise<User[]> {
  return (await parts.store.users.all()).map(toUser);
}

export async function createUser(parts: AccessParts, input: CreateUser, caller: Caller): Promise<User> {
  const facts = { username: input.username, role: input.role, streams: input.streams ?? null };
  checkScope(facts);
  const user = newUser(facts, await hashPassword(input.password), parts.now());
  await parts.store.transaction(async (tx) => {
    if ((await tx.users.findByName(user.username)) !== undefined) {
      throw new WeirError('already_exists', `There is a user ${user.username} already`, { field: 'username', received: user.username });
    }
    await tx.users.insert(user);
    await note(tx, caller, { action: 'create_user', target: user.username, detail: describeRights(user) });
    await announce(tx, caller, { entity: 'user', entity_id: user.user_id, change: 'created' }, parts.now());
  });
  return toUser(user);
}

export async function updateUser(parts: AccessParts, userId: string, changes: UpdateUser, caller: Caller): Promise<User> {
  const { password, role, streams, disabled } = changes;
  const columns = {
    ...(password === undefined ? {} : { password_hash: await hashPassword(password) }),
    ...(role === undefined ? {} : { role }),
    ...(streams === undefined ? {} : { streams }),
    ...(disabled === undefined ? {} : { disabled }),
  };
  const { user, ended, open, touched } = await parts.store.transaction(async (tx) => {
    const before = await readUser(tx, userId);
    if (Object.keys(columns).length === 0) return { user: before, ended: [], open: [], touched: false };
    const after = await tx.users.update(userId, columns);
    checkScope(after);
    await checkAdminLeft(tx, before);
    await note(tx, caller, { action: 'update_user', target: after.username, detail: `${Object.keys(changes).join(', ')}: ${describeRights(after)}` });
    await announce(tx, caller, { entity: 'user', entity_id: userId, change: 'updated' }, parts.now());
    const mustEnd = after.disabled || password !== undefined;
    const rightsChanged = role !== undefined || streams !== undefined;
    return {
      user: after,
      touched: mustEnd || rightsChanged,
      ended: mustEnd ? await tx.sessions.deleteOfUser(userId) : [],
      open: rightsChanged && !mustEnd ? (await tx.sessions.ofUser(userId)).map((session) => session.session_id) : [],
    };
  });
  // Sessions that stay read their rights anew with each request; what they have open already must ask again.
  if (touched) parts.revoke(open);
  await endPrincipals(parts, ended);
  await parts.busLogins.rebind(user);
  return toUser(user);
}

export async function deleteUser(parts: AccessParts, userId: string, caller: Caller): Promise<void> {
  const ended = await parts.store.transaction(async (tx) => {
    const user = await readUser(tx, userId);
    const sessions = await tx.sessions.deleteOfUser(userId);
    await tx.users.delete(userId);
    await checkAdminLeft(tx, user);
    await note(tx, caller, { action: 'delete_user', target: user.username });
    await announce(tx, caller, { entity: 'user', entity_id: userId, change: 'deleted' }, parts.now());
    return sessions;
  });
  parts.revoke([]);
  await endPrincipals(parts, ended);
}

async function readUser(tx: AccessTransaction, userId: string): Promise<UserRecord> {
  // Two hubs that each take the rights of one of two admins would leave none.
  await tx.lock('admins');
  const user = await tx.users.get(userId);
  if (user === undefined) throw new WeirError('not_found', `There is no user ${userId}`);
  return user;
}

async function checkAdminLeft(tx: AccessTransaction, changed: User): Promise<void> {
  if (changed.role !== 'admin' || changed.disabled || (await tx.users.countAdmins()) > 0) return;
  throw new WeirError('failed_precondition', 'This is the last admin', { hint: 'make another user admin first' });
}

function toUser({ password_hash: _hash, ...user }: UserRecord): User {
  return user;
}

function describeRights(user: User): string {
  const scope = user.streams === null ? 'all streams' : `${user.streams.length} streams`;
  return `${user.role}, ${scope}${user.disabled ? ', disabled' : ''}`;
}
