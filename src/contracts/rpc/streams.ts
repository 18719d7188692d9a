/** Live streams of cameras. */
import { z } from 'zod';
import { timestampSchema } from '../ids.js';
import { amount, count } from '../numbers.js';
import type { RpcMethod } from './method.js';
import { deviceParams, deviceSchema, noParams, wholeSeconds } from './shapes.js';

const limit = { perSecond: 2, burst: 5 };
const askLimit = { perSecond: 10, burst: 20 };
const streamUrl = z.string().describe('RTSP where the gateway serves it, else HLS');
const streamName = z.string().describe('id of the stream, which is that of the camera');

export const streamMethods = {
  start_streaming: {
    summary: 'Start the stream of a camera; one across a network answers with its first picture, or with -32050 and the reason why there is none',
    tag: 'streams',
    role: 'operator',
    params: deviceParams,
    result: z.strictObject({
      device: deviceSchema,
      stream_name: streamName,
      stream_url: streamUrl,
      status: z.enum(['STARTED', 'FAILED']),
      start_time: timestampSchema,
      auto_close_after: z.string().describe('seconds with unit after the last viewer, for example "30s"; "0s": runs until it is stopped'),
      ffmpeg_command: z.string().describe('with the id of the camera in place of its device; empty when it is not known'),
    }),
    errors: [-32010, -32020],
    limit,
    twin: 'start_stream',
  },
  stop_streaming: {
    summary: 'Stop the stream of a camera',
    tag: 'streams',
    role: 'operator',
    params: deviceParams,
    result: z.strictObject({
      device: deviceSchema,
      stream_name: streamName,
      status: z.enum(['STOPPED', 'FAILED']),
      start_time: timestampSchema,
      end_time: timestampSchema,
      duration: wholeSeconds,
      stream_continues: z.boolean().describe('it still runs, for a recording'),
      message: z.string(),
    }),
    errors: [-32010, -32020],
    limit,
    twin: 'stop_stream',
  },
  get_stream_url: {
    summary: 'Where the picture can be had; starts nothing',
    tag: 'streams',
    role: 'viewer',
    params: deviceParams,
    result: z.strictObject({
      device: deviceSchema,
      stream_name: streamName,
      stream_url: streamUrl,
      available: z.boolean(),
      active_consumers: count,
      stream_status: z.enum(['READY', 'NOT_READY', 'ERROR']),
    }),
    errors: [-32010],
    limit: askLimit,
    twin: 'get_stream',
  },
  get_stream_status: {
    summary: 'How the stream of a camera is doing',
    tag: 'streams',
    role: 'viewer',
    params: deviceParams,
    result: z.strictObject({
      device: deviceSchema,
      stream_name: streamName,
      status: z.enum(['ACTIVE', 'INACTIVE', 'ERROR', 'STARTING', 'STOPPING']),
      ready: z.boolean(),
      ffmpeg_process: z.strictObject({
        running: z.boolean(),
        pid: count.describe('0 while it does not run'),
        uptime: wholeSeconds,
      }),
      mediamtx_path: z.strictObject({ exists: z.boolean(), ready: z.boolean(), readers: count }).describe('the path at the gateway, whichever it is'),
      metrics: z.strictObject({
        bytes_sent: amount,
        frames_sent: count,
        bitrate: amount.describe('bit/s'),
        fps: amount,
      }),
      start_time: timestampSchema.nullable().describe('null while it does not run'),
    }),
    errors: [-32010],
    limit: askLimit,
    twin: 'get_stream',
  },
  get_streams: {
    summary: 'All streams you may see',
    tag: 'streams',
    role: 'viewer',
    params: noParams,
    result: z.array(
      z.strictObject({
        name: z.string(),
        source: z.string().describe('address without credentials; the id of the camera for a device of this machine'),
        ready: z.boolean(),
        readers: count,
        bytes_sent: amount,
      }),
    ),
    errors: [],
    twin: 'list_streams',
  },
} as const satisfies Record<string, RpcMethod>;
