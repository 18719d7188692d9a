/** When an encode will be done: what is left is weighed by how much there is to see in it, and measured by the time that the rest took. */
import type { SourceFacts } from '../../contracts/index.js';

/** Bits for a pixel of a source that is as hard to encode as any. */
const hardBits = 0.3;
/**
 * A picture full of detail takes by so much longer than an empty one. Measured were 0.7 times longer for two small renditions and 1.3 times
 * for a whole ladder at a slower preset.
 */
const hardness = 1.2;
/** Before, nothing can be said. */
const [leastS, leastShare] = [1, 0.01];
/** What follows the encode took about a thirtieth of it on all machines that were measured. */
const tailShare = 1 / 30;

export class WorkEstimate {
  /** Of each equal part of the video; the sum is 1. */
  readonly #work: readonly number[];
  #seen: { readonly share: number; readonly seconds: number } | undefined;

  /** Takes how much work each equal part of the video is, in any unit. */
  constructor(weights: readonly number[]) {
    const sum = weights.reduce((total, weight) => total + weight, 0);
    this.#work = sum > 0 ? weights.map((weight) => weight / sum) : [1];
  }

  /** Part of the work (0 to 1) that is done when this part of the video (0 to 1) is. */
  workOf(share: number): number {
    const at = Math.max(0, Math.min(1, share)) * this.#work.length;
    const whole = this.#work.slice(0, Math.floor(at)).reduce((sum, part) => sum + part, 0);
    return Math.min(1, whole + (at % 1) * (this.#work[Math.floor(at)] ?? 0));
  }

  /** So much of the work is done after so many seconds of encoding. */
  saw(share: number, seconds: number): void {
    this.#seen = { share, seconds };
  }

  /** Seconds until all is done, asked so many seconds after the encode began; null while nothing can be said. */
  leftS(nowS: number): number | null {
    if (this.#seen === undefined || this.#seen.share < leastShare || nowS < leastS) return null;
    const { share, seconds } = this.#seen;
    const encodeS = seconds / share;
    // Between two reports the work goes on.
    return Math.max(0, encodeS * (1 - share) - (nowS - seconds)) + encodeS * tailShare;
  }
}

/** How much work each of equal parts of a source is, by its bit rate there; one part when that is not known. */
export function weighParts(video: SourceFacts['video']): number[] {
  const rates = video?.bitrates_kbps ?? [];
  if (video === null || rates.length === 0) return [1];
  const hardKbps = (hardBits * video.coded_width * video.coded_height * video.frame_rate) / 1000;
  return rates.map((kbps) => 1 + hardness * Math.min(1, Math.sqrt(kbps / Math.max(1, hardKbps))));
}
