/** Which moments of a video are worth a still: neither black nor flat, spread over the whole, and unlike each other. Pure. */

/** Size of the grey pictures that are judged. */
export const judgedWidth = 32;
export const judgedHeight = 18;
const judgedPixels = judgedWidth * judgedHeight;

interface Judged {
  readonly time: number;
  readonly pixels: Uint8Array;
  /** Higher is better; below 0: black, white or flat. */
  readonly score: number;
}

const darkest = 24;
const brightest = 232;
const flattest = 10;
/** Mean difference of two pictures below which they show the same; of 255. */
const alike = 12;

function judge(pixels: Uint8Array, time: number): Judged {
  let [sum, squares, edges] = [0, 0, 0];
  for (let at = 0; at < judgedPixels; at += 1) {
    const value = pixels[at] ?? 0;
    sum += value;
    squares += value * value;
    if (at % judgedWidth > 0) edges += Math.abs(value - (pixels[at - 1] ?? 0));
  }
  const mean = sum / judgedPixels;
  const spread = Math.sqrt(Math.max(0, squares / judgedPixels - mean * mean));
  const isDull = mean < darkest || mean > brightest || spread < flattest;
  // Contrast tells of a subject, edges of sharpness; a picture in the middle of the scale is pleasant.
  const score = spread + (edges / judgedPixels) * 2 - Math.abs(mean - 118) * 0.15;
  return { time, pixels, score: isDull ? Math.min(-1, score - 1000) : score };
}

function difference(a: Judged, b: Judged): number {
  let sum = 0;
  for (let at = 0; at < judgedPixels; at += 1) sum += Math.abs((a.pixels[at] ?? 0) - (b.pixels[at] ?? 0));
  return sum / judgedPixels;
}

/**
 * Times of at most `count` pictures, in order: the best of each part of the video, the next best where that shows what another one shows.
 * `grey` holds the pictures one behind the other, as many as there are times. All of them dull: the least dull.
 */
export function choosePosters(grey: Uint8Array, times: readonly number[], count: number): number[] {
  const whole = Math.min(times.length, Math.floor(grey.length / judgedPixels));
  const all = times.slice(0, whole).map((time, index) => judge(grey.subarray(index * judgedPixels, (index + 1) * judgedPixels), time));
  const parts = Math.min(count, all.length);
  const chosen: Judged[] = [];
  for (let part = 0; part < parts; part += 1) {
    const section = all.slice(Math.floor((part * all.length) / parts), Math.floor(((part + 1) * all.length) / parts));
    const ranked = section.filter(({ score }) => score >= 0).sort((a, b) => b.score - a.score);
    const fresh = ranked.find((one) => chosen.every((other) => difference(one, other) >= alike)) ?? ranked[0];
    if (fresh !== undefined) chosen.push(fresh);
  }
  if (chosen.length > 0) return chosen.map(({ time }) => time);
  const best = [...all].sort((a, b) => b.score - a.score)[0];
  return best === undefined || count === 0 ? [] : [best.time];
}
