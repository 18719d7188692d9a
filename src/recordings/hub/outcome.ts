/** How a recording ended: with pictures, or without a single one, and then why. */
import type { GapCause } from '../../contracts/index.js';
import type { RecordingRecord } from '../../store/index.js';
import type { RecordingsStore } from './needs.js';
import type { LiveStatus } from './recording-view.js';

export interface Outcome {
  readonly state: 'stopped' | 'failed';
  readonly cause: GapCause | null;
  readonly error: string | null;
}

/** The clocks of hub and spoke may differ by so much. */
const skewMs = 60_000;

const stopped: Outcome = { state: 'stopped', cause: null, error: null };

/**
 * An order by hand that got no picture at all has failed; so has one by plan, unless another order had all of its time. The cause is that
 * of its last gap; where its spoke told of none, what was heard of it, or that nothing was. `live`: the last word about it before its end.
 */
export async function outcomeOf(store: RecordingsStore, record: RecordingRecord, live: LiveStatus | undefined): Promise<Outcome> {
  const { recording_id: recordingId, stream_id: streamId } = record;
  const kept = await store.recordings.get(recordingId);
  if ((kept ?? record).segments > 0) return stopped;
  const gaps = (await store.recordings.gapsWithin(streamId, record.from_ms - skewMs, Date.now() + skewMs)).filter(
    (gap) => gap.recording_id === recordingId,
  );
  // That it was starting is said first of anything that comes to nothing.
  const told = gaps.findLast((gap) => gap.cause !== 'starting') ?? gaps.at(-1);
  if (told !== undefined) return failed(told.cause, told.detail ?? undefined);
  if (record.origin !== 'manual') return stopped;
  if (live?.isHeard !== true) return failed('spoke_lost', live === undefined ? undefined : `spoke ${live.status.spoke_id} is not heard any more`);
  return failed(live.status.cause ?? 'starting', live.status.error);
}

function failed(cause: GapCause, detail: string | undefined): Outcome {
  return { state: 'failed', cause, error: `Not one picture was recorded: ${detail ?? cause}`.slice(0, 1024) };
}
