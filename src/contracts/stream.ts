/**
 * A live video stream: what it is (`StreamConfig`, `Stream`), what it is told (`StreamCommand`), what it reports
 * (`StreamStatus`, `StreamProgress`, `StreamMetrics`, `StreamLog`). Field names of the hub-spoke wire contract are literal;
 * our own additions are optional on the wire, so that a plain spoke or client needs none of them.
 */
import { z } from 'zod';
import { problemSchema } from './errors.js';
import { spokeIdSchema, streamIdSchema, timestampSchema } from './ids.js';
import { amount, count, integer } from './numbers.js';
import { pictureSizeSchema } from './picture-size.js';

/** Clients written in Go send `""` and `0` for what was not set. */
const unset = <T extends z.ZodType>(schema: T) =>
  z.preprocess((value) => (value === '' || value === 0 || value === null ? undefined : value), schema.optional());

export const streamModes = ['auto', 'copy', 'encode'] as const;
export const videoEncoders = ['auto', 'libx264', 'h264_vaapi', 'h264_nvenc', 'h264_qsv', 'h264_v4l2m2m'] as const;

export const streamConfigSchema = z
  .strictObject({
    device: unset(z.string().max(2048)).describe(
      'the source: `test:` (test picture; `test:?audio=1`), `/dev/videoN`, `rtsp(s)://`, `rtmp(s)://`, `srt://`, `http(s)://`, or a file inside the media folders',
    ),
    resolution: unset(pictureSizeSchema).describe('WIDTHxHEIGHT in pixels; default: as the source'),
    framerate: unset(z.number().min(1).max(240)).describe('frames per second; default: as the source'),
    codec: unset(z.enum(['h264', 'copy'])).describe(
      '`h264` encodes, `copy` passes the source through; default: copy where a browser can play the source, else encode',
    ),
    bitrate: unset(integer.min(50).max(200_000)).describe('video bitrate in kbit/s; default by resolution'),
    output_url: unset(z.string().max(2048)).describe('also push the same encode there: `rtsp(s)://`, `rtmp(s)://` or `srt://`'),
    audio: z.enum(['auto', 'none']).optional().describe('`auto` carries audio when the source has it'),
    encoder: z.enum(videoEncoders).optional().describe('`auto` takes a hardware encoder that passed its test encode, else libx264'),
    keyframe_interval_s: z.number().min(0.5).max(10).optional().describe('seconds between keyframes when encoding; default 1'),
    rtsp_transport: z.enum(['tcp', 'udp']).optional().describe('default tcp'),
    frozen_after_s: z.number().min(0).max(3600).optional().describe('alert when the picture does not change for so long; 0 (default) is off'),
  })
  .meta({ id: 'StreamConfig' });
export type StreamConfig = z.infer<typeof streamConfigSchema>;

export const streamActions = ['start', 'stop', 'configure'] as const;

export const streamCommandSchema = z
  .strictObject({
    action: z.enum(streamActions),
    stream_id: streamIdSchema,
    config: z
      .preprocess((value) => value ?? undefined, streamConfigSchema.optional())
      .describe('for `configure`, and for `start` of a stream not known yet'),
    timestamp: timestampSchema,
  })
  .meta({ id: 'StreamCommand' });
export type StreamCommand = z.infer<typeof streamCommandSchema>;

export const streamStates = ['starting', 'running', 'stopped', 'error'] as const;
export type StreamState = (typeof streamStates)[number];

/** Why a stream is not (or not fully) running; the words a viewer reads are made from it. */
export const streamReasons = [
  'requested',
  'source_unreachable',
  'source_refused',
  'source_missing',
  'source_ended',
  'source_garbage',
  'source_silent',
  'keyframe_drought',
  'clock_drift',
  'frozen_picture',
  'audio_only',
  'unsupported_codec',
  'forbidden_source',
  'output_failed',
  'encoder_failed',
  'ffmpeg_missing',
  'crash_loop',
  'spoke_lost',
  'no_spoke',
  'waiting_for_viewer',
  'draining',
] as const;
export type StreamReason = (typeof streamReasons)[number];

export const videoFactsSchema = z.object({
  codec: z.string(),
  width: integer,
  height: integer,
  frame_rate: z.number().optional(),
  profile: z.string().optional(),
  b_frames: z.boolean().optional().describe('some pictures refer to later ones, which WebRTC cannot carry; told by a look into the source'),
});
export const audioFactsSchema = z.object({ codec: z.string(), sample_rate: z.number().optional(), channels: integer.optional() });

export const streamStatusSchema = z
  .object({
    stream_id: streamIdSchema,
    state: z.enum(streamStates),
    error: z.string().optional().describe('one sentence, only when something is wrong'),
    pid: count.optional().describe('process id of FFmpeg'),
    started_at: z
      .preprocess((value) => value ?? undefined, timestampSchema.optional())
      .describe('when the running FFmpeg delivered its first fragment'),
    timestamp: timestampSchema,
    reason: z.enum(streamReasons).optional(),
    no_signal: z.boolean().optional().describe('true while viewers see the no-signal picture instead of the source'),
    restarts: count
      .optional()
      .describe('restarts of FFmpeg that nobody asked for (crash, stall, source lost), since the stream was last told to start'),
    next_attempt_at: timestampSchema.optional(),
    spoke_id: spokeIdSchema.optional(),
    mode: z.enum(['copy', 'encode']).optional(),
    encoder: z.string().optional(),
    video: videoFactsSchema.optional(),
    audio: audioFactsSchema.optional(),
    codecs: z.string().optional().describe('RFC 6381 codecs string of the media, for example `avc1.64001f,mp4a.40.2`'),
    last_stderr: z.array(z.string()).optional().describe('last lines FFmpeg wrote before it failed'),
    config_revision: integer.optional(),
  })
  .meta({ id: 'StreamStatus' });
