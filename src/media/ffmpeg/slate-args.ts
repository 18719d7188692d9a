/** The no-signal picture: what viewers see while the source is away. */
import type { MachineFacts } from './facts.js';

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
export function slateArgs(_slate: Slate, _facts: MachineFacts): string[] {
  throw new Error('being written');
}
