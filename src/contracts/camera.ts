/** Cameras: a source of pictures with an identity of its own, whatever node or address it has today. Its picture is the stream of the same id. */
import { z } from 'zod';
import { idSchema, spokeIdSchema, timestampSchema } from './ids.js';
import { amount, count, integer, ordinal } from './numbers.js';
import { pictureSizeSchema } from './picture-size.js';

/** `camera0`, `camera1`, ...: given once, kept over unplug, replug and restart; also the id of its stream. */
export const cameraIdSchema = z.string().regex(/^camera(?:0|[1-9][0-9]{0,8})$/, 'a camera is named camera0, camera1, ...');

export const cameraKinds = ['v4l2', 'network', 'onvif', 'external', 'test', 'file'] as const;
export type CameraKind = (typeof cameraKinds)[number];

/** `ERROR`: it is there, but its capabilities could not be read or its stream cannot run. */
export const cameraStatuses = ['CONNECTED', 'DISCONNECTED', 'ERROR'] as const;
export type CameraStatus = (typeof cameraStatuses)[number];

export const frameSizeSchema = z.object({
  width: ordinal,
  height: ordinal,
  frame_rates: z.array(z.number().positive()).describe('frames per second, highest first; of a continuous range its ends'),
});

export const cameraFormatSchema = z.object({
  pixel_format: z.string().describe('FourCC for V4L2 devices, codec name for network cameras'),
  description: z.string().optional(),
  sizes: z.array(frameSizeSchema),
  b_frames: z.boolean().optional().describe('of a network camera: some pictures refer to later ones; there is no WebRTC address then'),
});

export const cameraControlSchema = z.object({
  name: z.string(),
  type: z.string(),
  value: z.union([z.number(), z.boolean(), z.string()]).optional(),
  default: z.union([z.number(), z.boolean(), z.string()]).optional(),
  min: z.number().optional(),
  max: z.number().optional(),
  step: z.number().optional(),
  choices: z.array(z.object({ value: z.number(), label: z.string() })).optional(),
  flags: z.array(z.string()).optional().describe('as V4L2 names them: `inactive` (another control overrides it now), `read-only`, `write-only`, ...'),
});

/** What a camera can deliver, as it said itself. */
export const cameraCapabilitiesSchema = z
  .object({
    driver: z.string().optional(),
    card: z.string().optional(),
    bus: z.string().optional(),
    formats: z.array(cameraFormatSchema),
    controls: z.array(cameraControlSchema),
    probed_at: timestampSchema,
    took_ms: amount,
  })
  .meta({ id: 'CameraCapabilities' });
export type CameraCapabilities = z.infer<typeof cameraCapabilitiesSchema>;

/** Where a camera's picture can be had; only what works right now is named. */
export const streamUrlsSchema = z
  .object({
    rtsp: z.string().optional(),
    webrtc: z.string().optional().describe('WHEP; left out for a source with B-frames, which WebRTC cannot carry'),
    hls: z.string().optional(),
    live_mp4: z.string().optional(),
    srt: z.string().optional(),
    rtmp: z.string().optional(),
  })
  .meta({ id: 'StreamUrls' });
export type StreamUrls = z.infer<typeof streamUrlsSchema>;

export const cameraSchema = z
  .object({
    camera_id: cameraIdSchema,
    name: z.string(),
    kind: z.enum(cameraKinds),
    status: z.enum(cameraStatuses),
    error: z.string().nullable().describe('one sentence, only with status ERROR'),
    resolution: z.string().describe('WIDTHxHEIGHT of the running stream, else what it would run with'),
    fps: amount,
    source: z.string().nullable().describe('address without its credentials, or device node; null for viewers'),
    device_id: idSchema.nullable().describe('identity of the V4L2 device'),
    spoke_id: spokeIdSchema.nullable().describe('where it is plugged in, or which spoke takes its picture; null: any'),
    streaming: z.boolean().describe('its stream runs now'),
    recording: z.boolean(),
    streams: streamUrlsSchema,
    capabilities: cameraCapabilitiesSchema.nullable(),
    created_at: timestampSchema,
    connected_at: timestampSchema.nullable(),
    last_seen_at: timestampSchema.nullable(),
  })
  .meta({ id: 'Camera' });
export type Camera = z.infer<typeof cameraSchema>;

