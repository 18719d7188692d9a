/** What a capture device runs with when nobody chose: at most 1280x720 at 30 frames per second, else the best below. Pure. */
import type { CameraCapabilities } from '../../contracts/index.js';

/** Frame size and rate of a stream; what is undefined is as the source. */
export interface PictureChoice {
  readonly resolution?: string;
  readonly framerate?: number;
}

const most = { width: 1280, height: 720, frameRate: 30 };

interface Offer {
  readonly width: number;
  readonly height: number;
  /** Highest rate of the size in any format, at most 30; 0: it did not say. */
  readonly frameRate: number;
}

/** Undefined fields where the device offers nothing that could be chosen from. */
export function defaultPicture(capabilities: CameraCapabilities | null): PictureChoice {
  const offers = offersOf(capabilities);
  const fitting = offers.filter(({ width, height }) => width <= most.width && height <= most.height);
  // A device that is larger only is taken at its smallest: scaling is the encoder's work, not the cable's.
  const [best] = fitting.length > 0 ? fitting.sort(byValue) : offers.sort((a, b) => a.width * a.height - b.width * b.height);
  if (best === undefined) return {};
  return { resolution: `${best.width}x${best.height}`, ...(best.frameRate === 0 ? {} : { framerate: best.frameRate }) };
}

function offersOf(capabilities: CameraCapabilities | null): Offer[] {
  const offers = new Map<string, Offer>();
  for (const { width, height, frame_rates: rates } of (capabilities?.formats ?? []).flatMap((format) => format.sizes)) {
    const key = `${width}x${height}`;
    const frameRate = Math.max(offers.get(key)?.frameRate ?? 0, Math.min(most.frameRate, Math.max(0, ...rates)));
    offers.set(key, { width, height, frameRate });
  }
  return [...offers.values()];
}

/** Most pixels per second first; of two alike the smoother. */
function byValue(a: Offer, b: Offer): number {
  const value = (offer: Offer) => offer.width * offer.height * (offer.frameRate === 0 ? 1 : offer.frameRate);
  return value(b) - value(a) || b.frameRate - a.frameRate;
}
