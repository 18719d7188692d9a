/** IPv4 networks written as CIDR, and the addresses in them. */
import { WeirError } from '../../contracts/index.js';

/** Widest network that is scanned: 4094 hosts. */
const widestPrefix = 20;

export interface Range {
  readonly text: string;
  readonly first: number;
  readonly count: number;
}

/** Throws `invalid_argument` for what is no IPv4 network, or a wider one than is scanned. */
export function parseRange(text: string): Range {
  const refuse = (message: string) =>
    new WeirError('invalid_argument', `${text}: ${message}`, { field: 'external_discovery', received: text.slice(0, 60) });
  const [, address = '', bits = '32'] = /^(\d{1,3}(?:\.\d{1,3}){3})(?:\/(\d{1,2}))?$/.exec(text.trim()) ?? [];
  const parts = address.split('.').map(Number);
  const prefix = Number(bits);
  if (parts.length !== 4 || parts.some((part) => part > 255) || prefix > 32) throw refuse('is no network; write for example 192.168.42.0/24');
  if (prefix < widestPrefix) throw refuse(`is wider than /${widestPrefix}`);
  const number = parts.reduce((sum, part) => sum * 256 + part, 0);
  const size = 2 ** (32 - prefix);
  const network = Math.floor(number / size) * size;
  // The first and last address of a network name the network itself and everybody in it.
  return prefix >= 31 ? { text, first: network, count: size } : { text, first: network + 1, count: size - 2 };
}

/** One after the other, so that a wide network costs no memory. */
export function* addressesOf({ first, count }: Range): Generator<string> {
  for (let offset = 0; offset < count; offset += 1) yield formatAddress(first + offset);
}

function formatAddress(number: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join('.');
}
