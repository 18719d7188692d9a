/** Reading the journals of one stream back: metrics, log lines, status changes. */
import { z } from 'zod';
import { timestampSchema } from './ids.js';
import { count, integer } from './numbers.js';

export const historyKinds = ['metrics', 'log', 'status'] as const;

export const historyRequestSchema = z
  .strictObject({
    kind: z.enum(historyKinds),
    after: count.optional().describe('journal sequence of the last item known; only later ones are sent'),
    since: timestampSchema.optional(),
    until: timestampSchema.optional(),
    limit: integer.min(1).max(5000).optional().describe('default 1000; the newest are sent when more match and `after` is not given'),
    step_s: z.number().min(0.2).max(3600).optional().describe('thin out to about one item per so many seconds'),
    text: z.string().max(200).optional().describe('log only: lines that contain this text, whatever its case'),
    level: z.enum(['debug', 'info', 'warning', 'error']).optional().describe('log only: this level and above'),
  })
  .meta({ id: 'HistoryRequest' });
export type HistoryRequest = z.infer<typeof historyRequestSchema>;

export const historyReplySchema = z
  .object({
    items: z.array(z.object({ sequence: integer, message: z.record(z.string(), z.unknown()) })),
    last: integer.describe('send it back as `after` to go on'),
    more: z.boolean(),
  })
  .meta({ id: 'HistoryReply' });
export type HistoryReply = z.infer<typeof historyReplySchema>;

/** The journals that the hub keeps (JetStream streams, file-backed). `METRICS` is literally that of the wire contract. */
export const journals = {
  metrics: { name: 'METRICS', channels: ['stream_metrics'], maxAgeS: 86_400, maxBytes: 1024 ** 3 },
  log: { name: 'LOGS', channels: ['stream_log'], maxAgeS: 86_400, maxBytes: 256 * 1024 ** 2 },
  status: {
    name: 'EVENTS',
    channels: ['stream_status', 'device_discovered', 'device_removed', 'alert_error', 'alert_warning', 'system_config'],
    maxAgeS: 7 * 86_400,
    maxBytes: 256 * 1024 ** 2,
  },
  videos: {
    name: 'VIDEO_EVENTS',
    channels: ['video_processed', 'video_failed', 'video_changed', 'job_changed'],
    maxAgeS: 7 * 86_400,
    maxBytes: 64 * 1024 ** 2,
  },
} as const;
