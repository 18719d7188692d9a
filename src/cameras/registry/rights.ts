/** Rights that concern all cameras at once. */
import { type Session, WeirError } from '../../contracts/index.js';

/** Throws `permission_denied` for a session that is bound to some streams: what it asks for concerns all. */
export function needAll(session: Session, deed: string): void {
  if (session.streams !== null) throw new WeirError('permission_denied', `Only who may see all streams may ${deed}`);
}
