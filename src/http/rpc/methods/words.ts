/** Things of Weir in the words of the JSON-RPC contract. */
import type {
  Camera,
  CameraCapabilities,
  ExternalStream,
  GatewayState,
  HealthState,
  RecordingState,
  Session,
  Stream,
  StreamUrls,
} from '../../../contracts/index.js';
import type { ComponentWord, permissionWords, RecordingWord, RpcCamera, RpcResult } from '../../../contracts/rpc/index.js';

/** A camera as clients of this door see it: no source, no device node. */
export function toRpcCamera(camera: Camera): RpcCamera {
  return {
    device: camera.camera_id,
    status: camera.status,
    name: camera.name,
    resolution: /^\d+x\d+$/.test(camera.resolution) ? camera.resolution : '0x0',
    fps: camera.fps,
    streams: toRpcUrls(camera.streams),
  };
}

function toRpcUrls(urls: StreamUrls): RpcCamera['streams'] {
  return { rtsp: urls.rtsp ?? '', hls: urls.hls ?? '', ...(urls.webrtc === undefined ? {} : { webrtc: urls.webrtc }) };
}

/** The address a player is given: RTSP where there is one. */
export function playUrl(urls: StreamUrls): string {
  return urls.rtsp ?? urls.hls ?? urls.live_mp4 ?? '';
}

/** Formats, sizes and rates as flat lists, each value once. */
export function toCapabilityLists(capabilities: CameraCapabilities): { formats: string[]; resolutions: string[]; fps_options: number[] } {
  const sizes = capabilities.formats.flatMap((format) => format.sizes);
  const largestFirst = [...sizes].sort((a, b) => b.width * b.height - a.width * a.height || b.width - a.width);
  const rates = sizes.flatMap((size) => size.frame_rates.map(Math.round));
  return {
    formats: [...new Set(capabilities.formats.map((format) => format.pixel_format))],
    resolutions: [...new Set(largestFirst.map((size) => `${size.width}x${size.height}`))],
    fps_options: [...new Set(rates)].sort((a, b) => b - a),
  };
}

export const recordingWordOf: Readonly<Record<RecordingState, RecordingWord>> = {
  starting: 'STARTING',
  recording: 'RECORDING',
  waiting: 'PAUSED',
  blocked: 'ERROR',
  stopping: 'STOPPING',
  stopped: 'STOPPED',
  failed: 'FAILED',
};

export const gatewayWordOf: Readonly<Record<GatewayState['state'], ComponentWord>> = {
  running: 'RUNNING',
  starting: 'STARTING',
  unavailable: 'ERROR',
  circuit_open: 'ERROR',
  stopped: 'STOPPED',
};

export const healthWordOf = { healthy: 'HEALTHY', degraded: 'DEGRADED', unhealthy: 'UNHEALTHY' } as const satisfies Record<HealthState, string>;

/** True while viewers see the source itself. */
export function isReady(stream: Stream): boolean {
  return stream.status?.state === 'running' && stream.status.no_signal !== true;
}

/** Whole seconds since a time; 0 for none. */
export function secondsSince(time: string | null | undefined, now: number = Date.now()): number {
  return time === null || time === undefined ? 0 : Math.max(0, Math.floor((now - Date.parse(time)) / 1000));
}

export function permissionsOf(role: Session['role']): (typeof permissionWords)[number][] {
  if (role === 'viewer') return ['view'];
  return role === 'operator' ? ['view', 'control'] : ['view', 'control', 'admin'];
}

type RpcExternalStream = RpcResult<'get_external_streams'>['external_streams'][number];

export function toRpcExternal({ camera_id: _ours, ...stream }: ExternalStream): RpcExternalStream {
  return stream;
}

export function byType(streams: readonly RpcExternalStream[]): { skydio_streams: RpcExternalStream[]; generic_streams: RpcExternalStream[] } {
  return {
    skydio_streams: streams.filter(({ type }) => type === 'skydio_stanag4609'),
    generic_streams: streams.filter(({ type }) => type === 'generic_rtsp'),
  };
}

/** A text without the device nodes of the machine: these are nobody's business outside. */
export function withoutDeviceNodes(text: string, instead: string): string {
  return text.replace(/\/dev\/[^\s'"]+/g, instead);
}

export const now = () => new Date().toISOString();
