/**
 * Every subject on the bus: address, message, answer, who may publish and who may subscribe.
 * Types, validation, permissions, AsyncAPI and the subject reference are all read from this table; no other file writes a subject.
 */
import { z } from 'zod';
import { agentAnnounceSchema, agentCommandSchema, agentHeartbeatSchema, agentReplySchema } from './agent.js';
import { alertMessageSchema } from './alert.js';
import { deviceSchema } from './device.js';
import { historyReplySchema, historyRequestSchema } from './history.js';
import { checkToken } from './ids.js';
import { watchReplySchema, watchRequestSchema } from './media.js';
import { recordingEntrySchema, recordingStatusSchema } from './recording.js';
import { snapshotSchema } from './snapshot.js';
import {
  commandResultSchema,
  streamCommandSchema,
  streamLogSchema,
  streamMetricsSchema,
  streamProgressSchema,
  streamStatusSchema,
} from './stream.js';
import { configChangeSchema, systemHealthSchema } from './system.js';
import { videoSchema } from './video.js';
import * as job from './video-job.js';

/**
 * Who stands on the bus. `spoke` is bound to its own streams, `vod_worker` to its own name, `viewer` and `operator` to the streams they were granted,
 * `hub` and `admin` to none.
 */
export const busRoles = ['hub', 'spoke', 'vod_worker', 'video_publisher', 'viewer', 'operator', 'admin'] as const;
export type BusRole = (typeof busRoles)[number];

/** First token of all subjects of each part; can be renamed in the configuration. */
export const defaultRoots = { videonode: 'videonode', video: 'video' } as const;
export type Roots = { [Root in keyof typeof defaultRoots]: string };

export interface Channel<
  Message extends z.ZodType = z.ZodType,
  Reply extends z.ZodType | undefined = z.ZodType | undefined,
  Address extends string = string,
> {
  /** Address with `{parameter}` tokens; the first token names the root. */
  readonly address: Address;
  /** `event`: published; `request`: answered by one server; `bytes`: media with headers. */
  readonly kind: 'event' | 'request' | 'bytes';
  readonly message: Message;
  readonly reply: Reply;
  readonly publishers: readonly BusRole[];
  readonly subscribers: readonly BusRole[];
  readonly summary: string;
  /** How often, for the reference. */
  readonly rate?: string;
}

function event<M extends z.ZodType, A extends string>(
  address: A,
  message: M,
  publishers: readonly BusRole[],
  subscribers: readonly BusRole[],
  summary: string,
  rate?: string,
): Channel<M, undefined, A> {
  return { address, kind: 'event', message, reply: undefined, publishers, subscribers, summary, ...(rate === undefined ? {} : { rate }) };
}

function request<M extends z.ZodType, R extends z.ZodType, A extends string>(
  address: A,
  message: M,
  reply: R,
  publishers: readonly BusRole[],
  subscribers: readonly BusRole[],
  summary: string,
): Channel<M, R, A> {
  return { address, kind: 'request', message, reply, publishers, subscribers, summary };
}

function bytes<A extends string>(address: A, summary: string, rate: string): Channel<z.ZodUndefined, undefined, A> {
  // Viewers do not subscribe: they pull from the media journal, at their own pace.
  return { address, kind: 'bytes', message: z.undefined(), reply: undefined, publishers: ['spoke'], subscribers: ['hub', 'admin'], summary, rate };
}

const everyone = ['hub', 'viewer', 'operator', 'admin'] as const;

/** An empty payload, as plain clients send it for `status.get`; whatever stands in it is ignored. */
const nothing = z.unknown().transform(() => undefined);

