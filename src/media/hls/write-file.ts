/** Files that readers may hold open while they change. */
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Whoever opens the name gets the old or the new content, whole. */
export async function writeWhole(folder: string, name: string, content: string | Uint8Array): Promise<void> {
  const aside = join(folder, `.${name}.part`);
  await writeFile(aside, content);
  await rename(aside, join(folder, name));
}
