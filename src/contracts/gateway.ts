/** The gateway: who serves RTSP, WebRTC, SRT, RTMP to players. */
import { z } from 'zod';
import { idSchema, streamIdSchema, timestampSchema } from './ids.js';
import { amount } from './numbers.js';

export const gatewayKinds = ['builtin', 'mediamtx'] as const;

export const gatewayStateSchema = z
  .object({
    kind: z.enum(gatewayKinds),
    state: z.enum(['running', 'starting', 'unavailable', 'circuit_open', 'stopped']),
    managed: z.enum(['none', 'child', 'external']),
    version: z.string().nullable(),
    features: z.record(z.string(), z.boolean()),
    error: z.string().nullable(),
    since: timestampSchema,
  })
  .meta({ id: 'GatewayState' });
export type GatewayState = z.infer<typeof gatewayStateSchema>;

export const gatewayReaderSchema = z.object({
  reader_id: z.string(),
  type: z.string().describe('the gateway’s own word, for example rtspSession'),
  address: z.string().nullable(),
  user: z.string().nullable(),
  bytes_sent: amount.nullable(),
  since: timestampSchema.nullable(),
});
export type GatewayReader = z.infer<typeof gatewayReaderSchema>;

export const gatewayPathSchema = z
  .object({
    stream_id: streamIdSchema,
    exists: z.boolean(),
    ready: z.boolean(),
    recording: z.boolean(),
    source: z.string().nullable(),
    tracks: z.array(z.string()),
    readers: z.array(gatewayReaderSchema),
    bytes_received: amount,
    bytes_sent: amount,
  })
  .meta({ id: 'GatewayPath' });
export type GatewayPath = z.infer<typeof gatewayPathSchema>;

/** What the gateway asks before it lets somebody in; answered with 204 or 401. */
export const gatewayAuthSchema = z.object({
  user: z.string().max(256).default(''),
  password: z.string().max(8192).default(''),
  token: z.string().max(8192).default(''),
  ip: z.string().max(64).default(''),
  action: z.string().max(32),
  path: z.string().max(256).default(''),
  protocol: z.string().max(32).default(''),
  id: z.string().max(128).nullish(),
  query: z.string().max(8192).default(''),
});
export type GatewayAuth = z.infer<typeof gatewayAuthSchema>;

export const streamActionsGranted = ['read', 'publish', 'playback'] as const;

/** A token for one stream that a player can carry in its address. */
export const streamTokenSchema = z
  .object({
    token: z.string(),
    short_token: z
      .string()
      .describe(
        'grants the same; short enough for the password in an RTSP address of FFmpeg, which takes 127 characters of user and password together',
      ),
    token_id: idSchema,
    stream_id: streamIdSchema,
    actions: z.array(z.enum(streamActionsGranted)),
    expires_at: timestampSchema,
  })
  .meta({ id: 'StreamToken' });
export type StreamToken = z.infer<typeof streamTokenSchema>;
/** What may be done with a stream token. */
export type StreamAction = (typeof streamActionsGranted)[number];