const cameraName = z.string().trim().min(1).max(120);

/** Adds a network camera, or one that plays a file or the test picture. V4L2 devices come by themselves. */
export const addCameraSchema = z
  .strictObject({
    name: cameraName.optional(),
    source: z
      .string()
      .min(1)
      .max(2048)
      .describe('`rtsp(s)://`, `http(s)://`, `srt://`, `rtmp(s)://`, `onvif://host[:port]`, `test:`, or a file inside the media folders'),
    username: z.string().max(256).optional().describe('kept apart from the address'),
    password: z.string().max(256).optional(),
    resolution: pictureSizeSchema.optional(),
    framerate: z.number().min(1).max(240).optional(),
    always_on: z.boolean().optional().describe('run also while nobody watches; default false'),
  })
  .meta({ id: 'AddCamera' });
export type AddCamera = z.infer<typeof addCameraSchema>;

export const updateCameraSchema = z
  .strictObject({
    name: cameraName.optional(),
    resolution: pictureSizeSchema.nullable().optional(),
    framerate: z.number().min(1).max(240).nullable().optional(),
    always_on: z.boolean().optional(),
    source: z
      .string()
      .min(1)
      .max(2048)
      .optional()
      .describe('new address of a network camera; its login is kept while the host stays the same and none is given'),
    username: z.string().max(256).optional().describe('new login of a network camera; empty: none'),
    password: z.string().max(256).optional().describe('absent: as it is, while the host stays the same'),
    controls: z
      .record(z.string().max(64), z.union([z.number(), z.boolean(), z.string().max(64)]))
      .optional()
      .describe('V4L2 controls to set'),
  })
  .meta({ id: 'UpdateCamera' });
export type UpdateCamera = z.infer<typeof updateCameraSchema>;

/** A camera found on the network that is not one of ours yet. */
export const foundCameraSchema = z
  .object({
    name: z.string(),
    kind: z.enum(['onvif', 'external']),
    source: z.string().describe('hand it to `POST /api/v1/cameras`'),
    address: z.string(),
    hardware: z.string().optional(),
    profiles: z
      .array(
        z.object({
          name: z.string(),
          source: z.string(),
          codec: z.string().optional(),
          width: integer.optional(),
          height: integer.optional(),
          frame_rate: z.number().optional(),
        }),
      )
      .optional()
      .describe('ONVIF media profiles; absent until credentials that it takes are given'),
    camera_id: cameraIdSchema.nullable().describe('set when it was added already'),
  })
  .meta({ id: 'FoundCamera' });
export type FoundCamera = z.infer<typeof foundCameraSchema>;

export const externalTypes = ['skydio_stanag4609', 'generic_rtsp'] as const;

/** A stream that others serve on the network, found by a scan or named by hand. */
export const externalStreamSchema = z
  .object({
    url: z.string(),
    type: z.enum(externalTypes),
    name: z.string(),
    status: z.enum(['DISCOVERED', 'ERROR']),
    discovered_at: timestampSchema,
    last_seen: timestampSchema,
    camera_id: cameraIdSchema.nullable(),
    capabilities: z
      .object({
        protocol: z.literal('rtsp'),
        format: z.string().optional(),
        source: z.string().optional(),
        stream_type: z.enum(['eo', 'ir']).optional(),
        port: integer.optional(),
        stream_path: z.string().optional(),
        codec: z.string().optional(),
        metadata: z.string().optional(),
      })
      .describe('as far as the scan could tell'),
  })
  .meta({ id: 'ExternalStream' });
export type ExternalStream = z.infer<typeof externalStreamSchema>;

export const externalScanSchema = z
  .object({
    discovered_streams: z.array(externalStreamSchema),
    skydio_streams: z.array(externalStreamSchema),
    generic_streams: z.array(externalStreamSchema),
    scan_timestamp: timestampSchema,
    total_found: count,
    discovery_options: z.object({
      skydio_enabled: z.boolean(),
      generic_enabled: z.boolean(),
      force_rescan: z.boolean(),
      include_offline: z.boolean(),
    }),
    scan_duration: z.string().describe('seconds with unit, for example "2.5s"'),
    errors: z.array(z.string()),
  })
  .meta({ id: 'ExternalScan' });
export type ExternalScan = z.infer<typeof externalScanSchema>;
