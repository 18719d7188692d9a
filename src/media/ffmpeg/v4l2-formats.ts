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

export interface ChosenFormat {
  readonly name: string;
  readonly width: number;
  readonly height: number;
  /** Undefined where the device does not tell its rates. */
  readonly frameRate?: number;
}

/** The names that V4L2 has for what FFmpeg calls otherwise. */
const fourccs: Readonly<Record<string, readonly string[]>> = {
  mjpeg: ['MJPG', 'JPEG'],
  h264: ['H264'],
  hevc: ['HEVC'],
  yuyv422: ['YUYV'],
  uyvy422: ['UYVY'],
  yuv420p: ['YU12', 'YV12'],
  yuv422p: ['422P'],
  nv12: ['NV12'],
  rgb24: ['RGB3'],
  bgr24: ['BGR3'],
  gray: ['GREY'],
};

/** Below, a moving picture stutters: then a smaller one is better. */
const fluentRate = 20;
const usualRate = 30;

/**
 * The format, size and rate to capture when nothing is asked for: 720p if offered, else the largest up to 1080p that is fluent, at 30
 * frames per second or what comes nearest. JPEG is preferred, since raw pictures of that size rarely fit through USB at full rate; H.264
 * only when there is nothing else. `told` is what the driver says of rates, where it was asked.
 */
export function preferredFormat(formats: readonly V4l2Format[], told: readonly ToldFormat[] = []): ChosenFormat | undefined {
  const order = (format: V4l2Format) => (format.name === 'mjpeg' ? 0 : format.isCompressed ? 2 : 1);
  const [best] = [...formats].sort((a, b) => order(a) - order(b));
  if (best === undefined) return undefined;
  const sizes = best.sizes.filter(({ width, height }) => width <= 1920 && height <= 1080).map((size) => withRate(best.name, size, told));
  const fluent = sizes.filter(({ frameRate = fluentRate }) => frameRate >= fluentRate);
  const good = fluent.length > 0 ? fluent : sizes;
  const hd = good.find(({ width, height }) => width === 1280 && height === 720);
  const [largest] = [...good].sort((a, b) => b.width * b.height - a.width * a.height);
  return { name: best.name, ...(hd ?? largest ?? withRate(best.name, { width: 640, height: 480 }, told)) };
}

/** What `v4l2-ctl` tells of one format. */
export interface ToldFormat {
  readonly pixel_format: string;
  readonly sizes: readonly { readonly width: number; readonly height: number; readonly frame_rates: readonly number[] }[];
}

function withRate(name: string, { width, height }: { width: number; height: number }, told: readonly ToldFormat[]): Omit<ChosenFormat, 'name'> {
  const rates = told
    .filter(({ pixel_format }) => fourccs[name]?.includes(pixel_format) === true)
    .flatMap(({ sizes }) => sizes.filter((size) => size.width === width && size.height === height))
    .flatMap(({ frame_rates }) => frame_rates);
  const usual = rates.filter((rate) => rate <= usualRate);
  const frameRate = usual.length > 0 ? Math.max(...usual) : Math.min(...rates);
  return { width, height, ...(Number.isFinite(frameRate) ? { frameRate } : {}) };
}
