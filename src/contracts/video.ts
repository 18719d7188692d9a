/**
 * The library: videos, how they came here (uploads), what was found out about them (facts), what was made of them (output), who may
 * watch them (visibility, links).
 */
import { z } from 'zod';
import { idSchema, timestampSchema } from './ids.js';
import { amount, count, integer, ordinal } from './numbers.js';
import { videoCodecs } from './video-profile.js';

export const videoIdSchema = idSchema.describe('id of the video');

const title = z.string().trim().min(1).max(300);
const description = z.string().max(10_000);
const tags = z
  .array(z.string().trim().min(1).max(64))
  .max(50)
  .refine((list) => new Set(list).size === list.length, 'a tag stands there twice');

/** `private`: its owner and operators; `link`: also whoever has a signed link; `public`: everybody who reaches the hub. */
export const visibilities = ['private', 'link', 'public'] as const;
export type Visibility = (typeof visibilities)[number];

/** Why a file is not taken as a video. `facts.reason` of the error carries one of them. */
export const sourceFaults = [
  'empty',
  'unreadable',
  'not_a_video',
  'container_not_allowed',
  'truncated',
  'encrypted',
  'no_video_or_audio',
  'too_many_streams',
  'too_many_pixels',
  'too_small',
  'too_long',
  'duration_unknown',
  'too_large',
  'decode_failed',
  'probe_timeout',
] as const;
export type SourceFault = (typeof sourceFaults)[number];

/** What a source really is: measured, not what its header says. */
export const sourceFactsSchema = z
  .object({
    container: z.string().describe('demuxer as FFmpeg names it'),
    duration_s: amount.describe('of the longest track, measured from packets'),
    size_bytes: count,
    bitrate_kbps: amount,
    start_s: z.number().describe('first timestamp; may be negative'),
    video: z
      .object({
        index: count.describe('number of the stream in the file'),
        codec: z.string(),
        profile: z.string().nullable(),
        level: z.number().nullable(),
        pixel_format: z.string().nullable(),
        width: integer.describe('as displayed: rotation and pixel shape applied'),
        height: integer,
        coded_width: integer,
        coded_height: integer,
        rotation: z.number().describe('degrees clockwise: 0, 90, 180 or 270'),
        pixel_aspect: z.tuple([integer, integer]),
        frame_rate: z.number().describe('average frames per second'),
        frame_rate_text: z.string().describe('as a fraction: `30000/1001`'),
        is_variable_rate: z.boolean(),
        is_interlaced: z.boolean(),
        is_hdr: z.boolean(),
        transfer: z.string().nullable(),
        primaries: z.string().nullable(),
        frames: integer.nullable(),
        keyframe_interval_s: z.number().nullable().describe('longest distance of two keyframes; null: not measured'),
        bitrate_kbps: amount,
        bitrates_kbps: z.array(amount).max(50).optional().describe('of each of up to 50 equal parts of its length'),
        start_s: z.number().optional().describe('presentation time of the first frame'),
        duration_s: amount.optional().describe('from the first frame to the end of the last'),
        gop: z
          .object({
            frames: integer.nullable().describe('between any two keyframes; null: it varies'),
            is_open: z.boolean().describe('frames after a keyframe need what was before it'),
            is_cut: z
              .boolean()
              .optional()
              .describe('an edit list hides pictures that others need, or the first one is no keyframe; absent in facts of older versions'),
          })
          .nullable()
          .optional()
          .describe('null: not measured'),
      })
      .nullable(),
    audio: z.array(
      z.object({
        index: count,
        codec: z.string(),
        channels: integer,
        sample_rate: integer,
        language: z.string().nullable(),
        title: z.string().nullable(),
        is_default: z.boolean(),
        bitrate_kbps: amount,
        start_s: z.number().optional().describe('presentation time of the first sample'),
        duration_s: amount.optional(),
      }),
    ),
    subtitles: z.array(
      z.object({
        index: count,
        codec: z.string(),
        is_text: z.boolean(),
        language: z.string().nullable(),
        title: z.string().nullable(),
        is_forced: z.boolean(),
      }),
    ),
    warnings: z.array(z.string()).describe('what is odd, but was dealt with'),
  })
  .meta({ id: 'SourceFacts' });
