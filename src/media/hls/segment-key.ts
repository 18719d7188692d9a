/** AES-128 of whole segments (RFC 8216, 4.3.2.4). */
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { WeirError } from '../../contracts/errors.js';

export interface SegmentKey {
  /** File below the output folder that holds the key; its address in playlists. */
  readonly file: string;
  readonly key: Uint8Array;
  /** Undefined: the media sequence number of each segment. */
  readonly iv: Uint8Array | undefined;
}

const keyBytes = 16;

/** The key that the attributes of `EXT-X-KEY` name, out of the folder; undefined when nothing is encrypted. Throws what reading throws. */
export async function readSegmentKey(folder: string, attributes: ReadonlyMap<string, string> | undefined): Promise<SegmentKey | undefined> {
  const uri = attributes?.get('URI');
  if (uri === undefined || attributes?.get('METHOD') === 'NONE') return undefined;
  const iv = attributes?.get('IV');
  const key = await readFile(join(folder, basename(uri)));
  return { file: basename(uri), key, iv: iv === undefined ? undefined : Buffer.from(iv.replace(/^0x/i, ''), 'hex') };
}

function vectorOf(key: SegmentKey, sequence: number): Uint8Array {
  if (key.iv !== undefined) return key.iv;
  const vector = Buffer.alloc(keyBytes);
  vector.writeUInt32BE(sequence, keyBytes - 4);
  return vector;
}

/** Throws `internal` when the bytes were not encrypted with this key. */
export function decryptSegment(bytes: Uint8Array, key: SegmentKey, sequence: number): Uint8Array {
  const cipher = createDecipheriv('aes-128-cbc', key.key, vectorOf(key, sequence));
  try {
    return Buffer.concat([cipher.update(bytes), cipher.final()]);
  } catch (error) {
    throw new WeirError('internal', 'A segment cannot be decrypted with its key', { cause: error });
  }
}

export function encryptSegment(bytes: Uint8Array, key: SegmentKey, sequence: number): Uint8Array {
  const cipher = createCipheriv('aes-128-cbc', key.key, vectorOf(key, sequence));
  return Buffer.concat([cipher.update(bytes), cipher.final()]);
}
