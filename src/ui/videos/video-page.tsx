/** One video: watched, described, shared, made anew. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Video } from '../../contracts/video.js';
import { call } from '../core/api.js';
import { formatBytes, formatElapsed } from '../core/format.js';
import { navigate, place } from '../core/router.js';
import { movedPage, videoHref } from '../core/routing.js';
import { Blank, Failed, Note, Time } from '../parts/basics.js';
import { Icon, type IconName } from '../parts/icon.js';
import { useList } from '../parts/use-list.js';
import { AboutTab } from './about-tab.js';
import { DetailsTab } from './details-tab.js';
import { JobsTab } from './jobs-tab.js';
import type { Playback } from './player/playback.js';
import { VideoPlayer } from './player/video-player.js';
import { ShareTab } from './share-tab.js';
import { TitleLine } from './title-line.js';
import { VideoActions } from './video-actions.js';
import { useVideoEvents } from './video-events.js';
import { Meter, VideoProgress, VisibilityTag } from './video-parts.js';
import { restoreVideos } from './video-removal.js';
import { mayChange } from './video-rights.js';
import { durationOf, isWorking, wordsOfError } from './video-words.js';
import './videos.css';

const tabs: readonly { name: string | undefined; label: string; icon: IconName; isForChanging?: true }[] = [
  { name: undefined, label: 'About', icon: 'info' },
  { name: 'share', label: 'Share', icon: 'link', isForChanging: true },
  { name: 'details', label: 'Details', icon: 'chart' },
  { name: 'jobs', label: 'Jobs', icon: 'rows' },
];

export default function VideoPage() {
  const id = place.value.params.id ?? '';
  return <OneVideo key={id} id={id} />;
}

function OneVideo({ id }: { id: string }) {
  const { list, reload } = useList((signal) => call('get_video', { params: { video_id: id }, signal }), id);
  const [changed, setChanged] = useState<Video | undefined>(undefined);
  const video = changed ?? (list.kind === 'ready' ? list.value : undefined);
  useVideoEvents({
    video: (video) => video.video_id === id && setChanged(video),
    poll: reload,
    isLively: video !== undefined && isWorking(video.state),
  });
  useEffect(() => {
    if (list.kind === 'ready') setChanged(list.value);
  }, [list]);
  if (video !== undefined) return <Loaded video={video} onChange={setChanged} />;
  if (list.kind === 'failed') {
    const moved = list.error.code === 'not_found' ? movedPage(id, place.value.params.tab) : undefined;
    if (moved !== undefined) return <Moved to={moved} />;
    return list.error.code === 'not_found' ? (
      <Blank icon="film" title="There is no such video" text="It was deleted, or you may not see it.">
        <a class="btn" href="/videos">
          All videos
        </a>
      </Blank>
    ) : (
      <Failed error={list.error} onRetry={reload} />
    );
  }
  return (
    <div class="page video-page" role="status" aria-label="Loading">
      <span class="skeleton video-stage-wait" />
    </div>
  );
}

/** An address from before, that is no video's: the page lies elsewhere now. */
function Moved({ to }: { to: string }) {
  useEffect(() => navigate(to, { replace: true }), [to]);
  return null;
}

function Loaded({ video, onChange }: { video: Video; onChange: (video: Video) => void }) {
  const playback = useRef<Playback | undefined>(undefined);
  const open = tabs.filter((one) => one.isForChanging !== true || mayChange(video));
  // An address of a part that there is not, or not for this user, shows the first one.
  const tab = open.find((one) => one.name === place.value.params.tab)?.name;
  useEffect(() => {
    document.title = `${video.title} · Weir`;
  }, [video.title]);
  return (
    <div class="page video-page">
      <nav class="crumbs small" aria-label="Way back">
        <a href="/videos">
          <Icon name="left" size={14} /> Videos
        </a>
      </nav>
      {video.deleted_at !== null && <InTrash video={video} onChange={onChange} />}
      <Screen video={video} onPlayback={(made) => (playback.current = made)} />
      <header class="video-head">
        <div class="video-head-words">
          <TitleLine video={video} onChange={onChange} />
          <Facts video={video} />
        </div>
        {video.deleted_at === null && <VideoActions video={video} />}
      </header>
      <nav class="tabs" aria-label="Parts of this page">
        {open.map((one) => (
          <a key={one.label} href={videoHref(video.video_id, one.name)} aria-current={tab === one.name ? 'page' : undefined}>
            <Icon name={one.icon} size={16} /> {one.label}
          </a>
        ))}
      </nav>
      {tab === undefined && <AboutTab video={video} onChange={onChange} playedAt={() => playback.current?.time.peek() ?? 0} />}
      {tab === 'share' && <ShareTab video={video} onChange={onChange} />}
      {tab === 'details' && <DetailsTab video={video} />}
      {tab === 'jobs' && <JobsTab video={video} />}
    </div>
  );
}

