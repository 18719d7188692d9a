/** Conditions that a person should know of. */
import { z } from 'zod';
import { idSchema, streamIdSchema, timestampSchema } from './ids.js';
import { ordinal } from './numbers.js';

export const alertSeverities = ['error', 'warning'] as const;

export const alertMessageSchema = z
  .object({
    alert_id: idSchema.optional().describe('default: made by the hub'),
    kind: z.string().max(64).describe('stable name of the condition, for example `stream_down`'),
    message: z.string().max(1024),
    hint: z.string().max(1024).optional(),
    stream_id: streamIdSchema.optional(),
    cleared: z.boolean().optional().describe('true: the condition named by kind and stream_id is over'),
    timestamp: timestampSchema,
  })
  .meta({ id: 'AlertMessage' });
export type AlertMessage = z.infer<typeof alertMessageSchema>;

export const alertSchema = z
  .object({
    alert_id: idSchema,
    severity: z.enum(alertSeverities),
    kind: z.string(),
    message: z.string(),
    hint: z.string().nullable(),
    stream_id: streamIdSchema.nullable(),
    count: ordinal.describe('how often it was raised while open'),
    raised_at: timestampSchema,
    last_raised_at: timestampSchema,
    cleared_at: timestampSchema.nullable(),
    acknowledged_at: timestampSchema.nullable(),
    acknowledged_by: z.string().nullable(),
  })
  .meta({ id: 'Alert' });
export type Alert = z.infer<typeof alertSchema>;
