/** Files that are served: by name below one folder, never through a link, in ranges. */
import { constants } from 'node:fs';
import { type FileHandle, lstat, open, realpath } from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';
import { type StoredFile, WeirError } from '../../contracts/index.js';

const chunkBytes = 256 * 1024;

/** The path of a file below a folder. Throws `not_found` when it would leave the folder, or a link stands on the way. */
export async function pathBelow(folder: string, relative: string): Promise<string> {
  const path = resolve(folder, relative);
  if (relative === '' || relative.includes('\0') || !path.startsWith(resolve(folder) + sep)) throw noFile(relative);
  try {
    const parent = await realpath(dirname(path));
    const root = await realpath(folder);
    if (parent !== root && !parent.startsWith(root + sep)) throw noFile(relative);
    return join(parent, path.slice(path.lastIndexOf(sep) + 1));
  } catch (error) {
    throw error instanceof WeirError ? error : noFile(relative, error);
  }
}

export interface FileToServe {
  readonly path: string;
  /** For the client: with extension. */
  readonly filename: string;
  readonly contentType: string;
}

/** Looks at a file; throws `not_found` when it is not there or is no plain file. */
export async function openStored({ path, filename, contentType }: FileToServe): Promise<StoredFile> {
  const facts = await lstat(path).catch((error: unknown) => {
    throw noFile(filename, error);
  });
  if (!facts.isFile()) throw noFile(filename);
  return {
    contentType,
    filename,
    sizeBytes: facts.size,
    modifiedAt: facts.mtime,
    etag: `"${facts.size.toString(16)}-${Math.trunc(facts.mtimeMs).toString(16)}"`,
    open: (start, end) => readRange(path, filename, start, Math.min(end, facts.size - 1)),
  };
}

/** Opens for reading; a link in the place of the file is refused. */
export async function openPlain(path: string): Promise<FileHandle> {
  return open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
}

/** The file stays open until the reader stops, so it is served whole although it is deleted meanwhile. */
async function* readRange(path: string, filename: string, start: number, end: number): AsyncGenerator<Uint8Array> {
  const file = await openPlain(path).catch((error: unknown) => {
    throw noFile(filename, error);
  });
  try {
    let at = start;
    while (at <= end) {
      const buffer = Buffer.allocUnsafe(Math.min(chunkBytes, end - at + 1));
      const { bytesRead } = await file.read(buffer, 0, buffer.length, at);
      if (bytesRead === 0) throw new WeirError('unavailable', `${filename} became shorter while it was read`);
      at += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}

export function noFile(name: string, cause?: unknown): WeirError {
  return new WeirError('not_found', `There is no file ${name.slice(0, 260)}`, { facts: { resource: 'file', id: name.slice(0, 260) }, cause });
}