function InTrash({ video, onChange }: { video: Video; onChange: (video: Video) => void }) {
  const restore = () =>
    restoreVideos([video], () => void call('get_video', { params: { video_id: video.video_id } }).then(onChange, () => undefined));
  return (
    <Note tone="warn" icon="trash">
      This video is in the trash.{' '}
      {mayChange(video) && (
        <button type="button" class="btn small" onClick={() => void restore()}>
          Restore
        </button>
      )}
    </Note>
  );
}

function Facts({ video }: { video: Video }) {
  const duration = durationOf(video);
  return (
    <div class="video-facts small muted">
      <VisibilityTag value={video.visibility} />
      {duration !== undefined && <span>{formatElapsed(Math.round(duration))}</span>}
      {video.output !== null && <span>{formatBytes(video.output.size_bytes)}</span>}
      <Time value={video.created_at} />
      {video.owner !== '' && <span>by {video.owner}</span>}
    </div>
  );
}

/** The player; what stands in its place until there is something to play. */
function Screen({ video, onPlayback }: { video: Video; onPlayback: (playback: Playback | undefined) => void }) {
  const { output, playback_url: url } = video;
  if (output === null || url === null) return <NotYet video={video} />;
  const isGrowing = isWorking(video.state) && video.published_at === null;
  const picture = video.facts?.video;
  const files = url.slice(0, url.lastIndexOf('/') + 1);
  return (
    <>
      <VideoPlayer
        videoId={video.video_id}
        title={video.title}
        url={url}
        poster={video.thumbnail_url}
        storyboard={output.storyboard === null ? null : `${files}${output.storyboard.vtt}`}
        wholeS={video.facts?.duration_s}
        isGrowing={isGrowing}
        version={`${output.revision} ${output.renditions.length} ${isGrowing}`}
        aspect={picture == null ? undefined : picture.width / picture.height}
        onPlayback={onPlayback}
      />
      {isWorking(video.state) && (
        <div class="card video-working">
          <VideoProgress video={video} />
          {!isGrowing && <p class="small muted">Until the new version is in place, the present one is played.</p>}
        </div>
      )}
      {video.state === 'failed' && video.error !== null && (
        <Note tone="bad">
          The last job failed: {wordsOfError(video.error)} <a href={videoHref(video.video_id, 'jobs')}>What happened</a>
        </Note>
      )}
    </>
  );
}

function NotYet({ video }: { video: Video }) {
  const isFailed = video.state === 'failed';
  return (
    <div class="stage vod-none" data-testid="no-picture" data-state={video.state}>
      {video.thumbnail_url !== null && <img src={video.thumbnail_url} alt="" />}
      <div class="cover over">
        {isFailed || video.state === 'uploaded' ? <Icon name={isFailed ? 'alert' : 'film'} size={40} /> : <span class="spinner" />}
        <b>{notYetWords[video.state]}</b>
        {isFailed && video.error !== null && <p>{wordsOfError(video.error)}</p>}
        {video.state === 'processing' && (
          <div class="vod-none-meter">
            <VideoProgress video={video} />
          </div>
        )}
        {video.state === 'queued' && <p>A worker takes it as soon as one is free.</p>}
        {video.state === 'uploading' && <Meter percent={video.progress ?? 0} label="Upload" />}
        {isFailed && (
          <a class="stage-btn" href={videoHref(video.video_id, 'jobs')}>
            What happened
          </a>
        )}
      </div>
    </div>
  );
}

const notYetWords: Record<Video['state'], string> = {
  uploading: 'It is still being uploaded',
  uploaded: 'It has not been processed yet',
  queued: 'It waits for its turn',
  processing: 'It is being made',
  ready: 'There is nothing to play',
  failed: 'It could not be made',
};
