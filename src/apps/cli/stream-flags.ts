/** A stream's configuration as flags of a command. */
import type { Command } from 'commander';
import { parseWith, WeirError } from '../../contracts/errors.js';
import { type StreamConfig, streamConfigSchema } from '../../contracts/stream.js';

export interface ConfigFlags {
  readonly device?: string;
  readonly resolution?: string;
  readonly framerate?: string;
  readonly codec?: string;
  readonly bitrate?: string;
  readonly outputUrl?: string;
  readonly audio?: string;
  readonly encoder?: string;
  readonly keyframeInterval?: string;
  readonly rtspTransport?: string;
  readonly frozenAfter?: string;
}

/** Adds a flag for each field. */
export function addConfigFlags(command: Command): Command {
  return command
    .option('--device <source>', 'test:, /dev/videoN, rtsp(s)://, rtmp(s)://, srt://, http(s)://, or a file in the media folders')
    .option('--resolution <size>', 'WIDTHxHEIGHT')
    .option('--framerate <number>', 'frames per second')
    .option('--codec <codec>', 'h264 encodes, copy passes through')
    .option('--bitrate <kbps>', 'video bitrate in kbit/s')
    .option('--output-url <url>', 'also push the encode there')
    .option('--audio <choice>', 'auto or none')
    .option('--encoder <name>', 'auto, libx264, h264_vaapi, h264_nvenc, h264_qsv or h264_v4l2m2m')
    .option('--keyframe-interval <seconds>', 'between keyframes when encoding')
    .option('--rtsp-transport <choice>', 'tcp or udp')
    .option('--frozen-after <seconds>', 'alert when the picture stands still for so long; 0: never');
}

/** Only the fields that were given; throws `invalid_argument` for a value that does not fit. */
export function toConfig(flags: ConfigFlags): StreamConfig {
  const number = (text: string | undefined) => (text === undefined ? undefined : Number(text));
  const config = {
    device: flags.device,
    resolution: flags.resolution,
    framerate: number(flags.framerate),
    codec: flags.codec,
    bitrate: number(flags.bitrate),
    output_url: flags.outputUrl,
    audio: flags.audio,
    encoder: flags.encoder,
    keyframe_interval_s: number(flags.keyframeInterval),
    rtsp_transport: flags.rtspTransport,
    frozen_after_s: number(flags.frozenAfter),
  };
  for (const [key, value] of Object.entries(config)) {
    if (typeof value === 'number' && Number.isNaN(value)) throw new WeirError('invalid_argument', `${key} must be a number`, { field: key });
  }
  return parseWith(streamConfigSchema, Object.fromEntries(Object.entries(config).filter(([, value]) => value !== undefined)));
}
