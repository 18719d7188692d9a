/**
 * What a message on the bus may ask for. The broker does not tell who sent it, so it counts for less than somebody who signed in: it makes
 * videos, and replaces those that came by a message for the same user. Everything else in the library is not its business.
 */
import { basename, dirname, join, sep } from 'node:path';
import { WeirError } from '../../contracts/index.js';
import type { Transaction, VideoRecord } from '../../store/index.js';

/** A request as far as it touches what others have. */
export interface AskedVideo {
  readonly video_id: string;
  /** `user_id` of the message. */
  readonly owner: string;
  /** Absolute, inside an allowed folder. */
  readonly source_path: string;
  /** Null: the library. */
  readonly output_path: string | null;
  readonly delete_source: boolean;
}

/** Folders of ours that a message may name files of only when nobody else's video is made of them. */
export interface OwnFolders {
  readonly library: string;
  readonly uploads: string;
}

type Books = Pick<Transaction, 'videos' | 'uploads'>;

/** Throws `failed_precondition` for a video in the trash. */
export function checkNotInTrash(video: Pick<VideoRecord, 'video_id' | 'deleted_at'> | undefined): void {
  if (video === undefined || video.deleted_at === null) return;
  throw new WeirError('failed_precondition', `Video ${video.video_id} is in the trash`, {
    field: 'video_id',
    received: video.video_id,
    hint: `restore it first: weir video restore ${video.video_id}`,
    facts: { resource: 'video', id: video.video_id, reason: 'in_trash', state: 'trash' },
  });
}

/** Throws `permission_denied` with the field, and as `checkNotInTrash` does. */
export async function checkMessage(tx: Books, asked: AskedVideo, own: OwnFolders): Promise<void> {
  const video = await tx.videos.get(asked.video_id);
  if (video !== undefined && !isSender(asked, video)) {
    throw notYours('video_id', asked.video_id, 'is a video of somebody else; its owner and operators may process it again with `weir video process`');
  }
  checkNotInTrash(video);
  await checkSource(tx, asked, own);
  await checkOutput(tx, asked);
}

/** True for what somebody who signed in has made, or is about to: the hub itself tells of it, and a message can add nothing. */
export async function isOfHub(tx: Books, videoId: string): Promise<boolean> {
  const video = await tx.videos.get(videoId);
  return video?.origin === 'hub' || (await tx.uploads.madeVideo(videoId));
}

/** Every message may read the further folders, that is what they are for; what others have sent us it may not, and not delete what theirs are made of. */
async function checkSource(tx: Books, asked: AskedVideo, own: OwnFolders): Promise<void> {
  const { source_path } = asked;
  if (isBelow(source_path, own.library)) throw notYours('source_path', source_path, 'belongs to the library');
  const isUpload = isBelow(source_path, own.uploads);
  if (isUpload && (await unfinishedAt(tx, source_path, own.uploads))) throw notYours('source_path', source_path, 'is being uploaded by somebody');
  if (!isUpload && !asked.delete_source) return;
  const others = (await tx.videos.withSourceAt(source_path)).filter((video) => !isSender(asked, video));
  if (others.length === 0) return;
  throw notYours(isUpload ? 'source_path' : 'delete_source', source_path, 'is the source of a video of somebody else');
}

async function unfinishedAt(tx: Books, path: string, uploads: string): Promise<boolean> {
  if (dirname(dirname(path)) !== uploads) return false;
  const upload = await tx.uploads.get(basename(dirname(path)));
  return upload !== undefined && upload.path === path && upload.state !== 'done';
}

/** Not in place of another's result, and not inside of one. */
async function checkOutput(tx: Books, asked: AskedVideo): Promise<void> {
  const { output_path } = asked;
  if (output_path === null) return;
  const others = (await tx.videos.withOutputAt(withParents(output_path))).filter((video) => !isSender(asked, video));
  if (others.length > 0) throw notYours('output_path', output_path, 'holds the result of a video of somebody else');
}

function isSender(asked: Pick<AskedVideo, 'owner'>, video: Pick<VideoRecord, 'origin' | 'owner'>): boolean {
  return video.origin === 'bus' && video.owner === asked.owner;
}

function withParents(path: string): string[] {
  const parents = [path];
  for (let at = path; dirname(at) !== at; at = dirname(at)) parents.push(dirname(at));
  return parents;
}

function isBelow(path: string, folder: string): boolean {
  return path.startsWith(join(folder, sep));
}

function notYours(field: string, received: string, why: string): WeirError {
  return new WeirError('permission_denied', `${received.slice(0, 200)} ${why}`, {
    field,
    received: received.slice(0, 200),
    facts: { reason: 'not_yours' },
  });
}
