/** `Upload-Checksum`: the digest of one chunk, compared before the chunk counts. */
import { createHash, type Hash } from 'node:crypto';
import { WeirError } from '../../contracts/index.js';

export const checksumAlgorithms = ['sha1', 'sha256'] as const;

export interface ExpectedChecksum {
  readonly hash: Hash;
  /** True when the digest of what `hash` was fed with is the one that was sent. */
  holds(): boolean;
}

const digestBytes = { sha1: 20, sha256: 32 } as const;

/** Reads the header; undefined without one. Throws `invalid_argument` for an algorithm that is not offered, and for no digest of it. */
export function parseChecksum(header: string | undefined): ExpectedChecksum | undefined {
  if (header === undefined) return undefined;
  const [algorithm = '', digest = '', ...rest] = header.trim().split(' ');
  const known = checksumAlgorithms.find((one) => one === algorithm.toLowerCase());
  if (known === undefined) {
    throw new WeirError('invalid_argument', `Use one of ${checksumAlgorithms.join(', ')}`, {
      field: 'upload-checksum',
      received: algorithm.slice(0, 40),
    });
  }
  const expected = Buffer.from(digest, 'base64');
  if (rest.length > 0 || expected.length !== digestBytes[known] || !/^[A-Za-z0-9+/]+={0,2}$/.test(digest)) {
    throw new WeirError('invalid_argument', `The digest is not the base64 of ${digestBytes[known]} bytes`, {
      field: 'upload-checksum',
      received: digest.slice(0, 80),
    });
  }
  const hash = createHash(known);
  return { hash, holds: () => hash.digest().equals(expected) };
}
