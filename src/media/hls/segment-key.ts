/** AES-128 of whole segments (RFC 8216, 4.3.2.4). */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { WeirError } from '../../contracts/errors.js';

export interface SegmentKey {
  /** File below the output folder that holds the key; its address in playlists. */
  readonly file: string;
  readonly key: Uint8Array;
  /** Undefined: the media sequence number of each segment. */
  readonly iv: Uint8Array | undefined;
}

const keyBytes = 16;

/** Makes a key, writes it into the output folder, and writes the file for FFmpeg's `-hls_key_info_file` to `keyInfoFile` (outside of it). */
export async function createSegmentKey(folder: string, keyInfoFile: string): Promise<SegmentKey> {
  const [file, key, iv] = ['segments.key', randomBytes(keyBytes), randomBytes(keyBytes)];
  const path = join(folder, file);
  await writeFile(path, key, { mode: 0o600 });
  await writeFile(keyInfoFile, `${file}\n${path}\n${iv.toString('hex')}\n`, { mode: 0o600 });
  return { file, key, iv };
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
