/** The door of the hub side of the queue of videos. */
export { startVideoQueue, type VideoQueueHub } from './hub.js';
export type {
  EnqueueOptions,
  JobOperations,
  QueueLog,
  QueueSettings,
  QueueStore,
  QueueTiming,
  QueueVideos,
  RegisteredVideo,
  VideoJobChange,
  VideoQueueOptions,
} from './needs.js';
