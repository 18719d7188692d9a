/** Live streams of cameras. */
import { type Camera, type CommandResult, type Stream, WeirError } from '../../../contracts/index.js';
import type { MethodParts, RpcCall, RpcOperations, RpcWorks } from '../call.js';
import { allStreams, oneCamera, streamOf } from './lists.js';
import { isReady, now, playUrl, secondsSince, withoutDeviceNodes } from './words.js';

/** A camera that is not known to be there must show its first picture within this time. */
const firstPictureS = 10;

/** The command is told only when it is known at once: a start does not wait for it. */
const commandWaitMs = 25;

type Names = 'start_streaming' | 'stop_streaming' | 'get_stream_url' | 'get_stream_status' | 'get_streams';

export function streamWorks(parts: MethodParts): Pick<RpcWorks, Names> {
  return { ...commanding(parts), ...asking(parts) };
}

function commanding({ operations, settings }: MethodParts): Pick<RpcWorks, 'start_streaming' | 'stop_streaming'> {
  return {
    async start_streaming({ device }, call) {
      const camera = await oneCamera(operations, device, call);
      const command = commandOf(operations, device, call);
      const body = isSurelyThere(camera) ? undefined : { wait_s: firstPictureS };
      const { result, stream } = await operations.start_stream({ params: { stream_id: device }, query: undefined, body }, call.context);
      throwUnlessOk(result);
      // Whoever starts it wants to see it: it does not wait for somebody who watches.
      return {
        device,
        stream_name: device,
        stream_url: playUrl(camera.streams),
        status: 'STARTED',
        start_time: stream.status?.started_at ?? now(),
        auto_close_after: stream.on_demand ? `${settings.facts.lingerS}s` : '0s',
        ffmpeg_command: await command,
      };
    },
    async stop_streaming({ device }, call) {
      const camera = await oneCamera(operations, device, call);
      const before = await streamOf(operations, device, call);
      if (isStopped(before)) {
        throw new WeirError('failed_precondition', `The stream of ${device} does not run`, {
          facts: { state: 'INACTIVE', allowed_states: ['ACTIVE', 'STARTING', 'ERROR'] },
        });
      }
      // What runs on demand must come again for the next viewer, whoever stopped it.
      const body = before.on_demand ? { release: true } : undefined;
      const { result, stream } = await operations.stop_stream({ params: { stream_id: device }, query: undefined, body }, call.context);
      throwUnlessOk(result);
      const isNeeded = stream.desired === 'running' && (!stream.on_demand || stream.viewers > 0);
      const continues = isNeeded || camera.recording;
      const end = now();
      const start = before.status?.started_at ?? before.updated_at;
      return {
        device,
        stream_name: device,
        status: 'STOPPED',
        start_time: start,
        end_time: end,
        duration: before.status?.started_at === undefined ? 0 : secondsSince(start, Date.parse(end)),
        stream_continues: continues,
        message: continues ? 'It runs on, because it is needed elsewhere' : 'The stream is stopped',
      };
    },
  };
}

/** What is plugged in, or here, needs no proof; what lies across a network may be gone since it was last looked at. */
function isSurelyThere({ kind, status }: Camera): boolean {
  return status === 'CONNECTED' && (kind === 'v4l2' || kind === 'test' || kind === 'file');
}

function isStopped({ desired, on_demand, status }: Stream): boolean {
  return (desired === 'stopped' || on_demand) && (status === null || status.state === 'stopped');
}

function throwUnlessOk(result: CommandResult): void {
  if (result.ok) return;
  if (result.error !== undefined) throw WeirError.fromProblem(result.error);
  throw new WeirError('unavailable', 'The spoke did not carry it out', { facts: { dependency: 'spoke' } });
}

/** Resolves to the command line, or to nothing when it is not known in time. Never rejects. */
function commandOf(operations: RpcOperations, device: string, { context }: RpcCall): Promise<string> {
  const asked = Promise.resolve(operations.stream_command_preview({ params: { stream_id: device }, query: {}, body: undefined }, context)).then(
    ({ command }) => command.map((part) => withoutDeviceNodes(part, device)).join(' '),
    () => '',
  );
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(''), commandWaitMs);
    void asked.then((command) => {
      clearTimeout(timer);
      resolve(command);
    });
  });
}

function asking({ operations, settings }: MethodParts): Pick<RpcWorks, 'get_stream_url' | 'get_stream_status' | 'get_streams'> {
  // Some watch through the gateway, some at the hub; what the gateway itself fetches there counts among the latter.
  const readersOf = (stream: Stream) => Math.max(stream.viewers, settings.gatewayPath?.(stream.stream_id)?.readers ?? 0);
  return {
    async get_stream_url({ device }, call) {
      const camera = await oneCamera(operations, device, call);
      const stream = await streamOf(operations, device, call);
      const ready = isReady(stream);
      return {
        device,
        stream_name: device,
        stream_url: playUrl(camera.streams),
        available: ready || (stream.desired === 'running' && stream.on_demand && camera.status === 'CONNECTED'),
        active_consumers: readersOf(stream),
        stream_status: ready ? 'READY' : stream.status?.state === 'error' || camera.status === 'ERROR' ? 'ERROR' : 'NOT_READY',
      };
    },
    async get_stream_status({ device }, call) {
      const { recording } = await oneCamera(operations, device, call);
      const stream = await streamOf(operations, device, call);
      const { status, progress } = stream;
      const ready = isReady(stream);
      const pid = status?.pid ?? 0;
      return {
        device,
        stream_name: device,
        status: statusWord(stream, recording),
        ready,
        ffmpeg_process: { running: pid > 0, pid, uptime: pid > 0 ? secondsSince(status?.started_at) : 0 },
        mediamtx_path: settings.gatewayPath?.(device) ?? { exists: true, ready, readers: stream.viewers },
        metrics: {
          bytes_sent: progress?.total_size_bytes ?? 0,
          frames_sent: progress?.frame ?? 0,
          bitrate: ready ? Math.round((progress?.bitrate_kbps ?? 0) * 1000) : 0,
          fps: ready ? (progress?.fps ?? 0) : 0,
        },
        start_time: pid > 0 ? (status?.started_at ?? null) : null,
      };
    },
    async get_streams(_params, call) {
      const streams = await allStreams(operations, call);
      return streams.map((stream) => ({
        name: stream.stream_id,
        source: withoutDeviceNodes(stream.config.device ?? '', stream.stream_id),
        ready: isReady(stream),
        readers: readersOf(stream),
        bytes_sent: stream.progress?.total_size_bytes ?? 0,
      }));
    },
  };
}

function statusWord({ desired, status }: Stream, recording: boolean): 'ACTIVE' | 'INACTIVE' | 'ERROR' | 'STARTING' | 'STOPPING' {
  if (status === null || status.state === 'stopped') return 'INACTIVE';
  if (status.state === 'error') return 'ERROR';
  // A recording runs it on, whoever stopped it.
  if (desired === 'stopped' && !recording) return 'STOPPING';
  return status.state === 'running' ? 'ACTIVE' : 'STARTING';
}
