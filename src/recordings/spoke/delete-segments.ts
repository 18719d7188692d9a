/** Deletes finished files of one stream, and nothing else. */
import { lstat, realpath, rmdir, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isSegmentPath } from './names.js';

/** What `delete_segments` answers; a file that was not there counts as deleted. */
export interface DeletedSegments {
  readonly deleted: string[];
  readonly refused: { readonly path: string; readonly error: string }[];
}

/** `paths` are those of the entries, below the recordings folder. Never fails as a whole. */
export async function deleteSegments(root: string, streamId: string, paths: readonly string[]): Promise<DeletedSegments> {
  const deleted: string[] = [];
  const refused: { path: string; error: string }[] = [];
  const days = new Set<string>();
  for (const path of paths) {
    const error = isSegmentPath(streamId, path) ? await deleteOne(root, path) : 'This is no file of a recording of this stream';
    if (error !== undefined) refused.push({ path, error });
    else {
      deleted.push(path);
      days.add(dirname(join(root, path)));
    }
  }
  // Fails while there is something in it, which is meant.
  for (const day of days) await rmdir(day).catch(() => undefined);
  return { deleted, refused };
}

/** Why not, in words. */
async function deleteOne(root: string, path: string): Promise<string | undefined> {
  const file = join(root, path);
  try {
    // A link in the way leads to files that are none of ours.
    if ((await realpath(dirname(file))) !== join(await realpath(root), dirname(path))) return 'The folder leads elsewhere';
    if (!(await lstat(file)).isFile()) return 'This is no file';
    await unlink(file);
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? undefined : error instanceof Error ? error.message : String(error);
  }
}
