/** The outermost structure of a file: enough to tell a cut or encrypted one, which FFmpeg does not say reliably. */
import type { FileHandle } from 'node:fs/promises';

export interface FileStructure {
  /** By its first bytes. */
  readonly kind: 'mov' | 'matroska' | 'other';
  /** More was announced than the file holds. */
  readonly isCut: boolean;
  /** MP4 without the index that tells where its frames are. */
  readonly lacksIndex: boolean;
  readonly isFragmented: boolean;
  readonly isEncrypted: boolean;
}

const plain: FileStructure = { kind: 'other', isCut: false, lacksIndex: false, isFragmented: false, isEncrypted: false };

/** Reads a few kilobytes, and the index of an MP4 up to 64 MiB. Throws what reading the file throws. */
export async function readFileStructure(file: FileHandle, sizeBytes: number): Promise<FileStructure> {
  const head = await readAt(file, 0, 64);
  if (isMov(head)) return await walkMov(file, sizeBytes);
  if (head.length >= 4 && head.readUInt32BE(0) === 0x1a45dfa3) return walkMatroska(head, sizeBytes);
  return plain;
}

const movBoxes: ReadonlySet<string> = new Set(['ftyp', 'moov', 'mdat', 'free', 'skip', 'wide', 'pnot', 'styp', 'moof', 'sidx']);

function isMov(head: Buffer): boolean {
  return head.length >= 8 && movBoxes.has(head.toString('latin1', 4, 8));
}

const mostBoxes = 200_000;
const largestIndex = 64 * 1_048_576;

async function walkMov(file: FileHandle, sizeBytes: number): Promise<FileStructure> {
  let isCut = false;
  let index: Buffer | undefined;
  let isFragmented = false;
  let at = 0;
  for (let count = 0; at + 8 <= sizeBytes && count < mostBoxes; count += 1) {
    const head = await readAt(file, at, 16);
    const type = head.toString('latin1', 4, 8);
    const size = boxSize(head, sizeBytes - at);
    // Bytes after the last box are no box: whatever they are, players skip them.
    if (size < 8 || !/^[\w ©-]{4}$/.test(type)) break;
    if (type === 'moov') index = await readAt(file, at + 8, Math.min(size - 8, largestIndex));
    if (type === 'moof') isFragmented = true;
    isCut ||= size > sizeBytes - at && movBoxes.has(type);
    at += size;
    // Walking thousands of fragments tells nothing new.
    if (isFragmented && index !== undefined && count > 64) break;
  }
  return {
    kind: 'mov',
    isCut,
    lacksIndex: index === undefined,
    isFragmented: isFragmented || index?.includes('mvex') === true,
    isEncrypted: index !== undefined && (index.includes('encv') || index.includes('enca')),
  };
}

/** 1 stands for a 64-bit size behind the type, 0 for all that is left. */
function boxSize(head: Buffer, left: number): number {
  if (head.length < 8) return 0;
  const size = head.readUInt32BE(0);
  if (size === 0) return left;
  return size === 1 && head.length >= 16 ? Number(head.readBigUInt64BE(8)) : size;
}

/** EBML header, then the segment; a writer that never came to the end left the size of the segment open. */
function walkMatroska(head: Buffer, sizeBytes: number): FileStructure {
  const header = readVint(head, 4);
  if (header === undefined) return { ...plain, kind: 'matroska' };
  const at = 4 + header.length + header.value;
  if (at + 12 > head.length || head.readUInt32BE(at) !== 0x18538067) return { ...plain, kind: 'matroska' };
  const segment = readVint(head, at + 4);
  const isOpen = segment === undefined || segment.value >= 2 ** (7 * segment.length) - 1;
  return { ...plain, kind: 'matroska', isCut: !isOpen && at + 4 + segment.length + segment.value > sizeBytes };
}

function readVint(bytes: Buffer, at: number): { value: number; length: number } | undefined {
  const first = bytes[at] ?? 0;
  const length = Math.clz32(first) - 23;
  if (first === 0 || length > 8 || at + length > bytes.length) return undefined;
  let value = first & (0xff >> length);
  for (let index = 1; index < length; index += 1) value = value * 256 + (bytes[at + index] ?? 0);
  return { value, length };
}

async function readAt(file: FileHandle, at: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(Math.max(0, length));
  const { bytesRead } = await file.read(buffer, 0, buffer.length, at);
  return buffer.subarray(0, bytesRead);
}
