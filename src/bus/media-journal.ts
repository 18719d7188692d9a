/** Hub side of the picture on the bus: the journal of one stream and the reading places in it. */
import type { NatsConnection } from '@nats-io/nats-core';
import type { Roots, WatchReply } from '../contracts/index.js';
import type { EnsuredJournal } from './journal.js';

export interface MediaJournalLimits {
  /** Default 60 000. */
  maxAgeMs?: number;
  /** Default 64 MiB. */
  maxBytes?: number;
}

/** Makes the memory journal of a stream, or brings its limits to these. */
export declare function ensureMediaJournal(
  connection: NatsConnection,
  streamId: string,
  limits?: MediaJournalLimits,
  roots?: Roots,
  signal?: AbortSignal,
): Promise<EnsuredJournal>;

export interface WatchPlaceOptions {
  connection: NatsConnection;
  streamId: string;
  viewer: string;
  /** Journal sequence of the last message received. */
  after?: number;
  /** Journal that `after` belongs to. */
  journalId?: string;
  roots?: Roots;
  /** When given, a missing journal is made with these limits; else it is `not_found`. */
  limits?: MediaJournalLimits;
  signal?: AbortSignal;
}

/** The part of a watch answer that the journal knows; the hub adds id, state and reason. */
export type WatchPlace = Omit<WatchReply, 'stream_id' | 'state' | 'reason'>;

/** Makes the place {viewer} in the media journal: right after `after` when that is still kept, else at the newest keyframe. */
export declare function openWatchPlace(options: WatchPlaceOptions): Promise<WatchPlace>;
/** How many read the stream now: places with an open pull. */
export declare function countViewers(connection: NatsConnection, streamId: string, signal?: AbortSignal): Promise<number>;
/** Takes a place away, for example when the viewer's login has ended; false when there was none. */
export declare function closeWatchPlace(connection: NatsConnection, streamId: string, viewer: string, signal?: AbortSignal): Promise<boolean>;
