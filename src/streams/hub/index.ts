/** The door of the hub side of live streams. */
export { type StreamsHub, startStreamsHub } from './hub.js';
export {
  type DiskSpace,
  defaultTiming,
  type HubAccess,
  type HubLog,
  type HubStore,
  type HubTiming,
  type StreamSettings,
  type StreamsHubOptions,
  type WantedRecordings,
} from './needs.js';
export type { CallContext, EventFeed, FeedEvent, MediaFile, MediaFlow, Operation, StreamsOperations } from './operations.js';
export type { OwnedStream, OwnedStreams } from './owned-streams.js';
