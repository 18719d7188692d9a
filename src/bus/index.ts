/** The door of the bus: everything that speaks NATS does it through here, in Node and in browsers. */
export type { Agent, AgentEvent, AgentKind, AgentOptions, AgentWatch, CommandsOfKind, SeenAgent, WatchAgentsOptions } from './agent.js';
export type {
  Bus,
  BusOptions,
  BusServer,
  BusSubscription,
  MessageMeta,
  PublishSettings,
  QueuePolicy,
  Receiver,
  RequestSettings,
  Server,
  ServerCounters,
  ServeSettings,
  SubscribeSettings,
  SubscriptionCounters,
  Trace,
} from './bus.js';
export { noReply } from './bus.js';
export { createBus } from './create-bus.js';
export { createMediaPublisher } from './create-media-publisher.js';
export { followJournal } from './follow-journal.js';
export type {
  EnsuredJournal,
  FollowJournalOptions,
  JournalFacts,
  JournalFollower,
  JournalMessage,
  JournalPage,
  JournalSpec,
  ReadJournalOptions,
} from './journal.js';
export { deleteJournal, ensureJournal, findJournal } from './journal.js';
export type { BucketSpec, BucketWatch, Entry, KeyValue, WatchOptions } from './key-value.js';
export { keyValue } from './key-value.js';
export type { MediaJournalLimits, WatchPlace, WatchPlaceOptions } from './media-journal.js';
export { closeWatchPlace, countViewers, ensureMediaJournal, openWatchPlace } from './media-journal.js';
export type {
  MediaEpoch,
  MediaFragment,
  MediaLimits,
  MediaPublisher,
  MediaPublisherCounters,
  MediaPublisherOptions,
  PreRoll,
  StoredFragment,
} from './media-publisher.js';
export type { MediaReader, MediaReaderCounters, MediaReaderOptions, MediaReaderState, ReadFragment, ReadGap, ReadInit } from './media-reader.js';
export { fromNatsError } from './nats-error.js';
export { openMediaReader } from './open-media-reader.js';
export { readJournal } from './read-journal.js';
export { startAgent } from './start-agent.js';
export { addWork, countWaitingTakers, type TakenWork, takeWork, type WorkTaker } from './take-work.js';
export { nextSpan, traceId } from './trace.js';
export { watchAgents } from './watch-agents.js';
export { type EnsuredWorkPlace, ensureWorkPlace, findWorkPlace, type WorkPlaceFacts, type WorkPlaceSpec } from './work-place.js';
