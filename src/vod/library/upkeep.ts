/** Disk and rows that nobody needs any more: the trash after its time, outputs that were replaced, folders of videos that are gone. */
import { lstat, readdir, rm, rmdir, statfs } from 'node:fs/promises';
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
  const replaced: Replaced[] = [];
  for (const name of await readdir(options.folder)) replaced.push(...(await sweepVideo(options, timing, name)));
  await sweepReplaced(options, replaced);
}

/** A revision that another one has taken the place of. */
interface Replaced {
  readonly path: string;
  readonly sinceMs: number;
}

/** Deletes what has no video any more, and what no attempt writes in; returns the revisions that were replaced. */
async function sweepVideo({ store, folder }: LibraryOptions, timing: LibraryTiming, name: string): Promise<Replaced[]> {
  const top = join(folder, name);
  const entries = await readdir(top).catch(() => []);
  const old = entries.filter((entry) => /^r\d+(?:\.part)?$/.test(entry) || entry.startsWith('.r'));
  if (old.length === 0) return [];
  const video = await store.videos.get(name);
  if (video === undefined) {
    await rm(top, { recursive: true, force: true });
    return [];
  }
  const replaced: Replaced[] = [];
  for (const entry of old) {
    const path = join(top, entry);
    if (video.output_path === path) continue;
    const revision = Number(/^r(\d+)$/.exec(entry)?.[1]);
    if (revision < (video.output?.revision ?? 0)) replaced.push({ path, sinceMs: await replacedAt(top, video, revision, entries) });
    else if (!(await isBusy(video, path, timing))) await rm(path, { recursive: true, force: true });
  }
  return replaced;
}

/** When the next one was finished: its first playlist is the last that is written, and nobody touches it afterwards. */
async function replacedAt(top: string, { output, published_at }: VideoRecord, revision: number, entries: readonly string[]): Promise<number> {
  const later = entries.map((entry) => Number(/^r(\d+)$/.exec(entry)?.[1])).filter((one) => one > revision);
  const next = later.length === 0 ? undefined : join(top, `r${Math.min(...later)}`, output?.master ?? 'master.m3u8');
  const facts = next === undefined ? undefined : await lstat(next).catch(() => undefined);
  return facts?.mtimeMs ?? Date.parse(published_at ?? new Date().toISOString());
}

/** Those whose time is over; while the disk is short of room, the others as well, from the one that was replaced first. */
async function sweepReplaced({ folder, settings, log, freeBytes = diskSpace }: LibraryOptions, replaced: readonly Replaced[]): Promise<void> {
  for (const { path, sinceMs } of replaced.toSorted((a, b) => a.sinceMs - b.sinceMs)) {
    if (Date.now() - sinceMs < settings.replaced_keep_s * 1000) {
      if ((await freeBytes(folder)) >= settings.min_free_bytes) return;
      log.info({ folder: path }, 'a replaced result goes early, as the disk is short of room');
    }
    await rm(path, { recursive: true, force: true });
  }
}

async function diskSpace(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

/** Folders change while an attempt writes in them. */
async function isBusy(video: VideoRecord, path: string, { unknownKeepMs }: LibraryTiming): Promise<boolean> {
  const facts = await lstat(path).catch(() => undefined);
  const changedMs = Math.max(facts?.mtimeMs ?? 0, Date.parse(video.updated_at));
  return Date.now() - changedMs < unknownKeepMs || ['queued', 'processing'].includes(video.state) || video.progress !== null;
}

function isBelow(path: string, folder: string): boolean {
  return resolve(path).startsWith(resolve(folder) + sep);
}
