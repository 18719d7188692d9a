/** Compares index and disk, slowly: files that are gone are marked, files that nobody knows are told. */
import type { Dirent } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { RecordingsParts } from './needs.js';
import type { RecordingFiles } from './recording-files.js';

const pageRows = 500;
/** Younger files may be on their way into the index. */
const youngMs = 10 * 60_000;
const maxDepth = 4;
const maxOrphans = 1000;

export interface DiskCheckResult {
  /** Names of files that the index has and the disk does not. */
  readonly missing: string[];
  /** Files below the recordings folder that the index does not have; at most 1000. */
  readonly orphans: string[];
}

/**
 * Marks files that are gone, and takes the mark off those that came back. Only for spokes that keep their lists in the same folder:
 * the files of others, or of a disk that is not mounted, are not expected here.
 */
export async function checkDisk(parts: RecordingsParts, files: RecordingFiles): Promise<DiskCheckResult> {
  const missing: string[] = [];
  const orphans: string[] = [];
  const here = await writersHere(parts.folders.recordings);
  if (here.size === 0) return { missing, orphans };
  await markMissing(parts, files, here, missing);
  await findOrphans(parts, '', orphans, 0);
  if (missing.length > 0) parts.log.warn({ missing: missing.length, first: missing[0] }, 'files of the index are not on the disk');
  if (orphans.length > 0) parts.log.warn({ orphans: orphans.length, first: orphans[0] }, 'files in the recordings folder are not in the index');
  return { missing, orphans };
}

async function markMissing(parts: RecordingsParts, files: RecordingFiles, here: ReadonlySet<string>, missing: string[]): Promise<void> {
  for await (const row of indexed(parts)) {
    if (parts.signal.aborted) return;
    if (!here.has(row.spoke_id)) continue;
    const isThere = await isFile(files, row);
    if (!isThere) missing.push(row.filename);
    if (isThere !== (row.lost_ms === null)) await parts.store.recordings.markLost(row.filename, isThere ? null : Date.now());
  }
}

async function* indexed({ store }: RecordingsParts) {
  let after = '';
  for (;;) {
    const rows = await store.recordings.filenames(after, pageRows);
    yield* rows;
    after = rows.at(-1)?.filename ?? '';
    if (rows.length < pageRows) return;
  }
}

/** Spokes that write below this folder: each leaves its list in the folder of every stream it recorded. */
async function writersHere(folder: string): Promise<Set<string>> {
  const spokes = new Set<string>();
  const streams = await readdir(folder, { withFileTypes: true }).catch((): Dirent[] => []);
  for (const stream of streams) {
    if (!stream.isDirectory()) continue;
    for (const name of await readdir(join(folder, stream.name)).catch((): string[] => [])) {
      const spokeId = /^entries\.(.+)\.ndjson$/.exec(name)?.[1];
      if (spokeId !== undefined) spokes.add(spokeId);
    }
  }
  return spokes;
}

async function isFile(files: RecordingFiles, row: { path: string }): Promise<boolean> {
  try {
    return (await lstat(await files.pathOf(row))).isFile();
  } catch {
    return false;
  }
}

async function findOrphans(parts: RecordingsParts, below: string, orphans: string[], depth: number): Promise<void> {
  const entries = await readdir(join(parts.folders.recordings, below), { withFileTypes: true }).catch(() => []);
  for (const entry of entries) {
    if (orphans.length >= maxOrphans || parts.signal.aborted) return;
    const path = below === '' ? entry.name : `${below}/${entry.name}`;
    if (entry.isDirectory() && depth < maxDepth) await findOrphans(parts, path, orphans, depth + 1);
    else if (entry.isFile() && /\.(?:mp4|mkv)$/.test(entry.name) && (await isOrphan(parts, path, entry.name))) orphans.push(path);
  }
}

async function isOrphan(parts: RecordingsParts, path: string, name: string): Promise<boolean> {
  const facts = await lstat(join(parts.folders.recordings, path)).catch(() => undefined);
  if (facts === undefined || Date.now() - facts.mtimeMs < youngMs) return false;
  return (await parts.store.recordings.segment(name.replace(/\.(?:mp4|mkv)$/, ''))) === undefined;
}
