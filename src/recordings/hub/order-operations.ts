/** Operations on recordings as a whole: start, stop, plan, list, coverage, storage. */
import { roleAllows, WeirError } from '../../contracts/index.js';
import { coverageWithin } from './ledger.js';
import { needStream, type RecordingsNouns } from './nouns.js';
import type { RecordingsOperations } from './operations.js';
import { alreadyRecording } from './orders.js';
import { listedStreams, needOperate, needView } from './rights.js';

const maxCoverageMs = 31 * 86_400_000;

type OrderOperations = Pick<
  RecordingsOperations,
  | 'start_recording'
  | 'stop_recording'
  | 'get_recording'
  | 'set_recording_policy'
  | 'list_recordings'
  | 'coverage'
  | 'get_storage'
  | 'set_retention'
  | 'cleanup_storage'
>;

export function createOrderOperations(nouns: RecordingsNouns): OrderOperations {
  const { parts, orders, tracker, storage, retention } = nouns;
  return {
    async start_recording(session, { params, body }, { signal }) {
      const streamId = params.stream_id;
      needOperate(session, streamId);
      needStream(nouns, streamId);
      const running = orders.manualOf(streamId);
      if (running !== undefined) throw alreadyRecording(streamId, running);
      storage.needRoom();
      const record = await orders.begin(streamId, body ?? {}, session.username);
      // Nothing is lost when the answer comes too early: the spoke has the order, or gets it when it is back.
      await waitFor(nouns, () => isUnderWay(nouns, record.recording_id), signal);
      return tracker.show(orders.get(record.recording_id) ?? record);
    },
    async stop_recording(session, { params }, { signal }) {
      const streamId = params.stream_id;
      needOperate(session, streamId);
      const record = orders.manualOf(streamId);
      if (record === undefined) throw notRecording(nouns, streamId);
      await orders.end(record);
      await waitFor(nouns, () => orders.get(record.recording_id) === undefined, signal);
      const ended = (await parts.store.recordings.get(record.recording_id)) ?? record;
      return tracker.show(ended);
    },
    async get_recording(session, { params }) {
      needView(session, params.stream_id);
      needStream(nouns, params.stream_id);
      const due = orders.dueOf(params.stream_id);
      return { recording: due === undefined ? null : tracker.show(due), policy: orders.policyOf(params.stream_id) };
    },
    async set_recording_policy(session, { params, body }) {
      needOperate(session, params.stream_id);
      needStream(nouns, params.stream_id);
      return orders.setPolicy(params.stream_id, body);
    },
    async list_recordings(session, { query }) {
      const { limit, offset } = query;
      const streams = listedStreams(session, query.stream_id);
      const { items, total } = await parts.store.recordings.list({ limit, offset, streams, nowMs: Date.now() });
      return { items: items.map((record) => tracker.show(orders.get(record.recording_id) ?? record)), total, limit, offset };
    },
    async coverage(session, { params, query }) {
      needView(session, params.stream_id);
      const [fromMs, toMs] = [Date.parse(query.from), Date.parse(query.to)];
      if (toMs <= fromMs || toMs - fromMs > maxCoverageMs)
        throw new WeirError('invalid_argument', 'Coverage is told of a time longer than nothing and of at most 31 days', {
          field: 'to',
          received: query.to,
        });
      return coverageWithin(nouns, params.stream_id, fromMs, toMs);
    },
    get_storage: (session) => storage.show(roleAllows(session.role, 'admin'), session.streams),
    set_retention: (_session, { body }) => storage.setPolicy(body),
    cleanup_storage: () => retention.cleanup(),
  };
}

/** Recorded, or not to be recorded for a reason that is known. */
function isUnderWay({ spokes }: RecordingsNouns, recordingId: string): boolean {
  const live = spokes.of(recordingId);
  if (live === undefined) return false;
  const { state, cause } = live.status;
  return state === 'recording' || state === 'blocked' || state === 'failed' || (state === 'waiting' && cause !== 'starting');
}

async function waitFor({ spokes, parts }: RecordingsNouns, condition: () => boolean, signal: AbortSignal): Promise<void> {
  await spokes.until(condition, AbortSignal.any([signal, parts.signal, AbortSignal.timeout(parts.timing.answerMs)]));
  signal.throwIfAborted();
}

function notRecording({ orders, parts }: RecordingsNouns, streamId: string): WeirError {
  const due = orders.dueOf(streamId);
  if (due === undefined) {
    if (!parts.streams.exists(streamId))
      return new WeirError('not_found', `There is no stream ${streamId}`, { facts: { resource: 'stream', id: streamId } });
    return new WeirError('failed_precondition', `${streamId} is not being recorded`, { facts: { state: 'stopped', allowed_states: ['recording'] } });
  }
  return new WeirError('failed_precondition', `${streamId} is recorded by its plan (${due.origin}), which nobody started by hand`, {
    facts: { state: `recording_by_${due.origin}`, allowed_states: ['recording'] },
    hint: 'Change the recording policy of the stream to end it',
  });
}
