/** Paths that others name: inside the allowed folders, also after every symbolic link. */
import { readdir, realpath } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, normalize, sep } from 'node:path';
import { WeirError } from '../../contracts/index.js';

export interface AllowedFolders {
  readonly folders: readonly string[];
  /** Setting that names them, for the hint. */
  readonly setting: string;
}

/**
 * The path, normalised. Throws `invalid_argument` for one that is not absolute, `permission_denied` for one outside of the folders, or that
 * leads out of them by a link. What does not exist yet is judged by the nearest folder that does.
 */
export async function allowedPath(field: string, path: string, { folders, setting }: AllowedFolders): Promise<string> {
  if (!isAbsolute(path) || path.includes('\0')) {
    throw new WeirError('invalid_argument', `${field} must be an absolute path`, { field, received: path.slice(0, 200) });
  }
  const wanted = normalize(path).replace(/(?<=.)\/+$/, '');
  const refuse = () =>
    new WeirError('permission_denied', `${field} lies outside of the allowed folders`, {
      field,
      received: path.slice(0, 200),
      hint: folders.length === 0 ? `name the folder in ${setting}` : `use a path inside ${folders.join(' or ')}, or add its folder to ${setting}`,
    });
  if (!folders.some((folder) => isBelow(wanted, normalize(folder)))) throw refuse();
  const [real, roots] = await Promise.all([realOf(wanted), Promise.all(folders.map(realOf))]);
  if (!roots.some((root) => isBelow(real, root))) throw refuse();
  return wanted;
}

/** True for what lies in the folder; the folder itself does not. */
function isBelow(path: string, folder: string): boolean {
  const root = folder.endsWith(sep) ? folder : folder + sep;
  return path.startsWith(root) && path.length > root.length;
}

/**
 * The folder of a result is replaced as a whole. Throws `permission_denied` for a folder that holds anything but a result: it would be lost.
 * One that is not there, is empty, or only has a picture in it, may be used.
 */
export async function checkReplaceable(field: string, folder: string): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw notReplaceable(field, folder, 'is no folder that can be read');
  });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => entry.name);
  const isResult = files.some((name) => name.endsWith('.m3u8')) || files.every((name) => name === 'thumbnail.jpg');
  if (files.length !== entries.length || !isResult)
    throw notReplaceable(field, folder, 'holds something else than a result, which would be replaced');
}

function notReplaceable(field: string, received: string, why: string): WeirError {
  return new WeirError('permission_denied', `${field} ${why}`, {
    field,
    received: received.slice(0, 200),
    hint: 'name a folder of its own for each video',
  });
}

/** The path without links, as far as it exists. */
async function realOf(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch {
    const parent = dirname(path);
    return parent === path ? path : join(await realOf(parent), basename(path));
  }
}

/** Where an attempt writes: beside the output, so that it is put in place by a rename. */
export function stagingPath(outputPath: string, revision: number): string {
  return join(dirname(outputPath), `${stagingPrefix(outputPath)}${revision}`);
}

/** Names of all staging folders of an output begin so; a number follows. */
export function stagingPrefix(outputPath: string): string {
  return `.${basename(outputPath)}.r`;
}
