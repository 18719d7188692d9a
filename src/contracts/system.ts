/** Health of the whole and of its parts; changes of configuration. */
import { z } from 'zod';
import { idSchema, timestampSchema } from './ids.js';
import { amount, integer } from './numbers.js';

export const healthStates = ['healthy', 'degraded', 'unhealthy'] as const;
export type HealthState = (typeof healthStates)[number];

export const componentHealthSchema = z.object({
  name: z.string(),
  status: z.enum(healthStates),
  message: z.string().optional(),
  since: timestampSchema.optional(),
  details: z.record(z.string(), z.unknown()).optional(),
});
export type ComponentHealth = z.infer<typeof componentHealthSchema>;

export const systemHealthSchema = z
  .object({
    status: z.enum(healthStates),
    version: z.string(),
    uptime_s: amount,
    components: z.array(componentHealthSchema),
    timestamp: timestampSchema,
  })
  .meta({ id: 'SystemHealth' });
export type SystemHealth = z.infer<typeof systemHealthSchema>;

/** One change of configuration or of a definition, as published after it was stored. */
export const configChangeSchema = z
  .object({
    event_id: z.string(),
    entity: z.enum(['stream', 'camera', 'recording_policy', 'retention', 'user', 'token', 'grant', 'bus_user', 'config']),
    entity_id: z.string(),
    change: z.enum(['created', 'updated', 'deleted']),
    revision: integer.optional(),
    actor: idSchema.optional(),
    timestamp: timestampSchema,
  })
  .meta({ id: 'ConfigChange' });
export type ConfigChange = z.infer<typeof configChangeSchema>;
