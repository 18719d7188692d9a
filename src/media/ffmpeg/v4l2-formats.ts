/** What a V4L2 device offers, from `ffmpeg -f v4l2 -list_formats all`. */

export interface V4l2Format {
  /** FFmpeg's name: `mjpeg`, `h264`, `yuyv422`, … */
  readonly name: string;
  readonly isCompressed: boolean;
  readonly sizes: readonly { readonly width: number; readonly height: number }[];
}

/** Lines such as `[video4linux2,v4l2 @ …] [info] Compressed:       mjpeg :          Motion-JPEG : 640x480 1280x720`. */
export function parseV4l2Formats(stderr: string): V4l2Format[] {
  const formats: V4l2Format[] = [];
  for (const line of stderr.split('\n')) {
    const [, kind, name, list] = /\b(Raw|Compressed)\s*:\s*(\S+)\s*:.*?:\s*((?:\d+x\d+\s*)+|\{.*)$/.exec(line) ?? [];
    if (kind === undefined || name === undefined || list === undefined || name === 'Unsupported') continue;
    const sizes = [...list.matchAll(/(\d+)x(\d+)/g)].map(([, width, height]) => ({ width: Number(width), height: Number(height) }));
    formats.push({ name, isCompressed: kind === 'Compressed', sizes });
  }
  return formats;
}

/**
 * The format and size to capture when nothing is asked for: 720p if offered, else the largest up to 1080p. JPEG is preferred,
 * since raw pictures of that size rarely fit through USB at full rate; H.264 only when there is nothing else.
 */
export function preferredFormat(formats: readonly V4l2Format[]): { name: string; width: number; height: number } | undefined {
  const order = (format: V4l2Format) => (format.name === 'mjpeg' ? 0 : format.isCompressed ? 2 : 1);
  const [best] = [...formats].sort((a, b) => order(a) - order(b));
  if (best === undefined) return undefined;
  const sizes = best.sizes.filter(({ width, height }) => width <= 1920 && height <= 1080);
  const hd = sizes.find(({ width, height }) => width === 1280 && height === 720);
  const [largest] = [...sizes].sort((a, b) => b.width * b.height - a.width * a.height);
  const size = hd ?? largest ?? { width: 640, height: 480 };
  return { name: best.name, ...size };
}
