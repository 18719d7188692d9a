/** Pieces that several methods share. Objects are strict: an answer holds the documented fields and no others. */
import { z } from 'zod';
import { timestampSchema } from '../ids.js';
import { amount, count, integer } from '../numbers.js';
import { fileStemSchema } from '../recording.js';

export const noParams = z.strictObject({});

/** A camera by its id; device nodes such as /dev/video0 are neither taken nor told. */
export const deviceSchema = z
  .string()
  .max(64)
  .regex(/^camera[0-9]{1,9}$/, 'name a camera: camera0, camera1, ...')
  .describe('id of the camera');
export const deviceParams = z.strictObject({ device: deviceSchema });

export const rpcCameraStatuses = ['CONNECTED', 'DISCONNECTED', 'ERROR'] as const;

export const rpcStreamUrlsSchema = z.strictObject({
  rtsp: z.string().describe('empty when the gateway does not serve it'),
  hls: z.string().describe('empty when the gateway does not serve it'),
  webrtc: z.string().optional().describe('WHEP; only when the gateway serves it'),
});

export const rpcCameraShape = {
  device: deviceSchema,
  status: z.enum(rpcCameraStatuses),
  name: z.string(),
  resolution: z
    .string()
    .regex(/^\d+x\d+$/)
    .describe('0x0 when it is not known'),
  fps: amount,
  streams: rpcStreamUrlsSchema,
};
export const rpcCameraSchema = z.strictObject(rpcCameraShape).meta({ id: 'RpcCamera' });
export type RpcCamera = z.infer<typeof rpcCameraSchema>;

export const fileItemSchema = z
  .strictObject({
    filename: z.string(),
    file_size: count,
    modified_time: timestampSchema,
    download_url: z.string(),
  })
  .meta({ id: 'RpcFileItem' });

/** Pages by number, newest first. */
export const pageParams = z.strictObject({
  limit: integer.min(1).max(1000).default(50),
  offset: integer.min(0).default(0),
});
export const filePageSchema = z.strictObject({
  files: z.array(fileItemSchema),
  total: count,
  limit: integer,
  offset: integer,
});

export const filenameParams = z.strictObject({ filename: fileStemSchema });
export const deletedSchema = z.strictObject({ filename: z.string(), deleted: z.boolean(), message: z.string() });

export const recordingWords = ['RECORDING', 'STARTING', 'STOPPING', 'PAUSED', 'STOPPED', 'ERROR', 'FAILED'] as const;
export type RecordingWord = (typeof recordingWords)[number];
export const componentWords = ['RUNNING', 'STOPPED', 'ERROR', 'STARTING', 'STOPPING'] as const;
export type ComponentWord = (typeof componentWords)[number];
export const wholeSeconds = count.describe('seconds');