export type SourceFacts = z.infer<typeof sourceFactsSchema>;

/** One rendition as it lies on disk, measured. */
export const outputRenditionSchema = z
  .object({
    name: idSchema,
    playlist: z.string().describe('file name below the output folder'),
    width: integer.nullable().describe('null: audio only'),
    height: integer.nullable(),
    frame_rate: z.number().nullable(),
    codec: z.enum(videoCodecs).nullable(),
    codecs: z.string().describe('RFC 6381'),
    bandwidth: integer.describe('bits per second, measured peak'),
    average_bandwidth: integer,
    segments: integer,
    size_bytes: integer,
    frames: integer.nullable(),
    passthrough: z.boolean(),
    encoder: z.string().describe('`libx264`, `h264_vaapi`, ... or `copy`'),
  })
  .meta({ id: 'OutputRendition' });

/** What was published for a video. All names are files below the output folder. */
export const videoOutputSchema = z
  .object({
    revision: ordinal.describe('grows with each publication'),
    profile: idSchema,
    master: z.string().describe('`master.m3u8`'),
    dash: z.string().nullable(),
    thumbnail: z.string().nullable(),
    posters: z.array(z.object({ file: z.string(), at_s: z.number() })),
    storyboard: z.object({ sprite: z.array(z.string()), vtt: z.string() }).nullable(),
    renditions: z.array(outputRenditionSchema),
    audio: z.array(z.object({ name: z.string(), language: z.string(), playlist: z.string() })),
    subtitles: z.array(z.object({ name: z.string(), language: z.string(), playlist: z.string(), vtt: z.string() })),
    duration_s: z.number(),
    size_bytes: integer,
    is_encrypted: z.boolean(),
    published_at: timestampSchema,
  })
  .meta({ id: 'VideoOutput' });
export type VideoOutput = z.infer<typeof videoOutputSchema>;

/** `uploading`: bytes still come; `uploaded`: nothing was asked for yet; `processing` also while a first rendition can be played already. */
export const videoStates = ['uploading', 'uploaded', 'queued', 'processing', 'ready', 'failed'] as const;
export type VideoState = (typeof videoStates)[number];

export const videoSchema = z
  .object({
    video_id: videoIdSchema,
    title: z.string(),
    description: z.string(),
    tags: z.array(z.string()),
    visibility: z.enum(visibilities),
    state: z.enum(videoStates),
    owner: z.string().describe('name of the user, or `user_id` of the request on the bus'),
    source: z
      .object({
        name: z.string().describe('file name as it was given; only shown'),
        size_bytes: count,
        sha256: z.string().nullable(),
        kept: z.boolean().describe('false: deleted after success, as was asked'),
      })
      .nullable(),
    facts: sourceFactsSchema.nullable(),
    output: videoOutputSchema.nullable(),
    metadata: z.record(z.string(), z.unknown()).describe('as it came with the request'),
    job_id: idSchema.nullable().describe('newest job'),
    progress: z.number().min(0).max(100).nullable().describe('of that job while it runs'),
    error: z.string().nullable(),
    created_at: timestampSchema,
    updated_at: timestampSchema,
    published_at: timestampSchema.nullable(),
    deleted_at: timestampSchema.nullable().describe('in the trash since; gone for good after `vod.trash_keep_s`'),
    thumbnail_url: z.string().nullable(),
    playback_url: z
      .string()
      .nullable()
      .describe('HLS multivariant playlist of the present revision, for who is signed in; without `/r{revision}` it leads to the newest for ever'),
    watch_url: z.string().describe('page of the interface'),
  })
  .meta({ id: 'Video' });
export type Video = z.infer<typeof videoSchema>;

/** What whoever may watch a video may know of it, and nothing of its owner or where it lies. */
export const sharedVideoSchema = z
  .object({
    video_id: videoIdSchema,
    title: z.string(),
    description: z.string(),
    state: z.enum(videoStates),
    duration_s: z.number().nullable().describe('of the source while there is no result yet'),
    revision: ordinal.nullable().describe('its files lie in the folder `r{revision}` beside this document; null: nothing to play yet'),
    master: z.string().nullable().describe('file name of the HLS multivariant playlist'),
    dash: z.string().nullable(),
    thumbnail: z.string().nullable(),
    storyboard: z.object({ sprite: z.array(z.string()), vtt: z.string() }).nullable(),
    renditions: z.array(outputRenditionSchema.pick({ name: true, width: true, height: true })),
    subtitles: z.array(z.object({ name: z.string(), language: z.string() })),
  })
  .meta({ id: 'SharedVideo' });
