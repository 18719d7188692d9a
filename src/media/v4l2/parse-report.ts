/** Reads what `v4l2-ctl --all --list-formats-ext --list-ctrls-menus` prints, of versions 1.12 and later. */
import { parseControls } from './parse-controls.js';
import { parseFormats } from './parse-formats.js';
import type { V4l2Format, V4l2FrameSize, V4l2Report } from './report.js';

/** What a broken driver says beyond is not read. */
const mostLines = 50_000;

/** Undefined when the text holds no driver information, as of something that is no V4L2 node. What is not understood is left out. */
export function parseV4l2Report(text: string): V4l2Report | undefined {
  const lines = text.split(/\r?\n/, mostLines).map((line) => line.slice(0, 500));
  const from = lines.findIndex((line) => /^\s*Driver Info\b/.test(line));
  if (from === -1) return undefined;
  const head = lines.slice(from + 1, sectionEnd(lines, from + 1));
  const driver = textOf(head, 'Driver name');
  if (driver === undefined) return undefined;
  return {
    driver,
    card: textOf(head, 'Card type'),
    bus: textOf(head, 'Bus info'),
    nodeCaps: capsOf(head),
    formats: withCurrent(parseFormats(lines), lines),
    controls: parseControls(lines),
  };
}

/** The driver's own lines are indented; what follows begins at the margin. */
function sectionEnd(lines: readonly string[], from: number): number {
  const end = lines.findIndex((line, index) => index >= from && /^\S/.test(line));
  return end === -1 ? lines.length : end;
}

function textOf(lines: readonly string[], key: string): string | undefined {
  for (const line of lines) {
    const [, name, value] = /^\s*([A-Z][^:]*?)\s*:\s*(.*?)\s*$/.exec(line) ?? [];
    if (name === key) return value === '' ? undefined : value;
  }
  return undefined;
}

/** `Device Caps` is about this node; only kernels before 3.1 have nothing but the `Capabilities` of the whole device. */
function capsOf(lines: readonly string[]): string[] {
  const headings = ['Device Caps', 'Capabilities'].map((key) => lines.findIndex((line) => new RegExp(`^\\s*${key}\\s*:`).test(line)));
  const at = headings.find((index) => index !== -1);
  if (at === undefined) return [];
  const rest = lines.slice(at + 1);
  const end = rest.findIndex((line) => line.includes(':') || line.trim() === '');
  return rest.slice(0, end === -1 ? rest.length : end).map((line) => line.trim());
}

/** Some drivers name formats without sizes, or nothing at all: then what is set at present is what there is. */
function withCurrent(formats: V4l2Format[], lines: readonly string[]): V4l2Format[] {
  const current = currentFormat(lines);
  if (current === undefined || formats.some(({ sizes }) => sizes.length > 0)) return formats;
  const { pixelFormat, size } = current;
  if (!formats.some((format) => format.pixel_format === pixelFormat)) return [...formats, { pixel_format: pixelFormat, sizes: [size] }];
  return formats.map((format) => (format.pixel_format === pixelFormat ? { ...format, sizes: [size] } : format));
}

function currentFormat(lines: readonly string[]): { pixelFormat: string; size: V4l2FrameSize } | undefined {
  const picture = sectionAt(lines, /^\s*Format Video Capture( Multiplanar)?\s*:/);
  const [, width = 0, height = 0] = (/^(\d{1,6})\/(\d{1,6})$/.exec(textOf(picture, 'Width/Height') ?? '') ?? []).map(Number);
  const pixelFormat = /^'(.{1,8})'/.exec(textOf(picture, 'Pixel Format') ?? '')?.[1]?.trim();
  if (width === 0 || height === 0 || pixelFormat === undefined || pixelFormat === '') return undefined;
  const timing = sectionAt(lines, /^\s*Streaming Parameters Video Capture( Multiplanar)?\s*:/);
  const rate = Number.parseFloat(textOf(timing, 'Frames per second') ?? '');
  return { pixelFormat, size: { width, height, frame_rates: Number.isFinite(rate) && rate > 0 ? [rate] : [] } };
}

function sectionAt(lines: readonly string[], heading: RegExp): readonly string[] {
  const at = lines.findIndex((line) => heading.test(line));
  return at === -1 ? [] : lines.slice(at + 1, sectionEnd(lines, at + 1));
}
