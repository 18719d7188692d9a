/** Recordings, snapshots, their files. */
import { z } from 'zod';
import { timestampSchema } from '../ids.js';
import { count, integer } from '../numbers.js';
import { fileStemSchema, recordingFormats } from '../recording.js';
import { snapshotFormats } from '../snapshot.js';
import type { RpcMethod } from './method.js';
import { deletedSchema, deviceParams, deviceSchema, filenameParams, filePageSchema, pageParams, recordingWords, wholeSeconds } from './shapes.js';

const filenameOrEmpty = z.string().describe('without extension; empty when no file was begun within a second: the notification names it');
const size = count.describe('bytes');

export const recordingMethods = {
  take_snapshot: {
    summary: 'Keep a picture of the newest keyframe; starts the stream when it does not run',
    tag: 'snapshots',
    role: 'operator',
    params: z.strictObject({
      device: deviceSchema,
      filename: fileStemSchema.optional().describe('default: made from camera and time'),
      format: z.enum(snapshotFormats).optional(),
      quality: integer.min(1).max(100).optional().describe('jpg only'),
    }),
    result: z.strictObject({
      device: deviceSchema,
      filename: z.string().describe('with its extension'),
      status: z.enum(['SUCCESS', 'FAILED']),
      timestamp: timestampSchema,
      file_size: size,
      file_path: z.string().describe('where it is downloaded from; places on the disk of the hub are not told'),
    }),
    errors: [-32010, -32020],
    limit: { perSecond: 3, burst: 6 },
    twin: 'take_snapshot',
  },
  start_recording: {
    summary: 'Start to record; starts the stream when it does not run',
    tag: 'recordings',
    role: 'operator',
    params: z.strictObject({
      device: deviceSchema,
      duration: integer.min(1).max(86_400).optional().describe('seconds after which it stops by itself'),
      format: z.enum(recordingFormats).default('fmp4'),
    }),
    result: z.strictObject({
      device: deviceSchema,
      filename: filenameOrEmpty,
      status: z.enum(recordingWords),
      start_time: timestampSchema,
      format: z.enum(recordingFormats),
    }),
    errors: [-32010, -32020],
    limit: { perSecond: 2, burst: 5 },
    twin: 'start_recording',
  },
  stop_recording: {
    summary: 'Stop; answers with the finished recording, or after 3 s with one that is still stopping',
    tag: 'recordings',
    role: 'operator',
    params: deviceParams,
    result: z.strictObject({
      device: deviceSchema,
      filename: filenameOrEmpty,
      status: z.enum(recordingWords),
      start_time: timestampSchema,
      end_time: timestampSchema,
      duration: wholeSeconds,
      file_size: size,
      format: z.enum(recordingFormats),
    }),
    errors: [-32010, -32020],
    twin: 'stop_recording',
  },
  list_recordings: {
    summary: 'Files of recordings, newest first',
    tag: 'recordings',
    role: 'viewer',
    params: pageParams,
    result: filePageSchema,
    errors: [],
    twin: 'list_segments',
  },
  list_snapshots: {
    summary: 'Snapshots, newest first',
    tag: 'snapshots',
    role: 'viewer',
    params: pageParams,
    result: filePageSchema,
    errors: [],
    twin: 'list_snapshots',
  },
  get_recording_info: {
    summary: 'One file of a recording',
    tag: 'recordings',
    role: 'viewer',
    params: filenameParams,
    result: z.strictObject({
      filename: z.string(),
      file_size: size,
      duration: wholeSeconds,
      created_time: timestampSchema,
      download_url: z.string(),
    }),
    errors: [-32010],
    twin: 'get_segment',
  },
  get_snapshot_info: {
    summary: 'One snapshot',
    tag: 'snapshots',
    role: 'viewer',
    params: filenameParams,
    result: z.strictObject({ filename: z.string(), file_size: size, created_time: timestampSchema, download_url: z.string() }),
    errors: [-32010],
    twin: 'get_snapshot',
  },
  delete_recording: {
    summary: 'Delete a file; a protected or unfinished one is refused',
    tag: 'recordings',
    role: 'operator',
    params: filenameParams,
    result: deletedSchema,
    errors: [-32010, -32020],
    twin: 'delete_segment',
  },
  delete_snapshot: {
    summary: 'Delete a snapshot',
    tag: 'snapshots',
    role: 'operator',
    params: filenameParams,
    result: deletedSchema,
    errors: [-32010, -32020],
    twin: 'delete_snapshot',
  },
} as const satisfies Record<string, RpcMethod>;
