/** What a plain client was admitted for, and the subjects that follow from it in this version. */
import {
  type BusUserGrants,
  type ChannelName,
  channelNames,
  channels,
  isToken,
  matchSubject,
  type Permissions,
  permissionsFor,
  publishSubject,
  type Roots,
  subscribeSubject,
  WeirError,
  wholeGroups,
} from '../contracts/index.js';
import { plainInboxPrefix } from './bus-logins.js';
import { type AccessParts, announce, note } from './parts.js';
import type { BusUserRecord } from './repositories.js';

/** Subjects that came to the presets after the first version, which wrote down subjects only. */
const laterChannels: readonly ChannelName[] = [
  'recording_status',
  'recording_entry',
  'snapshot_taken',
  ...channelNames.filter((name) => channels[name].address.startsWith('video.')),
];

/** What the presets grant, plus what is named one by one. Throws `invalid_argument` when that is nothing. */
export function permissionsOf(name: string, grants: BusUserGrants, roots: Roots): Permissions {
  const granted: Permissions[] = [{ publish: grants.publish ?? [], subscribe: grants.subscribe ?? [], allowResponses: false }];
  if (grants.spoke_of !== undefined) {
    granted.push(permissionsFor('spoke', { streams: grants.spoke_of, spokeId: name, inboxPrefix: plainInboxPrefix }, roots));
  }
  if (grants.vod_worker === true) {
    granted.push(permissionsFor('vod_worker', { streams: [], workerId: name, inboxPrefix: plainInboxPrefix }, roots));
  }
  if (grants.video_publisher === true) {
    granted.push(permissionsFor('video_publisher', { streams: 'all', inboxPrefix: plainInboxPrefix }, roots));
  }
  if (grants.replay === true && grants.role === undefined) {
    throw new WeirError('invalid_argument', 'replay is given on top of a role', { field: 'replay', hint: 'Add role viewer or operator' });
  }
  if (grants.role !== undefined) {
    const place = `u-${name}`;
    const viewer = isToken(place) ? { viewer: place } : {};
    granted.push(permissionsFor(grants.role, { streams: 'all', ...viewer, inboxPrefix: plainInboxPrefix, replay: grants.replay === true }, roots));
  }
  const publish = unique(granted.flatMap((one) => one.publish));
  const subscribe = unique(granted.flatMap((one) => one.subscribe));
  if (publish.length + subscribe.length === 0) {
    throw new WeirError('invalid_argument', 'Say what the bus user may do', {
      field: 'role',
      hint: 'give role, spoke_of, vod_worker, video_publisher, or publish and subscribe',
    });
  }
  return { publish, subscribe, allowResponses: granted.some((one) => one.allowResponses) };
}

/**
 * Gives every bus user the subjects that its preset has in this version; a preset may have gained some since the user was made. Where
 * only subjects are known and they are not those of a preset, they stay as they are.
 */
export async function renewBusUsers(parts: AccessParts): Promise<void> {
  const { store, roots } = parts;
  for (const user of await store.bus_users.all()) {
    const renewed = renew(user, roots);
    if (renewed === undefined) continue;
    const system = { principal: undefined, address: '' };
    await store.transaction(async (tx) => {
      await tx.bus_users.regrant(renewed);
      if (isSameRights(user, renewed)) return;
      await note(tx, system, { action: 'update_bus_user', actor: 'system', target: user.name, detail: 'subjects of this version' });
      await announce(tx, system, { entity: 'bus_user', entity_id: user.name, change: 'updated' }, parts.now());
    });
  }
}

/** Undefined when it has what it should have, or nobody can say what that is. */
function renew(user: BusUserRecord, roots: Roots): BusUserRecord | undefined {
  const grants = user.grants ?? recognise(user, roots);
  if (grants === undefined) return undefined;
  const { publish, subscribe, allowResponses } = permissionsOf(user.name, grants, roots);
  const renewed = { ...user, publish, subscribe, allow_responses: allowResponses, grants };
  return user.grants !== null && isSameRights(user, renewed) ? undefined : renewed;
}

/** The preset whose subjects these are, short of those that came later. */
function recognise(user: BusUserRecord, roots: Roots): BusUserGrants | undefined {
  const served = user.publish.flatMap((subject) => matchSubject('stream_status', subject, roots)?.stream_id ?? []);
  const streams = isToken(user.name) ? served.filter(isToken) : [];
  const roles: BusUserGrants[] = (['viewer', 'operator'] as const).flatMap((role) => [{ role }, { role, replay: true }]);
  return [...roles, ...(streams.length === 0 ? [] : [{ spoke_of: streams }])].find((grants) => isPreset(user, grants, roots));
}

function isPreset(user: BusUserRecord, grants: BusUserGrants, roots: Roots): boolean {
  const { publish, subscribe, allowResponses } = permissionsOf(user.name, grants, roots);
  const later = new Set([
    ...wholeGroups('operator', roots),
    ...laterChannels.flatMap((name) => [
      subscribeSubject(name, {}, roots),
      ...(channels[name].address.includes('{stream_id}') ? (grants.spoke_of ?? []) : []).map((stream_id) =>
        publishSubject(name, { stream_id } as never, roots),
      ),
    ]),
  ]);
  const isFit = (had: readonly string[], has: readonly string[]) =>
    had.every((subject) => has.includes(subject)) && has.every((subject) => had.includes(subject) || later.has(subject));
  return user.allow_responses === allowResponses && isFit(user.publish, publish) && isFit(user.subscribe, subscribe);
}

export type Rights = Pick<BusUserRecord, 'name' | 'publish' | 'subscribe' | 'allow_responses'>;

export function isSameRights(a: Rights, b: Rights): boolean {
  const text = ({ name, publish, subscribe, allow_responses }: Rights) => JSON.stringify([name, publish, subscribe, allow_responses]);
  return text(a) === text(b);
}

function unique(subjects: readonly string[]): string[] {
  return [...new Set(subjects)].sort();
}