export const channels = {
  stream_command: request(
    'videonode.stream.{stream_id}.command',
    streamCommandSchema,
    commandResultSchema,
    ['hub', 'operator', 'admin'],
    ['spoke', 'hub'],
    'Start, stop or configure a stream. As a plain publish it is obeyed; as a request it is also answered.',
  ),
  stream_status: event(
    'videonode.stream.{stream_id}.status',
    streamStatusSchema,
    ['spoke', 'hub'],
    everyone,
    'State of the stream, at each change and every 10 s. The hub speaks where no spoke can (header `Weir-Origin`).',
    'on change, and every 10 s',
  ),
  stream_status_get: request('videonode.stream.{stream_id}.status.get', nothing, streamStatusSchema, everyone, ['spoke'], 'The state right now.'),
  stream_progress: event(
    'videonode.stream.{stream_id}.progress',
    streamProgressSchema,
    ['spoke'],
    everyone,
    'Frame count, rate, size and speed.',
    '1 Hz',
  ),
  stream_metrics: event(
    'videonode.stream.{stream_id}.metrics',
    streamMetricsSchema,
    ['spoke'],
    everyone,
    'Cost and quality in detail. Kept for 24 h in the journal METRICS.',
    '5 Hz',
  ),
  stream_log: event(
    'videonode.stream.{stream_id}.log',
    streamLogSchema,
    ['spoke', 'hub'],
    everyone,
    'Log lines of FFmpeg and the spoke. Kept for 24 h in the journal LOGS.',
    'as they come, at most 50 per second',
  ),
  stream_media_init: bytes('videonode.stream.{stream_id}.media.init', 'Initialisation segment (ftyp, moov).', 'once per epoch, and again every 20 s'),
  stream_media_key: bytes(
    'videonode.stream.{stream_id}.media.key',
    'Fragment (moof, mdat) that starts with a keyframe.',
    'one per keyframe interval',
  ),
  stream_media_delta: bytes('videonode.stream.{stream_id}.media.delta', 'Any other fragment (moof, mdat).', 'one per frame'),
  stream_watch: request(
    'videonode.stream.{stream_id}.watch',
    watchRequestSchema,
    watchReplySchema,
    ['viewer', 'operator', 'admin'],
    ['hub'],
    'A place to read the media journal from.',
  ),
  stream_history: request(
    'videonode.stream.{stream_id}.history',
    historyRequestSchema,
    historyReplySchema,
    ['viewer', 'operator', 'admin'],
    ['hub'],
    'Past metrics, log lines and status changes of a stream.',
  ),

  recording_status: event(
    'videonode.stream.{stream_id}.recording',
    recordingStatusSchema,
    ['spoke', 'hub'],
    everyone,
    'How the recording of a stream goes.',
    'on change, and 1 Hz while recording',
  ),
  recording_entry: event(
    'videonode.stream.{stream_id}.recording.entry',
    recordingEntrySchema,
    ['spoke'],
    ['hub', 'operator', 'admin'],
    'A file was finished, a gap ended, an order began or ended. Also kept by the spoke, which is asked for what was missed.',
    'as it happens',
  ),
  snapshot_taken: event('videonode.stream.{stream_id}.snapshot', snapshotSchema, ['hub'], everyone, 'A snapshot was kept.', 'as it happens'),

  device_discovered: event('videonode.device.discovered', deviceSchema, ['hub', 'spoke'], ['hub', 'operator', 'admin'], 'A capture device appeared.'),
  device_removed: event('videonode.device.removed', deviceSchema, ['hub', 'spoke'], ['hub', 'operator', 'admin'], 'A capture device is gone.'),
  alert_error: event(
    'videonode.alert.error',
    alertMessageSchema,
    ['hub', 'spoke', 'operator', 'admin'],
    ['hub', 'operator', 'admin'],
    'An error condition began or ended.',
  ),
  alert_warning: event(
    'videonode.alert.warning',
    alertMessageSchema,
    ['hub', 'spoke', 'operator', 'admin'],
    ['hub', 'operator', 'admin'],
    'A warning condition began or ended.',
  ),
  system_health: event('videonode.system.health', systemHealthSchema, ['hub'], everyone, 'Health of the whole.', 'every 5 s, and on change'),
  system_config: event(
    'videonode.system.config',
    configChangeSchema,
    ['hub'],
    ['hub', 'operator', 'admin'],
    'A definition or the configuration changed.',
  ),

  spoke_announce: event(
    'videonode.spoke.{spoke_id}.announce',
    agentAnnounceSchema,
    ['spoke'],
    ['hub', 'operator', 'admin'],
    'A spoke is there: sent at start and after each reconnect.',
  ),
  spoke_heartbeat: event(
    'videonode.spoke.{spoke_id}.heartbeat',
    agentHeartbeatSchema,
    ['spoke'],
    ['hub', 'operator', 'admin'],
    'A spoke is alive.',
    'every 2 s',
  ),
  spoke_command: request(
    'videonode.spoke.{spoke_id}.command',
    agentCommandSchema,
    agentReplySchema,
    ['hub'],
    ['spoke'],
    'Assignments, drain, probe of a source, devices, the list of what was recorded.',
  ),

  video_upload: event(
    'video.upload',
    job.videoUploadedSchema,
    ['hub', 'video_publisher', 'operator', 'admin'],
    ['hub', 'operator', 'admin'],
    'A raw video is there. From a plain client it registers the video without processing it. Kept in VIDEO_PROCESSING.',
    'as it happens',
  ),
  video_process: event(
    'video.process',
    job.videoProcessRequestSchema,
    ['hub', 'video_publisher', 'operator', 'admin'],
    ['hub', 'operator', 'admin'],
    'Process this video. Kept in VIDEO_PROCESSING, taken by the consumer VIDEO_WORKER.',
    'as it happens',
  ),
  video_processed: event(
    'video.processed',
    job.videoProcessedSchema,
    ['hub'],
    ['hub', 'video_publisher', 'operator', 'admin'],
    'A video is complete.',
    'as it happens',
  ),
  video_failed: event(
    'video.failed',
    job.videoFailedSchema,
    ['hub'],
    ['hub', 'video_publisher', 'operator', 'admin'],
    'A video was given up.',
    'as it happens',
  ),
  video_dead: event(
    'video.dlq',
    job.deadLetterSchema,
    ['hub'],
    ['hub', 'operator', 'admin'],
    'Dead letters. Kept in VIDEO_PROCESSING_DLQ.',
    'as it happens',
  ),
  video_thumbnail: request(
    'video.thumbnail',
    job.thumbnailRequestSchema,
    job.thumbnailReplySchema,
    ['hub', 'video_publisher', 'operator', 'admin'],
    ['vod_worker'],
    'Make a picture of a video. As a plain publish it is done; as a request it is also answered.',
  ),
  video_metadata: request(
    'video.metadata',
    job.metadataRequestSchema,
    job.metadataReplySchema,
    ['hub', 'video_publisher', 'operator', 'admin'],
    ['vod_worker'],
    'Tell what a video is: duration, size, tracks.',
  ),
  video_changed: event(
    'video.library.{video_id}.changed',
    videoSchema,
    ['hub'],
    ['hub', 'operator', 'admin'],
    'A video was made, changed or deleted.',
    'as it happens',
  ),
  job_changed: event('video.job.{job_id}.changed', job.jobSchema, ['hub'], ['hub', 'operator', 'admin'], 'A job changed its state.', 'as it happens'),
  job_progress: event(
    'video.job.{job_id}.progress',
    job.jobProgressSchema,
    ['vod_worker'],
    ['hub', 'video_publisher', 'operator', 'admin'],
    'How a job goes.',
    '>= 1 Hz while it runs',
  ),
  job_log: event(
    'video.job.{job_id}.log',
    job.jobLogSchema,
    ['vod_worker'],
    ['hub', 'operator', 'admin'],
    'Log lines of a job.',
    'as they come, at most 50 per second',
  ),
  job_claim: request(
    'video.worker.{worker_id}.claim',
    job.jobClaimSchema,
    job.jobClaimReplySchema,
    ['vod_worker'],
    ['hub'],
    'A worker with a ticket asks which job it opens.',
  ),
  job_report: request(
    'video.worker.{worker_id}.report',
    job.jobReportSchema,
    job.jobReportReplySchema,
    ['vod_worker'],
    ['hub'],
    'What a worker tells of the job it holds.',
  ),
  video_chunk: event(
    'video.chunk.{job_id}',
    job.videoChunkSchema,
    ['vod_worker'],
    ['hub', 'admin'],
    'A piece of a long video. Kept in VIDEO_CHUNKS, taken by the consumer VIDEO_CHUNK_WORKER.',
    'as it happens',
  ),
  video_chunk_status: event(
    'video.chunk.{job_id}.status',
    job.videoChunkStatusSchema,
    ['vod_worker'],
    ['vod_worker', 'hub', 'admin'],
    'How a piece goes, for the worker that leads its job.',
    '1 Hz while it runs',
  ),
  video_worker_announce: event(
    'video.worker.{worker_id}.announce',
    agentAnnounceSchema,
    ['vod_worker'],
    ['hub', 'operator', 'admin'],
    'A worker is there: sent at start and after each reconnect.',
  ),
  video_worker_heartbeat: event(
    'video.worker.{worker_id}.heartbeat',
    agentHeartbeatSchema,
    ['vod_worker'],
    ['hub', 'operator', 'admin'],
    'A worker is alive.',
    'every 2 s',
  ),
  video_worker_command: request(
    'video.worker.{worker_id}.command',
    job.workerCommandSchema,
    agentReplySchema,
    ['hub'],
    ['vod_worker'],
    'Drain, pause, cancel.',
  ),
} as const satisfies Record<string, Channel>;

