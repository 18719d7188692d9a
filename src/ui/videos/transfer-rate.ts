/** Speed of a transfer, smoothed over the last seconds. Pure. */

interface Sample {
  at: number;
  bytes: number;
}

const windowMs = 6000;
const leastMs = 500;

export interface TransferRate {
  samples: readonly Sample[];
}

/** Adds what was sent until now (milliseconds, bytes in all). A step back, after a resume, starts anew. */
export function addSample(rate: TransferRate, at: number, bytes: number): TransferRate {
  const last = rate.samples.at(-1);
  if (last !== undefined && bytes < last.bytes) return { samples: [{ at, bytes }] };
  const kept = rate.samples.filter((sample) => at - sample.at <= windowMs);
  return { samples: [...kept, { at, bytes }].slice(-120) };
}

/** Bytes per second; undefined until half a second was measured. */
export function bytesPerSecond({ samples }: TransferRate): number | undefined {
  const first = samples[0];
  const last = samples.at(-1);
  if (first === undefined || last === undefined || last.at - first.at < leastMs) return undefined;
  return ((last.bytes - first.bytes) * 1000) / (last.at - first.at);
}

/** Seconds until all is sent; undefined while nothing moves. */
export function secondsLeft(rate: TransferRate, totalBytes: number): number | undefined {
  const speed = bytesPerSecond(rate);
  const last = rate.samples.at(-1);
  if (speed === undefined || speed <= 0 || last === undefined) return undefined;
  return Math.max(0, totalBytes - last.bytes) / speed;
}
