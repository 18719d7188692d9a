/** Room for recordings and snapshots: how much there is, what is kept, what is cleaned up. */
import { z } from 'zod';
import { streamIdSchema, timestampSchema } from './ids.js';
import { amount, count, integer } from './numbers.js';

export const storageStates = ['ok', 'warning', 'blocked'] as const;
export type StorageState = (typeof storageStates)[number];

export const retentionPolicySchema = z
  .strictObject({
    policy_type: z.enum(['age', 'size', 'manual']).describe('`manual` deletes nothing by itself'),
    enabled: z.boolean(),
    max_age_days: z.number().min(0.01).max(3650).optional(),
    max_size_gb: z.number().min(0.001).max(1_000_000).optional(),
  })
  .meta({ id: 'RetentionPolicy' });
export type RetentionPolicy = z.infer<typeof retentionPolicySchema>;

export const storageSchema = z
  .object({
    path: z.string().nullable().describe('recordings folder; null unless you are an admin'),
    total_space: amount.describe('bytes'),
    used_space: amount,
    available_space: amount,
    usage_percentage: z.number().min(0).max(100),
    recordings_size: amount,
    snapshots_size: amount,
    exports_size: amount,
    state: z.enum(storageStates).describe('`blocked`: nothing new is recorded until there is room'),
    low_space_warning: z.boolean(),
    warn_percent: z.number(),
    block_percent: z.number(),
    retention: retentionPolicySchema,
    oldest_at: timestampSchema.nullable(),
    bytes_per_day: amount.describe('written on an average day of the last week'),
    observed_s: amount.optional().describe('over how long the rate was seen, s; a short time says little'),
    full_in_days: amount
      .nullable()
      .describe(
        'until the disk is full at this rate: recording is blocked then, or, by an enabled policy of age or size, the oldest recordings go first; null: never',
      ),
    streams: z.array(
      z.object({
        stream_id: streamIdSchema,
        size: amount,
        segments: integer,
        bytes_per_day: amount,
        oldest_at: timestampSchema.nullable(),
      }),
    ),
  })
  .meta({ id: 'Storage' });
export type Storage = z.infer<typeof storageSchema>;

export const cleanupResultSchema = z
  .object({
    cleanup_executed: z.boolean(),
    files_deleted: count,
    space_freed: amount.describe('bytes'),
    message: z.string(),
  })
  .meta({ id: 'CleanupResult' });
export type CleanupResult = z.infer<typeof cleanupResultSchema>;
