/**
 * A device can be opened once. Where the gateway opens it, the camera's stream reads from the gateway instead; the cameras part goes on
 * speaking of the device.
 */
import type { StreamsOfCameras } from '../cameras/index.js';

/** `sourceOf` tells what to read a stream from when the gateway captures its device. */
export function createCapturedStreams(streams: StreamsOfCameras, sourceOf: (streamId: string) => string | undefined): StreamsOfCameras {
  /** The device of each stream whose picture comes by way of the gateway. */
  const devices = new Map<string, string>();
  const captured = (streamId: string, device: string | undefined): string | undefined => {
    if (device?.startsWith('/dev/') !== true) return device;
    const source = sourceOf(streamId);
    if (source === undefined) {
      devices.delete(streamId);
      return device;
    }
    devices.set(streamId, device);
    return source;
  };
  return {
    ...streams,
    stored(streamId) {
      const stored = streams.stored(streamId);
      const device = devices.get(streamId);
      if (stored === undefined || device === undefined || stored.config.device !== sourceOf(streamId)) return stored;
      return { ...stored, config: { ...stored.config, device } };
    },
    define: (stream, actor) =>
      streams.define({ ...stream, config: withDevice(stream.config, captured(stream.stream_id, stream.config.device)) }, actor),
    change: (streamId, changes, actor) =>
      streams.change(
        streamId,
        changes.config === undefined ? changes : { ...changes, config: withDevice(changes.config, captured(streamId, changes.config.device)) },
        actor,
      ),
    async remove(streamId, actor) {
      devices.delete(streamId);
      await streams.remove(streamId, actor);
    },
  };
}

function withDevice<C extends { device?: string | undefined }>(config: C, device: string | undefined): C {
  return device === undefined ? config : { ...config, device };
}
