/** What the operations of recordings are made of. */
import { WeirError } from '../../contracts/index.js';
import type { Exports } from './exports.js';
import type { RecordingsParts } from './needs.js';
import type { Orders } from './orders.js';
import type { PlaybackNouns } from './playback.js';
import type { RecordingFiles } from './recording-files.js';
import type { Retention } from './retention.js';
import type { Snapshots } from './snapshots.js';
import type { Spokes } from './spokes.js';
import type { DiskStorage } from './storage.js';
import type { Thumbnails } from './thumbnails.js';
import type { Tracker } from './tracker.js';

/** The nouns, one of each. */
export interface RecordingsNouns {
  readonly parts: RecordingsParts;
  readonly orders: Orders;
  readonly spokes: Spokes;
  readonly tracker: Tracker;
  readonly storage: DiskStorage;
  readonly files: RecordingFiles;
  readonly retention: Retention;
  readonly playback: PlaybackNouns;
  readonly thumbnails: Thumbnails;
  readonly exports: Exports;
  readonly snapshots: Snapshots;
}

/** Throws `not_found`. */
export function needStream({ parts }: Pick<RecordingsNouns, 'parts'>, streamId: string): void {
  if (parts.streams.exists(streamId)) return;
  throw new WeirError('not_found', `There is no stream ${streamId}`, { facts: { resource: 'stream', id: streamId } });
}
