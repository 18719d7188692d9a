/** Putting a finished folder in place: a reader sees the old one or the new one, whole. */
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** An empty staging folder of this attempt; those that earlier attempts at the same output left are deleted. */
export async function openStaging(stagingPath: string): Promise<void> {
  const parent = dirname(stagingPath);
  await mkdir(parent, { recursive: true, mode: 0o755 });
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
  const aside = join(dirname(outputPath), `.${basename(outputPath)}.replaced`);
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

function ignoreMissing(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
}

/** `.video-1.7.part`: what it belongs to, and the revision of the lease it was made under. */
function partsOf(name: string): { stem: string; revision: number } {
  const [, stem = name, revision = '0'] = /^(\..*?)(\d+)\.part$/.exec(name) ?? [];
  return { stem, revision: Number(revision) };
}
