/** The list of videos that the library shows: filters, pages as far as they were asked for, changes as they come. */
import { batch, signal } from '@preact/signals';
import type { Video, VideoState, Visibility } from '../../contracts/video.js';
import { type ApiError, call, toApiError } from '../core/api.js';
import { soon } from '../core/soon.js';

export const sorts = { newest: 'Newest', oldest: 'Oldest', title: 'Title', longest: 'Longest', largest: 'Largest' } as const;

export interface LibraryFilter {
  search: string;
  tag: string;
  state: VideoState | '';
  visibility: Visibility | '';
  sort: keyof typeof sorts;
  trash: boolean;
}

export const noFilter: LibraryFilter = { search: '', tag: '', state: '', visibility: '', sort: 'newest', trash: false };
export const filter = signal<LibraryFilter>(noFilter);

export interface Library {
  videos: readonly Video[];
  total: number;
  tags: readonly { tag: string; videos: number }[];
  next: string | null;
}

export const library = signal<Library | undefined>(undefined);
export const libraryError = signal<ApiError | undefined>(undefined);
/** True while a further page is on its way. */
export const loadingMore = signal(false);

const pageSize = 48;
let turn = 0;

/** True when nothing narrows the list. */
export function isUnfiltered({ search, tag, state, visibility }: LibraryFilter): boolean {
  return search === '' && tag === '' && state === '' && visibility === '';
}

/** Reads as many videos as are shown now, at least one page. A later call makes this one's answer void. */
export async function loadLibrary(): Promise<void> {
  turn += 1;
  const mine = turn;
  const wanted = Math.min(500, Math.max(pageSize, library.peek()?.videos.length ?? 0));
  try {
    const page = await call('list_videos', { query: { ...queryOf(filter.peek()), limit: wanted } });
    if (mine !== turn) return;
    batch(() => {
      library.value = { videos: page.items, total: page.total, tags: page.tags, next: page.next_cursor };
      libraryError.value = undefined;
    });
  } catch (thrown) {
    if (mine !== turn) return;
    // A list that is there stays: the next event or the next look brings it up to date.
    if (library.peek() === undefined) libraryError.value = toApiError(thrown);
  }
}

/** Reads the next page behind what is shown. */
export async function loadMore(): Promise<void> {
  const current = library.peek();
  if (current === undefined || current.next === null || loadingMore.peek()) return;
  const mine = turn;
  loadingMore.value = true;
  try {
    const page = await call('list_videos', { query: { ...queryOf(filter.peek()), limit: pageSize, cursor: current.next } });
    const known = library.peek();
    if (mine !== turn || known === undefined) return;
    const shown = new Set(known.videos.map((video) => video.video_id));
    const fresh = page.items.filter((video) => !shown.has(video.video_id));
    library.value = { videos: [...known.videos, ...fresh], total: page.total, tags: page.tags, next: page.next_cursor };
  } catch {
    // Scrolling on, or the button below the list, asks again.
  } finally {
    loadingMore.value = false;
  }
}

/** Shows another part of the library. */
export function setFilter(change: Partial<LibraryFilter>): void {
  batch(() => {
    if (change.trash !== undefined && change.trash !== filter.peek().trash) library.value = undefined;
    filter.value = { ...filter.peek(), ...change };
  });
  void loadLibrary();
}

function queryOf({ search, tag, state, visibility, sort, trash }: LibraryFilter) {
  return {
    sort,
    ...(search.trim() === '' ? {} : { search: search.trim().slice(0, 200) }),
    ...(tag === '' ? {} : { tag }),
    ...(state === '' ? {} : { state }),
    ...(visibility === '' ? {} : { visibility }),
    ...(trash ? { trash: 'true' as const } : {}),
  };
}

/** Reads the list soon; many reasons within a moment make one request. */
export const reloadLibrarySoon = soon(() => void loadLibrary());

/** Takes over a video that changed; one that is not shown yet, or no longer belongs here, makes the list be read again. */
export function takeVideo(video: Video): void {
  const current = library.peek();
  if (current === undefined) return;
  const at = current.videos.findIndex((one) => one.video_id === video.video_id);
  const before = current.videos[at];
  const belongs = (video.deleted_at !== null) === filter.peek().trash;
  if (before === undefined) {
    if (belongs) reloadLibrarySoon();
    return;
  }
  if (!belongs) {
    library.value = { ...current, videos: current.videos.filter((one) => one !== before), total: Math.max(0, current.total - 1) };
    reloadLibrarySoon();
    return;
  }
  library.value = { ...current, videos: current.videos.map((one) => (one === before ? video : one)) };
  if (before.state !== video.state || before.title !== video.title) reloadLibrarySoon();
}
