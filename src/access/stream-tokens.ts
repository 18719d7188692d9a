/** Signed tokens: those for one stream that players carry in an address (ES256), and those that other programs sign with a shared secret (HS256). */
import { createECDH, createHmac } from 'node:crypto';
import type { CryptoKey, JWK, JWTPayload, KeyObject } from 'jose';
import { z } from 'zod';
import { roles, type Session, type StreamAction, type StreamToken, streamActionsGranted, tokenPattern } from '../contracts/index.js';
import { type Principal, rememberSecret } from './principal.js';
import { createName, fingerprint } from './secrets.js';
import { createShortTokens, isShortToken } from './short-tokens.js';

export interface StreamTokenRequest {
  readonly streamId: string;
  readonly actions: readonly StreamAction[];
  /** 10 to 86 400 by the contract of the route; the hub's own programs may ask for more. */
  readonly expiresInS: number;
  /** Name of who asked; stands in the token. */
  readonly subject: string;
  /** The token dies with the rights of this user. */
  readonly userId?: string | null;
}

/** What a valid stream token says. */
export interface StreamGrant {
  readonly tokenId: string;
  readonly streamId: string;
  readonly actions: readonly StreamAction[];
  readonly subject: string;
  readonly userId: string | null;
  /** RFC 3339. */
  readonly expiresAt: string;
}

export interface StreamTokenOptions {
  /** What the signing key is made from: the same text gives the same key, so tokens survive a restart. */
  readonly signingSecret: string;
  /** Shared secret of other programs' HS256 tokens, at least 32 characters; left out: none are taken. */
  readonly jwtSecret?: string | undefined;
  /** Milliseconds since 1970; default the system's clock. */
  readonly now?: (() => number) | undefined;
  /** Whether the user that a token was made for may still do so himself; default: always. */
  readonly mayStill?: ((userId: string, use: { readonly streamId: string; readonly publishes: boolean }) => Promise<boolean>) | undefined;
}

export interface StreamTokens {
  issue(request: StreamTokenRequest): Promise<StreamToken>;
  /** Undefined when it is no stream token of ours, is expired, or its user lost the stream. */
  verify(token: string): Promise<StreamGrant | undefined>;
  /** The actions that a token grants for this very stream, and to whom. */
  grants(token: string, streamId: string): Promise<{ readonly actions: readonly StreamAction[]; readonly principal: Principal } | undefined>;
  /** A viewer of one stream for a stream token that may read; the role in the token for one of another program. Else undefined. */
  principal(token: string): Promise<Principal | undefined>;
  jwks(): Promise<{ keys: Record<string, unknown>[] }>;
}

const issuer = 'weir';
const audience = 'weir-stream';
/** Loaded with the first token: it is no small part of the hub's start. */
const jose = () => import('jose');
/** Nobody needs longer ones, and parsing costs. */
const maxLength = 4096;

const streamClaims = z.object({
  sub: z.string(),
  jti: z.string(),
  exp: z.number(),
  stream_id: z.string().regex(tokenPattern),
  actions: z.array(z.enum(streamActionsGranted)).min(1),
  user_id: z.string().nullish(),
});

/** The claims that tokens of other programs must have. */
const foreignClaims = z.object({
  user_id: z.union([z.string().min(1).max(128), z.number().int()]),
  role: z.enum(roles),
  iat: z.number().nonnegative(),
  exp: z.number().positive(),
});

/** True for what has the form of a signed token; says nothing of its worth. */
export function isSignedToken(text: string): boolean {
  return text.length <= maxLength && /^[\w-]+\.[\w-]+\.[\w-]+$/.test(text);
}

/** Makes the key once, on first use. */
export function createStreamTokens(options: StreamTokenOptions): StreamTokens {
  const { now = Date.now, mayStill } = options;
  let signer: Promise<Signer> | undefined;
  const getSigner = (): Promise<Signer> => {
    signer ??= makeSigner(options.signingSecret);
    return signer;
  };
  const foreignKey = options.jwtSecret === undefined ? undefined : new TextEncoder().encode(options.jwtSecret);

  const short = createShortTokens(options.signingSecret);
  const hasMaker = async ({ userId, streamId, actions }: Pick<StreamGrant, 'userId' | 'streamId' | 'actions'>): Promise<boolean> =>
    userId === null || mayStill === undefined || (await mayStill(userId, { streamId, publishes: actions.includes('publish') }));

  const verifyShort = async (token: string): Promise<StreamGrant | undefined> => {
    const claims = short.read(token);
    if (claims === undefined || claims.expiresAtS * 1000 <= now() || !(await hasMaker(claims))) return undefined;
    const { tokenId, streamId, actions, userId, expiresAtS } = claims;
    return { tokenId, streamId, actions, subject: userId ?? streamId, userId, expiresAt: new Date(expiresAtS * 1000).toISOString() };
  };

  const verify = async (token: string): Promise<StreamGrant | undefined> => {
    if (isShortToken(token)) return verifyShort(token);
    if (algorithmOf(token) !== 'ES256') return undefined;
    const { publicKey } = await getSigner();
    const payload = await payloadOf(token, publicKey, { algorithms: ['ES256'], issuer, audience, currentDate: new Date(now()) });
    const claims = streamClaims.safeParse(payload);
    if (!claims.success) return undefined;
    const { sub, jti, exp, stream_id, actions, user_id } = claims.data;
    const grant = {
      tokenId: jti,
      streamId: stream_id,
      actions,
      subject: sub,
      userId: user_id ?? null,
      expiresAt: new Date(exp * 1000).toISOString(),
    };
    return (await hasMaker(grant)) ? grant : undefined;
  };

  const foreign = async (token: string): Promise<Principal | undefined> => {
    if (foreignKey === undefined) return undefined;
    const payload = await payloadOf(token, foreignKey, { algorithms: ['HS256'], currentDate: new Date(now()) });
    const claims = foreignClaims.safeParse(payload);
    // One that says it was made in the future was made by a clock that nobody should trust.
    if (!claims.success || claims.data.iat > now() / 1000 + 60) return undefined;
    const { user_id, role, exp } = claims.data;
    const session = { user_id: null, username: `jwt:${user_id}`, role, streams: null, expires_at: new Date(exp * 1000).toISOString() };
    return { kind: 'token', id: `jwt${fingerprint(token).slice(0, 24)}`, session };
  };

  const reader = async (token: string): Promise<Principal | undefined> => {
    const grant = await verify(token);
    return grant?.actions.includes('read') === true ? toPrincipal(grant) : undefined;
  };

  return {
    async issue(request) {
      const token = await issue(await getSigner(), request, now());
      const { stream_id: streamId, actions, expires_at } = token;
      const shortToken = short.sign({ streamId, actions, expiresAtS: Date.parse(expires_at) / 1000, userId: request.userId ?? null });
      return { ...token, short_token: shortToken };
    },
    verify,
    async grants(token, streamId) {
      const grant = await verify(token);
      return grant?.streamId === streamId ? { actions: grant.actions, principal: toPrincipal(grant) } : undefined;
    },
    async principal(token) {
      if (!isSignedToken(token) && !isShortToken(token)) return undefined;
      const principal = algorithmOf(token) === 'HS256' ? await foreign(token) : await reader(token);
      return principal === undefined ? undefined : rememberSecret(principal, token);
    },
    jwks: async () => ({ keys: [{ ...(await getSigner()).publicJwk }] }),
  };
}

