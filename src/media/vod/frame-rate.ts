/** Frame rates as exact fractions. */

/** An exact number of frames per second. */
export interface FrameRate {
  readonly num: number;
  readonly den: number;
}

/** Frames per second as a number. */
export function perSecond(rate: FrameRate): number {
  return rate.num / rate.den;
}

/** `30000/1001`. */
export function formatRate(rate: FrameRate): string {
  return rate.den === 1 ? String(rate.num) : `${rate.num}/${rate.den}`;
}

/** Reads `30000/1001` or `25`; undefined for `0/0` and whatever is no rate. */
export function parseRate(text: string | undefined): FrameRate | undefined {
  const [, numText, denText] = /^(\d{1,10})(?:\/(\d{1,10}))?$/.exec(text ?? '') ?? [];
  const num = Number(numText ?? 0);
  const den = Number(denText ?? 1);
  if (num === 0 || den === 0) return undefined;
  return reduce({ num, den });
}

const common: readonly FrameRate[] = [
  ...[12, 15, 24, 30, 48, 60, 120, 240].map((rate) => ({ num: rate * 1000, den: 1001 })),
  ...[1, 2, 5, 10, 12, 15, 20, 24, 25, 30, 48, 50, 60, 90, 100, 120, 144, 240].map((rate) => ({ num: rate, den: 1 })),
];

/** The rate in use that is nearest, within 0.04 % (24 and 23.976 are 0.1 % apart); else the number itself to a thousandth. */
export function nearestRate(framesPerS: number): FrameRate {
  const distance = (rate: FrameRate): number => Math.abs(perSecond(rate) / framesPerS - 1);
  const [best] = [...common].sort((a, b) => distance(a) - distance(b));
  if (best !== undefined && distance(best) < 0.0004) return best;
  return reduce({ num: Math.max(1, Math.round(framesPerS * 1000)), den: 1000 });
}

/** Divided by the smallest whole number that brings it to `most` or below: every n-th frame is kept, so that movement stays even. */
export function dividedRate(rate: FrameRate, most: number): { rate: FrameRate; divisor: number } {
  // 60.02 frames per second are 60 with a badly measured clock.
  const divisor = Math.max(1, Math.ceil(perSecond(rate) / most - 0.001));
  return { rate: reduce({ num: rate.num, den: rate.den * divisor }), divisor };
}

function reduce({ num, den }: FrameRate): FrameRate {
  const divisor = greatestDivisor(num, den);
  return { num: num / divisor, den: den / divisor };
}

/** Greatest number that divides both. */
export function greatestDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestDivisor(b, a % b);
}
