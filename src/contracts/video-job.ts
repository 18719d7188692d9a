/**
 * Work on videos. The queue on the bus is literally that of the wire contract; a message in it is a ticket, and the database says which
 * job it opens. A worker that took a ticket claims a job, holds it by a lease with a revision, and tells how it goes; whoever comes with
 * an older revision is refused.
 */
import { z } from 'zod';
import { problemSchema } from './errors.js';
import { idSchema, timestampSchema } from './ids.js';
import { amount, count, integer, ordinal } from './numbers.js';
import { sourceFactsSchema, videoIdSchema, videoOutputSchema } from './video.js';
import { videoProfileSchema } from './video-profile.js';

/** The JetStream streams of this part and their consumers. */
export const videoQueues = {
  /** Literally that of the wire contract. */
  processing: {
    name: 'VIDEO_PROCESSING',
    durable: 'VIDEO_WORKER',
    maxAgeS: 7 * 86_400,
    maxMessageBytes: 10_485_760,
    ackWaitMs: 30_000,
    maxDeliver: 3,
  },
  dead: { name: 'VIDEO_PROCESSING_DLQ', maxAgeS: 30 * 86_400 },
  /** Pieces of long videos, from the worker that leads the job to all others. */
  chunks: { name: 'VIDEO_CHUNKS', durable: 'VIDEO_CHUNK_WORKER', maxAgeS: 86_400, ackWaitMs: 15_000, maxDeliver: 20 },
} as const;

/** Seconds, or `[hh:]mm:ss[.fff]`. */
export const videoTimeSchema = z
  .string()
  .max(32)
  .regex(/^(?:\d{1,6}(?:\.\d{1,6})?|(?:\d{1,3}:)?[0-5]?\d:[0-5]?\d(?:\.\d{1,6})?)$/, 'write seconds or hh:mm:ss');

/** Message of `video.process`. Unknown fields are kept and handed back, as plain clients expect. */
export const videoProcessRequestSchema = z
  .looseObject({
    video_id: videoIdSchema,
    source_path: z.string().min(1).max(4096).describe('inside a folder of `vod.source_folders`'),
    output_path: z.string().min(1).max(4096).optional().describe('inside a folder of `vod.output_folders`; default: the library'),
    user_id: z.string().max(128).default(''),
    quality: z.array(z.string().max(16)).max(12).optional().describe('`1080p`, `720p`, ...; default: all of the profile'),
    thumbnail_time: videoTimeSchema.optional(),
    callback_url: z.url().max(2048).optional(),
    metadata: z.record(z.string(), z.unknown()).optional(),
    profile: idSchema.optional(),
    priority: integer.min(-50).max(50).optional(),
    delete_source: z.boolean().optional(),
  })
  .meta({ id: 'VideoProcessRequest' });
export type VideoProcessRequest = z.infer<typeof videoProcessRequestSchema>;

/** `retrying`: failed, waits for its next attempt; `dead`: given up, in the dead letters; `publishing`: finished, being put in place. */
export const jobStates = ['queued', 'running', 'publishing', 'retrying', 'done', 'dead', 'cancelled'] as const;
export type JobState = (typeof jobStates)[number];

/** Where a running job is. */
export const jobPhases = ['waiting', 'probing', 'planning', 'encoding', 'joining', 'packaging', 'checking', 'publishing'] as const;

/** Published at least once a second while a job runs. */
export const jobProgressSchema = z
  .object({
    job_id: idSchema,
    video_id: videoIdSchema,
    worker_id: idSchema,
    revision: integer,
    phase: z.enum(jobPhases),
    percent: z.number().min(0).max(100),
    fps: amount,
    speed: amount.describe('1: as fast as it plays'),
    eta_s: amount.nullable(),
    elapsed_s: amount,
    renditions: z.array(
      z.object({
        name: z.string(),
        percent: z.number().min(0).max(100),
        bitrate_kbps: amount,
        state: z.enum(['waiting', 'running', 'done']),
        is_playable: z.boolean(),
      }),
    ),
    chunks: z.object({ total: integer, done: integer, workers: integer }).nullable(),
    timestamp: timestampSchema,
  })
  .meta({ id: 'JobProgress' });
export type JobProgress = z.infer<typeof jobProgressSchema>;

export const jobLogSchema = z
  .object({ job_id: idSchema, level: z.enum(['debug', 'info', 'warning', 'error']), message: z.string().max(4000), timestamp: timestampSchema })
  .meta({ id: 'JobLog' });
export type JobLog = z.infer<typeof jobLogSchema>;