export type SharedVideo = z.infer<typeof sharedVideoSchema>;

export const updateVideoSchema = z
  .strictObject({
    title: title.optional(),
    description: description.optional(),
    tags: tags.optional(),
    visibility: z.enum(visibilities).optional(),
  })
  .meta({ id: 'UpdateVideo' });

/** What may be said of a video before it is there, whatever way it comes. */
export const videoDraftSchema = z
  .strictObject({
    title: title.optional().describe('default: made from the file name'),
    description: description.optional(),
    tags: tags.optional(),
    visibility: z.enum(visibilities).optional().describe('default `private`'),
    profile: idSchema.optional().describe('default: `vod.profile`'),
    quality: z.array(z.string().max(16)).min(1).max(12).optional().describe('steps of the ladder by name; default: all of the profile'),
    process: z.boolean().optional().describe('queue it as soon as it is complete; default true'),
    priority: integer.min(-50).max(50).optional(),
    callback_url: z.url().max(2048).optional(),
    thumbnail_time: z.string().max(32).optional(),
    delete_source: z.boolean().optional().describe('delete the source after success; default false'),
    replaces: videoIdSchema.optional().describe('becomes the new source of this video'),
  })
  .meta({ id: 'VideoDraft' });
export type VideoDraft = z.infer<typeof videoDraftSchema>;

export const uploadMethods = ['tus', 'multipart', 'put', 'path', 'url', 'recording'] as const;
export const uploadStates = ['receiving', 'paused', 'checking', 'done', 'failed', 'cancelled', 'expired'] as const;

export const uploadSchema = z
  .object({
    upload_id: idSchema,
    video_id: videoIdSchema,
    method: z.enum(uploadMethods),
    state: z.enum(uploadStates).describe('`paused`: no byte for a while; it goes on where it stopped'),
    name: z.string().describe('file name as it was given; only shown'),
    size_bytes: count.nullable().describe('null: not known beforehand'),
    received_bytes: count,
    bytes_per_s: amount.nullable(),
    sha256: z.string().nullable(),
    owner: z.string(),
    error: z.object({ code: z.string(), reason: z.string().nullable(), detail: z.string() }).nullable(),
    created_at: timestampSchema,
    updated_at: timestampSchema,
    expires_at: timestampSchema.nullable().describe('an unfinished upload is deleted then'),
    url: z.string().nullable().describe('where a tus client goes on'),
  })
  .meta({ id: 'Upload' });
export type Upload = z.infer<typeof uploadSchema>;

/** A signed address by which a `link` video is watched without an account. */
export const videoLinkSchema = z
  .object({
    link_id: idSchema,
    video_id: videoIdSchema,
    name: z.string(),
    created_at: timestampSchema,
    created_by: z.string(),
    expires_at: timestampSchema.nullable(),
    watch_url: z.string(),
    embed_url: z.string(),
    playback_url: z.string().describe('leads to the newest revision'),
  })
  .meta({ id: 'VideoLink' });
export type VideoLink = z.infer<typeof videoLinkSchema>;

/** How the output stands against the rules of the HLS authoring specification. */
export const videoReportSchema = z
  .object({
    video_id: videoIdSchema,
    revision: integer,
    checked_at: timestampSchema,
    passed: z.boolean().describe('every `must` holds'),
    rules: z.array(
      z.object({
        rule: z.string().describe('number in the specification: `9.1`'),
        level: z.enum(['must', 'should']),
        result: z.enum(['passed', 'failed', 'not_applicable']),
        about: z.string(),
        detail: z.string().optional(),
        file: z.string().optional(),
      }),
    ),
  })
  .meta({ id: 'VideoReport' });
export type VideoReport = z.infer<typeof videoReportSchema>;
