/** Uploads: files on their way in, whichever way they come. */
import { z } from 'zod';
import { idSchema } from '../ids.js';
import { integer, ordinal } from '../numbers.js';
import * as video from '../video.js';
import { page, pageQuery, type Route } from './route.js';

const uploadParams = z.object({ upload_id: idSchema });
const draftQuery = z.object({
  draft: z.string().max(32_768).optional().describe('VideoDraft as JSON'),
});

export const uploadRoutes = {
  list_uploads: {
    method: 'GET',
    path: '/api/v1/uploads',
    role: 'operator',
    tag: 'uploads',
    summary: 'Uploads, newest first; unfinished ones can be resumed',
    query: pageQuery.extend({ state: z.enum(video.uploadStates).optional() }),
    answer: page(video.uploadSchema),
  },
  get_upload: {
    method: 'GET',
    path: '/api/v1/uploads/{upload_id}',
    role: 'operator',
    tag: 'uploads',
    summary: 'One upload with its progress',
    params: uploadParams,
    answer: video.uploadSchema,
  },
  delete_upload: {
    method: 'DELETE',
    path: '/api/v1/uploads/{upload_id}',
    role: 'operator',
    tag: 'uploads',
    summary: 'Cancel an unfinished upload and delete what came of it',
    params: uploadParams,
    status: 204,
  },
  check_upload: {
    method: 'POST',
    path: '/api/v1/uploads/check',
    role: 'operator',
    tag: 'uploads',
    summary: 'Is this content here already? May an upload of this size begin?',
    body: z.strictObject({
      size_bytes: ordinal,
      sha256: z
        .string()
        .regex(/^[0-9a-f]{64}$/)
        .optional(),
      name: z.string().max(1024).optional(),
    }),
    answer: z.object({
      allowed: z.boolean(),
      reason: z.string().nullable(),
      max_bytes: integer,
      quota_left_bytes: integer.nullable(),
      existing: z.array(video.videoSchema).describe('videos of the same content that you may see'),
    }),
  },
  reuse_upload: {
    method: 'POST',
    path: '/api/v1/uploads/reuse',
    role: 'operator',
    tag: 'uploads',
    summary: 'Make a video of content that is here already, without sending it again',
    body: z.strictObject({
      sha256: z.string().regex(/^[0-9a-f]{64}$/),
      size_bytes: ordinal,
      draft: video.videoDraftSchema.optional(),
    }),
    answer: video.videoSchema,
    status: 201,
  },
  upload_multipart: {
    method: 'POST',
    path: '/api/v1/uploads/multipart',
    role: 'operator',
    tag: 'uploads',
    summary: 'Send a file as a form: field `draft` (VideoDraft as JSON) first, then field `file`',
    consumes: 'multipart/form-data',
    answer: video.videoSchema,
    status: 201,
  },
  upload_put: {
    method: 'PUT',
    path: '/api/v1/uploads/files/{filename}',
    role: 'operator',
    tag: 'uploads',
    summary: 'Send a file as the body',
    params: z.object({ filename: z.string().min(1).max(1024) }),
    query: draftQuery,
    consumes: 'application/octet-stream',
    answer: video.videoSchema,
    status: 201,
  },
  upload_path: {
    method: 'POST',
    path: '/api/v1/uploads/path',
    role: 'operator',
    tag: 'uploads',
    summary: 'Take a file that lies in one of `vod.source_folders`; it is used in place',
    body: z.strictObject({ path: z.string().min(1).max(4096), draft: video.videoDraftSchema.optional() }),
    answer: video.videoSchema,
    status: 201,
  },
  upload_url: {
    method: 'POST',
    path: '/api/v1/uploads/url',
    role: 'operator',
    tag: 'uploads',
    summary: 'Fetch a file by HTTP or HTTPS; addresses inside the network are refused unless `vod.fetch_hosts` names them',
    body: z.strictObject({ url: z.url({ protocol: /^https?$/ }).max(2048), draft: video.videoDraftSchema.optional() }),
    answer: video.uploadSchema,
    status: 202,
  },
} as const satisfies Record<string, Route>;
