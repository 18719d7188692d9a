/** Videos go into the trash at once and come back by a click; only from the trash they go for good. */
import type { Video } from '../../contracts/video.js';
import { call, toApiError } from '../core/api.js';
import { showToast } from '../core/toasts.js';

/** Moves them to the trash and offers to take it back. Says which did not go, and why. `onDone` runs after both. */
export async function trashVideos(videos: readonly Video[], onDone: () => void): Promise<void> {
  const { done, failed } = await each(videos, (video) => call('delete_video', { params: { video_id: video.video_id } }));
  onDone();
  if (failed !== undefined) showToast({ tone: 'bad', title: `${failed.video.title} was not deleted`, text: failed.reason });
  if (done.length === 0) return;
  showToast({
    tone: 'ok',
    title: done.length === 1 ? `${done[0]?.title ?? 'The video'} is in the trash` : `${done.length} videos are in the trash`,
    action: { label: 'Undo', run: () => void restoreVideos(done, onDone) },
  });
}

/** Takes them out of the trash. */
export async function restoreVideos(videos: readonly Video[], onDone: () => void): Promise<void> {
  const { done, failed } = await each(videos, (video) => call('restore_video', { params: { video_id: video.video_id } }));
  onDone();
  if (failed !== undefined) showToast({ tone: 'bad', title: `${failed.video.title} was not restored`, text: failed.reason });
  else showToast({ tone: 'ok', title: done.length === 1 ? `${done[0]?.title ?? 'The video'} is back` : `${done.length} videos are back` });
}

/** Deletes them with all files. Throws what the first one that stayed was refused with. */
export async function deleteForever(videos: readonly Video[]): Promise<void> {
  for (const video of videos) await call('delete_video', { params: { video_id: video.video_id }, query: { forever: 'true' } });
}

async function each(videos: readonly Video[], act: (video: Video) => Promise<unknown>) {
  const done: Video[] = [];
  let failed: { video: Video; reason: string } | undefined;
  for (const video of videos) {
    try {
      await act(video);
      done.push(video);
    } catch (thrown) {
      failed ??= { video, reason: toApiError(thrown).message };
    }
  }
  return { done, failed };
}
