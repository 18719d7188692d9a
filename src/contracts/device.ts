/** Capture devices that appear and go. */
import { z } from 'zod';
import { idSchema, timestampSchema } from './ids.js';

export const deviceSchema = z
  .object({
    device_id: idSchema.describe('stable over unplug and replug'),
    path: z.string().describe('device node, for example /dev/video0'),
    name: z.string(),
    spoke_id: idSchema.optional().describe('host where it is plugged in'),
    timestamp: timestampSchema,
  })
  .meta({ id: 'Device' });
export type Device = z.infer<typeof deviceSchema>;
