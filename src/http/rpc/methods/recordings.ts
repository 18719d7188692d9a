/** Recordings, snapshots, their files. */
import type { Recording, Segment, Snapshot } from '../../../contracts/index.js';
import type { MethodParts, RpcWorks } from '../call.js';
import { noRpcEvents, type RpcEvents } from '../events.js';
import { oneCamera } from './lists.js';
import { now, recordingWordOf } from './words.js';

type Names =
  | 'take_snapshot'
  | 'start_recording'
  | 'stop_recording'
  | 'list_recordings'
  | 'list_snapshots'
  | 'get_recording_info'
  | 'get_snapshot_info'
  | 'delete_recording'
  | 'delete_snapshot';

export function recordingWorks(parts: MethodParts): Pick<RpcWorks, Names> {
  return { ...ordering(parts), ...files(parts) };
}

/** A recording that begins within so long is answered with its file; the bound is what a camera takes that must be started first. */
const beginWaitMs = 1000;

function ordering({ operations, settings }: MethodParts): Pick<RpcWorks, 'take_snapshot' | 'start_recording' | 'stop_recording'> {
  return {
    async take_snapshot({ device, ...body }, call) {
      await oneCamera(operations, device, call);
      const snapshot = await operations.take_snapshot({ params: { stream_id: device }, query: undefined, body }, call.context);
      const { filename, taken_at, file_size } = snapshot;
      return { device, filename, status: 'SUCCESS', timestamp: taken_at, file_size, file_path: `/files/snapshots/${filename}` };
    },
    async start_recording({ device, duration, format }, call) {
      await oneCamera(operations, device, call);
      const at = { params: { stream_id: device }, query: undefined };
      const body = { format, ...(duration === undefined ? {} : { duration_s: duration }) };
      const word = listenForWord(settings.events ?? noRpcEvents, device);
      try {
        const ordered = await operations.start_recording({ ...at, body }, call.context);
        if (ordered.filename === null) await word.within(beginWaitMs, call.context.signal);
        const { recording } = await operations.get_recording({ ...at, body: undefined }, call.context);
        // It may be over already, and another one may have begun.
        const { filename, state, ...rest } = recording?.recording_id === ordered.recording_id ? recording : ordered;
        return { device, filename: filename ?? '', status: recordingWordOf[state], start_time: startOf(rest), format: rest.format };
      } finally {
        word.stop();
      }
    },
    async stop_recording({ device }, call) {
      await oneCamera(operations, device, call);
      const recording = await operations.stop_recording({ params: { stream_id: device }, query: undefined, body: undefined }, call.context);
      return {
        device,
        filename: recording.filename ?? '',
        status: recordingWordOf[recording.state],
        start_time: startOf(recording),
        end_time: recording.ended_at ?? now(),
        duration: Math.floor(recording.elapsed_s),
        file_size: recording.size_bytes,
        format: recording.format,
      };
    },
  };
}

/** Before its first frame, a recording began when it was asked for. */
function startOf({ started_at, requested_at }: Pick<Recording, 'started_at' | 'requested_at'>): string {
  return started_at ?? requested_at;
}

/** Hears whether a recording has begun or cannot. Listens from now on, so that nothing is missed between order and wait. */
function listenForWord(events: RpcEvents, device: string): { within(ms: number, signal: AbortSignal): Promise<void>; stop(): void } {
  let heard: () => void = () => undefined;
  const word = new Promise<void>((resolve) => {
    heard = resolve;
  });
  const stop = events.on((event) => {
    if (event.streamId === device && 'topic' in event && (event.topic === 'recording.start' || event.topic === 'recording.error')) heard();
  });
  return {
    async within(ms, signal) {
      const timer = setTimeout(heard, ms);
      signal.addEventListener('abort', heard, { once: true });
      await word;
      clearTimeout(timer);
      signal.removeEventListener('abort', heard);
    },
    stop,
  };
}

type FileNames = Exclude<Names, 'take_snapshot' | 'start_recording' | 'stop_recording'>;

function files({ operations }: MethodParts): Pick<RpcWorks, FileNames> {
  const fileOfSegment = ({ filename, file_size, ended_at, download_url }: Segment) => ({
    filename,
    file_size,
    modified_time: ended_at,
    download_url,
  });
  const fileOfSnapshot = ({ filename, file_size, taken_at, download_url }: Snapshot) => ({
    filename,
    file_size,
    modified_time: taken_at,
    download_url,
  });
  return {
    async list_recordings(query, { context }) {
      const { items, total, limit, offset } = await operations.list_segments({ params: undefined, query, body: undefined }, context);
      return { files: items.map(fileOfSegment), total, limit, offset };
    },
    async list_snapshots(query, { context }) {
      const { items, total, limit, offset } = await operations.list_snapshots({ params: undefined, query, body: undefined }, context);
      return { files: items.map(fileOfSnapshot), total, limit, offset };
    },
    async get_recording_info(params, { context }) {
      const segment = await operations.get_segment({ params, query: undefined, body: undefined }, context);
      const { filename, file_size, duration_s, started_at, download_url } = segment;
      return { filename, file_size, duration: Math.floor(duration_s), created_time: started_at, download_url };
    },
    async get_snapshot_info(params, { context }) {
      const { filename, file_size, taken_at, download_url } = await operations.get_snapshot({ params, query: undefined, body: undefined }, context);
      return { filename, file_size, created_time: taken_at, download_url };
    },
    async delete_recording(params, { context }) {
      const { filename, deleted, message } = await operations.delete_segment({ params, query: undefined, body: undefined }, context);
      return { filename, deleted, message };
    },
    async delete_snapshot(params, { context }) {
      const { filename, deleted, message } = await operations.delete_snapshot({ params, query: undefined, body: undefined }, context);
      return { filename, deleted, message };
    },
  };
}
