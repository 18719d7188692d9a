/** The service itself, and its room. */
import { z } from 'zod';
import { timestampSchema } from '../ids.js';
import { amount, count, ordinal } from '../numbers.js';
import { cleanupResultSchema, retentionPolicySchema } from '../storage.js';
import type { RpcMethod } from './method.js';
import { componentWords, deviceSchema, noParams, rpcCameraStatuses } from './shapes.js';

const percent = z.number().min(0).max(100);
const bytes = amount.describe('bytes');

const cameraMetricsSchema = z.strictObject({
  path: z.string().describe('name of its path at the gateway'),
  name: z.string(),
  status: z.enum(rpcCameraStatuses),
  device_num: count.describe('number of the camera'),
  last_seen: timestampSchema.nullable(),
  capabilities: z.strictObject({
    driver_name: z.string(),
    card_name: z.string(),
    bus_info: z.string(),
    version: z.string(),
    capabilities: z.array(z.string()),
    device_caps: z.array(z.string()),
  }),
  formats: z.array(
    z.strictObject({
      pixel_format: z.string(),
      width: ordinal,
      height: ordinal,
      frame_rates: z.array(z.number().positive()),
    }),
  ),
});

export const systemMethods = {
  get_metrics: {
    summary: 'Figures of the service',
    tag: 'system',
    role: 'admin',
    params: noParams,
    result: z.strictObject({
      timestamp: timestampSchema,
      system_metrics: z.strictObject({
        cpu_usage: amount.describe('percent of one core that the hub used since it was last asked'),
        memory_usage: percent.describe('share of the memory of this machine that is in use'),
        disk_usage: percent,
        goroutines: count.describe('things the event loop of the hub waits for'),
      }),
      camera_metrics: z.strictObject({
        connected_cameras: count,
        cameras: z.record(deviceSchema, cameraMetricsSchema),
      }),
      recording_metrics: z.strictObject({
        active_recordings: count,
        total_recordings: count,
        recorded_bytes: bytes,
      }),
      stream_metrics: z.strictObject({
        active_streams: count,
        total_streams: count,
        total_viewers: count,
      }),
    }),
    errors: [],
    twin: 'metrics',
  },
  get_status: {
    summary: 'Health in detail',
    tag: 'system',
    role: 'admin',
    params: noParams,
    result: z.strictObject({
      status: z.enum(['HEALTHY', 'DEGRADED', 'UNHEALTHY']),
      uptime: amount.describe('seconds'),
      version: z.string(),
      components: z.strictObject({
        websocket_server: z.enum(componentWords),
        camera_monitor: z.enum(componentWords),
        mediamtx: z.enum(componentWords).describe('the gateway, whichever it is'),
      }),
    }),
    errors: [],
    twin: 'system_health',
  },
  get_system_status: {
    summary: 'Readiness; answered also while the hub is starting',
    tag: 'system',
    role: 'viewer',
    params: noParams,
    result: z.strictObject({
      status: z.enum(['starting', 'partial', 'ready']),
      message: z.string(),
      available_cameras: z.array(deviceSchema).describe('connected ones you may see'),
      discovery_active: z.boolean(),
    }),
    errors: [],
    twin: 'health_ready',
    beforeReady: true,
  },
  get_server_info: {
    summary: 'What this server is',
    tag: 'system',
    role: 'viewer',
    params: noParams,
    result: z.strictObject({
      name: z.string(),
      version: z.string(),
      build_date: z.string(),
      go_version: z.string().describe('the runtime and its version; the name of the field is older than this server'),
      architecture: z.string(),
      capabilities: z.array(z.string()),
      supported_formats: z.array(z.string()),
      max_cameras: ordinal,
    }),
    errors: [],
    twin: null,
  },
  get_storage_info: {
    summary: 'Room and use',
    tag: 'storage',
    role: 'admin',
    params: noParams,
    result: z.strictObject({
      total_space: bytes,
      used_space: bytes,
      available_space: bytes,
      usage_percentage: percent,
      recordings_size: bytes,
      snapshots_size: bytes,
      low_space_warning: z.boolean(),
    }),
    errors: [],
    twin: 'get_storage',
  },
  set_retention_policy: {
    summary: 'What is kept; survives a restart',
    tag: 'storage',
    role: 'admin',
    params: retentionPolicySchema,
    result: z.strictObject({ ...retentionPolicySchema.shape, message: z.string() }),
    errors: [],
    twin: 'set_retention',
  },
  cleanup_old_files: {
    summary: 'Apply the retention policy now',
    tag: 'storage',
    role: 'admin',
    params: noParams,
    result: z.strictObject(cleanupResultSchema.shape),
    errors: [-32020],
    twin: 'cleanup_storage',
  },
} as const satisfies Record<string, RpcMethod>;
