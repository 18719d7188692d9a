/** Compares index and disk, slowly: files that are gone or not as they were written are marked, files that nobody knows are told. */
import { randomUUID } from 'node:crypto';
import type { Dirent } from 'node:fs';
import { lstat, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RecordingsParts } from './needs.js';
import type { RecordingFiles } from './recording-files.js';

const pageRows = 500;
/** Younger files may be on their way into the index. */
const youngMs = 10 * 60_000;
const maxDepth = 4;
const maxOrphans = 1000;
/** Names the spokes that ever wrote below the folder, so that a stream whose folder was deleted whole is missed as well. */
const writersFile = '.writers';

export interface DiskCheckResult {
  /** Names of files that the index has and the disk does not. */
  readonly missing: string[];
  /** Names of files that are longer or shorter than their spoke wrote them. */
  readonly changed: string[];
  /** Files below the recordings folder that the index does not have; at most 1000. */
  readonly orphans: string[];
}

/**
 * Marks files that are gone or have another size, and takes the mark off those that are as they were. Only for spokes that keep their
 * lists in the same folder: the files of others, or of a disk that is not mounted, are not expected here.
 */
export async function checkDisk(parts: RecordingsParts, files: RecordingFiles): Promise<DiskCheckResult> {
  const found: DiskCheckResult = { missing: [], changed: [], orphans: [] };
  const here = await writersHere(parts.folders.recordings);
  if (here.size === 0) return found;
  await compare(parts, files, here, found);
  await findOrphans(parts, '', found.orphans, 0);
  const { missing, changed, orphans } = found;
  if (missing.length > 0) parts.log.warn({ missing: missing.length, first: missing[0] }, 'files of the index are not on the disk');
  if (changed.length > 0) parts.log.warn({ changed: changed.length, first: changed[0] }, 'files are not as they were written');
  if (orphans.length > 0) parts.log.warn({ orphans: orphans.length, first: orphans[0] }, 'files in the recordings folder are not in the index');
  return found;
}

async function compare(parts: RecordingsParts, files: RecordingFiles, here: ReadonlySet<string>, found: DiskCheckResult): Promise<void> {
  for await (const row of indexed(parts)) {
    if (parts.signal.aborted) return;
    if (!here.has(row.spoke_id)) continue;
    const sizeBytes = await sizeOf(files, row);
    if (sizeBytes === undefined) found.missing.push(row.filename);
    else if (sizeBytes !== row.size_bytes) found.changed.push(row.filename);
    const isWhole = sizeBytes === row.size_bytes;
    if (isWhole !== (row.lost_ms === null)) await parts.store.recordings.markLost(row.filename, isWhole ? null : Date.now());
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

/** Spokes that write below this folder, now or before: each leaves its list in the folder of every stream it recorded. */
async function writersHere(folder: string): Promise<ReadonlySet<string>> {
  const known = (await readFile(join(folder, writersFile), 'utf8').catch(() => '')).split('\n').filter((line) => line !== '');
  const spokes = new Set(known);
  const streams = await readdir(folder, { withFileTypes: true }).catch((): Dirent[] => []);
  for (const stream of streams) {
    if (!stream.isDirectory()) continue;
    for (const name of await readdir(join(folder, stream.name)).catch((): string[] => [])) {
      const spokeId = /^entries\.(.+)\.ndjson$/.exec(name)?.[1];
      if (spokeId !== undefined) spokes.add(spokeId);
    }
  }
  if (spokes.size > known.length) await noteWriters(folder, [...spokes]);
  return spokes;
}

async function noteWriters(folder: string, spokes: readonly string[]): Promise<void> {
  const beside = join(folder, `${writersFile}.${randomUUID()}`);
  // A folder that cannot be written to is compared all the same.
  await writeFile(beside, `${spokes.join('\n')}\n`, { mode: 0o600 })
    .then(() => rename(beside, join(folder, writersFile)))
    .catch(() => undefined);
}

/** Undefined where there is no such file. Fails when the disk does not answer: then nothing is known of the file. */
async function sizeOf(files: RecordingFiles, row: { path: string }): Promise<number | undefined> {
  try {
    const facts = await lstat(await files.pathOf(row));
    return facts.isFile() ? facts.size : undefined;
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'not_found') return undefined;
    throw error;
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
