/** Telling of a video that changed. */
import { randomUUID } from 'node:crypto';
import type { Video } from '../../contracts/index.js';
import type { Transaction, VideoRecord } from '../../store/index.js';

/** Tells of a video as it is within the transaction; nothing when it is gone. */
export async function tell(tx: Transaction, videoId: string, view: (record: VideoRecord) => Video): Promise<void> {
  const video = await tx.videos.get(videoId);
  if (video === undefined) return;
  await tx.outbox.add({ event_id: randomUUID(), name: 'video_changed', params: { video_id: videoId }, message: view(video) });
}
