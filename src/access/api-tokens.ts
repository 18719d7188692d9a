/** API tokens: `weir_<id>_<secret>`, of which only a fingerprint is kept. */
import { randomBytes } from 'node:crypto';
import { type CreateToken, type RouteAnswer, type Token, WeirError } from '../contracts/index.js';
import { type AccessParts, announce, checkScope, note, principalOf, timeText } from './parts.js';
import { type Caller, type Principal, rememberSecret } from './principal.js';
import type { TokenRecord } from './repositories.js';
import { createSecret, fingerprint, isSameText } from './secrets.js';
import { endPrincipals } from './sessions.js';

const form = /^weir_([0-9a-f]{24})_([\w-]{43})$/;
/** Use is written down no more often than this. */
const touchMs = 60_000;
const maxTokens = 1000;

/** Undefined when it is not one, wrong, expired or deleted. */
export async function findToken(parts: AccessParts, text: string): Promise<Principal | undefined> {
  const token = await recordOf(parts, text);
  const now = parts.now();
  if (token === undefined || isOver(token, now)) return undefined;
  const tokenId = token.token_id;
  if (token.last_used_at === null || now - Date.parse(token.last_used_at) >= touchMs) await parts.store.tokens.touch(tokenId, timeText(now));
  const { name, role, streams, expires_at } = token;
  return rememberSecret({ kind: 'token', id: tokenId, session: { user_id: null, username: `token:${name}`, role, streams, expires_at } }, text);
}

/** True for the right secret of a token that has expired, and for nothing else. */
export async function isExpiredToken(parts: AccessParts, text: string): Promise<boolean> {
  const token = await recordOf(parts, text);
  return token !== undefined && isOver(token, parts.now());
}

/** Whether there is still an API token of this id; `foreign` for the id of what is none. */
export async function recordedToken(parts: AccessParts, tokenId: string): Promise<'there' | 'deleted' | 'foreign'> {
  if (!/^[0-9a-f]{24}$/.test(tokenId)) return 'foreign';
  return (await parts.store.tokens.get(tokenId)) === undefined ? 'deleted' : 'there';
}

/** The token with this very secret, expired or not. */
async function recordOf(parts: AccessParts, text: string): Promise<TokenRecord | undefined> {
  const [, tokenId = '', secret = ''] = form.exec(text) ?? [];
  const token = tokenId === '' ? undefined : await parts.store.tokens.get(tokenId);
  // Compares in any case, so that an id that exists is not told by the duration.
  return isSameText(fingerprint(secret), token?.secret_hash ?? '') ? token : undefined;
}

function isOver({ expires_at }: TokenRecord, now: number): boolean {
  return expires_at !== null && now >= Date.parse(expires_at);
}

export async function listTokens(parts: AccessParts): Promise<Token[]> {
  return (await parts.store.tokens.all()).map(toToken);
}

export async function createToken(parts: AccessParts, input: CreateToken, caller: Caller): Promise<RouteAnswer<'create_token'>> {
  const now = parts.now();
  const secret = createSecret();
  const token: TokenRecord = {
    token_id: randomBytes(12).toString('hex'),
    secret_hash: fingerprint(secret),
    name: input.name,
    role: input.role,
    streams: input.streams ?? null,
    created_at: timeText(now),
    created_by: principalOf(caller).session.username,
    expires_at: input.expires_in_s === undefined ? null : timeText(now + input.expires_in_s * 1000),
    last_used_at: null,
  };
  checkScope(token);
  await parts.store.transaction(async (tx) => {
    if ((await tx.tokens.all()).length >= maxTokens) {
      throw new WeirError('resource_exhausted', `There are ${maxTokens} tokens already`, { hint: 'delete the ones that nobody uses' });
    }
    await tx.tokens.insert(token);
    await note(tx, caller, { action: 'create_token', target: token.token_id, detail: `${token.name}: ${token.role}` });
    await announce(tx, caller, { entity: 'token', entity_id: token.token_id, change: 'created' }, now);
  });
  return { ...toToken(token), secret: `weir_${token.token_id}_${secret}` };
}

export async function deleteToken(parts: AccessParts, tokenId: string, caller: Caller): Promise<void> {
  await parts.store.transaction(async (tx) => {
    if (!(await tx.tokens.delete(tokenId))) throw new WeirError('not_found', `There is no token ${tokenId}`);
    await note(tx, caller, { action: 'delete_token', target: tokenId });
    await announce(tx, caller, { entity: 'token', entity_id: tokenId, change: 'deleted' }, parts.now());
  });
  await endPrincipals(parts, [tokenId]);
}

function toToken({ secret_hash: _hash, ...token }: TokenRecord): Token {
  return token;
}
