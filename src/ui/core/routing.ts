/** Addresses of the pages as data: pure, so that links and matching can be checked without a browser. */

export const pages = {
  wall: '/',
  streams: '/streams',
  add: '/streams/new',
  stream: '/streams/:id',
  stream_tab: '/streams/:id/:tab',
  cameras: '/cameras',
  camera: '/cameras/:id',
  recordings: '/recordings',
  recordings_tab: '/recordings/:tab',
  videos: '/videos',
  // Not below `/videos`, where every name may be that of a video.
  videos_upload: '/uploads',
  videos_queue: '/queue',
  videos_queue_tab: '/queue/:tab',
  video: '/videos/:id',
  video_tab: '/videos/:id/:tab',
  watch: '/watch/:token',
  embed: '/embed/:token',
  storage: '/storage',
  config: '/config',
  config_tab: '/config/:tab',
  alerts: '/alerts',
  system: '/system',
  access: '/access/:tab',
  audit: '/audit',
  account: '/account',
  setup: '/setup',
} as const;
/** Addresses that people type for a page of another name; no stream may be called `add` (`reservedStreamIds`). */
const otherNames: Readonly<Record<string, string>> = { '/streams/add': pages.add, '/access': '/access/users', '/settings': pages.config };

export type PageName = keyof typeof pages;

export interface Place {
  page: PageName | 'unknown';
  params: Record<string, string>;
  path: string;
  query: URLSearchParams;
}

/** The page of an address; the literal pattern wins over one with parameters because it stands first in the table. */
export function matchPlace(path: string, search = ''): Place {
  const query = new URLSearchParams(search);
  const given = path.length > 1 ? path.replace(/\/+$/, '') : path;
  const clean = otherNames[given] ?? given;
  for (const page of Object.keys(pages) as PageName[]) {
    const params = matchPattern(pages[page], clean);
    if (params !== undefined) return { page, params, path: clean, query };
  }
  return { page: 'unknown', params: {}, path: clean, query };
}

function matchPattern(pattern: string, path: string): Record<string, string> | undefined {
  const want = pattern.split('/');
  const have = path.split('/');
  if (want.length !== have.length) return undefined;
  const params: Record<string, string> = {};
  for (const [index, part] of want.entries()) {
    const value = have[index] ?? '';
    if (!part.startsWith(':')) {
      if (part !== value) return undefined;
      continue;
    }
    if (value === '') return undefined;
    params[part.slice(1)] = decode(value);
  }
  return params;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Address of one camera's page. */
export function cameraHref(cameraId: string): string {
  return `/cameras/${encodeURIComponent(cameraId)}`;
}

/** Address of the timeline, with these streams and at this time. */
export function timelineHref(streamIds: readonly string[], at?: number): string {
  const query = new URLSearchParams();
  if (streamIds.length > 0) query.set('streams', streamIds.join(','));
  if (at !== undefined) query.set('at', new Date(at).toISOString());
  return query.size === 0 ? '/recordings' : `/recordings?${query}`;
}

/** Address of one video's page. */
export function videoHref(videoId: string, tab?: string): string {
  const base = `/videos/${encodeURIComponent(videoId)}`;
  return tab === undefined ? base : `${base}/${tab}`;
}

/** Where the page is now that lay at the address of a video of this name; undefined when none did. */
export function movedPage(videoId: string, tab?: string): string | undefined {
  if (videoId === 'upload') return pages.videos_upload;
  if (videoId !== 'queue') return undefined;
  return tab === undefined ? pages.videos_queue : `${pages.videos_queue}/${tab}`;
}

/** Address of one stream's page. */
export function streamHref(streamId: string, tab?: string): string {
  const base = `/streams/${encodeURIComponent(streamId)}`;
  return tab === undefined ? base : `${base}/${tab}`;
}
