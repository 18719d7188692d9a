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
/** What follows the encode (packing, pictures, the check, publishing) took about so long on the machines that were measured. */
const [tailLeastS, tailShare] = [0.5, 1 / 30];
/** A machine may be so much slower or faster at it; beyond, something else was in the way. */
const tailBounds = [0.1, 20] as const;
/** The speed of late, of a quarter of the time (at least this long), weighs more than that of the whole. */
const [recentPart, recentLeastS, recentWeight] = [0.25, 3, 0.6];
/** A moment of standstill is no speed to go by. */
const slowestRecent = 4;

/** What a worker knows of the time after the encode, from one job to the next of its kind. */
export class TailMemory {
  readonly #factors = new Map<string, number>();

  /** Seconds from the end of an encode that took so long to the end of the job. */
  expectedS(kind: string, encodeS: number): number {
    return usualTailS(encodeS) * (this.#factors.get(kind) ?? 1);
  }

  /** A job has ended well; a later one weighs as much as all before it. There are few kinds. */
  saw(kind: string, encodeS: number, tailS: number): void {
    const factor = Math.min(tailBounds[1], Math.max(tailBounds[0], tailS / usualTailS(encodeS)));
    this.#factors.set(kind, ((this.#factors.get(kind) ?? factor) + factor) / 2);
  }
}

function usualTailS(encodeS: number): number {
  return tailLeastS + encodeS * tailShare;
}

interface Seen {
  readonly share: number;
  readonly seconds: number;
}

export class WorkEstimate {
  /** Of each equal part of the video; the sum is 1. */
  readonly #work: readonly number[];
  readonly #tailS: (encodeS: number) => number;
  #seen: Seen | undefined;
  /** Oldest first: one from before the time that counts as recent, and those since. */
  readonly #recent: Seen[] = [{ share: 0, seconds: 0 }];

  /** Takes how much work each equal part of the video is, in any unit, and how long the rest takes after an encode of so many seconds. */
  constructor(weights: readonly number[], tailS: (encodeS: number) => number = usualTailS) {
    const sum = weights.reduce((total, weight) => total + weight, 0);
    this.#work = sum > 0 ? weights.map((weight) => weight / sum) : [1];
    this.#tailS = tailS;
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
    const recentS = Math.max(recentLeastS, seconds * recentPart);
    // However many reports come, few are kept.
    if (seconds - (this.#recent.at(-1)?.seconds ?? 0) >= recentS / 30) this.#recent.push(this.#seen);
    while ((this.#recent[1]?.seconds ?? Infinity) <= seconds - recentS) this.#recent.shift();
  }

  /** Seconds until all is done, asked so many seconds after the encode began; null while nothing can be said. */
  leftS(nowS: number): number | null {
    if (this.#seen === undefined || this.#seen.share < leastShare || nowS < leastS) return null;
    const { share, seconds } = this.#seen;
    const encodeLeftS = this.#secondsOfAll(this.#seen) * (1 - share);
    // Between two reports the work goes on.
    return Math.max(0, encodeLeftS - (nowS - seconds)) + this.#tailS(seconds + encodeLeftS);
  }

  /** What all of the work would take at the present speed. */
  #secondsOfAll({ share, seconds }: Seen): number {
    const average = seconds / share;
    const since = this.#recent[0] ?? { share: 0, seconds: 0 };
    const done = share - since.share;
    const recent = done > 0 ? (seconds - since.seconds) / done : average;
    return (1 - recentWeight) * average + recentWeight * Math.min(recent, average * slowestRecent);
  }
}

/** How much work each of equal parts of a source is, by its bit rate there; one part when that is not known. */
export function weighParts(video: SourceFacts['video']): number[] {
  const rates = video?.bitrates_kbps ?? [];
  if (video === null || rates.length === 0) return [1];
  const hardKbps = (hardBits * video.coded_width * video.coded_height * video.frame_rate) / 1000;
  return rates.map((kbps) => 1 + hardness * Math.min(1, Math.sqrt(kbps / Math.max(1, hardKbps))));
}
