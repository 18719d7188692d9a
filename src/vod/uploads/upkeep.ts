/** What must be looked after: uploads of a former hub, expired ones, checks that could not be made, files that nobody knows. */
import { WeirError } from '../../contracts/index.js';
import type { UploadRecord } from '../../store/index.js';
import type { UploadBook } from './book.js';
import type { Completion } from './complete.js';
import type { Fetching } from './fetch.js';
import type { LiveUploads } from './live.js';
import type { UploadsOptions } from './needs.js';
import type { UploadFiles } from './upload-files.js';

export interface UpkeepParts {
  readonly options: Pick<UploadsOptions, 'store' | 'log' | 'settings'>;
  readonly files: UploadFiles;
  readonly live: LiveUploads;
  readonly book: UploadBook;
  readonly completion: Completion;
  readonly fetching: Fetching;
}

const batch = 200;

/** Takes over what a former hub left. */
export async function takeOver(parts: UpkeepParts): Promise<void> {
  await deleteOrphans(parts);
  for (const upload of await parts.options.store.uploads.unfinished()) await goOn(parts, upload);
}

async function goOn(parts: UpkeepParts, upload: UploadRecord): Promise<void> {
  const { files, book, completion, fetching, live } = parts;
  const id = upload.upload_id;
  if (upload.state === 'checking') {
    void completion.complete(upload).catch(() => undefined);
    return;
  }
  const size = upload.method === 'path' ? undefined : await files.sizeOf(id);
  if (upload.method === 'url' && size !== undefined) {
    fetching.resume(upload);
    return;
  }
  if (upload.method !== 'tus' || size === undefined) {
    await book.end(upload, 'failed', new WeirError('cancelled', 'The hub was stopped before the upload was complete'));
    return;
  }
  const good = Math.min(size, upload.unverified_from ?? size);
  if (good < size) await files.cut(id, good);
  await book.note(id, { received_bytes: good, state: 'paused', unverified_from: null });
  if (upload.size_bytes !== null && good === upload.size_bytes) {
    const complete = await book.toChecking(id, good);
    if (complete !== undefined) void completion.complete(complete).catch(() => undefined);
    // Read again from the first byte, in the background, while the client asks where to go on.
  } else if (good > 0) live.follow(id, files.pathOf(id), good);
}

/** Folders of uploads whose row has ended and whose file no video keeps. The row is always there before the folder. */
async function deleteOrphans({ files, options }: UpkeepParts): Promise<void> {
  for (const id of await files.ids()) {
    const row = await options.store.uploads.get(id);
    if (row !== undefined && ['receiving', 'paused', 'checking'].includes(row.state)) continue;
    if ((await options.store.videos.sourceAt(files.pathOf(id))) !== undefined) continue;
    await files.remove(id);
    options.log.info({ upload_id: id }, 'deleted the file of an upload that nobody knows any more');
  }
}

/** One round. */
export async function sweep(parts: UpkeepParts): Promise<void> {
  const { options, book, completion, live } = parts;
  const now = new Date().toISOString();
  for (const upload of await options.store.uploads.expired(now, batch)) {
    if (live.isMoving(upload.upload_id)) continue;
    await book.end(upload, 'expired', new WeirError('deadline_exceeded', 'No further byte came in time'));
  }
  for (const upload of await options.store.uploads.unfinished()) {
    if (upload.state === 'checking' && !completion.isRunning(upload.upload_id)) void completion.complete(upload).catch(() => undefined);
  }
  await options.store.uploads.prune(new Date(Date.now() - options.settings.keep_jobs_days * 86_400_000).toISOString());
}
