/** Folders that live as long as a test. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A new empty folder below the system's temp folder; remove it with {@link removeFolder}, or use {@link withTempFolder}. */
export function makeTempFolder(name = 'test'): Promise<string> {
  return mkdtemp(join(tmpdir(), `weir-${name}-`));
}

/** Removes a folder with all in it; a process that still writes there is given a second to end. */
export function removeFolder(folder: string): Promise<void> {
  return rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
}

/** Runs `body` with a new folder and removes the folder afterwards, also when `body` fails. */
export async function withTempFolder<T>(body: (folder: string) => Promise<T>, name?: string): Promise<T> {
  const folder = await makeTempFolder(name);
  try {
    return await body(folder);
  } finally {
    await removeFolder(folder);
  }
}
