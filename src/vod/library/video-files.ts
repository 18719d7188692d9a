/** Serving the files of an output: playlists, segments, pictures, keys; never anything else that may lie in a folder. */
import { constants } from 'node:fs';
import { lstat, open } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { type Redirect, type StoredFile, WeirError } from '../../contracts/index.js';
import type { VideoRecord } from '../../store/index.js';

const chunkBytes = 256 * 1024;

/** As players want them. */
const contentTypes: Readonly<Record<string, string>> = {
  '.m3u8': 'application/vnd.apple.mpegurl',
  '.mpd': 'application/dash+xml',
  '.ts': 'video/mp2t',
  '.m4s': 'video/iso.segment',
  '.mp4': 'video/mp4',
  '.vtt': 'text/vtt; charset=utf-8',
  '.jpg': 'image/jpeg',
  '.png': 'image/png',
  '.key': 'application/octet-stream',
};

const texts: ReadonlySet<string> = new Set(['.m3u8', '.mpd', '.vtt']);
const playlists: ReadonlySet<string> = new Set(['.m3u8', '.mpd']);

/** Name under which the present thumbnail is found at the address that stays. */
const thumbnailFile = 'thumbnail.jpg';

/** As long as caches count. */
const forEver = 'max-age=31536000, immutable';

export interface Delivered {
  readonly video: VideoRecord;
  /** The library, absolute. */
  readonly library: string;
  /** Any cache may keep it, and any page may play it. */
  readonly isPublic: boolean;
}

/** Where a revision of a video lies in the library. */
export function revisionFolder(library: string, videoId: string, revision: number): string {
  return join(library, videoId, `r${revision}`);
}

/**
 * By the address without revision. A playlist leads on to its revision, so that all that a player fetches is of one encode; redirected rather
 * than rewritten, since every player takes the names in a playlist from where it was found in the end.
 */
export async function openCurrentFile({ video, isPublic }: Delivered, filename: string): Promise<StoredFile | Redirect> {
  const { output, output_path: folder } = video;
  if (output === null || folder === null) throw noFile(video.video_id, filename);
  if (playlists.has(extname(filename))) return { location: `r${output.revision}/${filename}`, anyOrigin: isPublic };
  return await openDelivered(join(folder, filename === thumbnailFile ? (output.thumbnail ?? filename) : filename), isPublic, 'no-cache');
}

/**
 * Throws `not_found` for what is no file of this revision, or when the revision is not kept any more. Only what lies in the library never
 * changes: a folder that a request named holds whatever was put there last, and a first encode still writes.
 */
export async function openRevisionFile({ video, library, isPublic }: Delivered, revision: number, filename: string): Promise<StoredFile> {
  const current = video.output?.revision;
  const kept = revisionFolder(library, video.video_id, revision);
  if (current === undefined || revision > current) throw noRevision(video, revision);
  if (revision < current) {
    return await openDelivered(join(kept, filename), isPublic, forEver).catch((cause: unknown) => {
      throw noRevision(video, revision, cause);
    });
  }
  const folder = video.output_path ?? kept;
  if (folder === kept) return await openDelivered(join(kept, filename), isPublic, video.published_at === null ? 'no-cache' : forEver);
  return await openDelivered(join(folder, filename), isPublic, 'no-cache').catch((error: unknown) => {
    // Put in place a moment ago, which its row does not say yet.
    if (video.published_at === null) return openDelivered(join(placeOf(folder), filename), isPublic, 'no-cache');
    throw error;
  });
}

/** Where the result goes that is written in a staging folder, `.name.r7` beside `name`. */
function placeOf(staging: string): string {
  return join(dirname(staging), basename(staging).replace(/^\.(.+)\.r\d+$/, '$1'));
}

async function openDelivered(path: string, isPublic: boolean, keep: string): Promise<StoredFile> {
  const extension = extname(path);
  const contentType = contentTypes[extension];
  if (contentType === undefined) throw noFile('', basename(path));
  return {
    ...(await openFile(path, contentType)),
    delivery: { cacheControl: `${isPublic ? 'public' : 'private'}, ${keep}`, compress: texts.has(extension), anyOrigin: isPublic },
  };
}

/** The source as it came, to keep. */
export async function openSource(video: VideoRecord): Promise<StoredFile> {
  const { source } = video;
  if (source === null || !source.kept) {
    throw new WeirError('failed_precondition', 'The source of this video is not kept any more', { facts: { state: 'source_deleted' } });
  }
  return { ...(await openFile(source.path, 'application/octet-stream')), filename: safeName(source.name, video.video_id) };
}

async function openFile(path: string, contentType: string): Promise<StoredFile> {
  const filename = basename(path);
  const facts = await lstat(path).catch((cause: unknown) => {
    throw noFile('', filename, cause);
  });
  if (!facts.isFile()) throw noFile('', filename);
  return {
    contentType,
    filename,
    sizeBytes: facts.size,
    modifiedAt: facts.mtime,
    etag: `"${facts.size.toString(16)}-${Math.trunc(facts.mtimeMs).toString(16)}"`,
    open: (start, end) => readRange(path, filename, start, end),
  };
}

/** The file stays open until the reader stops, so it is served whole although it is replaced meanwhile. */
async function* readRange(path: string, filename: string, start: number, end: number): AsyncGenerator<Uint8Array> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW).catch((cause: unknown) => {
    throw noFile('', filename, cause);
  });
  try {
    for (let at = start; at <= end; ) {
      const buffer = Buffer.allocUnsafe(Math.min(chunkBytes, end - at + 1));
      const { bytesRead } = await file.read(buffer, 0, buffer.length, at);
      if (bytesRead === 0) throw new WeirError('unavailable', `${filename} became shorter while it was read`);
      at += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}

function noFile(videoId: string, filename: string, cause?: unknown): WeirError {
  return new WeirError('not_found', `There is no file ${filename} of this video`, {
    facts: { resource: 'file', id: `${videoId}/${filename}` },
    cause,
  });
}

/** Who plays it loads the playlist anew and goes on with the present one. */
function noRevision({ video_id, output }: VideoRecord, revision: number, cause?: unknown): WeirError {
  return new WeirError('not_found', `Revision ${revision} of this video is not there`, {
    field: 'revision',
    received: revision,
    hint: output === null ? 'There is nothing to play yet' : `The present one is r${output.revision}; the address without revision leads to it`,
    facts: { resource: 'revision', id: `${video_id}/r${revision}` },
    cause,
  });
}

function safeName(name: string, videoId: string): string {
  const safe = name.replace(/[^A-Za-z0-9._-]+/g, '_').replace(/^[._]+/, '');
  return safe === '' ? videoId : safe.slice(0, 200);
}
