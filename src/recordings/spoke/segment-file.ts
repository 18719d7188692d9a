/** One file on its way: written as `.part`, given its name when it is whole. */
import { type FileHandle, mkdir, open, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { flushInTurn } from './flush-gate.js';

/** What the writer needs of an open file. */
export interface SegmentFile {
  /** Appends all of it, or throws; then some of it may have been written. */
  append(parts: readonly Uint8Array[]): Promise<void>;
  /** Replaces bytes that were written before. */
  patch(bytes: Uint8Array, offset: number): Promise<void>;
  sync(): Promise<void>;
  /** Cuts it to so many bytes. */
  cut(sizeBytes: number): Promise<void>;
  /** False when it can no more be reached by this path. */
  isAt(path: string): Promise<boolean>;
  close(): Promise<void>;
}

/** Opens a new file; fails when there is one of that name. */
export type OpenSegmentFile = (path: string) => Promise<SegmentFile>;

/** Buffers of one call to the system. */
const mostBuffers = 512;

export const openSegmentFile: OpenSegmentFile = async (path) => {
  const handle = await withFolder(path, () => open(path, 'wx', 0o640));
  return {
    append: (parts) => appendAll(handle, parts),
    async patch(bytes, offset) {
      await handle.write(bytes, 0, bytes.length, offset);
    },
    sync: () => flushInTurn(() => handle.sync()),
    cut: (sizeBytes) => handle.truncate(sizeBytes),
    async isAt(where) {
      const [there, ours] = await Promise.all([stat(where).catch(() => undefined), handle.stat()]);
      return there?.ino === ours.ino;
    },
    close: () => handle.close(),
  };
};

async function appendAll(handle: FileHandle, parts: readonly Uint8Array[]): Promise<void> {
  for (let at = 0; at < parts.length; at += mostBuffers) {
    const some = parts.slice(at, at + mostBuffers);
    const size = some.reduce((sum, part) => sum + part.length, 0);
    let { bytesWritten } = await handle.writev([...some]);
    // A disk that is nearly full takes a part, and refuses the rest with the reason.
    while (bytesWritten < size) {
      const rest = Buffer.concat(some).subarray(bytesWritten);
      const more = await handle.write(rest);
      bytesWritten += more.bytesWritten;
      if (more.bytesWritten === 0) throw Object.assign(new Error('The disk takes no more'), { code: 'ENOSPC' });
    }
  }
}

/** Makes names in a folder outlive a loss of power. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  await flushInTurn(() => handle.sync()).finally(() => handle.close());
}

/** Does it, and once more after making the folder of `path` where there is none: a file is begun with as few calls as can be. */
export async function withFolder<T>(path: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    await mkdir(dirname(path), { recursive: true, mode: 0o750 });
    return write();
  }
}
