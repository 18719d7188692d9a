/** Streams that others serve on the network. */
import { z } from 'zod';
import { externalScanSchema, externalStreamSchema, externalTypes } from '../camera.js';
import { timestampSchema } from '../ids.js';
import { count, integer } from '../numbers.js';
import type { RpcMethod } from './method.js';
import { noParams } from './shapes.js';

export const rpcExternalStreamSchema = z
  .strictObject({
    ...externalStreamSchema.omit({ camera_id: true }).shape,
    capabilities: z.strictObject(externalStreamSchema.shape.capabilities.shape),
  })
  .meta({ id: 'RpcExternalStream' });
const streams = z.array(rpcExternalStreamSchema);
const streamUrl = z.string().min(1).max(2048);

export const externalMethods = {
  discover_external_streams: {
    summary: 'Look for streams in the configured ranges',
    tag: 'external streams',
    role: 'operator',
    params: z.strictObject({
      skydio_enabled: z.boolean().default(true),
      generic_enabled: z.boolean().default(false),
      force_rescan: z.boolean().default(false),
      include_offline: z.boolean().default(false),
    }),
    result: z.strictObject({
      ...externalScanSchema.shape,
      discovered_streams: streams,
      skydio_streams: streams,
      generic_streams: streams,
      discovery_options: z.strictObject(externalScanSchema.shape.discovery_options.shape),
    }),
    errors: [-32030],
    twin: 'scan_external_streams',
  },
  add_external_stream: {
    summary: 'Name a stream; it becomes a camera',
    tag: 'external streams',
    role: 'operator',
    params: z.strictObject({
      stream_url: streamUrl,
      stream_name: z.string().trim().min(1).max(120),
      stream_type: z.enum(externalTypes).default('generic_rtsp'),
    }),
    result: z.strictObject({
      stream_url: z.string(),
      stream_name: z.string(),
      stream_type: z.enum(externalTypes),
      status: z.enum(['ADDED', 'ERROR']),
      timestamp: timestampSchema,
    }),
    errors: [-32020, -32030],
    twin: 'add_external_stream',
  },
  remove_external_stream: {
    summary: 'Forget it, and its camera',
    tag: 'external streams',
    role: 'operator',
    params: z.strictObject({ stream_url: streamUrl }),
    result: z.strictObject({ stream_url: z.string(), status: z.enum(['REMOVED', 'ERROR']), timestamp: timestampSchema }),
    errors: [-32010, -32020, -32030],
    twin: 'remove_external_stream',
  },
  get_external_streams: {
    summary: 'Streams that were found or named',
    tag: 'external streams',
    role: 'viewer',
    params: noParams,
    result: z.strictObject({
      external_streams: streams,
      skydio_streams: streams,
      generic_streams: streams,
      total_count: count,
      timestamp: timestampSchema,
    }),
    errors: [],
    twin: 'list_external_streams',
  },
  set_discovery_interval: {
    summary: 'Scan every so many seconds; takes effect at once',
    tag: 'external streams',
    role: 'admin',
    params: z.strictObject({ scan_interval: integer.min(0).max(86_400).describe('seconds; 0: only when asked') }),
    result: z.strictObject({
      scan_interval: count,
      status: z.enum(['UPDATED', 'ERROR']),
      message: z.string(),
      timestamp: timestampSchema,
    }),
    errors: [-32030],
    twin: 'set_scan_interval',
  },
} as const satisfies Record<string, RpcMethod>;
