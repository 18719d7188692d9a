/** Passwords of people: scrypt with its parameters in the hash, so that they can grow. */
import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto';
import { createGate } from './gate.js';

interface Cost {
  readonly N: number;
  readonly r: number;
  readonly p: number;
}

/** 32 MiB and three passes: about 0.2 s of one core. */
const presentCost: Cost = { N: 2 ** 15, r: 8, p: 3 };
const keyBytes = 32;
/** Each takes 32 MiB and a thread of the pool, which file access needs as well. */
const gate = createGate({ atOnce: 2, waiting: 32 });

/** Throws `resource_exhausted` when too many passwords are being worked on. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16);
  const key = await derive(password, salt, presentCost);
  return `scrypt$${presentCost.N}$${presentCost.r}$${presentCost.p}$${salt.toString('base64url')}$${key.toString('base64url')}`;
}

/** False also for a hash that is none. Throws `resource_exhausted` when too many passwords are being worked on. */
export async function verifyPassword(password: string, hash: string): Promise<boolean> {
  const parsed = parseHash(hash);
  if (parsed === undefined) return false;
  const key = await derive(password, parsed.salt, parsed.cost);
  return timingSafeEqual(key, parsed.key);
}

/** Takes as long as a verification that fails: so that an unknown name is not told by the duration. */
export async function verifyNothing(password: string): Promise<false> {
  await derive(password, Buffer.alloc(16), presentCost);
  return false;
}

/** True when the hash was made with less than the present cost: make it anew at the next sign-in. */
export function isWeakHash(hash: string): boolean {
  const cost = parseHash(hash)?.cost;
  return cost === undefined || cost.N * cost.r * cost.p < presentCost.N * presentCost.r * presentCost.p;
}

function parseHash(hash: string): { cost: Cost; salt: Buffer; key: Buffer } | undefined {
  const match = /^scrypt\$(\d{1,8})\$(\d{1,3})\$(\d{1,3})\$([\w-]+)\$([\w-]+)$/.exec(hash);
  if (match === null) return undefined;
  const [, N, r, p, salt = '', key = ''] = match;
  const cost = { N: Number(N), r: Number(r), p: Number(p) };
  const keyBuffer = Buffer.from(key, 'base64url');
  return keyBuffer.length === keyBytes ? { cost, salt: Buffer.from(salt, 'base64url'), key: keyBuffer } : undefined;
}

function derive(password: string, salt: Buffer, cost: Cost): Promise<Buffer> {
  const options: ScryptOptions = { ...cost, maxmem: 256 * cost.N * cost.r };
  // One spelling for what looks the same, whatever the keyboard composed it from.
  const text = password.normalize('NFKC');
  return gate(
    () => new Promise((resolve, reject) => scrypt(text, salt, keyBytes, options, (error, key) => (error === null ? resolve(key) : reject(error)))),
  );
}
