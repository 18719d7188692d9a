/** The graph of the built-in test picture: moving pattern, frame counter (see `frame-counter.ts`), wall clock, beep. */
import { frameCounterLayout } from '../frame-counter.js';
import type { MachineFacts } from './facts.js';
import { escapeFilterValue } from './filter-text.js';

export interface TestPicture {
  readonly width: number;
  readonly height: number;
  readonly frameRate: number;
  readonly hasAudio: boolean;
}

/** A `lavfi` graph with the outputs `out0` (picture) and, with audio, `out1` (1 kHz for 0.1 s at each full second). */
export function testPictureGraph(picture: TestPicture, facts: Pick<MachineFacts, 'fontFile'>): string {
  const { width, height, frameRate } = picture;
  const filters = [`testsrc2=size=${width}x${height}:rate=${frameRate}`, 'format=yuv420p', ...counterFilters(width)];
  if (facts.fontFile !== undefined) filters.push(clockFilter(facts.fontFile, height));
  const video = `${filters.join(',')}[out0]`;
  if (!picture.hasAudio) return video;
  return `${video};aevalsrc=exprs='0.2*sin(2*PI*1000*t)*lt(mod(t,1),0.1)':sample_rate=48000:channel_layout=mono[out1]`;
}

function counterFilters(width: number): string[] {
  const { blocks, blocksPerWidth, bits } = frameCounterLayout;
  const edge = (index: number) => Math.round((index * width) / blocksPerWidth);
  const height = Math.max(2, edge(1));
  // The band also covers the time stamp that the pattern carries in this corner.
  const filters = [`drawbox=x=0:y=0:w=${edge(blocks)}:h=${Math.max(3 * height, 40)}:color=black:t=fill`];
  const white = (index: number, when?: string) => {
    const box = `drawbox=x=${edge(index)}:y=0:w=${edge(index + 1) - edge(index)}:h=${height}:color=white:t=fill`;
    filters.push(when === undefined ? box : `${box}:enable='${when}'`);
  };
  const bitOf = (index: number) => `mod(floor(n/${2 ** (bits - 1 - index)}),2)`;
  const all = Array.from({ length: bits }, (_, index) => bitOf(index));
  white(0);
  for (const [index, bit] of all.entries()) white(2 + index, bit);
  white(2 + bits, `mod(${all.join('+')},2)`);
  white(blocks - 1);
  return filters;
}

function clockFilter(fontFile: string, height: number): string {
  const text = escapeFilterValue('%{localtime:%F %T}  #%{n}');
  const style = `fontsize=${Math.round(height / 14)}:fontcolor=white:box=1:boxcolor=black@0.6:boxborderw=8`;
  return `drawtext=fontfile=${escapeFilterValue(fontFile)}:${style}:x=(w-tw)/2:y=h*0.78:text=${text}`;
}
