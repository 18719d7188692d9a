/** Why a piece of a recording is missing, in words. Pure. */
import type { GapCause, RecordingState } from '../../contracts/recording.js';

/** One entry per cause of the contract: the compiler refuses this table when one is missing. */
export const gapWords: Record<GapCause, string> = {
  starting: 'The stream was starting',
  source_missing: 'The source was not there',
  source_unreachable: 'The source could not be reached',
  source_silent: 'The source had stopped sending',
  source_failed: 'The source failed',
  configured: 'The stream was being changed',
  ffmpeg_failed: 'FFmpeg failed',
  spoke_killed: 'The recording process was killed',
  spoke_stopped: 'The recording process was stopped',
  spoke_lost: 'The recording machine gave no sign of life',
  host_restarted: 'The machine was restarted',
  storage_blocked: 'There was too little room on the disk',
  disk_full: 'The disk was full',
  write_failed: 'The disk did not take the data',
  clock_changed: 'The clock was changed',
  deleted: 'It was deleted',
};

/** The sentence for a cause; one that this version does not know is shown as it is. */
export function gapSentence(cause: string | undefined): string {
  if (cause === undefined) return 'Missing, cause unknown';
  return gapWords[cause as GapCause] ?? cause.replaceAll('_', ' ');
}

const stateWords: Record<RecordingState, string> = {
  starting: 'Starts to record',
  recording: 'Recording',
  waiting: 'Waits for the picture',
  blocked: 'No room to record',
  stopping: 'Stops recording',
  stopped: 'Not recording',
  failed: 'Recording failed',
};

/** A recording's state in a few words. */
export function recordingWord(state: RecordingState): string {
  return stateWords[state];
}
