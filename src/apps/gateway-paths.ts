/**
 * Every stream has a path at the gateway. Where a camera's stream reads from the gateway, its path opens the device, and only there, so that
 * nobody opens it twice; a network camera is pulled; everything else is handed on from the hub.
 */
import { type Camera, type CameraCapabilities, type StreamConfig, WeirError } from '../contracts/index.js';
import type { PathSource, PathWish, WishedPaths } from '../gateways/index.js';

/** The streams part, as paths need it. */
interface StreamsOfPaths {
  streams(): readonly { readonly stream_id: string }[];
  readonly owned: {
    stored(streamId: string): { readonly config: StreamConfig } | undefined;
    onChange(listener: (streamId: string) => void): () => void;
  };
}

interface Known {
  readonly cameras: { get(cameraId: string): Camera | undefined };
  readonly gateway: { sourceOf(streamId: string): string | undefined };
}

export interface GatewayPaths {
  readonly wished: WishedPaths;
  /** Tells which devices and whose gateway there are; until then nobody is told what is wished. Undefined: there will be none. */
  begin(known: Known | undefined): void;
}

export function createGatewayPaths(hub: StreamsOfPaths): GatewayPaths {
  let begin: (known: Known | undefined) => void = () => undefined;
  const begun = new Promise<Known | undefined>((resolve) => {
    begin = resolve;
  });
  return {
    begin: (known) => begin(known),
    wished: {
      async list() {
        const known = await begun;
        if (known === undefined) throw new WeirError('cancelled', 'The cameras did not start');
        return hub.streams().map(({ stream_id }) => wishOf(stream_id, hub.owned.stored(stream_id)?.config, known));
      },
      onChange: (listener) => hub.owned.onChange(() => listener()),
    },
  };
}

function wishOf(streamId: string, config: StreamConfig | undefined, { cameras, gateway }: Known): PathWish {
  const device = config?.device;
  if (config === undefined || device === undefined || !/^rtsps?:\/\//.test(device)) return { streamId, source: { kind: 'stream' } };
  // What players can decode without our encoder in between.
  if (device !== gateway.sourceOf(streamId)) return { streamId, source: { kind: 'network', url: device } };
  const camera = cameras.get(streamId);
  if (camera?.kind !== 'v4l2' || camera.source === null) return { streamId, source: { kind: 'stream' } };
  return { streamId, source: { kind: 'v4l2', devicePath: camera.source, ...pictureOf(config, camera.capabilities) } };
}

type CapturedPicture = Omit<Extract<PathSource, { kind: 'v4l2' }>, 'kind' | 'devicePath'>;

/** What V4L2 calls JPEG pictures. */
const jpeg = new Set(['MJPG', 'JPEG']);

/**
 * Size and rate as the stream has them; undefined as the device likes. JPEG where the device has it in this size, as raw pictures rarely
 * fit through USB at full rate.
 */
function pictureOf({ resolution, framerate }: StreamConfig, capabilities: CameraCapabilities | null): CapturedPicture {
  const [width, height] = (resolution?.split('x') ?? []).map(Number);
  const rate = framerate === undefined ? {} : { frameRate: framerate };
  if (width === undefined || height === undefined || !(width > 0) || !(height > 0)) return rate;
  const hasJpeg = (capabilities?.formats ?? []).some(
    ({ pixel_format, sizes }) => jpeg.has(pixel_format) && sizes.some((size) => size.width === width && size.height === height),
  );
  return { width, height, ...rate, ...(hasJpeg ? { inputFormat: 'mjpeg' as const } : {}) };
}
