/** The service itself, and its room. */
import { freemem, totalmem } from 'node:os';
import type { Camera, ComponentHealth } from '../../../contracts/index.js';
import { type ComponentWord, type RpcResult, rpcTopicNames } from '../../../contracts/rpc/index.js';
import type { MethodParts, RpcCall, RpcWorks } from '../call.js';
import { allCameras, allStreams } from './lists.js';
import { gatewayWordOf, healthWordOf, now } from './words.js';

type Names =
  | 'get_metrics'
  | 'get_status'
  | 'get_system_status'
  | 'get_server_info'
  | 'get_storage_info'
  | 'set_retention_policy'
  | 'cleanup_old_files';

const none = { params: undefined, query: undefined, body: undefined };

export function systemWorks(parts: MethodParts): Pick<RpcWorks, Names> {
  const { operations, settings } = parts;
  const { facts } = settings;
  const cpu = createCpuMeter();
  return {
    get_metrics: (_params, call) => metrics(parts, cpu, call),
    async get_status(_params, { context }) {
      const [health, gateway] = await Promise.all([operations.system_health(none, context), operations.get_gateway(none, context)]);
      return {
        status: healthWordOf[health.status],
        uptime: health.uptime_s,
        version: health.version,
        components: {
          websocket_server: 'RUNNING',
          camera_monitor: facts.discovery ? componentWord(health.components, 'cameras') : 'STOPPED',
          mediamtx: gatewayWordOf[gateway.state],
        },
      };
    },
    async get_system_status(_params, call) {
      const missing = settings.notReady();
      const discovery_active = facts.discovery;
      if (missing !== undefined) return { status: 'starting', message: missing, available_cameras: [], discovery_active };
      const [health, { cameras }] = await Promise.all([operations.system_health(none, call.context), allCameras(operations, call)]);
      const ailing = health.components.filter((component) => component.status !== 'healthy').map((component) => component.name);
      return {
        status: health.status === 'healthy' ? 'ready' : 'partial',
        message: ailing.length === 0 ? 'Everything works' : `Not well: ${ailing.join(', ')}`,
        available_cameras: cameras.filter((camera) => camera.status === 'CONNECTED').map((camera) => camera.camera_id),
        discovery_active,
      };
    },
    get_server_info: () => ({
      name: 'Weir',
      version: facts.version,
      build_date: facts.buildDate,
      go_version: `node ${process.version}`,
      architecture: `${process.platform}/${process.arch}`,
      capabilities: ['snapshots', 'recordings', 'streaming', 'external_streams', 'file_downloads', 'events', ...rpcTopicNames],
      supported_formats: ['fmp4', 'mp4', 'mkv', 'jpg', 'png'],
      max_cameras: facts.maxCameras,
    }),
    async get_storage_info(_params, { context }) {
      const storage = await operations.get_storage(none, context);
      const { total_space, used_space, available_space, usage_percentage, recordings_size, snapshots_size, low_space_warning } = storage;
      return { total_space, used_space, available_space, usage_percentage, recordings_size, snapshots_size, low_space_warning };
    },
    async set_retention_policy(body, { context }) {
      const policy = await operations.set_retention({ ...none, body }, context);
      return { ...policy, message: policyInWords(policy) };
    },
    cleanup_old_files: async (_params, { context }) => operations.cleanup_storage(none, context),
  };
}

function policyInWords({ enabled, policy_type, max_age_days, max_size_gb }: Omit<RpcResult<'set_retention_policy'>, 'message'>): string {
  if (!enabled || policy_type === 'manual') return 'Nothing is deleted by itself';
  if (policy_type === 'age') return `Recordings are kept for ${max_age_days ?? 'the configured number of'} days`;
  return `The oldest recordings are deleted above ${max_size_gb ?? 'the configured number of'} GB`;
}

function componentWord(components: readonly ComponentHealth[], name: string): ComponentWord {
  const component = components.find((one) => one.name === name);
  return component?.status === 'unhealthy' ? 'ERROR' : 'RUNNING';
}

async function metrics({ operations }: MethodParts, cpu: () => number, call: RpcCall): Promise<RpcResult<'get_metrics'>> {
  const { context } = call;
  const [{ cameras, connected }, streams, recordings, storage] = await Promise.all([
    allCameras(operations, call),
    allStreams(operations, call),
    operations.list_recordings({ ...none, query: { limit: 1000, offset: 0 } }, context),
    operations.get_storage(none, context),
  ]);
  return {
    timestamp: now(),
    system_metrics: {
      cpu_usage: cpu(),
      memory_usage: Math.round((1 - freemem() / totalmem()) * 1000) / 10,
      disk_usage: storage.usage_percentage,
      goroutines: process.getActiveResourcesInfo().length,
    },
    camera_metrics: { connected_cameras: connected, cameras: Object.fromEntries(cameras.map((camera) => [camera.camera_id, cameraMetrics(camera)])) },
    recording_metrics: {
      active_recordings: recordings.items.filter(({ state }) => state === 'recording').length,
      total_recordings: recordings.total,
      recorded_bytes: storage.recordings_size,
    },
    stream_metrics: {
      active_streams: streams.filter(({ status }) => status?.state === 'running').length,
      total_streams: streams.length,
      total_viewers: streams.reduce((sum, { viewers }) => sum + viewers, 0),
    },
  };
}

function cameraMetrics({ camera_id, name, status, last_seen_at, capabilities }: Camera) {
  return {
    path: camera_id,
    name,
    status,
    device_num: Number(camera_id.slice('camera'.length)),
    last_seen: last_seen_at,
    capabilities: {
      driver_name: capabilities?.driver ?? '',
      card_name: capabilities?.card ?? '',
      bus_info: capabilities?.bus ?? '',
      version: '',
      capabilities: [],
      device_caps: [],
    },
    formats: (capabilities?.formats ?? []).flatMap(({ pixel_format, sizes }) =>
      sizes.map(({ width, height, frame_rates }) => ({ pixel_format, width, height, frame_rates })),
    ),
  };
}

/** Percent of one core that this process used since it was last asked; first: since it began. */
function createCpuMeter(): () => number {
  let before = { used: 0, at: 0 };
  return () => {
    const { user, system } = process.cpuUsage();
    const after = { used: user + system, at: process.uptime() * 1e6 };
    const share = (after.used - before.used) / Math.max(1, after.at - before.at);
    before = after;
    return Math.round(share * 1000) / 10;
  };
}
