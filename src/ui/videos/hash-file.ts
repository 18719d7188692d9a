/** The digest by which content that is here already is known again. */

/** Larger files are not hashed: they would be held in memory whole. */
export const maxHashedBytes = 256 * 1024 * 1024;

/** SHA-256 in hexadecimal; undefined for a file that is too large, where the browser has no digests (plain HTTP), or when it cannot be read. */
export function hashFile(file: File, signal: AbortSignal): Promise<string | undefined> {
  if (file.size > maxHashedBytes || file.size === 0 || globalThis.crypto?.subtle === undefined) return Promise.resolve(undefined);
  return new Promise((resolve) => {
    const worker = new Worker(new URL('./hash-worker.ts', import.meta.url), { type: 'module' });
    const end = (sha256: string | undefined) => {
      worker.terminate();
      resolve(sha256);
    };
    worker.onmessage = ({ data }: MessageEvent<{ sha256?: string }>) => end(data.sha256);
    worker.onerror = () => end(undefined);
    signal.addEventListener('abort', () => end(undefined), { once: true });
    worker.postMessage(file);
  });
}
