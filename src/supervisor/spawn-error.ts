/** The system's refusals to start a process, in our codes. */
import { WeirError } from '../contracts/errors.js';

/** Why `command` could not be started. */
export function spawnError(error: unknown, options: { command: string; cwd?: string }): WeirError {
  if (error instanceof WeirError) return error;
  const code = (error as NodeJS.ErrnoException).code;
  const message = `${options.command} could not be started: ${(error as Error).message}`;
  switch (code) {
    case 'ENOENT':
      return new WeirError('not_found', message, {
        cause: error,
        hint: options.cwd === undefined ? 'Check the path' : `Does the folder ${options.cwd} exist?`,
      });
    case 'EACCES':
    case 'EPERM':
      return new WeirError('permission_denied', message, { cause: error, hint: `May this user run ${options.command} and write its log file?` });
    case 'ENOSPC':
      return new WeirError('resource_exhausted', message, { cause: error, hint: 'The disk is full' });
    case 'EAGAIN':
    case 'EMFILE':
    case 'ENFILE':
    case 'ENOMEM':
      return new WeirError('resource_exhausted', message, { cause: error, hint: 'The system is out of processes, files or memory for this user' });
    default:
      return new WeirError('internal', message, { cause: error });
  }
}
