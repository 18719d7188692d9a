/** Subscriptions of this connection. */
import { z } from 'zod';
import { timestampSchema } from '../ids.js';
import { count } from '../numbers.js';
import type { RpcMethod } from './method.js';
import { noParams } from './shapes.js';
import { rpcTopicNames } from './topics.js';

const topic = z.enum(rpcTopicNames);

/** All must hold. A key compares with the same key of the data; what has no such key does not match. */
export const eventFiltersSchema = z
  .object({ timestamp_after: timestampSchema.optional(), timestamp_before: timestampSchema.optional() })
  .catchall(z.union([z.string().max(256), z.number(), z.boolean()]))
  .refine((filters) => Object.keys(filters).length <= 16, 'at most 16 filters')
  .refine((filters) => Object.keys(filters).every((key) => key.length <= 64), 'the name of a filter has at most 64 characters')
  .describe('`topic`, `device` or any other key of the data, `timestamp_after`, `timestamp_before`');
export type EventFilters = z.infer<typeof eventFiltersSchema>;

export const eventMethods = {
  subscribe_events: {
    summary: 'Be told of events; called again for a topic, the newer filters count',
    tag: 'events',
    role: 'viewer',
    params: z.strictObject({ topics: z.array(topic).min(1).max(rpcTopicNames.length), filters: eventFiltersSchema.optional() }),
    result: z.strictObject({ subscribed: z.boolean(), topics: z.array(topic), filters: z.record(z.string(), z.unknown()) }),
    errors: [],
    twin: null,
  },
  unsubscribe_events: {
    summary: 'No longer be told',
    tag: 'events',
    role: 'viewer',
    params: z.strictObject({ topics: z.array(topic).max(rpcTopicNames.length).optional().describe('default: all') }),
    result: z.strictObject({ unsubscribed: z.boolean(), topics: z.array(topic).describe('that are no longer told') }),
    errors: [],
    twin: null,
  },
  get_subscription_stats: {
    summary: 'Who listens to what',
    tag: 'events',
    role: 'viewer',
    params: noParams,
    result: z.strictObject({
      global_stats: z.strictObject({ total_subscriptions: count, active_clients: count, topic_counts: z.partialRecord(topic, count) }),
      client_topics: z.array(topic),
      client_id: z.uuid(),
    }),
    errors: [],
    twin: null,
  },
} as const satisfies Record<string, RpcMethod>;
