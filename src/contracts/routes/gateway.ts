/** The gateway for RTSP, WebRTC, SRT and RTMP, and the tokens its clients carry. */
import { z } from 'zod';
import * as gateway from '../gateway.js';
import { streamIdSchema } from '../ids.js';
import { integer } from '../numbers.js';
import type { Route } from './route.js';

export const gatewayRoutes = {
  get_gateway: {
    method: 'GET',
    path: '/api/v1/gateway',
    role: 'operator',
    tag: 'gateway',
    summary: 'State, version and features',
    answer: gateway.gatewayStateSchema,
  },
  list_gateway_paths: {
    method: 'GET',
    path: '/api/v1/gateway/paths',
    role: 'operator',
    tag: 'gateway',
    summary: 'Paths with their readers',
    answer: z.object({ items: z.array(gateway.gatewayPathSchema) }),
  },
  kick_gateway_reader: {
    method: 'DELETE',
    path: '/api/v1/gateway/paths/{stream_id}/readers/{reader_id}',
    role: 'operator',
    tag: 'gateway',
    summary: 'Cut a reader off',
    params: z.object({ stream_id: streamIdSchema, reader_id: z.string().min(1).max(128) }),
    status: 204,
  },
  gateway_auth: {
    method: 'POST',
    path: '/api/v1/gateway/auth',
    role: 'anyone',
    tag: 'gateway',
    summary: 'Asked by the gateway, from this machine or with its secret, whether somebody may read, publish or play back',
    query: z.object({ secret: z.string().max(128).optional() }),
    body: gateway.gatewayAuthSchema,
    status: 204,
  },
  create_stream_token: {
    method: 'POST',
    path: '/api/v1/streams/{stream_id}/token',
    role: 'viewer',
    tag: 'gateway',
    summary: 'A short-lived token for one stream, for players that cannot sign in',
    params: z.object({ stream_id: streamIdSchema }),
    body: z
      .strictObject({
        actions: z.array(z.enum(gateway.streamActionsGranted)).min(1).optional().describe('default read; publish needs the role operator'),
        expires_in_s: integer.min(10).max(86_400).optional().describe('default 3600'),
      })
      .optional(),
    answer: gateway.streamTokenSchema,
    status: 201,
  },
  jwks: {
    method: 'GET',
    path: '/api/v1/jwks.json',
    role: 'anyone',
    tag: 'gateway',
    summary: 'Public keys of the tokens that Weir signs',
    answer: z.object({ keys: z.array(z.record(z.string(), z.unknown())) }),
  },
} as const satisfies Record<string, Route>;
