/** The no-signal picture: what viewers see while the source is away. */
import { videoEncodeArgs } from './encode-args.js';
import type { MachineFacts } from './facts.js';
import { escapeFilterValue, wrapText } from './filter-text.js';
import { globalArgs, muxArgs } from './output-args.js';

export interface Slate {
  /** Name of the stream. */
  readonly title: string;
  /** Why there is no picture, in words; wrapped to the width. */
  readonly text: string;
  readonly since: Date;
  /** Size of the last picture; default 1280x720. */
  readonly width?: number;
  readonly height?: number;
  /** Default 5. */
  readonly frameRate?: number;
  /** Adds a silent AAC track, so that the tracks stay those of the source. Default false. */
  readonly hasAudio?: boolean;
}

/** Same form of output as `captureArgs`: fragmented MP4 on stdout, progress on descriptor 3. Any text is safe. */
export function slateArgs(slate: Slate, facts: MachineFacts): string[] {
  const width = evenSize(slate.width ?? 1280);
  const height = evenSize(slate.height ?? 720);
  const frameRate = slate.frameRate ?? 5;
  const graph = [`color=c=0x14181d:s=${width}x${height}:r=${frameRate}`, 'format=yuv420p', ...textFilters(slate, width, height, facts)].join(',');
  const sound = slate.hasAudio === true ? ';anullsrc=channel_layout=stereo:sample_rate=48000[out1]' : '';
  return [
    ...globalArgs(undefined),
    ...['-re', '-f', 'lavfi', '-i', `${graph}[out0]${sound}`, '-map', '0:v:0'],
    ...(slate.hasAudio === true ? ['-map', '0:a:0'] : []),
    ...videoEncodeArgs({ encoder: 'libx264', preset: 'ultrafast', bitrateKbps: 400, keyframeIntervalS: 1, frameRate, pixels: width * height }),
    ...(slate.hasAudio === true ? ['-c:a', 'aac', '-b:a', '32k'] : ['-an']),
    ...muxArgs({ output: undefined }),
  ];
}

function evenSize(pixels: number): number {
  return Math.max(2, pixels - (pixels % 2));
}

interface TextLine {
  readonly text: string;
  /** Share of the height. */
  readonly size: number;
  readonly color: string;
  /** The text holds `%{…}` of ours. */
  readonly isExpanded?: boolean;
}

/** Mean width of a character of a bold sans-serif font, in units of its size; on the wide side. */
const characterWidth = 0.66;

function textFilters(slate: Slate, width: number, height: number, facts: MachineFacts): string[] {
  if (facts.fontFile === undefined) return [];
  const fontFile = escapeFilterValue(facts.fontFile);
  // A tall, narrow picture takes its sizes from the width.
  const scale = Math.min(height, width * 0.75);
  const fit = (size: number) => Math.max(8, Math.floor((width * 0.92) / (scale * size * characterWidth)));
  const since = `since ${slate.since.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
  const lines: TextLine[] = [
    ...wrapText(slate.title, fit(0.1), 1).map((text) => ({ text, size: 0.1, color: 'white' })),
    ...wrapText(slate.text, fit(0.065), 3).map((text) => ({ text, size: 0.065, color: '0xffc857' })),
    ...wrapText(since, fit(0.045), 2).map((text) => ({ text, size: 0.045, color: '0x9aa7b4' })),
    { text: 'now %{gmtime:%T} UTC', size: 0.045, color: '0x9aa7b4', isExpanded: true },
  ];
  const gap = 1.45;
  const total = lines.reduce((sum, line) => sum + line.size * gap, 0);
  let top = Math.max(0, (height - total * scale) / 2);
  return lines.map((line) => {
    const y = Math.round(top);
    top += line.size * gap * scale;
    const expansion = line.isExpanded === true ? 'normal' : 'none';
    const style = `fontfile=${fontFile}:fontsize=${Math.max(8, Math.round(line.size * scale))}:fontcolor=${line.color}`;
    return `drawtext=${style}:x=(w-tw)/2:y=${y}:expansion=${expansion}:text=${escapeFilterValue(line.text)}`;
  });
}
