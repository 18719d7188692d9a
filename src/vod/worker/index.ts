/** The door of the worker on videos. */
export { startVideoWorker, type VideoWorker, type VideoWorkerOptions } from './worker.js';
