/** The library of videos: what there is, who may see it, and its files. */
import { z } from 'zod';
import { idSchema } from '../ids.js';
import { amount, integer } from '../numbers.js';
import * as video from '../video.js';
import * as job from '../video-job.js';
import { videoProfileSchema } from '../video-profile.js';
import { page, pageQuery, type Route } from './route.js';

const videoParams = z.object({ video_id: video.videoIdSchema });
/** File of an output folder: one name, no folder, no leading dot. */
const outputFile = z
  .string()
  .max(128)
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, 'not a file of a video')
  .refine((name) => !name.includes('..'), 'not a file of a video');
const linkToken = z
  .string()
  .max(512)
  .regex(/^[A-Za-z0-9._-]+$/);
/** In an address: `r7`. */
const revision = z.coerce.number().int().positive().describe('`revision` of the output');

export const videoRoutes = {
  list_videos: {
    method: 'GET',
    path: '/api/v1/videos',
    role: 'viewer',
    tag: 'videos',
    summary: 'Videos you may see, newest first',
    query: pageQuery.extend({
      search: z.string().trim().max(200).optional().describe('words in title, description and tags'),
      tag: z.string().max(64).optional(),
      state: z.enum(video.videoStates).optional(),
      visibility: z.enum(video.visibilities).optional(),
      owner: z.string().max(128).optional(),
      trash: z.enum(['true', 'false']).optional().describe('those in the trash instead'),
      sort: z.enum(['newest', 'oldest', 'title', 'longest', 'largest']).optional(),
    }),
    answer: page(video.videoSchema).extend({ total: integer, tags: z.array(z.object({ tag: z.string(), videos: integer })) }),
  },
  get_video: {
    method: 'GET',
    path: '/api/v1/videos/{video_id}',
    role: 'viewer',
    tag: 'videos',
    summary: 'One video',
    params: videoParams,
    answer: video.videoSchema,
  },
  update_video: {
    method: 'PATCH',
    path: '/api/v1/videos/{video_id}',
    role: 'operator',
    tag: 'videos',
    summary: 'Change title, description, tags or visibility',
    params: videoParams,
    body: video.updateVideoSchema,
    answer: video.videoSchema,
  },
  delete_video: {
    method: 'DELETE',
    path: '/api/v1/videos/{video_id}',
    role: 'operator',
    tag: 'videos',
    summary: 'Put into the trash, or with `forever=true` delete with all files',
    params: videoParams,
    query: z.object({ forever: z.enum(['true', 'false']).optional() }),
    answer: z.object({ video_id: video.videoIdSchema, deleted: z.enum(['trash', 'forever']), until: z.string().nullable() }),
  },
  restore_video: {
    method: 'POST',
    path: '/api/v1/videos/{video_id}/restore',
    role: 'operator',
    tag: 'videos',
    summary: 'Take out of the trash',
    params: videoParams,
    answer: video.videoSchema,
  },
  process_video: {
    method: 'POST',
    path: '/api/v1/videos/{video_id}/process',
    role: 'operator',
    tag: 'videos',
    summary: 'Encode it (again), for example with another profile; the present output stays until the new one is in place',
    params: videoParams,
    body: z
      .strictObject({
        profile: idSchema.optional(),
        quality: z.array(z.string().max(16)).min(1).max(12).optional(),
        priority: integer.min(-50).max(50).optional(),
        callback_url: z.url().max(2048).optional(),
        thumbnail_time: job.videoTimeSchema.optional(),
        delete_source: z.boolean().optional(),
      })
      .optional(),
    answer: job.jobSchema,
    status: 202,
  },
  set_poster: {
    method: 'PUT',
    path: '/api/v1/videos/{video_id}/poster',
    role: 'operator',
    tag: 'videos',
    summary: 'Take a candidate, or the picture at a time, as thumbnail',
    params: videoParams,
    body: z.union([z.strictObject({ candidate: outputFile }), z.strictObject({ at_s: amount })]),
    answer: video.videoSchema,
  },
  video_report: {
    method: 'GET',
    path: '/api/v1/videos/{video_id}/report',
    role: 'viewer',
    tag: 'videos',
    summary: 'The output against the rules of the HLS authoring specification',
    params: videoParams,
    answer: video.videoReportSchema,
  },
  video_from_recording: {
    method: 'POST',
    path: '/api/v1/videos/from_recording',
    role: 'operator',
    tag: 'videos',
    summary: 'Make a video of a recorded span; copied without encoding where that suffices',
    body: z.strictObject({
      stream_id: idSchema,
      from: z.iso.datetime({ offset: true }),
      to: z.iso.datetime({ offset: true }),
      draft: video.videoDraftSchema.optional(),
    }),
    answer: video.videoSchema,
    status: 202,
  },
  list_video_links: {
    method: 'GET',
    path: '/api/v1/videos/{video_id}/links',
    role: 'operator',
    tag: 'videos',
    summary: 'Signed links that are valid',
    params: videoParams,
    answer: z.object({ items: z.array(video.videoLinkSchema) }),
  },
  create_video_link: {
    method: 'POST',
    path: '/api/v1/videos/{video_id}/links',
    role: 'operator',
    tag: 'videos',
    summary: 'Make a signed link to watch without an account',
    params: videoParams,
    body: z
      .strictObject({
        name: z.string().trim().max(120).optional(),
        expires_in_s: integer
          .min(60)
          .max(366 * 86_400)
          .nullable()
          .optional()
          .describe('default 7 days; null: never'),
      })
      .optional(),
    answer: video.videoLinkSchema,
    status: 201,
  },
  delete_video_link: {
    method: 'DELETE',
    path: '/api/v1/videos/{video_id}/links/{link_id}',
    role: 'operator',
    tag: 'videos',
    summary: 'Revoke a link; it stops working at once',
    params: videoParams.extend({ link_id: idSchema }),
    status: 204,
  },
  list_profiles: {
    method: 'GET',
    path: '/api/v1/video_profiles',
    role: 'viewer',
    tag: 'videos',
    summary: 'Profiles that videos can be encoded with',
    answer: z.object({ items: z.array(videoProfileSchema), default: idSchema }),
  },
  shared_video: {
    method: 'GET',
    path: '/files/videos/{video_id}/video.json',
    role: 'anyone',
    tag: 'files',
    summary: 'What a page needs to show a video; a public one without login',
    params: videoParams,
    answer: video.sharedVideoSchema,
  },
  linked_video: {
    method: 'GET',
    path: '/v/{link_token}/video.json',
    role: 'anyone',
    tag: 'files',
    summary: 'The same by a signed link',
    params: z.object({ link_token: linkToken }),
    answer: video.sharedVideoSchema,
  },
  video_revision_file: {
    method: 'GET',
    path: '/files/videos/{video_id}/r{revision}/{filename}',
    role: 'anyone',
    tag: 'files',
    summary: 'Playlist, segment or picture of one revision of a video, which never changes; a replaced one stays for `vod.replaced_keep_s`',
    params: videoParams.extend({ revision, filename: outputFile }),
    produces: 'application/octet-stream',
  },
  linked_video_revision_file: {
    method: 'GET',
    path: '/v/{link_token}/r{revision}/{filename}',
    role: 'anyone',
    tag: 'files',
    summary: 'The same by a signed link',
    params: z.object({ link_token: linkToken, revision, filename: outputFile }),
    produces: 'application/octet-stream',
  },
  video_file: {
    method: 'GET',
    path: '/files/videos/{video_id}/{filename}',
    role: 'anyone',
    tag: 'files',
    summary: 'The address that stays: playlists and manifests lead on to the newest revision (302), other files are those of it',
    params: videoParams.extend({ filename: outputFile }),
    produces: 'application/octet-stream',
  },
  linked_video_file: {
    method: 'GET',
    path: '/v/{link_token}/{filename}',
    role: 'anyone',
    tag: 'files',
    summary: 'The same by a signed link',
    params: z.object({ link_token: linkToken, filename: outputFile }),
    produces: 'application/octet-stream',
  },
  video_source: {
    method: 'GET',
    path: '/api/v1/videos/{video_id}/source',
    role: 'operator',
    tag: 'files',
    summary: 'Download the source as it came; always an attachment',
    params: videoParams,
    produces: 'application/octet-stream',
  },
} as const satisfies Record<string, Route>;
