/** The formats, sizes and rates in the output of `v4l2-ctl`. */
import type { V4l2Format, V4l2FrameSize } from './report.js';

/** Of each; what a broken driver lists beyond is left out. */
const most = { formats: 128, sizes: 128, rates: 64 };

/** Listed for a driver that scales freely, as far as they lie in its range. */
const commonSizes = [
  [320, 240],
  [640, 360],
  [640, 480],
  [800, 600],
  [1280, 720],
  [1280, 960],
  [1920, 1080],
  [2560, 1440],
  [3840, 2160],
] as const;

interface Reading {
  readonly formats: V4l2Format[];
  /** Whether the lines are about pictures that are captured. */
  isCapture: boolean;
  format: V4l2Format | undefined;
  /** Sizes that the rates of the following lines are for. */
  sizes: readonly V4l2FrameSize[];
}

/** Capture formats in the driver's order; the same format, size or rate told twice is kept once, rates are highest first. */
export function parseFormats(lines: readonly string[]): V4l2Format[] {
  const reading: Reading = { formats: [], isCapture: true, format: undefined, sizes: [] };
  const from = lines.findIndex((line) => /VIDIOC_ENUM_FMT/.test(line));
  for (const line of from === -1 ? [] : lines.slice(from + 1)) {
    if (/^\S/.test(line) && !/VIDIOC_ENUM_FMT/.test(line)) break;
    readLine(reading, line);
  }
  for (const format of reading.formats) for (const size of format.sizes) size.frame_rates.sort((a, b) => b - a);
  return reading.formats;
}

function readLine(reading: Reading, line: string): void {
  const [, type] = /^\s*Type\s*:\s*(.*?)\s*$/.exec(line) ?? [];
  if (type !== undefined) {
    reading.isCapture = /^Video Capture( Multiplanar)?$/.test(type);
    reading.format = undefined;
    reading.sizes = [];
    return;
  }
  if (!reading.isCapture) return;
  const [, fourcc, told] = /^\s*(?:\[\d+\]|Pixel Format)\s*:\s*'(.{1,8})'(?:\s*\((.*)\))?\s*$/.exec(line) ?? [];
  if (fourcc !== undefined) beginFormat(reading, fourcc.trim(), told);
  else readName(reading, line);
  readSize(reading, line);
  readRates(reading, line);
}

function beginFormat(reading: Reading, fourcc: string, told: string | undefined): void {
  reading.sizes = [];
  reading.format = reading.formats.find((format) => format.pixel_format === fourcc);
  if (reading.format !== undefined || fourcc === '' || reading.formats.length >= most.formats) return;
  // Behind the name stand flags of the kernel: `Motion-JPEG, compressed`. Of old versions they are all that stands there.
  const description = told?.split(',')[0]?.trim();
  const isName = description !== undefined && description !== '' && description !== 'compressed' && description !== 'emulated';
  reading.format = { pixel_format: fourcc, ...(isName ? { description } : {}), sizes: [] };
  reading.formats.push(reading.format);
}

/** Before version 1.16 the name has a line of its own. */
function readName(reading: Reading, line: string): void {
  const [, name] = /^\s*Name\s*:\s*(\S.*?)\s*$/.exec(line) ?? [];
  if (name !== undefined && reading.format !== undefined) reading.format.description ??= name;
}

function readSize(reading: Reading, line: string): void {
  const [, kind, list] = /^\s*Size\s*:\s*(Discrete|Stepwise|Continuous)\s+(.*)$/.exec(line) ?? [];
  if (kind === undefined || list === undefined || reading.format === undefined) return;
  const [first, last] = [...list.matchAll(/(\d{1,6})x(\d{1,6})/g)].map(([, width, height]) => ({ width: Number(width), height: Number(height) }));
  const [, stepX = 1, stepY = 1] = (/with step (\d+)\/(\d+)/.exec(list) ?? []).map(Number);
  if (first === undefined) return;
  const sizes = kind === 'Discrete' || last === undefined ? [first] : sizesWithin(first, last, stepX, stepY);
  const format = reading.format;
  reading.sizes = sizes.filter(({ width, height }) => width > 0 && height > 0).flatMap((size) => sizeIn(format, size));
}

function sizesWithin(least: Size, largest: Size, stepX: number, stepY: number): Size[] {
  const common = commonSizes
    .map(([width, height]) => ({ width, height }))
    .filter((size) => isOnStep(size.width, least.width, largest.width, stepX) && isOnStep(size.height, least.height, largest.height, stepY));
  return [least, ...common, largest];
}

function isOnStep(value: number, least: number, largest: number, step: number): boolean {
  return value >= least && value <= largest && (value - least) % Math.max(1, step) === 0;
}

interface Size {
  readonly width: number;
  readonly height: number;
}

function sizeIn(format: V4l2Format, { width, height }: Size): V4l2FrameSize[] {
  const known = format.sizes.find((size) => size.width === width && size.height === height);
  if (known !== undefined) return [known];
  if (format.sizes.length >= most.sizes) return [];
  const size = { width, height, frame_rates: [] };
  format.sizes.push(size);
  return [size];
}

/** `Discrete 0.033s (30.000 fps)`; of a range both ends: `Stepwise 0.033s - 1.000s with step 0.001s (1.000-30.000 fps)`. */
function readRates(reading: Reading, line: string): void {
  const [, low, high] = /^\s*Interval\s*:.*\(\s*([\d.]+|inf|nan)\s*(?:-\s*([\d.]+|inf|nan)\s*)?fps\)/.exec(line) ?? [];
  if (low === undefined) return;
  const rates = [Number(low), ...(high === undefined ? [] : [Number(high)])].filter((rate) => Number.isFinite(rate) && rate > 0);
  for (const { frame_rates } of reading.sizes) {
    for (const rate of rates) if (!frame_rates.includes(rate) && frame_rates.length < most.rates) frame_rates.push(rate);
  }
}
