/** Is there room left? FFmpeg 5.1 writes empty segments to a full disk without a word, and ends well. */
import { statfs } from 'node:fs/promises';
import { attemptError } from './failure.js';

/** Less than that is none. */
const leastBytes = 256 * 1024;
const lookMs = 1000;

/** False where the system does not say. */
export async function isDiskFull(folder: string): Promise<boolean> {
  const disk = await statfs(folder).catch(() => undefined);
  return disk !== undefined && disk.bavail * disk.bsize < leastBytes;
}

/** Fires its signal, with the error of an attempt, as soon as the disk of this folder is full. */
export function watchDisk(folder: string, what: string): { readonly signal: AbortSignal; stop(): void } {
  const full = new AbortController();
  const timer = setInterval(async () => {
    if (await isDiskFull(folder)) full.abort(diskFull(what));
  }, lookMs);
  return { signal: full.signal, stop: () => clearInterval(timer) };
}

/** The failure of an attempt for want of room. */
export function diskFull(what: string, cause?: unknown) {
  return attemptError('resource_exhausted', `The disk was full during ${what}`, { reason: 'disk_full', permanent: false, cause });
}
