/** Tells that something changed in a folder: by the kernel's notices, and where there are none by looking. */
import { type FSWatcher, watch } from 'node:fs';

export interface FolderNoticesOptions {
  readonly folder: string;
  /** Entries that matter. */
  readonly matches: RegExp;
  /** An entry came, went or was replaced (`true`), or its rights changed (`false`). */
  onEntry(name: string, hasMoved: boolean): void;
  /** The notices ended or cannot be had: from now on there are none. */
  onLost(error: Error): void;
}

export interface FolderNotices {
  stop(): void;
}

/** Starts to listen; undefined (after `onLost`) where the kernel gives no notices of this folder. */
export function watchFolder(options: FolderNoticesOptions): FolderNotices | undefined {
  let watcher: FSWatcher;
  try {
    watcher = watch(options.folder, { persistent: false }, (event, name) => {
      if (name !== null && options.matches.test(name)) options.onEntry(name, event === 'rename');
    });
  } catch (error) {
    options.onLost(error as Error);
    return undefined;
  }
  watcher.on('error', (error) => {
    watcher.close();
    options.onLost(error);
  });
  return { stop: () => watcher.close() };
}
