/** Cameras. */
import { WeirError } from '../../../contracts/index.js';
import type { MethodParts, RpcWorks } from '../call.js';
import { allCameras, oneCamera, streamOf } from './lists.js';
import { secondsSince, toCapabilityLists, toRpcCamera } from './words.js';

export function cameraWorks({ operations }: MethodParts): Pick<RpcWorks, 'get_camera_list' | 'get_camera_status' | 'get_camera_capabilities'> {
  return {
    async get_camera_list(_params, call) {
      const { cameras, total, connected } = await allCameras(operations, call);
      return { cameras: cameras.map(toRpcCamera), total, connected };
    },
    async get_camera_status({ device }, call) {
      const camera = await oneCamera(operations, device, call);
      const stream = await streamOf(operations, device, call).catch(unlessMissing);
      return {
        ...toRpcCamera(camera),
        ...(stream === undefined
          ? {}
          : {
              metrics: {
                bytes_sent: stream.progress?.total_size_bytes ?? 0,
                readers: stream.viewers,
                uptime: stream.status?.state === 'running' ? secondsSince(stream.status.started_at) : 0,
              },
            }),
        ...(camera.capabilities === null ? {} : { capabilities: toCapabilityLists(camera.capabilities) }),
      };
    },
    async get_camera_capabilities({ device }, call) {
      const { capabilities, status } = await oneCamera(operations, device, call);
      if (capabilities === null) return { device, formats: [], resolutions: [], fps_options: [], validation_status: 'NONE' };
      return { device, ...toCapabilityLists(capabilities), validation_status: status === 'CONNECTED' ? 'CONFIRMED' : 'DISCONNECTED' };
    },
  };
}

/** A camera may be there before, or without, its stream. */
function unlessMissing(thrown: unknown): undefined {
  if (WeirError.from(thrown).code !== 'not_found') throw thrown;
  return undefined;
}
