/** Files that lie on the hub's machine already: named by path and used in place, or handed over by the library. */
import { realpath, stat } from 'node:fs/promises';
import { sep } from 'node:path';
import { type Session, type VideoDraft, WeirError } from '../../contracts/index.js';
import type { VideoRecord } from '../../store/index.js';
import type { UploadBook } from './book.js';
import type { Completion } from './complete.js';
import { checkTimes } from './draft.js';
import type { UploadsSettings } from './needs.js';
import type { Room } from './room.js';
import type { RecordedFile } from './types.js';
import type { UploadFiles } from './upload-files.js';

export interface InPlaceParts {
  readonly settings: UploadsSettings;
  readonly files: UploadFiles;
  readonly book: UploadBook;
  readonly completion: Completion;
  readonly room: Room;
}

/** Takes a file of `vod.source_folders`. Throws `permission_denied` for a path that really (links followed) lies elsewhere. */
export async function takeInPlace(parts: InPlaceParts, session: Session, path: string, draft: VideoDraft): Promise<VideoRecord> {
  const real = await allowedPath(path, parts.settings.source_folders);
  const facts = await stat(real);
  if (!facts.isFile()) throw new WeirError('invalid_argument', 'This is not a file', { field: 'path', received: path });
  parts.room.checkSize(facts.size, 'path');
  const upload = await parts.book.begin({
    method: 'path',
    session,
    name: real.split(sep).at(-1),
    sizeBytes: facts.size,
    draft: checkTimes(draft),
    inPlace: real,
  });
  return finish(parts, upload.upload_id, facts.size);
}

/** Takes over a file that the library made. */
export async function takeRecording(parts: InPlaceParts, session: Session, file: RecordedFile): Promise<VideoRecord> {
  const { size } = await stat(file.path);
  const upload = await parts.book.begin({ method: 'recording', session, name: file.name, sizeBytes: size, draft: checkTimes(file.draft) });
  try {
    file.signal.throwIfAborted();
    await parts.files.adopt(upload.upload_id, file.path);
  } catch (thrown) {
    await parts.book.end(upload, 'failed', WeirError.from(thrown));
    throw thrown;
  }
  return finish(parts, upload.upload_id, size);
}

async function finish({ book, completion }: InPlaceParts, uploadId: string, size: number): Promise<VideoRecord> {
  const upload = await book.toChecking(uploadId, size);
  if (upload === undefined) throw new WeirError('cancelled', 'The upload was cancelled');
  return completion.complete(upload);
}

/** What the path really names. A path outside is refused alike whether or not something is there. */
async function allowedPath(path: string, folders: readonly string[]): Promise<string> {
  if (!path.startsWith(sep) || path.includes('\0')) {
    throw new WeirError('invalid_argument', 'Write the whole path, beginning with /', { field: 'path', received: path.slice(0, 200) });
  }
  const roots = (await Promise.all(folders.map((folder) => realpath(folder).catch(() => undefined)))).filter((root) => root !== undefined);
  let real: string;
  try {
    real = await realpath(path);
  } catch (cause) {
    // A file that is missing is only told of where it would be allowed.
    if (!isWithin(path, [...roots, ...folders]) || path.split(sep).includes('..')) throw outside(path, folders);
    throw new WeirError('not_found', 'There is no such file', { field: 'path', received: path.slice(0, 200), cause });
  }
  if (!isWithin(real, roots)) throw outside(path, folders);
  return real;
}

function isWithin(path: string, folders: readonly string[]): boolean {
  return folders.some((folder) => path.startsWith(folder.endsWith(sep) ? folder : folder + sep));
}

function outside(path: string, folders: readonly string[]): WeirError {
  return new WeirError('permission_denied', 'The path is in none of the folders that sources may be taken from', {
    field: 'path',
    received: path.slice(0, 200),
    hint: folders.length === 0 ? 'vod.source_folders names none' : 'vod.source_folders names them; links are followed before it is compared',
  });
}
