/** Uploads that become the new source of a video that is there. */
import { roleAllows, type Session, WeirError } from '../../contracts/index.js';
import type { Transaction, VideoRecord } from '../../store/index.js';

/** Operators who are not bound to streams look after all videos, everybody else after the own ones. */
export function looksAfter(session: Session, video: Pick<VideoRecord, 'owner'>): boolean {
  return (roleAllows(session.role, 'operator') && session.streams === null) || video.owner === session.username;
}

/** The video that a draft names. Throws `not_found`, `permission_denied` for one of somebody else, `failed_precondition` for one in the trash. */
export async function replacedVideo(tx: Pick<Transaction, 'videos'>, videoId: string, session: Session): Promise<VideoRecord> {
  const at = { field: 'draft.replaces', received: videoId };
  const video = await tx.videos.get(videoId);
  if (video === undefined || (!looksAfter(session, video) && video.visibility !== 'public'))
    throw new WeirError('not_found', `There is no video ${videoId}`, at);
  if (!looksAfter(session, video)) throw new WeirError('permission_denied', 'Only its owner and operators may replace a video', at);
  if (video.deleted_at === null) return video;
  throw new WeirError('failed_precondition', `Video ${videoId} is in the trash`, {
    ...at,
    hint: `restore it first: weir video restore ${videoId}`,
    facts: { resource: 'video', id: videoId, reason: 'in_trash', state: 'trash' },
  });
}
