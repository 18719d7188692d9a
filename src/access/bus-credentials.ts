/** Logins of browsers to the bus: short-lived, bound to what their user may see. */
import { type BusCredentials, WeirError } from '../contracts/index.js';
import { hashForBroker, inboxPrefixOf } from './bus-logins.js';
import { type AccessParts, note, timeText } from './parts.js';
import { type Principal, secretOf } from './principal.js';
import type { BusLoginRecord } from './repositories.js';
import { createName, deriveSecret } from './secrets.js';

/** Beyond it the login of the same user that would end first goes. */
const maxPerUser = 20;
const maxInTotal = 2000;

/** With the viewer of an earlier login of the same principal: that one lives longer, and its password stays. */
export async function issueBusCredentials(
  parts: AccessParts,
  lifeMs: number,
  principal: Principal,
  viewerToProlong: string | undefined,
): Promise<BusCredentials> {
  const secret = secretOf(principal);
  if (secret === undefined) throw new WeirError('unauthenticated', 'Sign in first');
  const now = parts.now();
  const end = principal.session.expires_at === null ? Number.POSITIVE_INFINITY : Date.parse(principal.session.expires_at);
  const expires_at = timeText(Math.min(now + lifeMs, end));
  const known = viewerToProlong === undefined ? undefined : parts.busLogins.get(viewerToProlong);
  if (known !== undefined && known.principal_id === principal.id) {
    await parts.busLogins.prolong(known.viewer, expires_at);
    return toCredentials(parts, { ...known, expires_at }, secret);
  }
  await makeRoom(parts, principal);
  const viewer = createName('v');
  const { user_id, username, role, streams } = principal.session;
  const record: BusLoginRecord = {
    viewer,
    principal_id: principal.id,
    user_id,
    username,
    password_hash: await hashForBroker(passwordOf(secret, viewer), 'random'),
    role,
    streams,
    created_at: timeText(now),
    expires_at,
  };
  await parts.busLogins.put(record);
  await note(parts.store, { principal, address: '' }, { action: 'bus_credentials', target: viewer });
  return toCredentials(parts, record, secret);
}

/** Found again from the secret of the session or token, so that it is kept nowhere and survives a restart of the hub. */
function passwordOf(secret: string, viewer: string): string {
  return deriveSecret(secret, `bus ${viewer}`);
}

async function makeRoom(parts: AccessParts, principal: Principal): Promise<void> {
  const records = parts.busLogins.records();
  const isMine = (record: BusLoginRecord) =>
    principal.session.user_id === null ? record.principal_id === principal.id : record.user_id === principal.session.user_id;
  const mine = records.filter(isMine).sort((a, b) => a.expires_at.localeCompare(b.expires_at));
  const surplus = mine.slice(0, Math.max(0, mine.length - maxPerUser + 1)).map((record) => record.viewer);
  if (records.length - surplus.length >= maxInTotal) {
    throw new WeirError('resource_exhausted', `${records.length} browsers are on the bus already`, { retryAfterS: 60 });
  }
  await parts.busLogins.remove((record) => surplus.includes(record.viewer));
}

function toCredentials(parts: AccessParts, record: BusLoginRecord, secret: string): BusCredentials {
  return {
    url: '/nats',
    user: `b-${record.viewer}`,
    password: passwordOf(secret, record.viewer),
    viewer: record.viewer,
    inbox_prefix: inboxPrefixOf(record.viewer),
    roots: { ...parts.roots },
    streams: record.streams,
    expires_at: record.expires_at,
  };
}
