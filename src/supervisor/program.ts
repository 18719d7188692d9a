/** Finding programs, and the environment they are given. */
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, isAbsolute, join, resolve } from 'node:path';
import { WeirError } from '../contracts/errors.js';

const inheritedNames = [
  'PATH',
  'HOME',
  'USER',
  'LANG',
  'LC_ALL',
  'TZ',
  'TMPDIR',
  'LD_LIBRARY_PATH',
  'LIBVA_DRIVER_NAME',
  'XDG_RUNTIME_DIR',
  'SSL_CERT_FILE',
];

/** The environment of child processes: only what programs need to run, never our own secrets; plus `extra`. */
export function childEnvironment(extra: Readonly<Record<string, string>> = {}): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const name of inheritedNames) {
    const value = process.env[name];
    if (value !== undefined) environment[name] = value;
  }
  return { ...environment, ...extra };
}

/**
 * Absolute path of a program: a path is checked, a bare name is looked up in `searchPath` (default: PATH).
 * Throws `not_found` when there is none and `permission_denied` when it may not be run.
 */
export function findProgram(command: string, searchPath: string = process.env.PATH ?? ''): string {
  const candidates =
    isAbsolute(command) || command.includes('/')
      ? [resolve(command)]
      : searchPath
          .split(delimiter)
          .filter((folder) => folder !== '')
          .map((folder) => join(folder, command));
  let forbidden: string | undefined;
  for (const candidate of candidates) {
    try {
      if (!statSync(candidate).isFile()) continue;
    } catch {
      continue;
    }
    try {
      accessSync(candidate, constants.X_OK);
      return candidate;
    } catch {
      forbidden ??= candidate;
    }
  }
  if (forbidden !== undefined) {
    throw new WeirError('permission_denied', `${forbidden} may not be run`, { hint: `Make it executable: chmod +x ${forbidden}` });
  }
  throw new WeirError('not_found', `The program ${command} was not found`, {
    hint: command.includes('/') ? 'Check the path' : `Install ${command}, or configure the path of the program`,
  });
}

/** Like {@link findProgram}, but undefined when it is not there or may not be run. */
export function findOptionalProgram(command: string): string | undefined {
  try {
    return findProgram(command);
  } catch {
    return undefined;
  }
}
