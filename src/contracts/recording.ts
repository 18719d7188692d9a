/**
 * Recordings. A spoke is ordered to record (`RecordingOrder`, part of its assignment), tells how it goes (`RecordingStatus`), and keeps a
 * list of what it wrote and of what is missing (`RecordingEntry`), one line per segment or gap, numbered per stream. The hub reads that
 * list into its index; the list on the spoke's disk is the truth, so nothing is lost while hub or bus are away.
 */
import { z } from 'zod';
import { idSchema, spokeIdSchema, streamIdSchema, timestampSchema } from './ids.js';
import { amount, count, integer, ordinal } from './numbers.js';

export const recordingFormats = ['fmp4', 'mp4', 'mkv'] as const;
export type RecordingFormat = (typeof recordingFormats)[number];

/** Name of a file without its extension; no path, no leading dot. */
export const fileStemSchema = z
  .string()
  .min(1)
  .max(255)
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, 'use letters, digits, ".", "_" and "-", starting with a letter or digit')
  .refine((name) => !name.includes('..'), 'must not contain ".."');

/** Why a piece of a wanted recording is not there. */
export const gapCauses = [
  'starting',
  'source_missing',
  'source_unreachable',
  'source_silent',
  'source_failed',
  'configured',
  'ffmpeg_failed',
  'spoke_killed',
  'spoke_stopped',
  'spoke_lost',
  'host_restarted',
  'storage_blocked',
  'disk_full',
  'write_failed',
  'clock_changed',
  'deleted',
] as const;
export type GapCause = (typeof gapCauses)[number];

export const recordingOrigins = ['manual', 'always', 'schedule'] as const;

/** What a spoke shall record. It needs the hub for neither the begin nor the end. */
export const recordingOrderSchema = z
  .strictObject({
    recording_id: idSchema,
    origin: z.enum(recordingOrigins),
    format: z.enum(recordingFormats),
    from: timestampSchema.describe('begin; in the past: at once'),
    until: timestampSchema.nullable().describe('end; null: until the order is gone'),
    segment_s: integer.min(2).max(86_400).describe('a new file at the first keyframe after so long'),
    segment_bytes: integer.min(1_048_576).describe('or after so many bytes'),
    pre_roll_s: z.number().min(0).max(60).describe('seconds from memory that are put before the begin'),
  })
  .meta({ id: 'RecordingOrder' });
export type RecordingOrder = z.infer<typeof recordingOrderSchema>;

/** `waiting`: wanted, but there is no picture (gap); `blocked`: no room. */
export const recordingStates = ['starting', 'recording', 'waiting', 'blocked', 'stopping', 'stopped', 'failed'] as const;
export type RecordingState = (typeof recordingStates)[number];

/** Published at each change and every second while it records. */
export const recordingStatusSchema = z
  .object({
    stream_id: streamIdSchema,
    recording_id: idSchema,
    spoke_id: spokeIdSchema,
    state: z.enum(recordingStates),
    cause: z.enum(gapCauses).optional(),
    error: z.string().optional(),
    format: z.enum(recordingFormats),
    filename: fileStemSchema.nullable().describe('file being written, without extension'),
    started_at: timestampSchema.nullable().describe('time of the first frame recorded, pre-roll included'),
    elapsed_s: amount.describe('seconds recorded'),
    size_bytes: count,
    segments: count.describe('files finished'),
    dropped_fragments: count
      .optional()
      .describe('pictures and sounds of the stream given up because the disk was too slow, since its spoke began; left out: unknown'),
    until: timestampSchema.nullable(),
    timestamp: timestampSchema,
  })
  .meta({ id: 'RecordingStatus' });
export type RecordingStatus = z.infer<typeof recordingStatusSchema>;

const entryHead = {
  sequence: ordinal.describe('counts the entries of a stream on one spoke from 1'),
  stream_id: streamIdSchema,
  spoke_id: spokeIdSchema,
  recording_id: idSchema,
};

