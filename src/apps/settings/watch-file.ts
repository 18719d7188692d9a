/** Tells when a file may have changed, however it was written: in place, by rename, by delete and re-create, through a link. */
import { type FSWatcher, statSync, watch } from 'node:fs';
import { basename, dirname } from 'node:path';

export interface WatchFileOptions {
  /** Every path that the file may be at. */
  readonly paths: readonly string[];
  /** Called after `debounceMs` without further news. */
  readonly onChange: () => void;
  readonly debounceMs: number;
  /** Files are compared so often besides, for what no event tells (links to elsewhere, network file systems). */
  readonly lookMs: number;
}

/** Where Kubernetes switches a mounted file over to its next version. */
const switchedLink = '..data';

/** Starts to watch; returns the way to stop. Never keeps the process alive. A folder that cannot be watched is looked at only. */
export function watchFile({ paths, onChange, debounceMs, lookMs }: WatchFileOptions): () => void {
  const watchers = new Map<string, FSWatcher>();
  const names = new Set([...paths.map((path) => basename(path)), switchedLink]);
  let seen = fingerprint(paths);
  let rest: NodeJS.Timeout | undefined;
  const settle = () => {
    rest = undefined;
    seen = fingerprint(paths);
    onChange();
  };
  const heard = () => {
    clearTimeout(rest);
    rest = setTimeout(settle, debounceMs);
    rest.unref();
  };
  const open = (folder: string) => {
    if (watchers.has(folder)) return;
    try {
      const watcher = watch(folder, { persistent: false }, (_event, name) => {
        if (name === null || names.has(name)) heard();
      });
      const end = () => {
        watcher.close();
        watchers.delete(folder);
      };
      watcher.on('error', end);
      watchers.set(folder, watcher);
    } catch {
      // It is not there yet, or may not be watched: the regular look tries again.
    }
  };
  const folders = [...new Set(paths.map((path) => dirname(path)))];
  for (const folder of folders) open(folder);
  const look = setInterval(() => {
    for (const folder of folders) open(folder);
    const now = fingerprint(paths);
    if (now === seen) return;
    seen = now;
    heard();
  }, lookMs);
  look.unref();
  return () => {
    clearInterval(look);
    clearTimeout(rest);
    for (const watcher of watchers.values()) watcher.close();
    watchers.clear();
  };
}

function fingerprint(paths: readonly string[]): string {
  return paths
    .map((path) => {
      const stats = statSync(path, { throwIfNoEntry: false });
      return stats === undefined ? '-' : `${stats.ino}:${stats.mtimeMs}:${stats.ctimeMs}:${stats.size}`;
    })
    .join(' ');
}
