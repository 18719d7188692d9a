/** The door of the hub side of live streams. */
export type { CallContext, EventFeed, FeedEvent, MediaFile, MediaFlow, Operation, StreamsOperations } from './operations.js';
