/** Viewer side of the picture on the bus; runs in browsers and in Node. */
import type { NatsConnection } from '@nats-io/nats-core';
import type { WatchReply, WatchRequest, WeirError } from '../contracts/index.js';

export interface ReadInit {
  epoch: string;
  data: Uint8Array;
  codecs: string | undefined;
  picture: 'source' | 'no-signal' | undefined;
}

export interface ReadFragment {
  epoch: string;
  sequence: number;
  kind: 'key' | 'delta';
  /** May be a part of a larger buffer: copy before keeping it for long. */
  data: Uint8Array;
  timeMs: number;
  durationMs: number;
  /** Wall clock of the publisher, milliseconds since 1970. */
  publishedAt: number;
}

export interface ReadGap {
  epoch: string;
  /** Why fragments are missing: the reader was too slow and jumped to the newest keyframe, or they never came. */
  reason: 'lag' | 'lost';
}

export type MediaReaderState =
  | { state: 'opening' }
  /** No media now; `reply` when the hub has answered, `error` when it could not. */
  | { state: 'waiting'; reply: WatchReply | undefined; error: WeirError | undefined }
  | { state: 'playing'; reply: WatchReply }
  /** Not allowed, or stopped: final. */
  | { state: 'closed'; error: WeirError | undefined };

export interface MediaReaderOptions {
  connection: NatsConnection;
  streamId: string;
  viewer: string;
  /** Asks the hub for a place, for example by `stream_watch`; the hub itself passes its own function. */
  watch: (request: WatchRequest, signal: AbortSignal) => Promise<WatchReply>;
  /** Called once per epoch, before its fragments. */
  onInit: (init: ReadInit) => void | Promise<void>;
  /** Fragments in order, each once; the first of an epoch or after a gap is a keyframe. The next one waits for the promise. */
  onFragment: (fragment: ReadFragment) => void | Promise<void>;
  onGap?: (gap: ReadGap) => void;
  onState?: (state: MediaReaderState) => void;
  /** Further behind than this, the reader jumps to the newest keyframe; default 3000. */
  maxLagMs?: number;
  /** Messages on their way or waiting, at most; default 64. */
  credit?: number;
  /** And bytes; default 8 MiB, grown when a single fragment is larger. */
  creditBytes?: number;
  signal?: AbortSignal;
}

export interface MediaReaderCounters {
  received: number;
  bytes: number;
  /** Not delivered because of a jump, a missing predecessor, or because they came twice. */
  skipped: number;
  gaps: number;
  reopened: number;
  /** How far the last fragment was behind the newest one. */
  lag_ms: number;
}

export interface MediaReader {
  readonly counters: Readonly<MediaReaderCounters>;
  readonly state: MediaReaderState;
  readonly closed: Promise<void>;
  stop(): Promise<void>;
}
