/** Life cycle of whatever works for others: announce, heartbeat, assignments, drain. A spoke is the first agent. */
import { z } from 'zod';
import { problemSchema } from './errors.js';
import { idSchema, spokeIdSchema, streamIdSchema, timestampSchema } from './ids.js';
import { amount, count, integer } from './numbers.js';
import { recordingOrderSchema } from './recording.js';
import { desiredStates, streamConfigSchema } from './stream.js';

export const agentStates = ['ready', 'draining', 'drained'] as const;

export const agentAnnounceSchema = z
  .object({
    agent_id: idSchema,
    kind: z.enum(['spoke', 'vod_worker', 'controller', 'worker']),
    instance: z.string().describe('new with each process, so that a restart is seen even when no heartbeat was missed'),
    host: z.string(),
    pid: integer,
    version: z.string(),
    started_at: timestampSchema,
    capabilities: z.record(z.string(), z.unknown()).describe('for a spoke: `encoders` that passed their test, `ffmpeg` version, `devices`'),
    streams: z.array(streamIdSchema).optional().describe('for a spoke that serves fixed streams (`--stream`)'),
    timestamp: timestampSchema,
  })
  .meta({ id: 'AgentAnnounce' });
export type AgentAnnounce = z.infer<typeof agentAnnounceSchema>;

export const agentHeartbeatSchema = z
  .object({
    agent_id: idSchema,
    instance: z.string(),
    state: z.enum(agentStates),
    load: z.object({ cpu_percent: z.number(), rss_bytes: z.number(), streams: integer, slots: integer, jobs: z.array(idSchema) }).partial(),
    timestamp: timestampSchema,
  })
  .meta({ id: 'AgentHeartbeat' });
export type AgentHeartbeat = z.infer<typeof agentHeartbeatSchema>;

/** From when on a spoke records nothing for lack of room. */
export const storageLimitsSchema = z
  .strictObject({
    block_percent: z.number().min(1).max(100).describe('used share of the disk'),
    min_free_bytes: integer.min(0).describe('free room'),
    check_s: amount.describe('time between two looks at the disk'),
  })
  .meta({ id: 'StorageLimits' });
export type StorageLimits = z.infer<typeof storageLimitsSchema>;

/** The whole list of what a spoke shall serve; the spoke makes it so (level-triggered, safe to repeat). */
export const spokeAssignmentSchema = z
  .strictObject({
    streams: z.array(
      z.strictObject({
        stream_id: streamIdSchema,
        config: streamConfigSchema,
        desired: z.enum(desiredStates),
        revision: integer,
        recordings: z.array(recordingOrderSchema).max(64).optional().describe('what to record of it, now and later; left out: nothing'),
      }),
    ),
    storage: storageLimitsSchema.optional().describe('when nothing may be recorded; left out: what the spoke was started with'),
    revision: integer.describe('grows; a lower one than the last is refused'),
    timestamp: timestampSchema,
  })
  .meta({ id: 'SpokeAssignment' });
export type SpokeAssignment = z.infer<typeof spokeAssignmentSchema>;

export const agentCommandSchema = z
  .discriminatedUnion('action', [
    z.strictObject({ action: z.literal('assign'), assignment: spokeAssignmentSchema }),
    z.strictObject({ action: z.literal('drain') }),
    z.strictObject({ action: z.literal('announce') }).describe('announce yourself again: whoever asks came later than you'),
    z.strictObject({ action: z.literal('probe'), device: z.string().max(2048) }),
    z.strictObject({
      action: z.literal('recording_entries'),
      stream_id: streamIdSchema,
      after: count,
      limit: integer.min(1).max(1000),
    }),
    z.strictObject({ action: z.literal('delete_segments'), stream_id: streamIdSchema, paths: z.array(z.string().max(1024)).max(1000) }),
    z.strictObject({ action: z.literal('devices') }).describe('the capture devices that are plugged in now, fully probed'),
    z.strictObject({
      action: z.literal('set_controls'),
      device_id: idSchema,
      controls: z.record(z.string(), z.union([z.number(), z.boolean(), z.string()])),
    }),
  ])
  .meta({ id: 'AgentCommand' });
export type AgentCommand = z.infer<typeof agentCommandSchema>;

export const agentReplySchema = z
  .object({ ok: z.boolean(), result: z.unknown().optional(), error: problemSchema.optional(), timestamp: timestampSchema })
  .meta({ id: 'AgentReply' });
export type AgentReply = z.infer<typeof agentReplySchema>;

/** A spoke as the hub shows it. */
export const spokeSchema = z
  .object({
    spoke_id: spokeIdSchema,
    state: z.enum(['online', 'draining', 'lost']),
    host: z.string(),
    pid: integer,
    version: z.string(),
    streams: z.array(streamIdSchema),
    capabilities: z.record(z.string(), z.unknown()),
    cpu_percent: z.number().nullable(),
    rss_bytes: z.number().nullable(),
    last_seen_at: timestampSchema,
  })
  .meta({ id: 'Spoke' });
export type Spoke = z.infer<typeof spokeSchema>;
