/** The picture on the bus: fragmented MP4, cut at box borders, one message per fragment. */
import { z } from 'zod';
import { idSchema, streamIdSchema } from './ids.js';
import { count } from './numbers.js';
import { streamReasons, streamStates } from './stream.js';

/** Three aspects under `media`: the initialisation segment, a fragment that starts with a keyframe, any other fragment. */
export const mediaKinds = ['init', 'key', 'delta'] as const;
export type MediaKind = (typeof mediaKinds)[number];

/** Header names of a media message. `Nats-Msg-Id` is `{stream_id}.{epoch}.{sequence}`, so a fragment sent twice is stored once. */
export const mediaHeaders = {
  messageId: 'Nats-Msg-Id',
  /** Names one run of one encoder; a new epoch starts with a new `init`. Epochs of a stream sort by time as text. */
  epoch: 'Weir-Epoch',
  /** Counts the fragments of an epoch from 0; `init` carries the number of the fragment that follows it. */
  sequence: 'Weir-Sequence',
  /** Wall clock of the publish, milliseconds since 1970. */
  published: 'Weir-Published',
  /** Presentation time of the first sample, milliseconds, of the video track where there is one. */
  time: 'Weir-Time',
  /** Duration of the fragment, milliseconds. */
  duration: 'Weir-Duration',
  /** On `init`: the RFC 6381 codecs string. */
  codecs: 'Weir-Codecs',
  /** On `init`: `source` or `no-signal`. */
  picture: 'Weir-Picture',
} as const;

/** Memory-backed JetStream work area of one stream's media. */
export function mediaJournalName(streamId: string): string {
  return `MEDIA_${streamId}`;
}

/** A viewer asks the hub for a place to read a stream from. The hub starts an on-demand stream for it. */
export const watchRequestSchema = z
  .strictObject({
    viewer: idSchema.describe('the `viewer` of the bus credentials; the reading place is made for it alone'),
    after: count.optional().describe('journal sequence of the last message received, to resume without a gap'),
    journal: z.string().optional().describe('`journal_id` of the answer that `after` belongs to'),
  })
  .meta({ id: 'WatchRequest' });
export type WatchRequest = z.infer<typeof watchRequestSchema>;

export const watchReplySchema = z
  .object({
    stream_id: streamIdSchema,
    journal: z.string().describe('name of the JetStream stream to pull from'),
    journal_id: z.string().describe('changes when the journal was made anew, for example after a broker restart'),
    consumer: z.string().describe('name of the consumer to pull from'),
    resumed: z.boolean().describe('true when the first message pulled follows `after` directly'),
    state: z.enum(streamStates),
    reason: z.enum(streamReasons).optional(),
    init: z.string().optional().describe('base64 of the newest init segment, when there is one'),
    epoch: z.string().optional(),
    codecs: z.string().optional(),
    picture: z.enum(['source', 'no-signal']).optional(),
  })
  .meta({ id: 'WatchReply' });
export type WatchReply = z.infer<typeof watchReplySchema>;
