/** Putting a finished folder in place: a reader sees the old one or the new one, whole. */
import { access, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** An empty staging folder of this attempt. What earlier attempts at the same output left is deleted, and what one broke by its death is mended. */
export async function openStaging(stagingPath: string, outputPath: string): Promise<void> {
  const parent = dirname(stagingPath);
  await mkdir(parent, { recursive: true, mode: 0o755 });
  await mend(outputPath);
  const mine = partsOf(basename(stagingPath));
  for (const name of await readdir(parent)) {
    const other = partsOf(name);
    // A higher revision belongs to somebody who works now.
    if (other.stem === mine.stem && other.revision <= mine.revision) await rm(join(parent, name), { recursive: true, force: true });
  }
  await mkdir(stagingPath, { mode: 0o755 });
}

/** Renames the folder into place. A folder that is there already is moved aside first and deleted afterwards. */
export async function putInPlace(stagingPath: string, outputPath: string): Promise<void> {
  // Whoever lost the job meanwhile has lost this folder too, and must not touch what the next one has put there.
  await access(stagingPath);
  const aside = asideOf(outputPath);
  await rm(aside, { recursive: true, force: true });
  await rename(outputPath, aside).catch(ignoreMissing);
  try {
    await rename(stagingPath, outputPath);
  } catch (error) {
    // Better the old one than none.
    await rename(aside, outputPath).catch(ignoreMissing);
    throw error;
  }
  await rm(aside, { recursive: true, force: true });
}

/** A worker may have died between two of its renames: then the old result is back, or what is left of it goes. */
async function mend(outputPath: string): Promise<void> {
  const aside = asideOf(outputPath);
  const isThere = await access(outputPath).then(
    () => true,
    () => false,
  );
  if (isThere) await rm(aside, { recursive: true, force: true });
  else await rename(aside, outputPath).catch(ignoreMissing);
}

function asideOf(outputPath: string): string {
  return join(dirname(outputPath), `.${basename(outputPath)}.replaced`);
}

function ignoreMissing(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
}

/** `.video-1.r7` beside `video-1`, or `.r7.r7` in the folder of a video of the library: what it belongs to, and the revision of the lease. */
function partsOf(name: string): { stem: string; revision: number } {
  const [, stem = name, revision = '0'] = /^(\..+\.r)(\d+)$/.exec(name) ?? [];
  return { stem: /^\.r\d+\.r$/.test(stem) ? '.r' : stem, revision: Number(revision) };
}
