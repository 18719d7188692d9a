/**
 * Stream tokens short enough for the password of an RTSP address: FFmpeg gives user and password 127 characters together, a signed JWT
 * alone takes several hundred. The same claims packed into bytes, and a keyed hash over them. Pure.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { isToken, type StreamAction, streamActionsGranted } from '../contracts/index.js';

export interface ShortClaims {
  readonly streamId: string;
  readonly actions: readonly StreamAction[];
  /** Whole seconds since 1970. */
  readonly expiresAtS: number;
  readonly userId: string | null;
}

export interface ShortTokens {
  /** At most 127 characters for ids of up to 50; grows with the id of the stream. */
  sign(claims: ShortClaims): string;
  /** Undefined for what this secret has not signed. Says nothing of expiry. */
  read(token: string): (ShortClaims & { readonly tokenId: string }) | undefined;
}

const prefix = 'ws_';
const form = /^ws_[\w-]{40,400}$/;
const macBytes = 16;
/** Head: actions, second of expiry, a number of its own, length of the user's id. */
const headBytes = 10;

/** True for what has the form of a short token; says nothing of its worth. */
export function isShortToken(text: string): boolean {
  return form.test(text);
}

/** The same secret gives the same key, so tokens survive a restart. */
export function createShortTokens(secret: string): ShortTokens {
  const key = createHmac('sha256', secret).update('short-stream-token').digest();
  const macOf = (claims: Uint8Array) => createHmac('sha256', key).update(claims).digest().subarray(0, macBytes);
  return {
    sign({ streamId, actions, expiresAtS, userId }) {
      const user = packUser(userId);
      const head = Buffer.alloc(headBytes);
      head.writeUInt8(streamActionsGranted.reduce((bits, action, index) => bits | (actions.includes(action) ? 1 << index : 0), 0));
      head.writeUInt32BE(expiresAtS, 1);
      randomBytes(4).copy(head, 5);
      head.writeUInt8(user.length, 9);
      const claims = Buffer.concat([head, user, Buffer.from(streamId)]);
      return prefix + Buffer.concat([claims, macOf(claims)]).toString('base64url');
    },
    read(token) {
      if (!isShortToken(token)) return undefined;
      const text = token.slice(prefix.length);
      const bytes = Buffer.from(text, 'base64url');
      // The last character may hold bits that no byte uses: only the one spelling that we hand out is taken.
      if (bytes.toString('base64url') !== text) return undefined;
      const claims = bytes.subarray(0, -macBytes);
      const mac = bytes.subarray(-macBytes);
      if (claims.length <= headBytes || mac.length !== macBytes || !timingSafeEqual(mac, macOf(claims))) return undefined;
      const userEnd = headBytes + claims.readUInt8(9);
      const streamId = claims.subarray(userEnd).toString();
      const actions = streamActionsGranted.filter((_action, index) => (claims.readUInt8(0) & (1 << index)) !== 0);
      if (!isToken(streamId) || actions.length === 0) return undefined;
      const userId = unpackUser(claims.subarray(headBytes, userEnd));
      return { streamId, actions, expiresAtS: claims.readUInt32BE(1), userId, tokenId: `t${mac.toString('hex')}` };
    },
  };
}

const usualUser = /^u[0-9a-f]{32}$/;
/** A usual id is packed into so many bytes; any other follows so many zeros. */
const packedBytes = 16;

function packUser(userId: string | null): Buffer {
  if (userId === null) return Buffer.alloc(0);
  return usualUser.test(userId) ? Buffer.from(userId.slice(1), 'hex') : Buffer.concat([Buffer.alloc(packedBytes), Buffer.from(userId)]);
}

function unpackUser(bytes: Buffer): string | null {
  if (bytes.length === 0) return null;
  return bytes.length === packedBytes ? `u${bytes.toString('hex')}` : bytes.subarray(packedBytes).toString();
}
