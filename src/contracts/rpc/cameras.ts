/** Cameras. */
import { z } from 'zod';
import { amount, count } from '../numbers.js';
import type { RpcMethod } from './method.js';
import { deviceParams, deviceSchema, noParams, rpcCameraSchema, rpcCameraShape } from './shapes.js';

const capabilityLists = {
  formats: z.array(z.string()).describe('FourCC, or codec of a network camera'),
  resolutions: z.array(z.string().regex(/^\d+x\d+$/)).describe('largest first'),
  fps_options: z.array(count).describe('frames per second, highest first'),
};

export const cameraMethods = {
  get_camera_list: {
    summary: 'All cameras you may see',
    tag: 'cameras',
    role: 'viewer',
    params: noParams,
    result: z.strictObject({
      cameras: z.array(rpcCameraSchema),
      total: count,
      connected: count,
    }),
    errors: [],
    limit: { perSecond: 5, burst: 10 },
    twin: 'list_cameras',
  },
  get_camera_status: {
    summary: 'One camera',
    tag: 'cameras',
    role: 'viewer',
    params: deviceParams,
    result: z.strictObject({
      ...rpcCameraShape,
      metrics: z
        .strictObject({
          bytes_sent: amount.describe('by FFmpeg since it started'),
          readers: count,
          uptime: amount.describe('seconds since its stream runs'),
        })
        .optional()
        .describe('while its stream is defined'),
      capabilities: z.strictObject(capabilityLists).optional().describe('once they are known'),
    }),
    errors: [-32010],
    twin: 'get_camera',
  },
  get_camera_capabilities: {
    summary: 'What a camera can deliver',
    tag: 'cameras',
    role: 'viewer',
    params: deviceParams,
    result: z.strictObject({
      device: deviceSchema,
      ...capabilityLists,
      validation_status: z
        .enum(['NONE', 'DISCONNECTED', 'CONFIRMED'])
        .describe('CONFIRMED: told by the camera that is connected now; DISCONNECTED: told when it was last here; NONE: not known'),
    }),
    errors: [-32010],
    twin: 'get_camera',
  },
} as const satisfies Record<string, RpcMethod>;
