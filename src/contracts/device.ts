/** Capture devices that appear and go. */
import { z } from 'zod';
import { cameraCapabilitiesSchema } from './camera.js';
import { idSchema, timestampSchema } from './ids.js';

export const deviceSchema = z
  .object({
    device_id: idSchema.describe('stable over unplug and replug'),
    path: z.string().describe('device node, for example /dev/video0'),
    name: z.string(),
    spoke_id: idSchema.optional().describe('host where it is plugged in'),
    camera_id: idSchema.optional().describe('set by the hub, which repeats the event once the camera has its id'),
    serial: z.string().optional().describe('serial number of the USB device'),
    bus: z.string().optional().describe('where it is plugged in, for example usb-0000:00:14.0-2'),
    capabilities: cameraCapabilitiesSchema.optional(),
    error: z.string().optional().describe('why the capabilities could not be read'),
    timestamp: timestampSchema,
  })
  .meta({ id: 'Device' });
export type Device = z.infer<typeof deviceSchema>;
