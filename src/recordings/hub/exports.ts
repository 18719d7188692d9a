/** Exports: one MP4 of a time, over as many files as it takes, without encoding anything again. */
import { randomUUID } from 'node:crypto';
import { chmod, mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type CreateExport, type Export, type StoredFile, WeirError } from '../../contracts/index.js';
import type { ExportRecord } from '../../store/index.js';
import { spawnProcess } from '../../supervisor/index.js';
import { concatList, type ExportPiece, findPieces, missingOf, type PieceNouns, withPieces } from './export-pieces.js';
import { iso } from './recording-view.js';
import type { DiskStorage } from './storage.js';
import { openStored, pathBelow } from './stored-file.js';

const maxWaiting = 100;
/** Copying is much faster than this even on slow disks; beyond it something hangs. */
const baseMs = 10 * 60_000;
const perHourMs = 5 * 60_000;
/** Progress goes into SQL this often. */
const noteMs = 1000;
/** As recordings are: for the owner, and to read for the group. */
const fileMode = 0o640;

export interface ExportNouns extends PieceNouns {
  readonly storage: DiskStorage;
  readonly ffmpeg: string | undefined;
}

/** Owns the exports: one at a time, in the order they were asked for. */
export class Exports {
  readonly #nouns: ExportNouns;
  #running: { readonly id: string; readonly abort: AbortController; readonly ended: Promise<void> } | undefined;
  #kicked = false;
  #isWorking = false;
  #isStopped = false;

  constructor(nouns: ExportNouns) {
    this.#nouns = nouns;
  }

  /** Takes up what a hub before left unfinished: it begins anew. */
  async start(): Promise<void> {
    const { parts } = this.#nouns;
    await mkdir(parts.folders.exports, { recursive: true, mode: 0o700 });
    for (const one of await parts.store.exports.unfinished()) {
      if (one.state === 'running') await parts.store.exports.update(one.export_id, { state: 'queued', progress: 0 }, ['running']);
    }
    this.#kick();
  }