function toPrincipal({ tokenId, streamId, subject, expiresAt, userId, actions }: StreamGrant): Principal {
  const session: Session = { user_id: null, username: `stream-token:${subject}`, role: 'viewer', streams: [streamId], expires_at: expiresAt };
  const publishes = actions.includes('publish') ? { publishes: true } : {};
  return { kind: 'token', id: tokenId, session, ...(userId === null ? {} : { madeBy: userId }), ...publishes };
}

type SigningKey = CryptoKey | KeyObject | Uint8Array;

interface Signer {
  readonly privateKey: SigningKey;
  readonly publicKey: SigningKey;
  readonly publicJwk: JWK;
  readonly keyId: string;
}

async function makeSigner(secret: string): Promise<Signer> {
  const { calculateJwkThumbprint, importJWK } = await jose();
  const { d, x, y } = curvePoint(secret);
  const bare: JWK = { kty: 'EC', crv: 'P-256', x, y };
  const keyId = (await calculateJwkThumbprint(bare)).slice(0, 16);
  const publicJwk: JWK = { ...bare, kid: keyId, alg: 'ES256', use: 'sig' };
  return { privateKey: await importJWK({ ...bare, d }, 'ES256'), publicKey: await importJWK(bare, 'ES256'), publicJwk, keyId };
}

/** A private key that only the holder of the secret can find, and its public half. */
function curvePoint(secret: string): { d: string; x: string; y: string } {
  for (let round = 0; ; round++) {
    const scalar = createHmac('sha256', secret).update(`stream-token-key ${round}`).digest();
    const curve = createECDH('prime256v1');
    try {
      curve.setPrivateKey(scalar);
    } catch (error) {
      // Outside the order of the curve: one chance in four thousand million.
      if (round < 8) continue;
      throw error;
    }
    const point = curve.getPublicKey();
    return { d: scalar.toString('base64url'), x: point.subarray(1, 33).toString('base64url'), y: point.subarray(33).toString('base64url') };
  }
}

async function issue(signer: Signer, request: StreamTokenRequest, nowMs: number): Promise<Omit<StreamToken, 'short_token'>> {
  const { streamId, subject, userId } = request;
  const actions = [...new Set(request.actions)];
  const iat = Math.floor(nowMs / 1000);
  const exp = iat + Math.floor(request.expiresInS);
  const tokenId = createName('t');
  const { SignJWT } = await jose();
  const token = await new SignJWT({
    stream_id: streamId,
    actions,
    ...(typeof userId === 'string' ? { user_id: userId } : {}),
    // The claim that a MediaMTX with our public keys reads by itself.
    mediamtx_permissions: actions.map((action) => ({ action, path: streamId })),
  })
    .setProtectedHeader({ alg: 'ES256', typ: 'JWT', kid: signer.keyId })
    .setIssuer(issuer)
    .setAudience(audience)
    .setSubject(subject)
    .setJti(tokenId)
    .setIssuedAt(iat)
    .setExpirationTime(exp)
    .sign(signer.privateKey);
  return { token, token_id: tokenId, stream_id: streamId, actions, expires_at: new Date(exp * 1000).toISOString() };
}

/** Undefined for what cannot be read. The answer only chooses the key; the signature is checked with one algorithm each. */
function algorithmOf(token: string): string | undefined {
  if (!isSignedToken(token)) return undefined;
  try {
    const header = JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString()) as { alg?: unknown } | null;
    return typeof header?.alg === 'string' ? header.alg : undefined;
  } catch {
    return undefined;
  }
}

async function payloadOf(
  token: string,
  key: SigningKey,
  options: { algorithms: string[]; issuer?: string; audience?: string; currentDate: Date },
): Promise<JWTPayload | undefined> {
  const { jwtVerify } = await jose();
  try {
    return (await jwtVerify(token, key, { ...options, requiredClaims: ['iat', 'exp'] })).payload;
  } catch {
    return undefined;
  }
}
