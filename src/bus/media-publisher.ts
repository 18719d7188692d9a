/** Spoke side of the picture on the bus. */
import type { NatsConnection } from '@nats-io/nats-core';
import type { Roots, WeirError } from '../contracts/index.js';

export interface MediaLimits {
  /** Seconds of media kept in memory; default 10. */
  preRollS?: number;
  /** And at most so many bytes; default 32 MiB. */
  preRollBytes?: number;
  /** Bytes on their way to the journal without an acknowledgement; default 8 MiB. */
  windowBytes?: number;
  /** No acknowledgement for so long means they are sent again; default 2000. */
  ackTimeoutMs?: number;
  /** The init segment is repeated after so long; default 20 000. */
  initEveryMs?: number;
  /** And after so many bytes, so that it never leaves a full journal; default 16 MiB. */
  initEveryBytes?: number;
  /** A journal that was made anew gets media again from a keyframe so long before the first fragment it missed; default 2000. */
  rewindMs?: number;
}

export interface MediaPublisherOptions {
  connection: NatsConnection;
  streamId: string;
  roots?: Roots;
  limits?: MediaLimits;
  /** Told of what will not heal by waiting: `payload_too_large`, `permission_denied`. At most one per second. */
  onProblem?: (error: WeirError) => void;
  signal?: AbortSignal;
}

export interface MediaEpoch {
  init: Uint8Array;
  /** RFC 6381 codecs string. */
  codecs: string;
  picture: 'source' | 'no-signal';
}

export interface MediaFragment {
  kind: 'key' | 'delta';
  /** Owned by the publisher from now on; must not be changed. */
  data: Uint8Array;
  /** Presentation time of the first sample. */
  timeMs: number;
  durationMs: number;
}

export interface StoredFragment extends MediaFragment {
  epoch: string;
  sequence: number;
  /** Wall clock of the push, milliseconds since 1970. */
  publishedAt: number;
}

/** Media of one epoch that is still in memory; begins with a keyframe. */
export interface PreRoll extends MediaEpoch {
  epoch: string;
  fragments: StoredFragment[];
}

export interface MediaPublisherCounters {
  /** Fragments that were sent at least once. */
  published: number;
  acked: number;
  /** Sent again. */
  republished: number;
  /** Left the pre-roll without having been acknowledged. */
  dropped: number;
  /** In memory and not acknowledged. */
  queue_bytes: number;
  /** Whether the journal takes media now. */
  flowing: boolean;
}

export interface MediaPublisher {
  readonly counters: Readonly<MediaPublisherCounters>;
  /** Begins a new epoch and returns its name; everything pushed from now on belongs to it. */
  begin(epoch: MediaEpoch): string;
  /**
   * Takes a fragment of the present epoch and returns it as stored; never waits, never throws for reasons of the bus.
   * `keep` gets it before it is sent. While the promise that it returned is pending, neither this fragment nor a later one is sent;
   * in memory it is at once. Undefined sends at once, and so does a promise that fails.
   */
  push(fragment: MediaFragment, keep?: (stored: StoredFragment) => Promise<void> | undefined): StoredFragment;
  /** What is in memory, oldest first; the data is shared, not copied. */
  preRoll(): PreRoll[];
  /** Sends what it can within `drainMs` (default 500), then stops. */
  stop(drainMs?: number): Promise<void>;
}
