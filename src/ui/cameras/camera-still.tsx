/** A still of a camera: the newest keyframe while its stream runs, else what it is. */
import { useState } from 'preact/hooks';
import type { Camera } from '../../contracts/camera.js';
import { urlOf } from '../core/api.js';
import { now } from '../core/clock.js';
import { streamModel } from '../core/data.js';
import { Icon } from '../parts/icon.js';
import { kindIcons } from './camera-words.js';

const renewMs = 10_000;

/** True while the camera's stream delivers pictures, as the bus tells. */
export function isStreaming(camera: Camera): boolean {
  const status = streamModel(camera.camera_id)?.status.value;
  return status === undefined || status === null ? camera.streaming : status.state === 'running';
}

/** Renewed every ten seconds while it is in view. */
export function CameraStill({ camera, width = 480 }: { camera: Camera; width?: number }) {
  const [broken, setBroken] = useState(-1);
  const turn = Math.floor(now.value / renewMs);
  if (!isStreaming(camera) || broken === turn) {
    const words = camera.status === 'CONNECTED' ? 'Plays when somebody watches' : '';
    return (
      <span class="camera-still">
        <Icon name={camera.status === 'CONNECTED' ? kindIcons[camera.kind] : 'nosignal'} size={26} />
        {width > 200 && words !== '' && <span class="small">{words}</span>}
      </span>
    );
  }
  return (
    <span class="camera-still">
      <img
        src={urlOf('stream_still', { stream_id: camera.camera_id }, { width, t: turn })}
        alt=""
        loading="lazy"
        decoding="async"
        onError={() => setBroken(turn)}
      />
    </span>
  );
}
