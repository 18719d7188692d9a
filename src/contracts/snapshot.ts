/** Snapshots: pictures that were kept. */
import { z } from 'zod';
import { streamIdSchema, timestampSchema } from './ids.js';
import { count, integer, ordinal } from './numbers.js';
import { fileStemSchema } from './recording.js';

export const snapshotFormats = ['jpg', 'png'] as const;

export const snapshotSchema = z
  .object({
    filename: fileStemSchema.describe('with its extension'),
    stream_id: streamIdSchema,
    format: z.enum(snapshotFormats),
    width: ordinal,
    height: ordinal,
    file_size: count,
    taken_at: timestampSchema,
    taken_by: z.string(),
    protected: z.boolean(),
    download_url: z.string(),
  })
  .meta({ id: 'Snapshot' });
export type Snapshot = z.infer<typeof snapshotSchema>;

export const takeSnapshotSchema = z
  .strictObject({
    filename: fileStemSchema.optional().describe('without or with the extension of the format; default: stream and time'),
    format: z.enum(snapshotFormats).optional().describe('default: by the extension of `filename`, else jpg'),
    quality: integer.min(1).max(100).optional().describe('jpg only; default: snapshots.quality of the configuration'),
    width: integer.min(16).max(7680).optional(),
  })
  .meta({ id: 'TakeSnapshot' });
export type TakeSnapshot = z.infer<typeof takeSnapshotSchema>;
