/** What an H.264 sequence parameter set says (ITU-T H.264, 7.3.2.1 and annex E). */

export interface SequenceFacts {
  /** RFC 6381 without the sample entry: `640028`. */
  readonly parameters: string;
  readonly profile: number;
  /** Times ten: 41 is level 4.1. */
  readonly level: number;
  readonly width: number;
  readonly height: number;
  /** False: pictures may be fields. */
  readonly isProgressive: boolean;
  /** `transfer_characteristics`; 2 (unspecified) when nothing is said. */
  readonly transfer: number;
}

/** Reads bits and Exp-Golomb numbers; beyond the end all bits are 0. */
class BitReader {
  private at = 0;
  constructor(private readonly bytes: Uint8Array) {}

  bits(count: number): number {
    let value = 0;
    for (let left = count; left > 0; left -= 1) {
      const byte = this.bytes[this.at >> 3] ?? 0;
      value = value * 2 + ((byte >> (7 - (this.at & 7))) & 1);
      this.at += 1;
    }
    return value;
  }

  flag(): boolean {
    return this.bits(1) === 1;
  }

  unsigned(): number {
    let zeros = 0;
    while (zeros < 32 && this.at < this.bytes.length * 8 && this.bits(1) === 0) zeros += 1;
    return 2 ** zeros - 1 + this.bits(zeros);
  }

  signed(): number {
    const value = this.unsigned();
    return value % 2 === 0 ? -value / 2 : (value + 1) / 2;
  }
}

const highProfiles: ReadonlySet<number> = new Set([100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135]);

/** Takes a NAL unit of type 7 with its header byte; undefined when it is too short to be one. */
export function readSequenceParameters(nal: Uint8Array): SequenceFacts | undefined {
  if (nal.length < 5 || ((nal[0] ?? 0) & 0x1f) !== 7) return undefined;
  const bytes = withoutEmulation(nal.subarray(1));
  const [profile = 0, constraints = 0, level = 0] = bytes;
  const reader = new BitReader(bytes.subarray(3));
  reader.unsigned();
  const chroma = highProfiles.has(profile) ? readChroma(reader) : 1;
  reader.unsigned();
  readOrderCounts(reader);
  reader.unsigned();
  reader.bits(1);
  const size = readSize(reader, chroma);
  const parameters = [profile, constraints, level].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return { parameters, profile, level, ...size, transfer: reader.flag() ? readTransfer(reader) : 2 };
}

function readChroma(reader: BitReader): number {
  const chroma = reader.unsigned();
  if (chroma === 3) reader.bits(1);
  reader.unsigned();
  reader.unsigned();
  reader.bits(1);
  if (!reader.flag()) return chroma;
  const lists = chroma === 3 ? 12 : 8;
  for (let list = 0; list < lists; list += 1) if (reader.flag()) skipScalingList(reader, list < 6 ? 16 : 64);
  return chroma;
}

function skipScalingList(reader: BitReader, size: number): void {
  let [last, next] = [8, 8];
  for (let index = 0; index < size; index += 1) {
    if (next !== 0) next = (last + reader.signed() + 256) % 256;
    if (next !== 0) last = next;
  }
}

function readOrderCounts(reader: BitReader): void {
  const type = reader.unsigned();
  if (type === 0) reader.unsigned();
  if (type !== 1) return;
  reader.bits(1);
  reader.signed();
  reader.signed();
  const frames = Math.min(reader.unsigned(), 255);
  for (let index = 0; index < frames; index += 1) reader.signed();
}

function readSize(reader: BitReader, chroma: number): Pick<SequenceFacts, 'width' | 'height' | 'isProgressive'> {
  const columns = reader.unsigned() + 1;
  const rows = reader.unsigned() + 1;
  const isProgressive = reader.flag();
  if (!isProgressive) reader.bits(1);
  reader.bits(1);
  const crop = reader.flag() ? [reader.unsigned(), reader.unsigned(), reader.unsigned(), reader.unsigned()] : [0, 0, 0, 0];
  const [left = 0, right = 0, top = 0, bottom = 0] = crop;
  const stepX = chroma === 1 || chroma === 2 ? 2 : 1;
  const stepY = (chroma === 1 ? 2 : 1) * (isProgressive ? 1 : 2);
  return {
    width: columns * 16 - (left + right) * stepX,
    height: rows * 16 * (isProgressive ? 1 : 2) - (top + bottom) * stepY,
    isProgressive,
  };
}

/** The part of the usability information that stands before the transfer function. */
function readTransfer(reader: BitReader): number {
  const extendedShape = 255;
  if (reader.flag() && reader.bits(8) === extendedShape) reader.bits(32);
  if (reader.flag()) reader.bits(1);
  if (!reader.flag()) return 2;
  reader.bits(4);
  if (!reader.flag()) return 2;
  reader.bits(8);
  return reader.bits(8);
}

/** "emulation_prevention_three_byte": a 3 after two zeros is no part of the payload. */
function withoutEmulation(bytes: Uint8Array): Uint8Array {
  const out: number[] = [];
  let zeros = 0;
  for (const byte of bytes) {
    if (zeros >= 2 && byte === 3) {
      zeros = 0;
      continue;
    }
    zeros = byte === 0 ? zeros + 1 : 0;
    out.push(byte);
  }
  return Uint8Array.from(out);
}

export const nalTypes = { slice: 1, idr: 5, sequence: 7 } as const;

/** The NAL units of an Annex B byte stream, each from its header byte on; the last may be cut. */
export function* nalUnits(bytes: Uint8Array): Generator<Uint8Array> {
  let start = -1;
  for (let at = 0; at + 2 < bytes.length; at += 1) {
    if (bytes[at] !== 0 || bytes[at + 1] !== 0 || bytes[at + 2] !== 1) continue;
    // A fourth zero before the start code belongs to it.
    if (start >= 0) yield bytes.subarray(start, at > start && bytes[at - 1] === 0 ? at - 1 : at);
    start = at + 3;
    at += 2;
  }
  if (start >= 0 && start < bytes.length) yield bytes.subarray(start);
}
