/** Plain NATS programs in any language: a name, a password and a permission list. */
import { type BusUser, type CreateBusUser, isToken, type RouteAnswer, WeirError } from '../contracts/index.js';
import { permissionsOf } from './bus-grants.js';
import { hashForBroker } from './bus-logins.js';
import { type AccessParts, announce, note, timeText } from './parts.js';
import type { Caller } from './principal.js';
import type { BusUserRecord } from './repositories.js';
import { createSecret } from './secrets.js';

/** Names that we give out ourselves. */
const reserved = /^(?:hub|sys|local|(?:spoke|worker|b|u)-.*)$/i;
const maxUsers = 500;
/** bcrypt reads no further: a longer password would be cut without a word. */
const maxPasswordBytes = 72;

export async function listBusUsers(parts: AccessParts): Promise<BusUser[]> {
  return (await parts.store.bus_users.all()).map(toBusUser);
}

export async function createBusUser(parts: AccessParts, input: CreateBusUser, caller: Caller): Promise<RouteAnswer<'create_bus_user'>> {
  checkName(input);
  const password = input.password ?? createSecret();
  if (Buffer.byteLength(password) > maxPasswordBytes) {
    throw new WeirError('invalid_argument', `The password of a bus user is at most ${maxPasswordBytes} bytes long`, { field: 'password' });
  }
  const { name, password: _chosen, ...grants } = input;
  const { publish, subscribe, allowResponses } = permissionsOf(name, grants, parts.roots);
  const user: BusUserRecord = {
    name,
    password_hash: await hashForBroker(password, input.password === undefined ? 'random' : 'chosen'),
    publish,
    subscribe,
    allow_responses: allowResponses,
    grants,
    created_at: timeText(parts.now()),
  };
  await parts.store.transaction(async (tx) => {
    const present = await tx.bus_users.all();
    if (present.length >= maxUsers) throw new WeirError('resource_exhausted', `There are ${maxUsers} bus users already`);
    if (present.some((one) => one.name.toLowerCase() === user.name.toLowerCase())) {
      throw new WeirError('already_exists', `There is a bus user ${user.name} already`, { field: 'name', received: user.name });
    }
    await tx.bus_users.insert(user);
    await note(tx, caller, { action: 'create_bus_user', target: user.name, detail: `${publish.length} publish, ${subscribe.length} subscribe` });
    await announce(tx, caller, { entity: 'bus_user', entity_id: user.name, change: 'created' }, parts.now());
  });
  await parts.busLogins.putPlain(user);
  return { ...toBusUser(user), password };
}

export async function deleteBusUser(parts: AccessParts, name: string, caller: Caller): Promise<void> {
  await parts.store.transaction(async (tx) => {
    if (!(await tx.bus_users.delete(name))) throw new WeirError('not_found', `There is no bus user ${name}`);
    await note(tx, caller, { action: 'delete_bus_user', target: name });
    await announce(tx, caller, { entity: 'bus_user', entity_id: name, change: 'deleted' }, parts.now());
  });
  await parts.busLogins.removePlain(name);
}

/** Refuses a name that Weir keeps for itself, or that cannot be part of subjects where it has to. */
export function checkName(input: CreateBusUser): void {
  if (reserved.test(input.name)) {
    throw new WeirError('invalid_argument', 'That name is kept for Weir itself', { field: 'name', received: input.name });
  }
  if ((input.spoke_of !== undefined || input.vod_worker === true) && !isToken(input.name)) {
    throw new WeirError('invalid_argument', 'The name of a spoke or worker becomes part of subjects: use letters, digits, "_" or "-"', {
      field: 'name',
      received: input.name,
    });
  }
}

function toBusUser({ password_hash: _hash, allow_responses: _allow, grants: _grants, ...user }: BusUserRecord): BusUser {
  return user;
}
