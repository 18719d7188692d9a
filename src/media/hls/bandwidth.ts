/** Bit rates as RFC 8216, 4.3.4.2 defines them. */

export interface TimedSize {
  readonly durationS: number;
  readonly sizeBytes: number;
}

export interface Bandwidth {
  /** Bits per second: of the heaviest run of segments that lasts half to one and a half target durations. */
  readonly peak: number;
  readonly average: number;
}

/** Whole bits per second, rounded up. A track shorter than half a target duration peaks at its average. */
export function measureBandwidth(segments: readonly TimedSize[], targetDurationS: number): Bandwidth {
  const seconds = segments.reduce((sum, { durationS }) => sum + durationS, 0);
  const bytes = segments.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const average = seconds > 0 ? (bytes * 8) / seconds : 0;
  let peak = average;
  for (let first = 0; first < segments.length; first += 1) peak = Math.max(peak, heaviestRunFrom(segments, first, targetDurationS));
  return { peak: Math.ceil(peak), average: Math.ceil(average) };
}

function heaviestRunFrom(segments: readonly TimedSize[], first: number, targetDurationS: number): number {
  let [seconds, bytes, heaviest] = [0, 0, 0];
  for (const segment of segments.slice(first, first + maxRun)) {
    seconds += segment.durationS;
    bytes += segment.sizeBytes;
    if (seconds > targetDurationS * 1.5) break;
    if (seconds >= targetDurationS * 0.5) heaviest = Math.max(heaviest, (bytes * 8) / seconds);
  }
  return heaviest;
}

/** No run of sensible segments is longer; bounds the work where segments have no length. */
const maxRun = 256;
