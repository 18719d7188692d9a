/** All videos: found by words, tag and state, opened by a click, chosen together. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Video } from '../../contracts/video.js';
import { may } from '../core/session.js';
import { Blank, Confirm, Failed, PageHead } from '../parts/basics.js';
import { Icon } from '../parts/icon.js';
import { LibraryFilters } from './library-filters.js';
import { filter, isUnfiltered, library, libraryError, loadingMore, loadLibrary, loadMore, noFilter, setFilter, takeVideo } from './library-state.js';
import { VideoCard } from './video-card.js';
import { useVideoEvents } from './video-events.js';
import { deleteForever, restoreVideos, trashVideos } from './video-removal.js';
import { isWorking } from './video-words.js';
import './videos.css';

export default function LibraryPage() {
  useEffect(() => void loadLibrary(), []);
  useVideoEvents({
    video: takeVideo,
    poll: () => void loadLibrary(),
    isLively: library.value?.videos.some((video) => isWorking(video.state)) === true,
  });
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const current = library.value;
  const { trash } = filter.value;
  const choose = (id: string, on: boolean) => {
    const next = new Set(chosen);
    if (on) next.add(id);
    else next.delete(id);
    setChosen(next);
  };
  const picked = current?.videos.filter((video) => chosen.has(video.video_id)) ?? [];
  const isEmptyLibrary = current !== undefined && current.videos.length === 0 && isUnfiltered(filter.value) && !trash;
  return (
    <div class="page library">
      <PageHead title={trash ? 'Trash' : 'Videos'} note={current === undefined || isEmptyLibrary ? undefined : countOf(current.total)}>
        <HeadActions trash={trash} />
      </PageHead>
      {!isEmptyLibrary && <LibraryFilters />}
      {picked.length > 0 && <ChosenBar videos={picked} trash={trash} onDone={() => setChosen(new Set())} />}
      {current === undefined && libraryError.value !== undefined && <Failed error={libraryError.value} onRetry={() => void loadLibrary()} />}
      {current === undefined && libraryError.value === undefined && <Skeletons />}
      {current !== undefined && current.videos.length === 0 && <Nothing trash={trash} />}
      {current !== undefined && current.videos.length > 0 && (
        <ul class={`video-grid ${picked.length > 0 ? 'choosing' : ''}`} data-testid="videos">
          {current.videos.map((video, index) => (
            <VideoCard
              key={video.video_id}
              video={video}
              eager={index < 8}
              chosen={chosen.has(video.video_id)}
              onChoose={(on) => choose(video.video_id, on)}
            />
          ))}
        </ul>
      )}
      {current !== undefined && current.next !== null && <More />}
    </div>
  );
}

function countOf(total: number): string {
  return total === 1 ? '1 video' : `${total} videos`;
}

function HeadActions({ trash }: { trash: boolean }) {
  return (
    <div class="btn-row">
      <a class="btn" href="/queue" data-testid="to-queue">
        <Icon name="rows" /> Queue
      </a>
      {may('operator') && (
        <>
          <button type="button" class="btn" aria-pressed={trash} data-testid="trash" onClick={() => setFilter({ ...noFilter, trash: !trash })}>
            <Icon name="trash" /> Trash
          </button>
          <a class="btn primary" href="/uploads" data-testid="to-upload">
            <Icon name="upload" /> Upload
          </a>
        </>
      )}
    </div>
  );
}

function Nothing({ trash }: { trash: boolean }) {
  if (!isUnfiltered(filter.value)) {
    return (
      <Blank icon="search" title="Nothing matches" text="Try fewer words, or another filter.">
        <button type="button" class="btn" onClick={() => setFilter({ ...noFilter, trash })}>
          Show all
        </button>
      </Blank>
    );
  }
  if (trash) return <Blank icon="trash" title="The trash is empty" text="Deleted videos stay here for a while and can be restored." />;
  if (!may('operator')) return <Blank icon="film" title="No videos yet" text="There is no video that you may see." />;
  return (
    <Blank
      icon="film"
      title="No videos yet"
      text="Bring a file, an address, or a part of a recording: Weir makes it play everywhere, in every quality."
    >
      <a class="btn primary" href="/uploads" data-testid="empty-upload">
        <Icon name="upload" /> Upload a video
      </a>
      <a class="btn" href="/recordings">
        From a recording
      </a>
    </Blank>
  );
}

function Skeletons() {
  return (
    <div class="video-grid" role="status" aria-label="Loading">
      {[0, 1, 2, 3, 4, 5].map((one) => (
        <div key={one} class="card video-card">
          <span class="thumb skeleton" />
          <div class="video-card-body">
            <span class="skeleton" style={{ height: '17px', width: '70%' }} />
            <span class="skeleton" style={{ height: '13px', width: '45%' }} />
          </div>
        </div>
      ))}
    </div>
  );
}

/** Loads the next page as soon as it is nearly in sight; the button serves where nothing can be observed. */
function More() {
  const mark = useRef<HTMLDivElement>(null);
  const next = library.value?.next;
  useEffect(() => {
    if (mark.current === null) return undefined;
    const observer = new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && void loadMore(), { rootMargin: '600px' });
    observer.observe(mark.current);
    return () => observer.disconnect();
  }, [next]);
  return (
    <div class="pager" ref={mark}>
      <button type="button" class="btn" disabled={loadingMore.value} onClick={() => void loadMore()}>
        {loadingMore.value && <span class="spinner" />} More
      </button>
    </div>
  );
}

function ChosenBar({ videos, trash, onDone }: { videos: readonly Video[]; trash: boolean; onDone: () => void }) {
  const [asking, setAsking] = useState(false);
  const after = () => {
    onDone();
    void loadLibrary();
  };
  const what = videos.length === 1 ? '1 video' : `${videos.length} videos`;
  return (
    <div class="chosen-bar" role="toolbar" aria-label="Chosen videos">
      <b>{what} chosen</b>
      <div class="btn-row">
        {trash ? (
          <>
            <button type="button" class="btn" onClick={() => void restoreVideos(videos, after)}>
              <Icon name="undo" /> Restore
            </button>
            <button type="button" class="btn" onClick={() => setAsking(true)}>
              <Icon name="trash" /> Delete for good
            </button>
          </>
        ) : (
          <button type="button" class="btn" data-testid="delete-chosen" onClick={() => void trashVideos(videos, after)}>
            <Icon name="trash" /> Delete
          </button>
        )}
        <button type="button" class="btn icon quiet" aria-label="Choose none" title="Choose none" onClick={onDone}>
          <Icon name="close" />
        </button>
      </div>
      {asking && (
        <Confirm
          title={`Delete ${what} for good?`}
          text="Sources and all renditions are deleted. This cannot be undone."
          action="Delete for good"
          onConfirm={async () => {
            await deleteForever(videos);
            after();
          }}
          onClose={() => setAsking(false)}
        />
      )}
    </div>
  );
}
