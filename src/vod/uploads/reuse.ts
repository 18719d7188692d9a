/** Videos of content that is here already. */
import { randomUUID } from 'node:crypto';
import { type Session, type VideoDraft, WeirError } from '../../contracts/index.js';
import type { Released, Transaction, VideoRecord } from '../../store/index.js';
import type { UploadBook } from './book.js';
import { requestFor } from './complete.js';
import { checkTimes } from './draft.js';
import type { UploadsOptions } from './needs.js';
import { looksAfter, replacedVideo } from './replaced.js';
import type { Room } from './room.js';
import type { UploadFiles } from './upload-files.js';

export interface ReuseParts {
  readonly options: Pick<UploadsOptions, 'store' | 'enqueue' | 'checkDraft'>;
  readonly files: UploadFiles;
  readonly book: UploadBook;
  readonly room: Room;
}

/** Private videos are seen by their owner and by operators who look after all. */
export function maySee(session: Session, video: VideoRecord): boolean {
  return looksAfter(session, video) || video.visibility === 'public';
}

/** Makes a video of content that a video which the user may see has kept. Throws `not_found` when there is none. */
export async function reuseContent(parts: ReuseParts, session: Session, sha256: string, sizeBytes: number, draft: VideoDraft): Promise<VideoRecord> {
  const { options, files, room } = parts;
  checkTimes(draft);
  options.checkDraft?.(draft);
  await room.checkQuota(sizeBytes, session.username, options.store);
  const like = (await options.store.videos.withContent(sha256, sizeBytes)).find((video) => maySee(session, video));
  if (like?.source == null) {
    throw new WeirError('not_found', 'This content is not here, or no longer: send it', { field: 'sha256', received: sha256 });
  }
  // A name of its own where the file system can: whatever deletes one of the two, also a worker after its job, leaves the other alone.
  const ownId = randomUUID();
  const isLinked = like.source.owned && (await files.link(ownId, like.source.path));
  try {
    const { video, released } = await options.store.transaction((tx) => keep(tx, parts, session, like, draft, isLinked ? ownId : undefined));
    if (released.path !== null) await files.removeSource(released.path);
    return video;
  } catch (error) {
    if (isLinked) await files.remove(ownId);
    throw error;
  }
}

async function keep(
  tx: Transaction,
  { options, files, book }: ReuseParts,
  session: Session,
  like: VideoRecord,
  draft: VideoDraft,
  linkedId: string | undefined,
): Promise<{ video: VideoRecord; released: Released }> {
  if (like.source === null) throw new WeirError('failed_precondition', 'The content is gone meanwhile');
  const { source, facts } = like;
  const present = await videoFor(tx, session, like, draft);
  if (linkedId !== undefined) {
    const { size_bytes, sha256 } = source;
    await tx.videos.addSource({ source_id: linkedId, path: files.pathOf(linkedId), size_bytes, sha256, owned: true });
  }
  const released = await tx.videos.attachSource(present.video_id, linkedId ?? source.source_id, source.name);
  const state = present.output === null ? 'uploaded' : present.state;
  const kept = await tx.videos.update(present.video_id, { facts, state, error: null });
  await book.tell(tx, kept);
  const path = linkedId === undefined ? source.path : files.pathOf(linkedId);
  if (draft.process !== false) await options.enqueue(requestFor(kept, path, draft), { origin: 'upload', owner: kept.owner, tx });
  return { video: (await tx.videos.get(present.video_id)) ?? kept, released };
}

/** A new video, or that which the draft names. */
async function videoFor(tx: Transaction, session: Session, like: VideoRecord, draft: VideoDraft): Promise<VideoRecord> {
  if (draft.replaces !== undefined) return await replacedVideo(tx, draft.replaces, session);
  return tx.videos.insert({
    video_id: randomUUID(),
    title: draft.title ?? like.title,
    description: draft.description ?? '',
    tags: draft.tags ?? [],
    visibility: draft.visibility ?? 'private',
    owner: session.username,
    state: 'uploaded',
  });
}
