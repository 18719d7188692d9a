/** Random secrets, their fingerprints, and comparison that tells nothing by its duration. */
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/** 256 random bits as 43 characters that are safe in URLs, cookies and headers. */
export function createSecret(): string {
  return randomBytes(32).toString('base64url');
}

/** A public name that cannot be guessed: the prefix and 128 random bits, within the alphabet of ids. */
export function createName(prefix: string): string {
  return prefix + randomBytes(16).toString('hex');
}

/** What is kept of a secret. Plain SHA-256 suffices for 256 random bits; passwords of people go through `passwords.ts`. */
export function fingerprint(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

/** Another secret that only the holder of this one can find, for the use named by `label`. */
export function deriveSecret(secret: string, label: string): string {
  return createHmac('sha256', secret).update(label).digest('base64url');
}

export function isSameText(a: string, b: string): boolean {
  // Equal lengths are demanded by the comparison; hashing first gives them without telling which part differs.
  return timingSafeEqual(createHash('sha256').update(a).digest(), createHash('sha256').update(b).digest());
}
