/** Which files a worker touches: those below its folders, whatever links lead where. */
import { lstat, realpath } from 'node:fs/promises';
import { basename, dirname, join, sep } from 'node:path';
import { WeirError } from '../../contracts/index.js';

/** The real path of a source. Throws `permission_denied` outside the folders, `not_found` when it is not there or no file. */
export async function allowedSource(path: string, folders: readonly string[]): Promise<string> {
  const real = await realpath(path).catch((cause: unknown) => {
    throw new WeirError('not_found', `The source ${path} is not there`, { field: 'source_path', received: path, cause });
  });
  if (!(await isBelow(real, folders))) throw outside('source_path', path, 'vod.source_folders');
  if (!(await lstat(real)).isFile()) throw new WeirError('not_found', `The source ${path} is no file`, { field: 'source_path', received: path });
  return real;
}

/** Checks a folder that need not exist yet. Throws `permission_denied` outside the folders. */
export async function allowedOutput(path: string, folders: readonly string[]): Promise<string> {
  if (!(await isBelow(await realAncestor(path), folders))) throw outside('output_path', path, 'vod.output_folders');
  return path;
}

function outside(field: string, received: string, setting: string): WeirError {
  return new WeirError('permission_denied', `${received} is not in a folder that this worker may use`, {
    field,
    received,
    hint: `Name its folder in ${setting}, for the hub and for this worker`,
  });
}

async function isBelow(real: string, folders: readonly string[]): Promise<boolean> {
  for (const folder of folders) {
    const top = await realpath(folder).catch(() => undefined);
    if (top !== undefined && real.startsWith(top.endsWith(sep) ? top : top + sep)) return true;
  }
  return false;
}

/** The path with every link in the part that exists followed. */
async function realAncestor(path: string): Promise<string> {
  const real = await realpath(path).catch(() => undefined);
  if (real !== undefined || dirname(path) === path) return real ?? path;
  return join(await realAncestor(dirname(path)), basename(path));
}