export type StreamStatus = z.infer<typeof streamStatusSchema>;

export const streamProgressSchema = z
  .object({
    stream_id: streamIdSchema,
    frame: count.describe('frames since FFmpeg started'),
    fps: amount,
    bitrate_kbps: amount,
    total_size_bytes: count,
    dropped_frames: count,
    speed: amount.describe('1 is real time'),
    timestamp: timestampSchema,
  })
  .meta({ id: 'StreamProgress' });
export type StreamProgress = z.infer<typeof streamProgressSchema>;

export const streamMetricsSchema = z
  .object({
    stream_id: streamIdSchema,
    cpu_percent: amount.optional().describe('of one core, FFmpeg only'),
    rss_bytes: count.optional().describe('resident memory of FFmpeg'),
    fps: amount.optional(),
    bitrate_kbps: amount.optional(),
    queue_bytes: count.optional().describe('media waiting for the bus'),
    dropped_frames: count.optional().describe('dropped by FFmpeg since it started'),
    dropped_fragments: count.optional().describe('media dropped before the bus since the stream started'),
    keyframe_age_ms: amount.optional(),
    restarts: count.optional(),
    timestamp: timestampSchema,
  })
  .meta({ id: 'StreamMetrics' });
export type StreamMetrics = z.infer<typeof streamMetricsSchema>;

export const logLevels = ['debug', 'info', 'warning', 'error'] as const;

export const streamLogSchema = z
  .object({
    stream_id: streamIdSchema,
    level: z.enum(logLevels),
    origin: z.enum(['ffmpeg', 'spoke', 'hub']),
    message: z.string().max(4096).describe('one line; credentials in URLs are masked'),
    timestamp: timestampSchema,
  })
  .meta({ id: 'StreamLog' });
export type StreamLog = z.infer<typeof streamLogSchema>;

/** Answer to a command sent as a request. `error` is set exactly when `ok` is false. */
export const commandResultSchema = z
  .object({
    ok: z.boolean(),
    action: z.enum(streamActions).optional(),
    stream_id: streamIdSchema.optional(),
    state: z.enum(streamStates).optional(),
    will_blink: z.boolean().optional().describe('true when the change restarts FFmpeg, so that viewers see a short gap'),
    error: problemSchema.optional(),
    timestamp: timestampSchema,
  })
  .meta({ id: 'CommandResult' });
export type CommandResult = z.infer<typeof commandResultSchema>;

export const desiredStates = ['running', 'stopped'] as const;

/** A stream as the hub knows it: the definition, what is wanted, what is observed. */
export const streamSchema = z
  .object({
    stream_id: streamIdSchema,
    name: z.string(),
    config: streamConfigSchema,
    desired: z.enum(desiredStates),
    on_demand: z.boolean().describe('runs only while somebody watches; stops 30 s after the last viewer'),
    managed: z.boolean().describe('false for a stream that a foreign spoke brought along: it can be watched and commanded, not configured'),
    spoke: spokeIdSchema.nullable().describe('spoke it must run on; null: any'),
    revision: integer.describe('grows with each change; send it back to update safely'),
    created_at: timestampSchema,
    updated_at: timestampSchema,
    status: streamStatusSchema.nullable().describe('last report; null before the first'),
    progress: streamProgressSchema.nullable(),
    viewers: count,
    links: z.object({ live_mp4: z.string(), hls: z.string(), still: z.string() }),
  })
  .meta({ id: 'Stream' });
export type Stream = z.infer<typeof streamSchema>;

const nameSchema = z.string().trim().min(1).max(120);

export const createStreamSchema = z
  .strictObject({
    stream_id: streamIdSchema.optional().describe('default: made from the name'),
    name: nameSchema.optional(),
    config: streamConfigSchema.refine((config) => config.device !== undefined, { message: 'name a source', path: ['device'] }),
    desired: z.enum(desiredStates).optional().describe('default running'),
    on_demand: z.boolean().optional(),
    spoke: spokeIdSchema.nullable().optional(),
  })
  .meta({ id: 'CreateStream' });
export type CreateStream = z.infer<typeof createStreamSchema>;

export const updateStreamSchema = z
  .strictObject({
    name: nameSchema.optional(),
    config: streamConfigSchema.optional().describe('replaces the whole configuration'),
    on_demand: z.boolean().optional(),
    spoke: spokeIdSchema.nullable().optional(),
    revision: integer.optional().describe('refuse when the stream has changed since'),
  })
  .meta({ id: 'UpdateStream' });
export type UpdateStream = z.infer<typeof updateStreamSchema>;

/** What a probe found at a source, in the words the add-stream wizard shows. */
export const sourceProbeSchema = z
  .object({
    device: z.string(),
    reachable: z.boolean(),
    container: z.string().optional(),
    video: videoFactsSchema.optional(),
    audio: audioFactsSchema.optional(),
    plan: z.enum(['copy', 'encode']).optional(),
    why: z.string().optional().describe('why it is copied or encoded'),
    error: problemSchema.optional(),
    took_ms: z.number(),
  })
  .meta({ id: 'SourceProbe' });
export type SourceProbe = z.infer<typeof sourceProbeSchema>;
