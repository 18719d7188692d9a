/** Live streams: definitions, commands, pictures, events. */
import { z } from 'zod';
import { historyReplySchema, historyRequestSchema } from '../history.js';
import { idSchema, streamIdSchema, timestampSchema } from '../ids.js';
import * as stream from '../stream.js';
import { page, pageQuery, type Route } from './route.js';

const streamParams = z.object({ stream_id: streamIdSchema });
const streamCommandAnswer = z.object({ result: stream.commandResultSchema, stream: stream.streamSchema });

export const streamRoutes = {
  list_streams: {
    method: 'GET',
    path: '/api/v1/streams',
    role: 'viewer',
    tag: 'streams',
    summary: 'Streams you may see',
    query: pageQuery.extend({ state: z.enum(stream.streamStates).optional(), text: z.string().max(120).optional() }),
    answer: page(stream.streamSchema),
  },
  create_stream: {
    method: 'POST',
    path: '/api/v1/streams',
    role: 'operator',
    tag: 'streams',
    summary: 'Define a stream and, by default, start it',
    body: stream.createStreamSchema,
    answer: stream.streamSchema,
    status: 201,
  },
  probe_source: {
    method: 'POST',
    path: '/api/v1/streams/probe',
    role: 'operator',
    tag: 'streams',
    summary: 'Look at a source without defining a stream',
    body: z.strictObject({ device: z.string().min(1).max(2048), spoke: idSchema.optional() }),
    answer: stream.sourceProbeSchema,
  },
  preview_command: {
    method: 'POST',
    path: '/api/v1/streams/preview',
    role: 'operator',
    tag: 'streams',
    summary: 'The FFmpeg command a configuration would run (credentials masked)',
    body: z.strictObject({ config: stream.streamConfigSchema }),
    answer: z.object({ command: z.array(z.string()) }),
  },
  get_stream: {
    method: 'GET',
    path: '/api/v1/streams/{stream_id}',
    role: 'viewer',
    tag: 'streams',
    summary: 'One stream',
    params: streamParams,
    answer: stream.streamSchema,
  },
  update_stream: {
    method: 'PATCH',
    path: '/api/v1/streams/{stream_id}',
    role: 'operator',
    tag: 'streams',
    summary: 'Change a stream; a change of its configuration is applied to the running stream',
    params: streamParams,
    body: stream.updateStreamSchema,
    answer: z.object({ stream: stream.streamSchema, will_blink: z.boolean() }),
  },
  delete_stream: {
    method: 'DELETE',
    path: '/api/v1/streams/{stream_id}',
    role: 'operator',
    tag: 'streams',
    summary: 'Stop and forget a stream',
    params: streamParams,
    status: 204,
  },
  start_stream: {
    method: 'POST',
    path: '/api/v1/streams/{stream_id}/start',
    role: 'operator',
    tag: 'streams',
    summary: 'Start; with `wait_s` the answer comes with the first picture of the source, or 503 with the reason why there is none',
    params: streamParams,
    body: z
      .strictObject({
        wait_s: z
          .number()
          .min(0)
          .max(30)
          .optional()
          .describe('longest wait for the first picture; default 0: answers as soon as it is told to start'),
      })
      .optional(),
    answer: streamCommandAnswer,
  },
  stop_stream: {
    method: 'POST',
    path: '/api/v1/streams/{stream_id}/stop',
    role: 'operator',
    tag: 'streams',
    summary: 'Stop; with `release` an on-demand stream ends now unless somebody watches or records it, and starts again for the next viewer',
    params: streamParams,
    body: z.strictObject({ release: z.boolean().optional().describe('default false: stopped for viewers as well, until it is started') }).optional(),
    answer: streamCommandAnswer,
  },
  restart_stream: {
    method: 'POST',
    path: '/api/v1/streams/{stream_id}/restart',
    role: 'operator',
    tag: 'streams',
    summary: 'Stop and start',
    params: streamParams,
    answer: streamCommandAnswer,
  },
  stream_status: {
    method: 'GET',
    path: '/api/v1/streams/{stream_id}/status',
    role: 'viewer',
    tag: 'streams',
    summary: 'State right now, asked of the spoke',
    params: streamParams,
    answer: stream.streamStatusSchema,
  },
  stream_command_preview: {
    method: 'GET',
    path: '/api/v1/streams/{stream_id}/command',
    role: 'operator',
    tag: 'streams',
    summary: 'The FFmpeg command of this stream (credentials masked)',
    params: streamParams,
    query: z.object({ encoder: z.enum(stream.videoEncoders).optional() }),
    answer: z.object({ command: z.array(z.string()) }),
  },
  stream_history: {
    method: 'GET',
    path: '/api/v1/streams/{stream_id}/history',
    role: 'viewer',
    tag: 'streams',
    summary: 'Past metrics, log lines and status changes',
    params: streamParams,
    query: z.object({
      kind: historyRequestSchema.shape.kind,
      after: z.coerce.number().int().nonnegative().optional(),
      since: timestampSchema.optional(),
      until: timestampSchema.optional(),
      limit: z.coerce.number().int().min(1).max(5000).optional(),
      step_s: z.coerce.number().min(0.2).max(3600).optional(),
      text: z.string().max(200).optional(),
      level: z.enum(stream.logLevels).optional(),
    }),
    answer: historyReplySchema,
  },
  stream_still: {
    method: 'GET',
    path: '/api/v1/streams/{stream_id}/still.jpg',
    role: 'viewer',
    tag: 'media',
    summary: 'Picture of the newest keyframe',
    params: streamParams,
    query: z.object({ width: z.coerce.number().int().min(16).max(7680).optional() }),
    produces: 'image/jpeg',
  },
  stream_live_mp4: {
    method: 'GET',
    path: '/api/v1/streams/{stream_id}/live.mp4',
    role: 'viewer',
    tag: 'media',
    summary: 'Endless fragmented MP4 from the newest keyframe on',
    params: streamParams,
    produces: 'video/mp4',
  },
  stream_hls: {
    method: 'GET',
    path: '/api/v1/streams/{stream_id}/hls/index.m3u8',
    role: 'viewer',
    tag: 'media',
    summary: 'Live HLS playlist (CMAF) over the same fragments',
    params: streamParams,
    produces: 'application/vnd.apple.mpegurl',
  },
  stream_hls_part: {
    method: 'GET',
    path: '/api/v1/streams/{stream_id}/hls/{part}',
    role: 'viewer',
    tag: 'media',
    summary: 'Init segment or media segment of the playlist',
    params: streamParams.extend({ part: z.string().regex(/^(?:init-[A-Za-z0-9]+\.mp4|[0-9]+-[0-9]+\.m4s)$/) }),
    produces: 'video/mp4',
  },
  events: {
    method: 'GET',
    path: '/api/v1/events',
    role: 'viewer',
    tag: 'events',
    summary: 'Status, progress, alerts and changes as server-sent events, for clients without NATS; resumes after Last-Event-ID',
    query: z.object({ stream_id: streamIdSchema.optional(), types: z.string().max(200).optional() }),
    produces: 'text/event-stream',
  },
} as const satisfies Record<string, Route>;
