/** The frame around each call: one JSON text per WebSocket text frame. */
import { z } from 'zod';
import { timestampSchema } from '../ids.js';
import { amount } from '../numbers.js';
import { rpcErrorSchema } from './errors.js';

export const rpcIdSchema = z.union([z.string(), z.number()]);
export type RpcId = z.infer<typeof rpcIdSchema>;

export const rpcMetadataSchema = z
  .strictObject({
    processing_time_ms: amount,
    server_timestamp: timestampSchema,
    request_id: z.string().describe('name of this call in the log of the hub'),
  })
  .meta({ id: 'RpcMetadata' });

/** Without `id` it is a notification: carried out, never answered. */
export const rpcRequestSchema = z
  .object({
    jsonrpc: z.literal('2.0'),
    method: z.string(),
    params: z.record(z.string(), z.unknown()).optional(),
    id: rpcIdSchema.optional(),
  })
  .meta({ id: 'RpcRequest' });
export type RpcRequest = z.infer<typeof rpcRequestSchema>;

export const rpcResponseSchema = z
  .union([
    z.strictObject({ jsonrpc: z.literal('2.0'), id: rpcIdSchema, result: z.unknown(), metadata: rpcMetadataSchema }),
    z.strictObject({
      jsonrpc: z.literal('2.0'),
      id: rpcIdSchema.nullable().describe('null when the id of the request could not be read'),
      error: rpcErrorSchema,
      metadata: rpcMetadataSchema,
    }),
  ])
  .meta({ id: 'RpcResponse' });
export type RpcResponse = z.infer<typeof rpcResponseSchema>;

/** Sent by the hub without being asked. */
export const rpcNotificationSchema = z
  .strictObject({ jsonrpc: z.literal('2.0'), method: z.string(), params: z.record(z.string(), z.unknown()) })
  .meta({ id: 'RpcNotification' });
export type RpcNotification = z.infer<typeof rpcNotificationSchema>;

/** Codes that the hub closes a socket with. */
export const rpcCloseCodes = {
  going_away: 1001,
  protocol_error: 1002,
  text_only: 1003,
  policy: 1008,
  too_large: 1009,
  /** The reader let too much wait; connect again and read faster. */
  too_slow: 1013,
} as const;
