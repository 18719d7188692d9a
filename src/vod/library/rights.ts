/** Who may see and change a video. */
import { looksAfterAll, owns } from '../../access/index.js';
import { type Session, WeirError } from '../../contracts/index.js';
import type { VideoRecord } from '../../store/index.js';

type Seen = Pick<VideoRecord, 'owner' | 'visibility' | 'deleted_at'>;

/** Public ones in the trash are gone for everybody else. */
export function maySee(session: Session, video: Seen): boolean {
  if (mayChange(session, video)) return true;
  return video.visibility === 'public' && video.deleted_at === null;
}

export function mayChange(session: Session, video: Pick<VideoRecord, 'owner'>): boolean {
  return looksAfterAll(session) || owns(session, video.owner);
}

/** What there is not, and what one may not see, are the same to whom asks. */
export function noVideo(videoId: string): WeirError {
  return new WeirError('not_found', `There is no video ${videoId}`, { facts: { resource: 'video', id: videoId } });
}
