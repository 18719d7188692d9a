/** AAC in ADTS frames (ISO/IEC 13818-7, 6.2). */

export interface AdtsFacts {
  /** MPEG-4 audio object type: 2 is AAC-LC. */
  readonly objectType: number;
  readonly sampleRate: number;
  readonly channels: number;
}

const sampleRates = [96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8000, 7350];
export const samplesPerFrame = 1024;

/** Counts the frames that begin in the bytes; `facts` are those of the first. Stops at the first byte that is no header. */
export function readAdts(bytes: Uint8Array): { frames: number; facts: AdtsFacts | undefined } {
  let frames = 0;
  let facts: AdtsFacts | undefined;
  for (let at = 0; at + 7 <= bytes.length; ) {
    const [first = 0, second = 0, third = 0, fourth = 0, fifth = 0, sixth = 0] = bytes.subarray(at, at + 6);
    if (first !== 0xff || (second & 0xf6) !== 0xf0) break;
    facts ??= {
      objectType: (third >> 6) + 1,
      sampleRate: sampleRates[(third >> 2) & 0xf] ?? 0,
      channels: channelsOf(((third & 1) << 2) | (fourth >> 6)),
    };
    frames += 1;
    const size = ((fourth & 3) << 11) | (fifth << 3) | (sixth >> 5);
    if (size < 7) break;
    at += size;
  }
  return { frames, facts };
}

function channelsOf(configuration: number): number {
  return configuration === 7 ? 8 : configuration;
}
