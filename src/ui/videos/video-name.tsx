/** The title of a video where only its id is known; asked for once and kept. */
import { type Signal, signal } from '@preact/signals';
import { call } from '../core/api.js';
import { videoHref } from '../core/routing.js';

const titles = new Map<string, Signal<string | undefined>>();
const maxTitles = 500;

function titleOf(videoId: string): Signal<string | undefined> {
  const known = titles.get(videoId);
  if (known !== undefined) return known;
  if (titles.size >= maxTitles) titles.clear();
  const title = signal<string | undefined>(undefined);
  titles.set(videoId, title);
  // A video that is gone, or not for this user, keeps its id as name.
  call('get_video', { params: { video_id: videoId } }).then(
    (video) => {
      title.value = video.title;
    },
    () => undefined,
  );
  return title;
}

export function VideoName({ videoId }: { videoId: string }) {
  const title = titleOf(videoId).value;
  return (
    <a class="row-name video-name" dir="auto" href={videoHref(videoId)} title={videoId}>
      {title ?? videoId}
    </a>
  );
}
