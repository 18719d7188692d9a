/** A file system's refusals, in our codes. */
import { WeirError } from '../contracts/errors.js';

/** `resource_exhausted` for a full disk, `permission_denied` for what may not be written, else as {@link WeirError.from}. */
export function fileError(error: unknown, folder: string): WeirError {
  switch ((error as NodeJS.ErrnoException).code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new WeirError('resource_exhausted', `The disk of ${folder} is full`, {
        hint: 'Free some space, or choose another data folder',
        cause: error,
      });
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new WeirError('permission_denied', `${folder} may not be written`, { hint: 'Check who owns the data folder', cause: error });
    default:
      return WeirError.from(error);
  }
}

/** Runs `action`, which writes in `folder`; its failure is told by {@link fileError}. */
export function inFolder<T>(folder: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw fileError(error, folder);
  }
}
