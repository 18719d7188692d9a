/** Serving the files of an output: playlists, segments, pictures, keys; never anything else that may lie in a folder. */
import { constants } from 'node:fs';
import { lstat, open } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { type StoredFile, WeirError } from '../../contracts/index.js';
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

/** Throws `not_found` for what is no file of the output. `isPublic`: any cache may keep it, and any page may play it. */
export async function openVideoFile(video: VideoRecord, filename: string, isPublic: boolean): Promise<StoredFile> {
  const extension = extname(filename);
  const contentType = contentTypes[extension];
  if (video.output_path === null || contentType === undefined) throw noFile(video.video_id, filename);
  return {
    ...(await openFile(join(video.output_path, filename), contentType)),
    delivery: {
      // Kept, but asked for again each time, by its tag: the next encode puts other contents under the same names.
      cacheControl: isPublic ? 'public, no-cache' : 'private, no-cache',
      compress: texts.has(extension),
      anyOrigin: isPublic,
    },
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

function safeName(name: string, videoId: string): string {
  const safe = name.replace(/[^A-Za-z0-9._-]+/g, '_').replace(/^[._]+/, '');
  return safe === '' ? videoId : safe.slice(0, 200);
}
