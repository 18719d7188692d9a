/** What a player tells of itself: for its overlay, and for tests through `window.weirPlayers` and data attributes. */
import type { StreamReason, StreamState } from '../../contracts/stream.js';

export type Phase =
  /** Asking the hub for a place, or waiting for the connection. */
  | 'opening'
  /** Connected, but the stream sends nothing. */
  | 'waiting'
  | 'playing'
  /** Nobody looks at the page, so nothing is read. */
  | 'resting'
  /** Over HTTP, some seconds behind. */
  | 'fallback'
  /** This browser cannot play the codecs. */
  | 'unsupported'
  /** Not allowed, or the picture cannot be decoded again and again. */
  | 'failed';

export interface PlayerSnapshot {
  phase: Phase;
  /** What the hub said of the stream when it was asked for. */
  state: StreamState | undefined;
  reason: StreamReason | undefined;
  error: string | undefined;
  /** Fragments have come within the last 1.5 s. */
  isFlowing: boolean;
  /** At least one frame has been shown. */
  hasPicture: boolean;
  picture: 'source' | 'no-signal' | undefined;
  /** Publish to display, as far as the clocks agree. */
  latencyMs: number;
  bufferMs: number;
  fps: number;
  bitrateKbps: number;
  framesDecoded: number;
  framesDropped: number;
  epoch: string;
  epochs: number;
  /** Last fragment of the epoch; -1 before the first. */
  sequence: number;
  /** Holes in the sequence that were not a jump of our own. */
  gaps: number;
  /** Jumps to the newest keyframe because we were behind. */
  jumps: number;
  stalls: number;
  /** Times the browser's player had to be built anew. */
  rebuilds: number;
  width: number;
  height: number;
  codecs: string;
  /** Milliseconds from the start of the page's script to the first frame; undefined before. */
  firstPictureMs: number | undefined;
}

/** Before anything has arrived. */
export const blankSnapshot: PlayerSnapshot = {
  phase: 'opening',
  state: undefined,
  reason: undefined,
  error: undefined,
  isFlowing: false,
  hasPicture: false,
  picture: undefined,
  latencyMs: 0,
  bufferMs: 0,
  fps: 0,
  bitrateKbps: 0,
  framesDecoded: 0,
  framesDropped: 0,
  epoch: '',
  epochs: 0,
  sequence: -1,
  gaps: 0,
  jumps: 0,
  stalls: 0,
  rebuilds: 0,
  width: 0,
  height: 0,
  codecs: '',
  firstPictureMs: undefined,
};

declare global {
  interface Window {
    /** Every player on the page by its stream, for tests and for the curious. */
    weirPlayers?: Map<string, { snapshot: () => PlayerSnapshot; video: HTMLVideoElement }>;
  }
}

/** Writes the counters tests read onto the element. */
export function markElement(video: HTMLVideoElement, streamId: string, snapshot: PlayerSnapshot): void {
  const marks: Record<string, string | number> = {
    stream: streamId,
    phase: snapshot.phase,
    picture: snapshot.picture ?? '',
    frames: snapshot.framesDecoded,
    dropped: snapshot.framesDropped,
    sequence: snapshot.sequence,
    epoch: snapshot.epoch,
    epochs: snapshot.epochs,
    gaps: snapshot.gaps,
    jumps: snapshot.jumps,
    rebuilds: snapshot.rebuilds,
    latencyMs: Math.round(snapshot.latencyMs),
    firstPictureMs: snapshot.firstPictureMs === undefined ? '' : Math.round(snapshot.firstPictureMs),
  };
  for (const [key, value] of Object.entries(marks)) {
    const text = String(value);
    if (video.dataset[key] !== text) video.dataset[key] = text;
  }
}
