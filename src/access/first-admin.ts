/** How the first admin comes about: by a one-time code, or with a password given at start. */
import { parseWith, passwordSchema, WeirError } from '../contracts/index.js';
import { type AccessParts, announce, note } from './parts.js';
import { hashPassword } from './passwords.js';
import type { Caller, SignedIn } from './principal.js';
import { createSecret, fingerprint, isSameText } from './secrets.js';
import { openSession, type SessionLife } from './sessions.js';
import { newUser } from './users.js';

/** Fingerprints of the codes given out. Several, so that a restart of the hub does not spoil the link printed before. */
const codesKey = 'setup_codes';
const maxCodes = 5;
const lockName = 'admins';

export interface FirstAdmin {
  /** False when an admin exists, or was made with the given password just now. */
  readonly needed: boolean;
  /** For the one-time link; good until an admin was made. Set exactly when needed. */
  readonly code?: string;
}

const system: Caller = { principal: undefined, address: '' };

export async function ensureFirstAdmin(parts: AccessParts, password: string | undefined): Promise<FirstAdmin> {
  if ((await parts.store.users.countAdmins()) > 0) return { needed: false };
  if (password === undefined) return await giveOutCode(parts);
  const checked = passwordSchema.safeParse(password);
  if (!checked.success) {
    throw new WeirError('invalid_argument', `The password of the first admin is not accepted: ${checked.error.issues[0]?.message}`, {
      field: 'access.admin_password',
    });
  }
  const password_hash = await hashPassword(checked.data);
  await parts.store.transaction(async (tx) => {
    await tx.lock(lockName);
    if ((await tx.users.countAdmins()) > 0) return;
    const admin = newUser({ username: 'admin', role: 'admin', streams: null }, password_hash, parts.now());
    await tx.users.insert(admin);
    await tx.settings.delete(codesKey);
    await note(tx, system, { action: 'setup_admin', actor: 'system', target: admin.username, detail: 'with the password given at start' });
    await announce(tx, system, { entity: 'user', entity_id: admin.user_id, change: 'created' }, parts.now());
  });
  return { needed: false };
}

export async function setupAdmin(
  parts: AccessParts,
  life: SessionLife,
  input: { code: string; username: string; password: string },
  caller: Caller,
): Promise<SignedIn> {
  const refuse = () =>
    new WeirError('permission_denied', 'The code is wrong or was used', { field: 'code', hint: 'take the newest link from the log' });
  await checkNoAdmin(parts.store);
  if (!(await isGoodCode(parts.store, input.code))) {
    await note(parts.store, caller, { action: 'setup_admin', outcome: 'refused', detail: 'wrong code' });
    throw refuse();
  }
  const password_hash = await hashPassword(parseWith(passwordSchema, input.password));
  return await parts.store.transaction(async (tx) => {
    await tx.lock(lockName);
    await checkNoAdmin(tx);
    if (!(await isGoodCode(tx, input.code))) throw refuse();
    await tx.settings.delete(codesKey);
    const admin = newUser({ username: input.username, role: 'admin', streams: null }, password_hash, parts.now());
    await tx.users.insert(admin);
    await note(tx, caller, { action: 'setup_admin', actor: admin.username, target: admin.username });
    await announce(tx, caller, { entity: 'user', entity_id: admin.user_id, change: 'created' }, parts.now());
    return await openSession(parts, life, tx, admin, caller);
  });
}

async function giveOutCode(parts: AccessParts): Promise<FirstAdmin> {
  const code = createSecret();
  await parts.store.transaction(async (tx) => {
    await tx.lock(lockName);
    const codes = [...(await keptCodes(tx)), fingerprint(code)].slice(-maxCodes);
    await tx.settings.set(codesKey, codes);
  });
  return { needed: true, code };
}

async function checkNoAdmin(repositories: Pick<AccessParts['store'], 'users'>): Promise<void> {
  if ((await repositories.users.countAdmins()) > 0) throw new WeirError('failed_precondition', 'There is an admin already', { hint: 'sign in' });
}

async function isGoodCode(repositories: Pick<AccessParts['store'], 'settings'>, code: string): Promise<boolean> {
  const given = fingerprint(code);
  // All are compared, so that the duration tells nothing.
  return (await keptCodes(repositories)).filter((kept) => isSameText(kept, given)).length > 0;
}

async function keptCodes(repositories: Pick<AccessParts['store'], 'settings'>): Promise<string[]> {
  const kept = await repositories.settings.get(codesKey);
  return Array.isArray(kept) ? kept.filter((code): code is string => typeof code === 'string') : [];
}
