/** The door of cameras on the hub: registry, network and ONVIF cameras, streams of others. */
export { type Cameras, startCameras } from './registry/cameras.js';
export type { CameraEvent, CameraListener } from './registry/events.js';
export {
  type Actor,
  type CameraLog,
  type CameraSettings,
  type CameraStore,
  type CameraStreamChanges,
  type CamerasOptions,
  type CameraTiming,
  defaultCameraTiming,
  type NewCameraStream,
  type StoredStream,
  type StreamsOfCameras,
} from './registry/needs.js';
export type { CameraOperations } from './registry/operations.js';