/** Why an attempt failed. `permanent`: another one would fail as well. */
export const jobFailureSchema = z
  .object({
    code: z.string().describe('an error code of Weir'),
    reason: z.string().describe('`empty`, `encoder_failed`, `worker_lost`, `disk_full`, ...'),
    detail: z.string(),
    permanent: z.boolean(),
    stderr: z.array(z.string()).describe('last lines of FFmpeg'),
    command: z.string().nullable().describe('the command that failed, without secrets'),
  })
  .meta({ id: 'JobFailure' });
export type JobFailure = z.infer<typeof jobFailureSchema>;

export const jobCostSchema = z
  .object({
    cpu_s: amount.describe('user and system time of every FFmpeg'),
    wall_s: amount,
    read_bytes: count,
    written_bytes: count,
    peak_rss_bytes: count,
  })
  .meta({ id: 'JobCost' });
export type JobCost = z.infer<typeof jobCostSchema>;

export const jobSchema = z
  .object({
    job_id: idSchema,
    video_id: videoIdSchema,
    state: z.enum(jobStates),
    profile: idSchema,
    quality: z.array(z.string()).nullable(),
    priority: integer,
    owner: z.string(),
    origin: z.enum(['upload', 'bus', 'api', 'recording', 'replay']),
    attempt: count,
    max_attempts: integer,
    revision: integer.describe('of the lease; grows with each claim'),
    worker_id: idSchema.nullable(),
    position: integer.nullable().describe('1: next; null: not waiting'),
    progress: jobProgressSchema.nullable(),
    error: jobFailureSchema.nullable(),
    cost: jobCostSchema.nullable(),
    queued_at: timestampSchema,
    started_at: timestampSchema.nullable(),
    ended_at: timestampSchema.nullable(),
    not_before: timestampSchema.nullable().describe('when the next attempt may start'),
  })
  .meta({ id: 'Job' });
export type Job = z.infer<typeof jobSchema>;

/** One line of a job's history. */
export const jobEventSchema = z
  .object({
    at: timestampSchema,
    kind: z.enum([
      'queued',
      'claimed',
      'first_playable',
      'failed',
      'retry',
      'worker_lost',
      'published',
      'done',
      'dead',
      'cancelled',
      'priority',
      'replayed',
      'callback',
    ]),
    attempt: integer,
    revision: integer,
    worker_id: idSchema.nullable(),
    detail: z.string().nullable(),
  })
  .meta({ id: 'JobEvent' });
export type JobEvent = z.infer<typeof jobEventSchema>;

/** Everything a worker needs for one attempt. Paths are as the hub sees them; hub and worker share these folders. */
export const jobOrderSchema = z
  .object({
    job_id: idSchema,
    video_id: videoIdSchema,
    revision: integer,
    attempt: integer,
    source_path: z.string(),
    output_path: z.string().describe('folder that shall hold the result'),
    staging_path: z.string().describe('folder beside it that this attempt writes in; carries the revision in its name'),
    profile: videoProfileSchema,
    quality: z.array(z.string()).nullable(),
    thumbnail_time: videoTimeSchema.nullable(),
    delete_source: z.boolean(),
    limits: z.object({
      max_duration_s: z.number(),
      max_pixels: integer,
      max_streams: integer,
      max_output_bytes: integer,
      max_wall_s: z.number(),
      max_memory_bytes: integer,
      stall_s: z.number(),
    }),
    lease_s: z.number().positive().describe('a worker that is silent for so long loses the job'),
    chunk_min_s: z.number().describe('a video of at least so many seconds is cut into pieces when other workers are free; 0: never'),
  })
  .meta({ id: 'JobOrder' });
export type JobOrder = z.infer<typeof jobOrderSchema>;

/** A worker with a ticket asks for work. `ticket` is null when it asks without one. */
export const jobClaimSchema = z
  .strictObject({
    worker_id: idSchema,
    instance: z.string().max(64),
    ticket: z.strictObject({ sequence: ordinal, delivery: ordinal, payload: z.string() }).nullable(),
  })
  .meta({ id: 'JobClaim' });
export type JobClaim = z.infer<typeof jobClaimSchema>;

/** `granted`: work on it; `nothing`: acknowledge the ticket; `later`: give the ticket back for so long; `dead`: unreadable, acknowledge it. */
export const jobClaimReplySchema = z
  .discriminatedUnion('outcome', [
    z.object({ outcome: z.literal('granted'), order: jobOrderSchema }),
    z.object({ outcome: z.literal('nothing') }),
    z.object({ outcome: z.literal('later'), retry_in_ms: count }),
    z.object({ outcome: z.literal('dead'), detail: z.string() }),
  ])
  .meta({ id: 'JobClaimReply' });
export type JobClaimReply = z.infer<typeof jobClaimReplySchema>;

const reportHead = { job_id: idSchema, worker_id: idSchema, revision: integer };

