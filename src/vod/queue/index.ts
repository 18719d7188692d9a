/** The door of the hub side of the queue of videos. */
export { type EnqueueOptions, type JobOperations, startVideoQueue, type VideoQueueHub } from './hub.js';
export type {
  QueueLog,
  QueueSettings,
  QueueStore,
  QueueTiming,
  QueueVideos,
  RegisteredVideo,
  VideoJobChange,
  VideoQueueOptions,
} from './needs.js';
