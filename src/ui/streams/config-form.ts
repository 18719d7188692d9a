/** The settings of a stream as the texts of a form, and back; checked by the schemas of the contract. No DOM. */
import { createStreamSchema, type Stream, type StreamConfig, streamConfigSchema } from '../../contracts/stream.js';

/** What stands in the fields. Empty means: not set. */
export interface ConfigForm {
  device: string;
  resolution: string;
  framerate: string;
  codec: string;
  bitrate: string;
  encoder: string;
  keyframe_interval_s: string;
  audio: string;
  rtsp_transport: string;
  frozen_after_s: string;
  output_url: string;
}

export type FormErrors = Partial<Record<string, string>>;

/** Texts for a configuration. */
export function toForm(config: StreamConfig): ConfigForm {
  const text = (value: string | number | undefined) => (value === undefined ? '' : String(value));
  return {
    device: text(config.device),
    resolution: text(config.resolution),
    framerate: text(config.framerate),
    codec: text(config.codec),
    bitrate: text(config.bitrate),
    encoder: text(config.encoder),
    keyframe_interval_s: text(config.keyframe_interval_s),
    audio: text(config.audio),
    rtsp_transport: text(config.rtsp_transport),
    frozen_after_s: text(config.frozen_after_s),
    output_url: text(config.output_url),
  };
}

const numbers: ReadonlySet<string> = new Set(['framerate', 'bitrate', 'keyframe_interval_s', 'frozen_after_s']);

/** The configuration the texts stand for, or what is wrong with which field. */
export function parseForm(form: ConfigForm): { config: StreamConfig } | { errors: FormErrors } {
  const raw: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(form)) {
    const text = value.trim();
    if (text === '') continue;
    raw[key] = numbers.has(key) ? Number(text.replace(',', '.')) : text;
  }
  const parsed = createStreamSchema.shape.config.safeParse(raw);
  if (parsed.success) return { config: streamConfigSchema.parse(parsed.data) };
  const errors: FormErrors = {};
  for (const issue of parsed.error.issues) errors[String(issue.path[0] ?? 'device')] ??= issue.message;
  return { errors };
}

/** Names of the fields that differ. */
export function changedFields(before: StreamConfig, after: StreamConfig): string[] {
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]) as Set<keyof StreamConfig>;
  return [...keys].filter((key) => before[key] !== after[key]);
}

const labels: Record<string, string> = {
  device: 'source',
  resolution: 'resolution',
  framerate: 'frame rate',
  codec: 'codec',
  bitrate: 'bitrate',
  encoder: 'encoder',
  keyframe_interval_s: 'keyframe interval',
  audio: 'sound',
  rtsp_transport: 'transport',
  frozen_after_s: 'frozen-picture alert',
  output_url: 'push target',
};

/** `source, bitrate and codec`. */
export function nameFields(fields: readonly string[]): string {
  const names = fields.map((field) => labels[field] ?? field);
  if (names.length < 2) return names.join('');
  return `${names.slice(0, -1).join(', ')} and ${names[names.length - 1]}`;
}

/** True when applying the change interrupts what viewers see now. */
export function willBlink(stream: Stream, fields: readonly string[]): boolean {
  const disturbing = fields.some((field) => field !== 'frozen_after_s');
  return disturbing && stream.desired === 'running' && stream.status?.state === 'running';
}
