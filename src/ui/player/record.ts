/** Recording and snapshots from a player: what its buttons and keys do. */
import { call, toApiError, urlOf } from '../core/api.js';
import { recordingOf, takeRecording } from '../core/recording-state.js';
import { timelineHref } from '../core/routing.js';
import { may } from '../core/session.js';
import { showToast } from '../core/toasts.js';

const under = new Set<string>();

/** Starts a recording, for `durationS` or until it is stopped. Says why when the hub refuses. */
export async function startRecording(streamId: string, durationS?: number): Promise<void> {
  await once(streamId, async () => {
    const body = durationS === undefined ? {} : { duration_s: durationS };
    takeRecording(streamId, await call('start_recording', { params: { stream_id: streamId }, body }));
  });
}

/** Stops the recording, or tells that a plan wants it. */
export async function stopRecording(streamId: string): Promise<void> {
  await once(streamId, async () => {
    const current = recordingOf(streamId).peek();
    if (current !== undefined && current.origin === undefined) await askRecording(streamId);
    const origin = recordingOf(streamId).peek()?.origin;
    if (origin === 'always' || origin === 'schedule') {
      showToast({
        tone: 'warn',
        title: 'A plan records this stream',
        text: 'Change the plan to end it.',
        href: timelineHref([streamId]),
      });
      return;
    }
    const recording = await call('stop_recording', { params: { stream_id: streamId } });
    takeRecording(streamId, recording);
    const at = recording.started_at === null ? undefined : Date.parse(recording.started_at);
    showToast({ tone: 'ok', title: 'The recording has ended', href: timelineHref([streamId], at) });
  });
}

/** Starts or stops, whichever makes sense now. */
export function toggleRecording(streamId: string): Promise<void> {
  return recordingOf(streamId).peek() === undefined ? startRecording(streamId) : stopRecording(streamId);
}

/** Reads what is recorded of a stream; a failure leaves what is known. */
export async function askRecording(streamId: string): Promise<void> {
  const answer = await call('get_recording', { params: { stream_id: streamId } }).catch(() => undefined);
  if (answer !== undefined) takeRecording(streamId, answer.recording);
}

/** Keeps a picture on the hub and shows it. */
export async function keepSnapshot(streamId: string): Promise<void> {
  if (!may('operator')) return;
  await once(`${streamId} snapshot`, async () => {
    const snapshot = await call('take_snapshot', { params: { stream_id: streamId }, body: {} });
    showToast({
      tone: 'ok',
      title: 'Snapshot kept',
      text: `${snapshot.width} × ${snapshot.height}`,
      href: '/recordings/snapshots',
      image: urlOf('snapshot_file', { filename: snapshot.filename }),
    });
  });
}

/** One at a time for each key; what goes wrong is said in the corner. */
async function once(key: string, work: () => Promise<void>): Promise<void> {
  if (under.has(key)) return;
  under.add(key);
  try {
    await work();
  } catch (thrown) {
    const error = toApiError(thrown);
    showToast({ tone: 'bad', title: error.message, text: error.hint });
  } finally {
    under.delete(key);
  }
}
