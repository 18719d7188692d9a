/**
 * The files of uploads: `<folder>/<upload_id>/source`, both parts made by us.
 *
 * What is durable when: the folder of an upload is, once it was made; the bytes are when an upload is complete, before anything is told of
 * it. In between the system writes at its own pace (it is asked to begin now and then, so that the end is short). A power failure may take
 * back what was acknowledged last, and then the size of the file says so: it is the only truth about how far an upload has come, and a
 * client asks for it before it goes on.
 */
import { copyFile, link, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';

/** As `randomUUID` makes them. */
const uploadIdForm = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** True for an id that can be one of ours; anything else never comes near the disk. */
export function isUploadId(id: string): boolean {
  return uploadIdForm.test(id);
}

export class UploadFiles {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = resolve(folder);
  }

  /** Where the bytes of an upload lie. Throws for an id that is not ours, which is a fault of the program. */
  pathOf(uploadId: string): string {
    if (!isUploadId(uploadId)) throw new Error('not the id of an upload');
    return join(this.folder, uploadId, 'source');
  }

  async prepare(): Promise<void> {
    await mkdir(this.folder, { recursive: true, mode: 0o750 });
  }

  /** Makes an empty file. */
  async create(uploadId: string): Promise<void> {
    const path = this.pathOf(uploadId);
    await mkdir(dirname(path), { mode: 0o750 });
    await (await open(path, 'wx', 0o640)).close();
    await syncFolder(dirname(path));
    await syncFolder(this.folder);
  }

  /** Takes a file over: moved where that is possible, else copied. */
  async adopt(uploadId: string, from: string): Promise<void> {
    const path = this.pathOf(uploadId);
    await mkdir(dirname(path), { recursive: true, mode: 0o750 });
    try {
      await rename(from, path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error;
      await copyFile(from, path);
      await rm(from, { force: true });
    }
    await syncFolder(dirname(path));
    await syncFolder(this.folder);
  }

  /**
   * A second name for the same bytes: either may be deleted without the other. False where the file is gone, or the file system knows no
   * such names.
   */
  async link(uploadId: string, from: string): Promise<boolean> {
    const path = this.pathOf(uploadId);
    await mkdir(dirname(path), { mode: 0o750 });
    try {
      await link(from, path);
    } catch (error) {
      await this.remove(uploadId);
      if (['ENOENT', 'EXDEV', 'EPERM', 'EMLINK', 'ENOTSUP', 'EOPNOTSUPP'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
      throw error;
    }
    await syncFolder(dirname(path));
    await syncFolder(this.folder);
    return true;
  }

  /** Undefined when the file is gone. */
  async sizeOf(uploadId: string): Promise<number | undefined> {
    try {
      return (await stat(this.pathOf(uploadId))).size;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** Cuts off what is behind `size`. */
  async cut(uploadId: string, size: number): Promise<void> {
    const file = await open(this.pathOf(uploadId), 'r+');
    try {
      await file.truncate(size);
    } finally {
      await file.close();
    }
  }

  /** Everything written is on the disk afterwards. */
  async sync(uploadId: string): Promise<void> {
    const file = await open(this.pathOf(uploadId), 'r+');
    try {
      await file.sync();
    } finally {
      await file.close();
    }
  }

  async remove(uploadId: string): Promise<void> {
    await rm(dirname(this.pathOf(uploadId)), { recursive: true, force: true });
  }

  /** Deletes the file of a source that was let go of, if it is one of ours. */
  async removeSource(path: string): Promise<void> {
    const uploadId = this.idOfPath(path);
    if (uploadId !== undefined) await this.remove(uploadId);
  }

  /** The upload that a path belongs to; undefined for a path that is not ours. */
  idOfPath(path: string): string | undefined {
    const id = dirname(path).slice(this.folder.length + 1);
    return isUploadId(id) && this.pathOf(id) === path ? id : undefined;
  }

  /** Ids of all uploads that have a folder. */
  async ids(): Promise<string[]> {
    const entries = await readdir(this.folder, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory() && isUploadId(entry.name)).map((entry) => entry.name);
  }
}

/** A file is only there after a power failure when its folder was written as well. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
