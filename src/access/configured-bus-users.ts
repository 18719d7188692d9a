/** Spokes of their own that the configuration names: admitted at start, gone as soon as they are no longer named. */
import { compare } from 'bcryptjs';
import type { BusUserGrants, Config } from '../contracts/index.js';
import { isSameRights, permissionsOf } from './bus-grants.js';
import { hashForBroker } from './bus-logins.js';
import { checkName } from './bus-users.js';
import { type AccessParts, announce, note, timeText } from './parts.js';
import type { Caller } from './principal.js';
import type { BusUserRecord } from './repositories.js';

/** As the configuration gives it. */
export type ConfiguredBusUser = Config['access']['bus_users'][number];

/** Names that the last configuration held. */
const settingsKey = 'configured_bus_users';

const system: Caller = { principal: undefined, address: '' };

/**
 * Makes the bus users of the configuration so, and removes those that an earlier one named. Repeating it changes nothing.
 * A bus user of the same name that was made by hand is replaced. Throws `invalid_argument` for a name that Weir keeps for itself.
 */
export async function admitConfiguredBusUsers(parts: AccessParts, users: readonly ConfiguredBusUser[]): Promise<void> {
  const { store } = parts;
  const present = await store.bus_users.all();
  const named = new Set(users.map((user) => keyOf(user.name)));
  const earlier = new Set(await namesBefore(store));
  const gone = present.filter((one) => earlier.has(one.name) && !named.has(keyOf(one.name)));
  const changed: { record: BusUserRecord; replaces: BusUserRecord | undefined }[] = [];
  for (const user of users) {
    const known = present.find((one) => keyOf(one.name) === keyOf(user.name));
    const record = await recordOf(parts, user, known);
    if (record !== known) changed.push({ record, replaces: known });
  }
  await store.transaction(async (tx) => {
    for (const { name } of gone) {
      await tx.bus_users.delete(name);
      await note(tx, system, { action: 'delete_bus_user', actor: 'system', target: name, detail: 'no longer in the configuration' });
      await announce(tx, system, { entity: 'bus_user', entity_id: name, change: 'deleted' }, parts.now());
    }
    for (const { record, replaces } of changed) {
      if (replaces !== undefined) await tx.bus_users.delete(replaces.name);
      await tx.bus_users.insert(record);
      await note(tx, system, { action: 'create_bus_user', actor: 'system', target: record.name, detail: 'from the configuration' });
      const change = replaces === undefined ? 'created' : 'updated';
      await announce(tx, system, { entity: 'bus_user', entity_id: record.name, change }, parts.now());
    }
    if (users.length > 0 || earlier.size > 0) {
      await tx.settings.set(
        settingsKey,
        users.map((user) => user.name),
      );
    }
  });
  for (const { name } of [...gone, ...changed.flatMap(({ replaces }) => replaces ?? [])]) await parts.busLogins.removePlain(name);
  for (const { record } of changed) await parts.busLogins.putPlain(record);
}

/** The known record itself when it is what the configuration wants: a login that stays the same cuts nobody off. */
async function recordOf(parts: AccessParts, user: ConfiguredBusUser, known: BusUserRecord | undefined): Promise<BusUserRecord> {
  const grants = grantsOf(user);
  checkName({ name: user.name, ...grants });
  const { publish, subscribe, allowResponses } = permissionsOf(user.name, grants, parts.roots);
  const rights = { name: user.name, publish, subscribe, allow_responses: allowResponses };
  if (known !== undefined && isSameRights(known, rights) && (await compare(user.password, known.password_hash))) return known;
  return { ...rights, grants, password_hash: await hashForBroker(user.password, 'chosen'), created_at: timeText(parts.now()) };
}

function grantsOf({ streams, vod_worker, video_publisher }: ConfiguredBusUser): BusUserGrants {
  return {
    ...(streams.length === 0 ? {} : { spoke_of: streams }),
    ...(vod_worker === true ? { vod_worker } : {}),
    ...(video_publisher === true ? { video_publisher } : {}),
  };
}

async function namesBefore(store: AccessParts['store']): Promise<string[]> {
  const kept = await store.settings.get(settingsKey);
  return Array.isArray(kept) ? kept.filter((name): name is string => typeof name === 'string') : [];
}

/** Names that differ only in case are the same to a reader, so to us. */
function keyOf(name: string): string {
  return name.toLowerCase();
}
