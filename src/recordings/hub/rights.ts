/** Who may see and command which stream's recordings. */
import { mayOperate, mayView } from '../../access/index.js';
import { type Session, WeirError } from '../../contracts/index.js';

/** Throws `permission_denied`. */
export function needView(session: Session, streamId: string): void {
  if (!mayView(session, streamId)) throw new WeirError('permission_denied', `You may not see ${streamId}`);
}

/** Throws `permission_denied`. */
export function needOperate(session: Session, streamId: string): void {
  if (!mayOperate(session, streamId)) throw new WeirError('permission_denied', `You may not command ${streamId}`);
}

/** Streams a list is made of: those of the session, or the one asked for. Throws `permission_denied` for one that it may not see. */
export function listedStreams(session: Session, streamId: string | undefined): readonly string[] | null {
  if (streamId === undefined) return session.streams;
  needView(session, streamId);
  return [streamId];
}
