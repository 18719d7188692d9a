/** Boxes of the ISO base media file format (ISO/IEC 14496-12): a header of size and type, then the body. */
import { WeirError } from '../../contracts/errors.js';

export interface Box {
  readonly type: string;
  /** Offset of the header in the array. */
  readonly start: number;
  /** Offset of the first byte after the header. */
  readonly body: number;
  readonly end: number;
}

export const boxHeaderBytes = 8;
export const largeBoxHeaderBytes = 16;

/** Four characters as one number, for fast comparison. */
export function fourCc(type: string): number {
  return ((type.charCodeAt(0) << 24) | (type.charCodeAt(1) << 16) | (type.charCodeAt(2) << 8) | type.charCodeAt(3)) >>> 0;
}

export function typeName(code: number): string {
  return String.fromCharCode(code >>> 24, (code >>> 16) & 0xff, (code >>> 8) & 0xff, code & 0xff);
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export function malformed(message: string): WeirError {
  return new WeirError('invalid_argument', `Not fragmented MP4: ${message}`);
}

/** The boxes between two offsets. Throws `invalid_argument` when one does not fit. */
export function* boxesIn(view: DataView, start: number, end: number): Generator<Box> {
  let at = start;
  while (at + boxHeaderBytes <= end) {
    const { size, header } = boxSize(view, at, end);
    if (size < header || at + size > end) throw malformed(`box of ${size} bytes where ${end - at} remain`);
    yield { type: typeName(view.getUint32(at + 4)), start: at, body: at + header, end: at + size };
    at += size;
  }
}

function boxSize(view: DataView, at: number, end: number): { size: number; header: number } {
  const size = view.getUint32(at);
  // "if size is 1 then the actual size is in the field largesize; if size is 0, then this box [...] extends to the end"
  if (size === 0) return { size: end - at, header: boxHeaderBytes };
  if (size !== 1) return { size, header: boxHeaderBytes };
  if (at + largeBoxHeaderBytes > end) throw malformed('cut largesize');
  return { size: Number(view.getBigUint64(at + 8)), header: largeBoxHeaderBytes };
}

export function findBox(view: DataView, parent: { readonly body: number; readonly end: number }, type: string): Box | undefined {
  for (const box of boxesIn(view, parent.body, parent.end)) if (box.type === type) return box;
  return undefined;
}

/** Follows a path of types from one box down. */
export function findPath(view: DataView, parent: Box, path: readonly string[]): Box | undefined {
  let box: Box | undefined = parent;
  for (const type of path) {
    if (box === undefined) return undefined;
    box = findBox(view, box, type);
  }
  return box;
}