export type ChannelName = keyof typeof channels;
export type MessageOf<N extends ChannelName> = z.output<(typeof channels)[N]['message']>;
export type MessageInput<N extends ChannelName> = z.input<(typeof channels)[N]['message']>;
export type ReplyOf<N extends ChannelName> = (typeof channels)[N]['reply'] extends z.ZodType ? z.output<(typeof channels)[N]['reply']> : never;

type AddressParams<A extends string> = A extends `${string}{${infer P}}${infer Rest}` ? P | AddressParams<Rest> : never;
/** The `{parameters}` of a channel's address. */
export type ParamsOf<N extends ChannelName> = { [P in AddressParams<(typeof channels)[N]['address']>]: string };

export const channelNames = Object.keys(channels) as ChannelName[];

/** Publish form: each parameter is one checked token. */
export function publishSubject<N extends ChannelName>(name: N, params: ParamsOf<N>, roots: Roots = defaultRoots): string {
  return build(channels[name].address, (param) => checkToken(param, (params as Record<string, string>)[param] ?? ''), roots);
}

/** Subscribe form: a parameter that is left out, or `*`, stands for all. */
export function subscribeSubject<N extends ChannelName>(name: N, params: Partial<ParamsOf<N>> = {}, roots: Roots = defaultRoots): string {
  return build(
    channels[name].address,
    (param) => {
      const value = (params as Record<string, string | undefined>)[param];
      return value === undefined || value === '*' ? '*' : checkToken(param, value);
    },
    roots,
  );
}

/** The parameters of a subject that was built from this channel, or undefined when it was not. */
export function matchSubject<N extends ChannelName>(name: N, subject: string, roots: Roots = defaultRoots): ParamsOf<N> | undefined {
  const pattern = subscribeAddress(channels[name].address, roots).split('.');
  const tokens = subject.split('.');
  if (pattern.length !== tokens.length) return undefined;
  const params: Record<string, string> = {};
  for (const [index, part] of pattern.entries()) {
    const token = tokens[index] ?? '';
    if (part.startsWith('{')) params[part.slice(1, -1)] = token;
    else if (part !== token) return undefined;
  }
  return params as ParamsOf<N>;
}

function build(address: string, value: (param: string) => string, roots: Roots): string {
  return subscribeAddress(address, roots).replace(/\{(\w+)\}/g, (_whole, param: string) => value(param));
}

function subscribeAddress(address: string, roots: Roots): string {
  const dot = address.indexOf('.');
  const root = address.slice(0, dot) as keyof Roots;
  return roots[root] + address.slice(dot);
}