export const segmentEntrySchema = z
  .object({
    ...entryHead,
    kind: z.literal('segment'),
    filename: fileStemSchema.describe('without extension, unique'),
    path: z.string().describe('below the recordings folder'),
    format: z.enum(recordingFormats),
    from: timestampSchema.describe('wall clock of the first frame'),
    to: timestampSchema.describe('wall clock of the end of the last frame'),
    duration_ms: amount,
    size_bytes: count,
    frames: count,
    width: integer.optional(),
    height: integer.optional(),
    codecs: z.string(),
    keyframes: z.array(z.tuple([z.number(), integer])).describe('[milliseconds from the begin, byte offset] of each keyframe; fmp4 only, else empty'),
    init_bytes: integer.describe('size of the init segment at the begin of the file; 0 when not fmp4'),
    closed_by: z.enum(['rotation', 'stop', 'gap', 'picture_changed', 'recovered']),
  })
  .meta({ id: 'SegmentEntry' });
export type SegmentEntry = z.infer<typeof segmentEntrySchema>;

export const gapEntrySchema = z
  .object({
    ...entryHead,
    kind: z.literal('gap'),
    from: timestampSchema,
    to: timestampSchema,
    cause: z.enum(gapCauses),
    detail: z.string().optional(),
  })
  .meta({ id: 'GapEntry' });
export type GapEntry = z.infer<typeof gapEntrySchema>;

/** Begin and end of an order as the spoke carried it out. */
export const orderEntrySchema = z
  .object({ ...entryHead, kind: z.enum(['began', 'ended']), at: timestampSchema, order: recordingOrderSchema, detail: z.string().optional() })
  .meta({ id: 'OrderEntry' });
export type OrderEntry = z.infer<typeof orderEntrySchema>;

export const recordingEntrySchema = z
  .discriminatedUnion('kind', [segmentEntrySchema, gapEntrySchema, orderEntrySchema])
  .meta({ id: 'RecordingEntry' });
export type RecordingEntry = z.infer<typeof recordingEntrySchema>;

/** Answer of a spoke that is asked for its list: entries after a number, oldest first. */
export const recordingEntriesSchema = z.object({ entries: z.array(recordingEntrySchema), last: count, more: z.boolean() });

/** From a start to its stop, over as many files as it took. */
export const recordingSchema = z
  .object({
    recording_id: idSchema,
    stream_id: streamIdSchema,
    origin: z.enum(recordingOrigins),
    state: z.enum(recordingStates),
    cause: z.enum(gapCauses).nullable(),
    error: z.string().nullable(),
    format: z.enum(recordingFormats),
    filename: fileStemSchema.nullable().describe('newest file, without extension'),
    started_at: timestampSchema.nullable(),
    ended_at: timestampSchema.nullable(),
    until: timestampSchema.nullable(),
    elapsed_s: amount,
    size_bytes: count,
    segments: count,
    dropped_fragments: count
      .optional()
      .describe('while it goes on: pictures and sounds of the stream given up because the disk was too slow, since its spoke began'),
    requested_by: z.string(),
    requested_at: timestampSchema,
  })
  .meta({ id: 'Recording' });
export type Recording = z.infer<typeof recordingSchema>;

export const startRecordingSchema = z
  .strictObject({
    duration_s: integer
      .min(1)
      .max(86_400)
      .optional()
      .describe(
        'lasts so long from its begin and stops by itself, also when hub or spoke were restarted meanwhile; counts from the first frame where that comes later. The file begins at the keyframe at or before the begin',
      ),
    format: z.enum(recordingFormats).optional().describe('default: recordings.format of the configuration'),
    segment_s: integer.min(2).max(86_400).optional(),
    segment_bytes: integer.min(1_048_576).optional(),
    pre_roll_s: z
      .number()
      .min(0)
      .max(60)
      .optional()
      .describe('seconds from memory put before the begin, besides `duration_s`; default: 0 with `duration_s`, else recordings.pre_roll_s'),
  })
  .meta({ id: 'StartRecording' });
