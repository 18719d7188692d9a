/** Where the files of recordings are, and what they are called. */
import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import type { RecordingFormat } from '../../contracts/index.js';
import type { PartNote } from './note.js';

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/** `{stream_id}_{YYYY-MM-DD_HH-MM-SS}_{6 letters or digits}`, in UTC; unique without looking at the disk. */
export function segmentName(streamId: string, atMs: number): string {
  const at = new Date(atMs).toISOString();
  return `${streamId}_${at.slice(0, 10)}_${at.slice(11, 19).replaceAll(':', '-')}_${salt(6)}`;
}

/** Of a file whose begin is not known yet. */
export function spareName(): string {
  return `next_${salt(12)}`;
}

function salt(length: number): string {
  return Array.from({ length }, () => alphabet[randomInt(alphabet.length)]).join('');
}

/** Folder of the files of one day, below the recordings folder. */
export function dayFolder(streamId: string, atMs: number): string {
  return `${streamId}/${new Date(atMs).toISOString().slice(0, 10)}`;
}

export function partPath(root: string, part: Pick<PartNote, 'folder' | 'filename'>): string {
  return join(root, part.folder, `${part.filename}.mp4.part`);
}

/** Below the recordings folder. */
export function finishedPath(part: Pick<PartNote, 'folder' | 'filename'>, format: RecordingFormat): string {
  return `${part.folder}/${part.filename}.${format === 'mkv' ? 'mkv' : 'mp4'}`;
}

/** Each spoke has files of its own: several may record one stream in turn, on one shared disk. */
export function listPath(root: string, streamId: string, spokeId: string): string {
  return join(root, streamId, `entries.${spokeId}.ndjson`);
}

export function notePath(root: string, streamId: string, spokeId: string): string {
  return join(root, streamId, `open.${spokeId}.json`);
}

/** True for what this module can have named: a file of that stream, and nothing outside its folder. */
export function isSegmentPath(streamId: string, path: string): boolean {
  const [stream, day = '', file = '', ...rest] = path.split('/');
  if (stream !== streamId || rest.length > 0 || !/^\d{4}-\d\d-\d\d$/.test(day)) return false;
  return /^[A-Za-z0-9][A-Za-z0-9_-]*\.(?:mp4|mkv)$/.test(file);
}
