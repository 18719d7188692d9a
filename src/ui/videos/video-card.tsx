/** One video in the library. */
import type { Video } from '../../contracts/video.js';
import { call } from '../core/api.js';
import { formatBytes } from '../core/format.js';
import { videoHref } from '../core/routing.js';
import { Menu, Time } from '../parts/basics.js';
import { Icon } from '../parts/icon.js';
import { loadLibrary } from './library-state.js';
import { reportingFailure } from './report-failure.js';
import { Thumb, VideoProgress, VisibilityTag } from './video-parts.js';
import { restoreVideos, trashVideos } from './video-removal.js';
import { mayChange } from './video-rights.js';
import { wordsOfError } from './video-words.js';

interface CardProps {
  video: Video;
  chosen: boolean;
  /** In sight at once. */
  eager: boolean;
  onChoose: (on: boolean) => void;
}

export function VideoCard({ video, chosen, eager, onChoose }: CardProps) {
  const href = videoHref(video.video_id);
  return (
    <li class="card video-card" data-testid={`video-${video.video_id}`} data-state={video.state} data-chosen={chosen}>
      <a class="video-card-picture" href={href} tabIndex={-1} aria-label={`Watch ${video.title}`}>
        <Thumb video={video} eager={eager} />
        {video.output !== null && video.deleted_at === null && (
          <span class="video-card-play">
            <Icon name="play" size={22} />
          </span>
        )}
      </a>
      {mayChange(video) && (
        <label class="video-card-check">
          <input
            type="checkbox"
            aria-label={`Choose ${video.title}`}
            checked={chosen}
            data-testid={`choose-${video.video_id}`}
            onChange={(event) => onChoose(event.currentTarget.checked)}
          />
        </label>
      )}
      <div class="video-card-body">
        <div class="video-card-title">
          <a href={href} class="row-name" dir="auto" title={video.title}>
            {video.title}
          </a>
          <CardMenu video={video} />
        </div>
        {video.state !== 'ready' && <VideoProgress video={video} />}
        {video.state === 'failed' && video.error !== null && <p class="small second video-card-error">{wordsOfError(video.error)}</p>}
        <div class="video-card-facts small muted">
          <VisibilityTag value={video.visibility} />
          <Time value={video.created_at} />
          {video.source !== null && (
            <span>{formatBytes(video.state === 'ready' && video.output !== null ? video.output.size_bytes : video.source.size_bytes)}</span>
          )}
        </div>
      </div>
    </li>
  );
}

function CardMenu({ video }: { video: Video }) {
  if (!mayChange(video)) return null;
  const reload = () => void loadLibrary();
  const params = { video_id: video.video_id };
  return (
    <Menu label={`More for ${video.title}`} class="btn icon quiet small" trigger={<Icon name="more" />}>
      <a href={videoHref(video.video_id)}>
        <Icon name="eye" /> Open
      </a>
      {video.deleted_at !== null ? (
        <button type="button" onClick={() => void restoreVideos([video], reload)}>
          <Icon name="undo" /> Restore
        </button>
      ) : (
        <>
          <a href={videoHref(video.video_id, 'share')}>
            <Icon name="link" /> Share
          </a>
          {(video.state === 'failed' || video.state === 'uploaded') && (
            <button type="button" onClick={() => void reportingFailure(() => call('process_video', { params, body: {} }))}>
              <Icon name="restart" /> {video.state === 'failed' ? 'Try again' : 'Process'}
            </button>
          )}
          <hr />
          <button type="button" data-testid={`delete-${video.video_id}`} onClick={() => void trashVideos([video], reload)}>
            <Icon name="trash" /> Delete
          </button>
        </>
      )}
    </Menu>
  );
}
