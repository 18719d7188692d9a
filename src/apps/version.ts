/** The version of this program, and where its files lie. */
import { readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Folder of the package: compiled programs are in `dist/apps`, or another folder of the same depth. */
export const packageFolder = dirname(findPackageFile(dirname(fileURLToPath(import.meta.url))));

/** As in package.json. */
export const version = (JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8')) as { version: string }).version;

/** The program that `process.execPath` runs to start Weir. */
export const cliFile = join(dirname(fileURLToPath(import.meta.url)), 'cli.js');

/** When this program was built: RFC 3339, from its own file. */
export function buildDate(): string {
  return statSync(fileURLToPath(import.meta.url)).mtime.toISOString();
}

function findPackageFile(from: string): string {
  const file = join(from, 'package.json');
  try {
    readFileSync(file);
    return file;
  } catch {
    const above = dirname(from);
    if (above === from) throw new Error('package.json of Weir is missing beside its programs');
    return findPackageFile(above);
  }
}
