/** A video for whoever has its link, or for everybody when it is public: the player, and nothing of the app around it. */
import { useEffect, useState } from 'preact/hooks';
import { lookAgain } from '../core/look-again.js';
import { place } from '../core/router.js';
import { Icon, Mark } from '../parts/icon.js';
import { VideoPlayer } from './player/video-player.js';
import { type Loaded, loadShared, type Shared } from './shared-video.js';
import './watch.css';

export default function WatchPage() {
  const { page, params } = place.value;
  const found = useShared(params.token ?? '');
  if (page === 'embed') return <div class="embed">{found === undefined ? null : <Screen found={found} isEmbedded />}</div>;
  const video = found?.kind === 'ready' ? found.video : undefined;
  return (
    <div class="watch">
      <main>
        <div class="watch-screen">{found !== undefined && <Screen found={found} />}</div>
        {video !== undefined && (
          <div class="watch-words">
            <h1 dir="auto">{video.title}</h1>
            {video.description !== '' && <p dir="auto">{video.description}</p>}
          </div>
        )}
      </main>
      <footer>
        <Mark size={18} /> Weir
      </footer>
    </div>
  );
}

/** Looks again while the video is not complete, or the hub away. */
function useShared(token: string): Loaded | undefined {
  const [found, setFound] = useState<Loaded | undefined>(undefined);
  const state = found?.kind === 'ready' ? found.video.state : found?.kind;
  const isOver = state === 'gone' || state === 'ready' || state === 'failed';
  const isLively = state === 'processing';
  useEffect(() => {
    if (isOver) return undefined;
    const ended = new AbortController();
    const look = async () => {
      const next = await loadShared(token, ended.signal);
      // What plays goes on without a hub that is away for a while.
      if (!ended.signal.aborted) setFound((before) => (next.kind === 'away' && before?.kind === 'ready' ? before : next));
    };
    void look();
    const stop = lookAgain(() => void look(), isLively);
    return () => {
      stop();
      ended.abort();
    };
  }, [token, isOver, isLively]);
  useEffect(() => {
    if (found?.kind === 'ready') document.title = found.video.title;
  }, [found]);
  return found;
}

function Screen({ found, isEmbedded = false }: { found: Loaded; isEmbedded?: boolean }) {
  if (found.kind === 'gone') {
    return <Word title="This video is not shown any more" text="The link has ended or was revoked. Ask whoever gave it to you for a new one." />;
  }
  if (found.kind === 'away') {
    return (
      <Word title="The video cannot be reached" text="It is asked for again by itself; check the network.">
        <button type="button" class="stage-btn" onClick={() => location.reload()}>
          <Icon name="restart" /> Try again
        </button>
      </Word>
    );
  }
  const { video } = found;
  if (video.master === null) {
    return video.state === 'failed' ? (
      <Word title="There is nothing to play" text="The video could not be made." />
    ) : (
      <Word title="It is being made" text="It starts here as soon as there is something to play." />
    );
  }
  return <Playing video={video} files={found.files} master={video.master} isEmbedded={isEmbedded} />;
}

function Playing({ video, files, master, isEmbedded }: Shared & { master: string; isEmbedded: boolean }) {
  const largest = video.renditions[0];
  const isGrowing = video.state === 'processing';
  const autoplay = new URLSearchParams(location.search).get('autoplay') === '1';
  return (
    <VideoPlayer
      videoId={video.video_id}
      title={video.title}
      url={`${files}${master}`}
      poster={video.thumbnail === null ? null : `${files}${video.thumbnail}`}
      storyboard={video.storyboard === null ? null : `${files}${video.storyboard.vtt}`}
      wholeS={video.duration_s ?? undefined}
      isGrowing={isGrowing}
      version={`${video.renditions.length} ${isGrowing}`}
      aspect={largest?.width == null || largest.height == null ? undefined : largest.width / largest.height}
      autoplay={autoplay}
      fill={isEmbedded}
    />
  );
}

function Word({ title, text, children }: { title: string; text: string; children?: preact.ComponentChildren }) {
  return (
    <div class="stage vod-none" data-testid="watch-word">
      <div class="cover">
        <Icon name="film" size={40} />
        <b>{title}</b>
        <p>{text}</p>
        {children}
      </div>
    </div>
  );
}
