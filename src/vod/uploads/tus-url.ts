/** Addresses of the resumable door; apart from it, since the library behind that is loaded with the first upload only. */
import { tusPath } from '../../contracts/index.js';

/** Where a client goes on with an upload: absolute only where an address was configured, since no header can be trusted to name ours. */
export function tusUrl(uploadId: string, publicUrl: string | undefined): string {
  return `${publicUrl?.replace(/\/+$/, '') ?? ''}${tusPath}/${uploadId}`;
}
