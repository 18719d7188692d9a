/** A small disk of its own, to be filled. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { makeTempFolder, removeFolder } from './temp-folder.js';

const mebi = 1_048_576;
/** No small disk is larger: what takes more is none. */
const mostBytes = 1024 * mebi;

export interface SmallDisk {
  /** Where it is mounted. */
  readonly folder: string;
  /** Writes to a new file until nothing more goes in. Fails for any other reason than a full disk. */
  fill(file: string): void;
  /** Takes it away, with all that is on it. */
  remove(): Promise<void>;
}

/** Mounts a disk of so many MiB, in memory; undefined where this user may not mount. */
export async function mountSmallDisk(sizeMib: number): Promise<SmallDisk | undefined> {
  const folder = await makeTempFolder('disk');
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeMib}m`, 'tmpfs', folder], { stdio: 'pipe' });
  } catch {
    await removeFolder(folder);
    return undefined;
  }
  return {
    folder,
    fill,
    async remove() {
      execFileSync('umount', ['-l', folder]);
      await removeFolder(folder);
    },
  };
}

function fill(file: string): void {
  // The last of it in small pieces, so that not even a little is left.
  for (const size of [mebi, 4096]) {
    const block = Buffer.alloc(size, 1);
    try {
      for (let written = 0; written < mostBytes; written += size) writeFileSync(file, block, { flag: 'a' });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    }
  }
}