  /** Throws `not_found` when nothing was recorded then, `failed_precondition` when the picture changes within it, or there is no room. */
  async create(request: CreateExport, by: string): Promise<Export> {
    const { parts, storage, ffmpeg } = this.#nouns;
    if (ffmpeg === undefined) throw new WeirError('unavailable', 'This hub has no FFmpeg to export with', { facts: { dependency: 'ffmpeg' } });
    const [fromMs, toMs] = [Date.parse(request.from), Date.parse(request.to)];
    const { max_export_s } = parts.settings().recordings;
    if (toMs <= fromMs || toMs - fromMs > max_export_s * 1000)
      throw new WeirError('invalid_argument', `A time to export is longer than nothing and at most ${max_export_s} s`, {
        field: 'to',
        received: request.to,
      });
    storage.needRoom();
    if ((await parts.store.exports.unfinished()).length >= maxWaiting)
      throw new WeirError('resource_exhausted', 'Too many exports wait', { hint: 'Try again when some are done' });
    const asked = { stream_id: request.stream_id, from_ms: fromMs, to_ms: toMs };
    const pieces = await findPieces(this.#nouns, asked);
    const bytes = pieces.reduce((sum, piece) => sum + piece.size_bytes, 0);
    const { room } = storage;
    if (room !== undefined && bytes > room.freeBytes - parts.settings().storage.min_free_bytes)
      throw new WeirError('failed_precondition', 'There is too little room on the disk for this export', {
        facts: { state: 'storage_blocked', allowed_states: ['ok', 'warning'], needed_bytes: bytes },
      });
    const name = request.name ?? `${request.stream_id}_${stamp(fromMs)}_${stamp(toMs)}_${randomUUID().slice(0, 4)}`;
    const record: ExportRecord = {
      export_id: randomUUID(),
      stream_id: request.stream_id,
      from_ms: fromMs,
      to_ms: toMs,
      name,
      state: 'queued',
      progress: 0,
      error: null,
      filename: `${name.replace(/\.mp4$/, '')}.mp4`,
      size_bytes: null,
      missing_ms: await missingOf(this.#nouns, asked, pieces),
      created_ms: Date.now(),
      created_by: by,
      expires_ms: null,
    };
    await parts.store.exports.insert(record);
    this.#kick();
    return showExport(record);
  }

  /** Throws `not_found` for one that there is not, or that `maySee` says no to: both are the same to whom asks. */
  async need(exportId: string, maySee: (streamId: string) => boolean = () => true): Promise<ExportRecord> {
    const found = await this.#nouns.parts.store.exports.get(exportId);
    if (found !== undefined && maySee(found.stream_id)) return found;
    throw new WeirError('not_found', `There is no export ${exportId}`, { facts: { resource: 'export', id: exportId } });
  }

  /** The export whose file has this name, with or without extension. Throws as `need`. */
  async byFilename(name: string, maySee: (streamId: string) => boolean = () => true): Promise<ExportRecord> {
    const { exports } = this.#nouns.parts.store;
    const found = (await exports.byFilename(name)) ?? (await exports.byFilename(`${name}.mp4`));
    if (found !== undefined && maySee(found.stream_id)) return found;
    throw new WeirError('not_found', `There is no export ${name}`, { facts: { resource: 'export', id: name } });
  }

  async stored(record: ExportRecord): Promise<StoredFile> {
    if (record.state !== 'done' || record.filename === null)
      throw new WeirError('failed_precondition', `The export ${record.name} is not done`, {
        facts: { state: record.state, allowed_states: ['done'] },
      });
    return openStored({
      path: await pathBelow(this.#nouns.parts.folders.exports, record.filename),
      filename: record.filename,
      contentType: 'video/mp4',
    });
  }

  /** Cancels what is not over: it stays in the list as `cancelled`, and its name is free again. Deletes what is over, file and row. */
  async remove(record: ExportRecord): Promise<void> {
    const { parts } = this.#nouns;
    const isCancelled = await parts.store.exports.update(record.export_id, { state: 'cancelled', ...this.#withoutFile() }, ['queued', 'running']);
    if (this.#running?.id === record.export_id) {
      this.#running.abort.abort(new WeirError('cancelled', 'The export was cancelled'));
      await this.#running.ended;
    }
    if (record.filename !== null) await rm(await pathBelow(parts.folders.exports, record.filename), { force: true });
    if (!isCancelled) await parts.store.exports.delete(record.export_id);
  }

  /** What is kept of an export that has no file: for as long as one with a file, under no name that another could want. */
  #withoutFile(): Pick<ExportRecord, 'filename' | 'expires_ms'> {
    return { filename: null, expires_ms: Date.now() + this.#nouns.parts.settings().recordings.export_keep_s * 1000 };
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#running?.abort.abort(new WeirError('cancelled', 'The hub stops'));
    await this.#running?.ended;
  }

  #kick(): void {
    this.#kicked = true;
    if (this.#isWorking || this.#isStopped) return;
    this.#isWorking = true;
    this.#work()
      .catch((error: unknown) => this.#nouns.parts.log.error({ err: error }, 'exports cannot go on'))
      .finally(() => {
        this.#isWorking = false;
      });
  }

  async #work(): Promise<void> {
    const { store, log } = this.#nouns.parts;
    while (this.#kicked && !this.#isStopped) {
      this.#kicked = false;
      for (const one of await store.exports.unfinished()) {
        if (this.#isStopped) return;
        const abort = new AbortController();
        const ended = this.#run(one, abort.signal).catch((error: unknown) =>
          log.error({ err: error, export_id: one.export_id }, 'an export could not be noted'),
        );
        this.#running = { id: one.export_id, abort, ended };
        await ended;
        this.#running = undefined;
      }
    }
  }

  async #run(record: ExportRecord, signal: AbortSignal): Promise<void> {
    const { parts } = this.#nouns;
    const { exports } = parts.store;
    if (!(await exports.update(record.export_id, { state: 'running', progress: 0 }, ['queued']))) return;
    const target = join(parts.folders.exports, record.filename ?? `${record.name}.mp4`);
    const beside = `${target}.part`;
    try {
      await withPieces(this.#nouns, record, async (pieces) => {
        // A running file has grown since the export was asked for.
        await exports.update(record.export_id, { missing_ms: await missingOf(this.#nouns, record, pieces) }, ['running']);
        await this.#copy(record, pieces, beside, signal);
      });
      await chmod(beside, fileMode);
      const { size } = await stat(beside);
      await rename(beside, target);
      const keepMs = parts.settings().recordings.export_keep_s * 1000;
      await exports.update(record.export_id, { state: 'done', progress: 100, size_bytes: size, expires_ms: Date.now() + keepMs }, ['running']);
    } catch (thrown) {
      // A hub that stops leaves it running in SQL, and the next one begins it anew.
      if (this.#isStopped) return;
      const error = WeirError.from(thrown);
      const changes = { state: 'failed', error: error.message.slice(0, 1024), ...this.#withoutFile() } as const;
      // One that was cancelled says so already.
      if (await exports.update(record.export_id, changes, ['running']))
        parts.log.warn({ err: error, export_id: record.export_id }, 'an export failed');
    } finally {
      await rm(beside, { force: true });
      await rm(`${target}.list`, { force: true });
    }
  }

  async #copy(record: ExportRecord, pieces: readonly ExportPiece[], beside: string, signal: AbortSignal): Promise<void> {
    const { parts, ffmpeg } = this.#nouns;
    if (ffmpeg === undefined) throw new WeirError('unavailable', 'This hub has no FFmpeg to export with');
    const list = `${beside.replace(/\.part$/, '')}.list`;
    await writeFile(list, concatList(pieces, record.from_ms, record.to_ms), { mode: 0o600 });
    const skipS = Math.max(0, record.from_ms - (pieces[0]?.started_ms ?? record.from_ms)) / 1000;
    const lengthMs = Math.max(1, pieces.reduce((sum, one) => sum + one.duration_ms, 0) - skipS * 1000);
    let notedAt = 0;
    const run = await spawnProcess({
      command: ffmpeg,
      args: exportArgs(list, beside),
      stdout: 'lines',
      ladder: [
        { signal: 'SIGTERM', waitMs: 2000 },
        { signal: 'SIGKILL', waitMs: 1000 },
      ],
      timeoutMs: baseMs + ((record.to_ms - record.from_ms) / 3_600_000) * perHourMs,
      signal,
      onLine: (line, from) => {
        const us = from === 'stdout' ? /^out_time_us=(\d+)$/.exec(line)?.[1] : undefined;
        if (us === undefined || performance.now() - notedAt < noteMs) return;
        notedAt = performance.now();
        const progress = Math.min(99, (100 * Number(us)) / 1000 / lengthMs);
        parts.store.exports.update(record.export_id, { progress }, ['running']).catch(() => undefined);
      },
    });
    const report = await run.exited;
    // A disk that is full at the very end makes a file without its index, and FFmpeg says 0 all the same.
    const isTorn = report.tail.some((line) => /Error (?:writing trailer|closing file)/.test(line));
    if (report.exitCode === 0 && !isTorn) return;
    if (signal.aborted) throw WeirError.from(signal.reason);
    if (report.timedOut) throw new WeirError('deadline_exceeded', 'FFmpeg took too long');
    throw new WeirError('unavailable', `FFmpeg could not join the files: ${report.tail.at(-1) ?? 'it said nothing'}`, {
      facts: { dependency: 'ffmpeg' },
    });
  }
}

/** The picture begins exactly where the list says: the file holds the keyframe before, and its edit list tells players where to begin. */
export function exportArgs(list: string, output: string): string[] {
  const head = ['-hide_banner', '-nostdin', '-nostats', '-loglevel', 'error', '-progress', 'pipe:1'];
  const input = ['-copyts', '-protocol_whitelist', 'file', '-f', 'concat', '-safe', '0', '-i', `file:${list}`];
  return [...head, ...input, '-map', '0', '-c', 'copy', '-copypriorss', '1', '-movflags', '+faststart', '-f', 'mp4', '-y', `file:${output}`];
}

export function showExport(record: ExportRecord): Export {
  const isDone = record.state === 'done' && record.filename !== null;
  return {
    export_id: record.export_id,
    stream_id: record.stream_id,
    from: iso(record.from_ms),
    to: iso(record.to_ms),
    name: record.name,
    state: record.state,
    progress: record.progress,
    error: record.error,
    filename: isDone ? record.filename : null,
    file_size: record.size_bytes,
    missing_s: record.missing_ms / 1000,
    download_url: isDone ? `/files/exports/${record.filename}` : null,
    created_at: iso(record.created_ms),
    created_by: record.created_by,
    expires_at: record.expires_ms === null ? null : iso(record.expires_ms),
  };
}

function stamp(ms: number): string {
  return iso(ms).slice(0, 19).replace('T', '_').replaceAll(':', '-');
}
