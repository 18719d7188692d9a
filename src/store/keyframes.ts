/** Keyframes of a file, packed: differences as variable-length numbers, about five bytes each instead of fifteen. */
import type { Keyframe } from './recordings-repository.js';

/** Times are rounded to whole milliseconds. Both numbers must not fall. */
export function packKeyframes(keyframes: readonly Keyframe[]): Uint8Array {
  const bytes: number[] = [];
  let lastMs = 0;
  let lastOffset = 0;
  for (const [ms, offset] of keyframes) {
    const whole = Math.max(lastMs, Math.round(ms));
    pushNumber(bytes, whole - lastMs);
    pushNumber(bytes, Math.max(0, offset - lastOffset));
    lastMs = whole;
    lastOffset = Math.max(lastOffset, offset);
  }
  return Uint8Array.from(bytes);
}

export function unpackKeyframes(packed: Uint8Array): Keyframe[] {
  const keyframes: Keyframe[] = [];
  let [at, ms, offset] = [0, 0, 0];
  const next = (): number => {
    let [value, scale] = [0, 1];
    for (;;) {
      const byte = packed[at++] ?? 0;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
  };
  while (at < packed.length) {
    ms += next();
    offset += next();
    keyframes.push([ms, offset]);
  }
  return keyframes;
}

/** Seven bits at a time, lowest first; the top bit says that more follows. Offsets may pass 2^31, so no bit operators. */
function pushNumber(bytes: number[], value: number): void {
  let rest = value;
  while (rest >= 128) {
    bytes.push((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
}
