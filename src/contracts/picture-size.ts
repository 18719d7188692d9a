/** Size of a picture, as people write it. */
import { z } from 'zod';

/** What the largest level of H.264 takes. */
const maxPixels = 8192 * 4320;

/** WIDTHxHEIGHT in pixels, each at least 10, together at most those of 8192x4320. */
export const pictureSizeSchema = z
  .string()
  .regex(/^[1-9]\d{1,4}x[1-9]\d{1,4}$/, 'write WIDTHxHEIGHT, for example 1280x720')
  .refine(
    (text) => text.split('x').reduce((pixels, side) => pixels * Number(side), 1) <= maxPixels,
    'a picture has at most as many pixels as 8192x4320',
  );
