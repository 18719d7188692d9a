/** How a video is encoded: profiles with their ladder of renditions, by name in the configuration and in each request. */
import { z } from 'zod';
import { idSchema } from './ids.js';
import { integer } from './numbers.js';

export const videoCodecs = ['h264', 'h265', 'av1'] as const;
export type VideoCodec = (typeof videoCodecs)[number];

/** One step of the ladder. The height is that of the short side, so that portrait video keeps its quality. */
export const renditionSchema = z
  .strictObject({
    name: idSchema.max(16).describe('file names begin with it: `720p`'),
    height: integer.min(64).max(4320).describe('pixels of the short side; a step above the source is left out'),
    video_kbps: integer.min(20).max(200_000).describe('average; with `crf` the cap'),
    audio_kbps: integer.min(24).max(512).default(128),
    codec: z.enum(videoCodecs).default('h264'),
    max_fps: z.number().min(1).max(60).default(60),
    crf: z.number().min(0).max(63).optional().describe('overrides that of the profile'),
  })
  .meta({ id: 'Rendition' });
export type Rendition = z.infer<typeof renditionSchema>;

/** Ladder that clients name by quality; bit rates of the wire contract. */
export const standardRenditions = {
  '2160p': { name: '2160p', height: 2160, video_kbps: 16_000, audio_kbps: 128, codec: 'h264', max_fps: 60 },
  '1440p': { name: '1440p', height: 1440, video_kbps: 9000, audio_kbps: 128, codec: 'h264', max_fps: 60 },
  '1080p': { name: '1080p', height: 1080, video_kbps: 5000, audio_kbps: 128, codec: 'h264', max_fps: 60 },
  '720p': { name: '720p', height: 720, video_kbps: 2800, audio_kbps: 128, codec: 'h264', max_fps: 60 },
  '480p': { name: '480p', height: 480, video_kbps: 1400, audio_kbps: 128, codec: 'h264', max_fps: 60 },
  '360p': { name: '360p', height: 360, video_kbps: 800, audio_kbps: 128, codec: 'h264', max_fps: 60 },
  '240p': { name: '240p', height: 240, video_kbps: 400, audio_kbps: 64, codec: 'h264', max_fps: 30 },
} as const satisfies Record<string, Rendition>;
export type StandardQuality = keyof typeof standardRenditions;
export const standardQualities = Object.keys(standardRenditions) as [StandardQuality, ...StandardQuality[]];

export const videoProfileSchema = z
  .strictObject({
    name: idSchema,
    title: z.string().max(120).default(''),
    container: z.enum(['ts', 'cmaf']).default('ts').describe('`ts`: MPEG-TS segments; `cmaf`: fragmented MP4 for HLS and DASH'),
    renditions: z.array(renditionSchema).min(1).max(12),
    rate: z.enum(['bitrate', 'capped_crf']).default('bitrate').describe('`capped_crf`: constant quality, never above the bit rate'),
    crf: z.number().min(0).max(63).default(22),
    preset: z
      .string()
      .regex(/^[a-z]{4,10}$/)
      .default('faster')
      .describe('of libx264 and libx265; others translate it'),
    segment_s: z.number().min(1).max(20).default(6),
    keyframe_s: z.number().min(0.5).max(10).default(2),
    passthrough: z.boolean().default(true).describe('a source that already fits a step is copied, not encoded again'),
    hardware: z.boolean().default(true).describe('use a hardware encoder that passed its test'),
    audio_tracks: z.enum(['first', 'all']).default('all').describe('further tracks become an audio group'),
    subtitles: z.boolean().default(true).describe('text subtitles of the source become WebVTT'),
    loudness: z.boolean().default(false).describe('normalise to -16 LUFS (EBU R128, two passes)'),
    dash: z.boolean().default(false).describe('also a DASH manifest; needs `cmaf`'),
    encryption: z.enum(['none', 'aes128']).default('none').describe('`aes128` needs `ts` and H.264'),
    iframes: z.boolean().default(true).describe('I-frame playlists for fast seeking'),
    storyboard: z.boolean().default(true).describe('sprite with WebVTT for previews'),
    posters: integer.min(0).max(12).default(4).describe('poster candidates beside the thumbnail'),
  })
  .refine((profile) => !profile.dash || profile.container === 'cmaf', { path: ['dash'], message: 'DASH needs container `cmaf`' })
  .refine((profile) => profile.encryption === 'none' || (profile.container === 'ts' && profile.renditions.every((step) => step.codec === 'h264')), {
    path: ['encryption'],
    message: 'AES-128 needs container `ts` and H.264: FFmpeg encrypts no fragmented MP4',
  })
  .refine((profile) => new Set(profile.renditions.map((step) => step.name)).size === profile.renditions.length, {
    path: ['renditions'],
    message: 'two renditions have the same name',
  })
  .meta({ id: 'VideoProfile' });
export type VideoProfile = z.infer<typeof videoProfileSchema>;

const ladder = [standardRenditions['1080p'], standardRenditions['720p'], standardRenditions['480p'], standardRenditions['360p']];

/**
 * Chosen by a measurement on synthetic pictures of little detail, where `veryfast` made the smallest files at constant quality for a loss of
 * SSIM below 0.001; and where pictures cost little, sound would be most of the small renditions.
 */
const quality = {
  rate: 'capped_crf',
  preset: 'veryfast',
  renditions: ladder.map((step, position) => ({ ...step, audio_kbps: [128, 96, 64, 64][position] })),
} as const;

/** Profiles that are always there; the configuration adds its own or replaces them by name. */
export const builtinProfiles: readonly VideoProfile[] = [
  { name: 'default', title: 'HLS ladder', renditions: ladder },
  { name: 'quality', title: 'Constant quality, small files', ...quality },
  { name: 'cmaf', title: 'HLS and DASH from the same files', renditions: ladder, container: 'cmaf', dash: true, rate: 'capped_crf' },
  // At the source's own size; what does not fit is encoded by quality, as the cap is far too much for small pictures.
  {
    name: 'remux',
    title: 'Only repackaged where the source already fits',
    rate: 'capped_crf',
    renditions: [{ ...standardRenditions['2160p'], name: 'source' }],
  },
].map((profile) => videoProfileSchema.parse(profile));
