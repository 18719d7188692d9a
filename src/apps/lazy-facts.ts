/** What this machine's FFmpeg can do, found out beside the start instead of before it. */

import { WeirError } from '../contracts/index.js';
import { type FindOptions, findMachineFacts, type MachineFacts } from '../media/index.js';
import { findOptionalProgram } from '../supervisor/index.js';

/**
 * Begins to look; undefined when there is no such program. Where the programs are is known at once; reading another fact too early
 * fails with `unavailable`, and with the reason when that FFmpeg is not usable.
 */
export function findFactsLazily(options: FindOptions, onFailure: (error: unknown) => void): MachineFacts | undefined {
  const ffmpeg = findOptionalProgram(options.ffmpeg);
  const ffprobe = findOptionalProgram(options.ffprobe);
  if (ffmpeg === undefined || ffprobe === undefined) {
    onFailure(new WeirError('not_found', `${ffmpeg === undefined ? options.ffmpeg : options.ffprobe} was not found`));
    return undefined;
  }
  let found: MachineFacts | undefined;
  let failure: unknown;
  findMachineFacts(options).then(
    (facts) => {
      found = facts;
    },
    (error: unknown) => {
      failure = error;
      onFailure(error);
    },
  );
  const known = (): MachineFacts => {
    if (found !== undefined) return found;
    if (failure !== undefined) throw WeirError.from(failure);
    throw new WeirError('unavailable', 'FFmpeg is still being looked at', { retryAfterS: 1 });
  };
  return {
    ffmpeg,
    ffprobe,
    get version() {
      return known().version;
    },
    get fontFile() {
      return known().fontFile;
    },
    get encoders() {
      return known().encoders;
    },
    get renderNode() {
      return known().renderNode;
    },
  };
}
