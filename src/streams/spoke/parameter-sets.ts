/**
 * H.264 sequence parameter sets. Where the source is copied, a change of its picture size arrives inside a keyframe while the
 * init segment still tells the old one; players stop there. Comparing the two shows it.
 */

const spsType = 7;
const firstSliceTypes: ReadonlySet<number> = new Set([1, 5]);

/** The first SPS of an init segment (in its `avcC`); undefined when there is none. */
export function spsOfInit(init: Uint8Array): Uint8Array | undefined {
  const bytes = asBuffer(init);
  const at = bytes.indexOf('avcC', 0, 'latin1');
  // version, profile, compatibility, level, length size, count of SPS, then length and SPS
  const lengthAt = at + 10;
  if (at < 0 || lengthAt + 2 > bytes.length || ((bytes[at + 9] ?? 0) & 0x1f) === 0) return undefined;
  const length = bytes.readUInt16BE(lengthAt);
  return bytes.subarray(lengthAt + 2, lengthAt + 2 + length);
}

/** The SPS that a fragment's first frame brings along, where it does; undefined otherwise. NAL units with 4-byte lengths. */
export function spsOfFragment(fragment: Uint8Array): Uint8Array | undefined {
  const bytes = asBuffer(fragment);
  let at = mediaStart(bytes);
  while (at !== undefined && at + 5 <= bytes.length) {
    const length = bytes.readUInt32BE(at);
    const type = (bytes[at + 4] ?? 0) & 0x1f;
    if (type === spsType) return bytes.subarray(at + 4, at + 4 + length);
    if (firstSliceTypes.has(type) || length === 0) return undefined;
    at += 4 + length;
  }
  return undefined;
}

/** True when both are there and differ. */
export function hasOtherSps(initSps: Uint8Array | undefined, fragment: Uint8Array): boolean {
  if (initSps === undefined) return false;
  const found = spsOfFragment(fragment);
  return found !== undefined && !asBuffer(found).equals(initSps);
}

function mediaStart(bytes: Buffer): number | undefined {
  for (let at = 0; at + 8 <= bytes.length; ) {
    const size = bytes.readUInt32BE(at);
    if (bytes.toString('latin1', at + 4, at + 8) === 'mdat') return at + 8;
    if (size < 8) return undefined;
    at += size;
  }
  return undefined;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
