/** Disk and rows that nobody needs any more: the trash after its time, outputs that were replaced, folders of videos that are gone. */
import { lstat, readdir, rm, rmdir } from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';
import type { VideoRecord } from '../../store/index.js';
import type { LibraryOptions, LibraryTiming } from './needs.js';

const pageRows = 200;

/** Deletes a video for good: its row first, so that nothing half-deleted is ever shown. Results outside the library are left to their owner. */
export async function deleteForever({ store, queue, folder, log }: LibraryOptions, video: VideoRecord): Promise<void> {
  const { video_id: videoId } = video;
  await queue.cancelVideo(videoId);
  const released = await store.transaction((tx) => tx.videos.delete(videoId));
  // A worker that was told to stop may write for another moment.
  await rm(join(folder, videoId), { recursive: true, force: true, maxRetries: 8 });
  if (released?.path !== undefined && released.path !== null) await deleteOwnedSource(released.path);
  if (video.output_path !== null && !isBelow(video.output_path, folder)) {
    log.info({ video_id: videoId, folder: video.output_path }, 'a deleted video leaves the folder that was named for its result');
  }
}

/** Deletes a source that lies in the folder of uploads, with the folder that it had to itself. */
export async function deleteOwnedSource(path: string): Promise<void> {
  await rm(path, { force: true });
  // Not empty, or gone: nothing that has to be done.
  await rmdir(dirname(path)).catch(() => undefined);
}

/** One round of looking after what is over. */
export async function sweepLibrary(options: LibraryOptions, timing: LibraryTiming): Promise<void> {
  const before = new Date(Date.now() - options.settings.trash_keep_s * 1000).toISOString();
  for (const video of await options.store.videos.trashedBefore(before, pageRows)) await deleteForever(options, video);
  for (const name of await readdir(options.folder)) await sweepVideo(options, timing, name);
}

/** Revisions that are not the current one, some time after they were replaced; all of a video that is gone. */
async function sweepVideo({ store, folder }: LibraryOptions, timing: LibraryTiming, name: string): Promise<void> {
  const top = join(folder, name);
  const revisions = await readdir(top).catch(() => []);
  const old = revisions.filter((entry) => /^\.?r\d+(?:\.part)?$/.test(entry) || entry.startsWith('.r'));
  if (old.length === 0) return;
  const video = await store.videos.get(name);
  for (const entry of old) {
    const path = join(top, entry);
    if (video?.output_path === path || (video !== undefined && (await isBusy(video, path, timing)))) continue;
    await rm(path, { recursive: true, force: true });
  }
  if (video === undefined) await rm(top, { recursive: true, force: true });
}

/** Folders change while an attempt writes in them; what was replaced a moment ago may still be watched. */
async function isBusy(video: VideoRecord, path: string, { replacedKeepMs }: LibraryTiming): Promise<boolean> {
  const facts = await lstat(path).catch(() => undefined);
  const changedMs = Math.max(facts?.mtimeMs ?? 0, Date.parse(video.updated_at));
  return Date.now() - changedMs < replacedKeepMs || ['queued', 'processing'].includes(video.state) || video.progress !== null;
}

function isBelow(path: string, folder: string): boolean {
  return resolve(path).startsWith(resolve(folder) + sep);
}
