/** The parts of ffprobe's JSON that are read. */
import { z } from 'zod';

const text = z.coerce.string().optional();

const streamSchema = z.looseObject({
  index: z.number().int(),
  codec_type: text,
  codec_name: text,
  profile: text,
  level: z.number().optional(),
  pix_fmt: text,
  width: z.number().optional(),
  height: z.number().optional(),
  field_order: text,
  sample_aspect_ratio: text,
  avg_frame_rate: text,
  r_frame_rate: text,
  color_transfer: text,
  color_primaries: text,
  sample_rate: text,
  channels: z.number().optional(),
  bit_rate: text,
  nb_frames: text,
  duration: text,
  codec_tag_string: text,
  disposition: z.record(z.string(), z.number()).default({}),
  tags: z.record(z.string(), z.coerce.string()).default({}),
  side_data_list: z.array(z.looseObject({ side_data_type: text, rotation: z.number().optional() })).default([]),
});
export type ReportedStream = z.infer<typeof streamSchema>;

export const sourceReportSchema = z.looseObject({
  streams: z.array(streamSchema).default([]),
  format: z.looseObject({ format_name: text, duration: text, start_time: text, bit_rate: text, nb_streams: z.number().optional() }).default({}),
});
export type SourceReport = z.infer<typeof sourceReportSchema>;

export const frameReportSchema = z.looseObject({
  frames: z
    .array(
      z.looseObject({
        interlaced_frame: z.number().optional(),
        width: z.number().optional(),
        height: z.number().optional(),
        pix_fmt: text,
        color_transfer: text,
        color_primaries: text,
      }),
    )
    .default([]),
});
export type FrameReport = z.infer<typeof frameReportSchema>;