/** What a worker tells the hub of the job it holds; each is answered, and safe to repeat. */
export const jobReportSchema = z
  .discriminatedUnion('kind', [
    z.object({ ...reportHead, kind: z.literal('renew') }).describe('keeps the lease; three times within it'),
    z.object({ ...reportHead, kind: z.literal('facts'), facts: sourceFactsSchema }),
    z
      .object({ ...reportHead, kind: z.literal('command'), command: z.string().max(32_768) })
      .describe('a command that runs now, without secrets; kept with the job'),
    z
      .object({ ...reportHead, kind: z.literal('playable'), output: videoOutputSchema })
      .describe('a first rendition can be played from the staging folder'),
    z.object({ ...reportHead, kind: z.literal('publish'), output: videoOutputSchema }).describe('asks for leave to put the result in place'),
    z.object({ ...reportHead, kind: z.literal('done'), output: videoOutputSchema, cost: jobCostSchema }),
    z.object({ ...reportHead, kind: z.literal('failed'), failure: jobFailureSchema, cost: jobCostSchema.nullable() }),
    z.object({ ...reportHead, kind: z.literal('returned'), detail: z.string() }).describe('the worker stops; the attempt does not count'),
    z.object({ ...reportHead, kind: z.literal('cancelled') }),
  ])
  .meta({ id: 'JobReport' });
export type JobReport = z.infer<typeof jobReportSchema>;

/** `go_on`; `stop`: the lease is another's or the job was cancelled, drop it. `retry_in_ms` is the pause before the ticket comes again. */
export const jobReportReplySchema = z
  .object({
    verdict: z.enum(['go_on', 'stop']),
    reason: z.string().optional(),
    retry_in_ms: count.optional(),
    final: z.boolean().optional().describe('with `failed`: no further attempt'),
  })
  .meta({ id: 'JobReportReply' });
export type JobReportReply = z.infer<typeof jobReportReplySchema>;

/** A piece of a long video, from the worker that leads the job. Its result is one folder below `staging_path`; a second run changes nothing. */
export const videoChunkSchema = z
  .object({
    job_id: idSchema,
    revision: integer,
    leader_id: idSchema,
    chunk: count,
    source_path: z.string(),
    folder: z.string().describe('folder that shall hold the result, renamed into place when complete'),
    command: z.array(z.string()).describe('arguments of FFmpeg, made by the leader; paths inside `folder` begin with `{folder}`'),
    duration_s: z.number().positive(),
    frames: ordinal.nullable(),
    limits: z.object({ max_wall_s: z.number(), max_output_bytes: integer, max_memory_bytes: integer, stall_s: z.number() }),
  })
  .meta({ id: 'VideoChunk' });
export type VideoChunk = z.infer<typeof videoChunkSchema>;

export const videoChunkStatusSchema = z
  .object({
    job_id: idSchema,
    revision: integer,
    chunk: count,
    worker_id: idSchema,
    state: z.enum(['running', 'done', 'failed']),
    percent: z.number().min(0).max(100),
    fps: amount,
    failure: jobFailureSchema.optional(),
    cost: jobCostSchema.optional(),
    timestamp: timestampSchema,
  })
  .meta({ id: 'VideoChunkStatus' });
export type VideoChunkStatus = z.infer<typeof videoChunkStatusSchema>;

/** What the hub tells a worker. */
export const workerCommandSchema = z
  .discriminatedUnion('action', [
    z.strictObject({ action: z.literal('announce') }),
    z.strictObject({ action: z.literal('drain') }).describe('finish what runs, take nothing new'),
    z.strictObject({ action: z.literal('resume') }),
    z.strictObject({ action: z.literal('pause') }).describe('take no tickets until `resume`; what runs goes on'),
    z.strictObject({ action: z.literal('cancel'), job_id: idSchema, revision: integer }),
  ])
  .meta({ id: 'WorkerCommand' });
export type WorkerCommand = z.infer<typeof workerCommandSchema>;

/** `video.processed`. */
export const videoProcessedSchema = z
  .looseObject({
    video_id: videoIdSchema,
    job_id: idSchema,
    status: z.literal('done'),
    user_id: z.string(),
    source_path: z.string(),
    output_path: z.string(),
    hls_path: z.string().describe('path of master.m3u8'),
    thumbnail_path: z.string().nullable(),
    quality: z.array(z.string()),
    duration: z.number().describe('seconds'),
    size_bytes: integer,
    metadata: z.record(z.string(), z.unknown()),
    timestamp: timestampSchema,
  })
  .meta({ id: 'VideoProcessed' });

/** `video.failed`. */
export const videoFailedSchema = z
  .looseObject({
    video_id: z.string(),
    job_id: idSchema.nullable(),
    status: z.literal('failed'),
    user_id: z.string(),
    error: z.string(),
    code: z.string(),
    reason: z.string(),
    attempts: integer,
    metadata: z.record(z.string(), z.unknown()),
    timestamp: timestampSchema,
  })
  .meta({ id: 'VideoFailed' });

