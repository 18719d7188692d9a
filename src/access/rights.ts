/** Who may do what with a stream. */
import { type Role, roleAllows, type Session } from '../contracts/index.js';

/** What rights are judged by. */
export type Rights = Pick<Session, 'role' | 'streams'>;

/** True when the session reaches the stream, whatever its role. */
export function reachesStream(rights: Pick<Rights, 'streams'>, streamId: string): boolean {
  return rights.streams === null || rights.streams.includes(streamId);
}

function may(role: Role, rights: Rights, streamId: string): boolean {
  return roleAllows(rights.role, role) && reachesStream(rights, streamId);
}

/** Watch it, read its status, metrics and log. */
export function mayView(rights: Rights, streamId: string): boolean {
  return may('viewer', rights, streamId);
}

/** Start, stop and change it. */
export function mayOperate(rights: Rights, streamId: string): boolean {
  return may('operator', rights, streamId);
}

/** Operators and admins who are not bound to streams: they look after what belongs to no stream, such as videos and their jobs. */
export function looksAfterAll(rights: Rights): boolean {
  return roleAllows(rights.role, 'operator') && rights.streams === null;
}

/** Users, tokens of ours and of other issuers have things of their own; who did not sign in has none, whatever an owner on the bus is called. */
export function owns({ user_id, username }: Pick<Session, 'user_id' | 'username'>, owner: string): boolean {
  return username === owner && (user_id !== null || /^(?:token|jwt):/.test(username));
}
