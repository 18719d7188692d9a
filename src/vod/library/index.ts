/** The door of the library of videos. */
export { type Library, startLibrary } from './library.js';
export type { AddRecording, ExportSpan, LibraryOptions, LibraryQueue, LibrarySettings } from './needs.js';
export type { LibraryOperations } from './operations.js';
export { createQueueVideos } from './queue-videos.js';
export { createVideoView, type VideoViewOptions } from './view.js';