/** `video.upload`: a raw video is there. From a plain client it registers the video without processing it. */
export const videoUploadedSchema = z
  .looseObject({
    video_id: videoIdSchema,
    source_path: z.string().min(1).max(4096),
    user_id: z.string().max(128).default(''),
    metadata: z.record(z.string(), z.unknown()).optional(),
    size_bytes: count.optional(),
    sha256: z.string().max(64).optional(),
    timestamp: timestampSchema.optional(),
  })
  .meta({ id: 'VideoUploaded' });

/** `video.thumbnail`: make a picture of a source; `video.metadata`: tell what it is. Both answer when they came as requests. */
export const thumbnailRequestSchema = z
  .looseObject({
    video_id: videoIdSchema,
    source_path: z.string().min(1).max(4096),
    output_path: z.string().min(1).max(4096).optional().describe('folder; default: that of the video'),
    thumbnail_time: videoTimeSchema.optional(),
  })
  .meta({ id: 'ThumbnailRequest' });
export const thumbnailReplySchema = z
  .object({
    ok: z.boolean(),
    video_id: z.string(),
    thumbnail_path: z.string().nullable(),
    error: problemSchema.optional(),
    timestamp: timestampSchema,
  })
  .meta({ id: 'ThumbnailReply' });
export const metadataRequestSchema = z
  .looseObject({ video_id: videoIdSchema, source_path: z.string().min(1).max(4096) })
  .meta({ id: 'MetadataRequest' });
export const metadataReplySchema = z
  .object({ ok: z.boolean(), video_id: z.string(), facts: sourceFactsSchema.nullable(), error: problemSchema.optional(), timestamp: timestampSchema })
  .meta({ id: 'MetadataReply' });

/** Message of `video.dlq`, and a row of the dead letters. */
export const deadLetterSchema = z
  .object({
    dead_letter_id: idSchema,
    job_id: idSchema.nullable().describe('null: the message could not be read'),
    video_id: z.string().nullable(),
    subject: z.string(),
    payload: z.string().describe('the original message'),
    code: z.string(),
    reason: z.string(),
    detail: z.string(),
    stderr: z.array(z.string()),
    attempts: integer,
    at: timestampSchema,
    replayed_at: timestampSchema.nullable(),
  })
  .meta({ id: 'DeadLetter' });
export type DeadLetter = z.infer<typeof deadLetterSchema>;

/** One delivery to a `callback_url`, signed as Standard Webhooks say. */
export const callbackSchema = z
  .object({
    callback_id: idSchema.describe('`webhook-id`: the same for every attempt'),
    job_id: idSchema.nullable().describe('null: the request was not taken'),
    video_id: z.string().nullable().describe('null: the request named none'),
    url: z.string(),
    event: z.enum(['video.processed', 'video.failed']),
    state: z.enum(['waiting', 'delivered', 'failed', 'disabled']),
    attempts: integer,
    last_status: integer.nullable(),
    last_error: z.string().nullable(),
    next_at: timestampSchema.nullable(),
    created_at: timestampSchema,
    delivered_at: timestampSchema.nullable(),
  })
  .meta({ id: 'Callback' });
export type Callback = z.infer<typeof callbackSchema>;

/** A worker as the hub shows it. */
export const videoWorkerSchema = z
  .object({
    worker_id: idSchema,
    state: z.enum(['online', 'paused', 'draining', 'lost']),
    host: z.string(),
    pid: integer,
    version: z.string(),
    jobs: z.array(idSchema),
    slots: integer.describe('jobs it would take at once, by measured load'),
    encoders: z.array(z.string()),
    cpu_percent: z.number().nullable(),
    rss_bytes: z.number().nullable(),
    last_seen_at: timestampSchema,
  })
  .meta({ id: 'VideoWorker' });
export type VideoWorker = z.infer<typeof videoWorkerSchema>;

export const videoQueueSchema = z
  .object({
    state: z.enum(['running', 'paused']),
    queued: integer,
    running: integer,
    retrying: integer,
    dead_letters: integer,
    oldest_wait_s: z.number().nullable(),
    wait_p50_s: z.number().nullable().describe('of jobs started within the last hour'),
    run_p50_s: z.number().nullable(),
    speed_p50: z.number().nullable().describe('seconds of video per second of work'),
    failures: z.record(z.string(), integer).describe('by reason, of the last 24 hours'),
    cpu_s_24h: z.number(),
    bytes_24h: z.number(),
    workers: z.array(videoWorkerSchema),
  })
  .meta({ id: 'VideoQueue' });
export type VideoQueue = z.infer<typeof videoQueueSchema>;
