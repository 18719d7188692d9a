/** Which code draws which page; each is fetched when it is first needed. */

import { signal } from '@preact/signals';
import type { ComponentType } from 'preact';
import type { PageName } from '../core/routing.js';

type Page = ComponentType;

const loaders: Record<PageName, () => Promise<{ default: Page }>> = {
  wall: () => import('../wall/wall-page.js'),
  streams: () => import('../streams/list-page.js'),
  add: () => import('../streams/add-page.js'),
  stream: () => import('../streams/stream-page.js'),
  stream_tab: () => import('../streams/stream-page.js'),
  cameras: () => import('../cameras/cameras-page.js'),
  camera: () => import('../cameras/camera-page.js'),
  recordings: () => import('../recordings/recordings-page.js'),
  recordings_tab: () => import('../recordings/recordings-page.js'),
  videos: () => import('../videos/library-page.js'),
  videos_upload: () => import('../videos/upload-page.js'),
  videos_queue: () => import('../videos/queue-page.js'),
  videos_queue_tab: () => import('../videos/queue-page.js'),
  video: () => import('../videos/video-page.js'),
  video_tab: () => import('../videos/video-page.js'),
  watch: () => import('../videos/watch-page.js'),
  embed: () => import('../videos/watch-page.js'),
  storage: () => import('../storage/storage-page.js'),
  config: () => import('../config/config-page.js'),
  config_tab: () => import('../config/config-page.js'),
  alerts: () => import('../alerts/alerts-page.js'),
  system: () => import('../system/system-page.js'),
  access: () => import('../access/access-page.js'),
  audit: () => import('../access/audit-page.js'),
  account: () => import('../access/account-page.js'),
  setup: () => import('../access/setup-page.js'),
};

const loaded = signal<ReadonlyMap<string, Page>>(new Map());
/** Pages whose code could not be fetched, for example because a new version was installed meanwhile. */
export const pageFailed = signal(false);

const asked = new Map<string, Promise<void>>();

/** Fetches the code of a page; once. */
export function loadPage(name: PageName | 'unknown'): Promise<void> {
  if (name === 'unknown') return Promise.resolve();
  const before = asked.get(name);
  if (before !== undefined) return before;
  pageFailed.value = false;
  const asking = loaders[name]().then(
    (module) => {
      loaded.value = new Map(loaded.peek()).set(name, module.default);
    },
    () => {
      asked.delete(name);
      pageFailed.value = true;
    },
  );
  asked.set(name, asking);
  return asking;
}

/** The page when its code is there. */
export function pageOf(name: PageName): Page | undefined {
  return loaded.value.get(name);
}