export type StartRecording = z.infer<typeof startRecordingSchema>;

const clockTime = z.string().regex(/^(?:[01]\d|2[0-3]):[0-5]\d$|^24:00$/, 'write HH:MM');
export const weekdays = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;

/** When a stream is recorded without being told. */
export const recordingPolicySchema = z
  .strictObject({
    mode: z.enum(['off', 'always', 'schedule']),
    windows: z
      .array(
        z.strictObject({
          days: z.array(z.enum(weekdays)).min(1).max(7),
          from: clockTime,
          to: clockTime.describe('earlier than `from`: on the next day'),
        }),
      )
      .max(50)
      .optional(),
    time_zone: z.string().max(64).optional().describe('IANA name; default: that of the hub'),
    format: z.enum(recordingFormats).optional(),
    segment_s: integer.min(2).max(86_400).optional(),
    segment_bytes: integer.min(1_048_576).optional(),
    max_age_days: z
      .number()
      .min(0.01)
      .max(3650)
      .nullable()
      .optional()
      .describe('keeps this stream’s recordings for so long instead of the general time'),
  })
  .meta({ id: 'RecordingPolicy' });
export type RecordingPolicy = z.infer<typeof recordingPolicySchema>;

/** One file of a recording. */
export const segmentSchema = z
  .object({
    filename: fileStemSchema.describe('without extension'),
    recording_id: idSchema,
    stream_id: streamIdSchema,
    format: z.enum(recordingFormats),
    started_at: timestampSchema,
    ended_at: timestampSchema,
    duration_s: amount,
    file_size: count,
    frames: count,
    width: integer.nullable(),
    height: integer.nullable(),
    protected: z.boolean().describe('retention leaves it alone'),
    recovered: z.boolean().describe('its spoke was killed while writing it'),
    lost_at: timestampSchema.optional().describe('when its file was found to be gone, or not as it was written; left out: it is there'),
    spoke_id: spokeIdSchema,
    download_url: z.string(),
  })
  .meta({ id: 'Segment' });
export type Segment = z.infer<typeof segmentSchema>;

/** Every second of a stream within a time: recorded, missing with its cause, or not wanted. */
export const coverageSchema = z
  .object({
    stream_id: streamIdSchema,
    from: timestampSchema,
    to: timestampSchema,
    spans: z.array(
      z.object({
        from: timestampSchema,
        to: timestampSchema,
        state: z.enum(['present', 'missing', 'unwanted']),
        cause: z.enum(gapCauses).optional(),
        detail: z.string().optional(),
        filename: fileStemSchema.optional().describe('with `present`, where one file covers the span'),
      }),
    ),
    present_s: amount,
    missing_s: amount,
    complete_percent: z.number().min(0).max(100).describe('of what was wanted'),
  })
  .meta({ id: 'Coverage' });
export type Coverage = z.infer<typeof coverageSchema>;

export const exportSchema = z
  .object({
    export_id: idSchema,
    stream_id: streamIdSchema,
    from: timestampSchema,
    to: timestampSchema,
    name: z.string(),
    state: z.enum(['queued', 'running', 'done', 'failed', 'cancelled']),
    progress: z.number().min(0).max(100),
    error: z.string().nullable(),
    filename: z.string().nullable().describe('with extension, below /files/exports/'),
    file_size: count.nullable(),
    missing_s: amount.describe('seconds inside the span that were not recorded'),
    download_url: z.string().nullable(),
    created_at: timestampSchema,
    created_by: z.string(),
    expires_at: timestampSchema.nullable(),
  })
  .meta({ id: 'Export' });
export type Export = z.infer<typeof exportSchema>;

export const createExportSchema = z
  .strictObject({
    stream_id: streamIdSchema,
    from: timestampSchema,
    to: timestampSchema,
    name: fileStemSchema.max(120).optional().describe('file name without extension; default: made from stream and time'),
  })
  .meta({ id: 'CreateExport' });
export type CreateExport = z.infer<typeof createExportSchema>;
