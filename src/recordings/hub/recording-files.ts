/** The files of the index on disk: where they are, and how they go. */
import { lstat, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type AgentCommand, type GapCause, type StoredFile, WeirError } from '../../contracts/index.js';
import type { SegmentRecord } from '../../store/index.js';
import type { RecordingsParts } from './needs.js';
import { contentTypes, extensions } from './recording-view.js';
import type { Spokes } from './spokes.js';
import { openStored, pathBelow } from './stored-file.js';

const askMs = 5000;

/** Owns the way from a segment to its file. */
export class RecordingFiles {
  readonly #parts: RecordingsParts;
  readonly #spokes: Spokes;

  constructor(parts: RecordingsParts, spokes: Spokes) {
    this.#parts = parts;
    this.#spokes = spokes;
  }

  /** The segment by its name with or without extension. Throws `not_found`, also for one that `maySee` says no to: both are the same to whom asks. */
  async need(name: string, maySee: (streamId: string) => boolean = () => true): Promise<SegmentRecord> {
    const { recordings } = this.#parts.store;
    const found = (await recordings.segment(name)) ?? (await recordings.segment(name.replace(/\.(?:mp4|mkv)$/, '')));
    if (found !== undefined && maySee(found.stream_id)) return found;
    throw new WeirError('not_found', `There is no recording file ${name}`, { facts: { resource: 'recording', id: name } });
  }

  pathOf(segment: Pick<SegmentRecord, 'path'>): Promise<string> {
    return pathBelow(this.#parts.folders.recordings, segment.path);
  }

  /** Its file to serve. Throws `unavailable` naming the spoke when it is not on a disk that the hub sees. */
  async stored(segment: SegmentRecord): Promise<StoredFile> {
    const filename = `${segment.filename}.${extensions[segment.format]}`;
    try {
      return await openStored({ path: await this.pathOf(segment), filename, contentType: contentTypes[segment.format] });
    } catch (error) {
      if (!(error instanceof WeirError) || error.code !== 'not_found') throw error;
      throw this.elsewhere(await this.#looked(segment), error);
    }
  }

  /** A file that is not there although its spoke writes here was deleted by hand: no need to wait until index and disk are compared. */
  async #looked(segment: SegmentRecord): Promise<SegmentRecord> {
    const { folders, store, log } = this.#parts;
    if (segment.lost_ms !== null || !(await isWrittenHere(folders.recordings, segment))) return segment;
    const lost_ms = Date.now();
    await store.recordings.markLost(segment.filename, lost_ms);
    log.warn({ filename: segment.filename, stream_id: segment.stream_id }, 'a file of the index is not on the disk');
    return { ...segment, lost_ms };
  }

  elsewhere(segment: SegmentRecord, cause: unknown): WeirError {
    if (segment.lost_ms !== null) return new WeirError('not_found', `The file ${segment.filename} is not there any more`, { cause });
    return new WeirError('unavailable', `${segment.filename} is not on this hub's disk; spoke ${segment.spoke_id} wrote it`, {
      hint: 'Let hub and spokes share one recordings folder',
      facts: { dependency: 'storage', spoke_id: segment.spoke_id },
      cause,
    });
  }

  /**
   * Deletes file and row; the ledger says why. Throws `unavailable` when its spoke, on another disk, cannot be asked.
   * Whoever reads it just now reads on.
   */
  async remove(segment: SegmentRecord, gap: { cause: GapCause; detail: string }): Promise<void> {
    const path = await this.pathOf(segment).catch(() => undefined);
    const isHere = path !== undefined && (await openStored({ path, filename: segment.filename, contentType: '' }).then(ok, no));
    if (isHere && path !== undefined) {
      await rm(path, { force: true });
      // The folder of a day or stream goes with its last file; one that is not empty stays.
      if (dirname(segment.path).includes('/')) await rmdir(dirname(path)).catch(() => undefined);
    } else if (segment.lost_ms === null && this.#spokes.isOnline(segment.spoke_id)) await this.#askSpoke(segment);
    else if (segment.lost_ms === null && this.#spokes.lostSince(segment.spoke_id) !== undefined)
      throw new WeirError('unavailable', `Spoke ${segment.spoke_id}, which has ${segment.filename}, is not heard`, {
        facts: { dependency: 'spoke', spoke_id: segment.spoke_id },
      });
    await this.#parts.store.transaction((tx) => tx.recordings.removeSegment(segment.filename, gap));
  }

  async #askSpoke(segment: SegmentRecord): Promise<void> {
    const command: AgentCommand = { action: 'delete_segments', stream_id: segment.stream_id, paths: [segment.path] };
    const result = (await this.#spokes.command(segment.spoke_id, command, askMs, this.#parts.signal).catch((error: unknown) => {
      // The spoke has nothing of the stream any more: the file is gone with the rest.
      if (error instanceof WeirError && error.code === 'not_found') return undefined;
      throw error;
    })) as { refused?: { path: string; error: string }[] } | undefined;
    const refused = result?.refused?.[0];
    if (refused !== undefined) throw new WeirError('unavailable', `Spoke ${segment.spoke_id} could not delete ${segment.filename}: ${refused.error}`);
  }
}

const ok = () => true;
const no = () => false;

/** True when the list of the spoke is in the folder of the stream, so that its files should be there too. */
async function isWrittenHere(folder: string, { stream_id, spoke_id }: Pick<SegmentRecord, 'stream_id' | 'spoke_id'>): Promise<boolean> {
  return (await lstat(join(folder, stream_id, `entries.${spoke_id}.ndjson`)).catch(() => undefined))?.isFile() ?? false;
}
