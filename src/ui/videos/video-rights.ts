/** What the signed-in user may do with videos, as the hub decides it; what is refused there is not offered here. */
import type { Video } from '../../contracts/video.js';
import { may, session } from '../core/session.js';

/** Operators and admins who are not bound to streams look after all videos, and hear of them on the bus. */
export function seesAllVideos(): boolean {
  return may('operator') && session.value?.streams === null;
}

/** Operators who are bound to streams look after their own videos, and the jobs of these, only. */
export function mayChange(video: Pick<Video, 'owner'>): boolean {
  return seesAllVideos() || (may('operator') && video.owner === session.value?.username);
}
