import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLocalJWKSet, jwtVerify, SignJWT } from 'jose';
import { createStreamTokens } from './stream-tokens.js';
import { openTestAccess } from './testing/open-test-access.js';

const signingSecret = 'a signing secret of the data folder';
const jwtSecret = 'a secret that is shared with others, 32+';
const request = { streamId: 'camera0', actions: ['read'] as const, expiresInS: 60, subject: 'alice' };

/** A token that another program signed; a claim that is undefined is left out. */
function foreign(claims: Record<string, unknown>, { secret = jwtSecret, alg = 'HS256' } = {}): Promise<string> {
  return new SignJWT(claims).setProtectedHeader({ alg }).sign(new TextEncoder().encode(secret));
}

const seconds = (offset = 0) => Math.floor(Date.now() / 1000) + offset;
const good = () => ({ user_id: 'bob', role: 'operator', iat: seconds(), exp: seconds(60) });

test('a stream token is good for its stream and actions, until it expires, also after a restart', async () => {
  let now = Date.now();
  const tokens = createStreamTokens({ signingSecret, now: () => now });
  const { token, stream_id, actions, expires_at } = await tokens.issue({ ...request, actions: ['read', 'playback'] });
  assert.deepEqual({ stream_id, actions }, { stream_id: 'camera0', actions: ['read', 'playback'] });
  assert.ok(Date.parse(expires_at) - now <= 60_000);
  const restarted = createStreamTokens({ signingSecret, now: () => now });
  assert.deepEqual((await restarted.grants(token, 'camera0'))?.actions, ['read', 'playback']);
  assert.equal(await restarted.grants(token, 'camera1'), undefined);
  const principal = await restarted.principal(token);
  assert.deepEqual({ role: principal?.session.role, streams: principal?.session.streams }, { role: 'viewer', streams: ['camera0'] });
  now += 61_000;
  assert.equal(await tokens.grants(token, 'camera0'), undefined);
  assert.equal(await tokens.principal(token), undefined);
});

test('a token that may only publish signs nobody in', async () => {
  const tokens = createStreamTokens({ signingSecret });
  const { token } = await tokens.issue({ ...request, actions: ['publish'] });
  assert.deepEqual((await tokens.grants(token, 'camera0'))?.actions, ['publish']);
  assert.equal(await tokens.principal(token), undefined);
});

test('the short form grants the same, fits the password of FFmpeg, and ends as the long one does', async () => {
  let now = Date.now();
  const lost = new Set<string>();
  const options = { signingSecret, now: () => now, mayStill: async (userId: string) => !lost.has(userId) };
  const tokens = createStreamTokens(options);
  for (const userId of [null, `u${'0f'.repeat(16)}`, 'somebody-else']) {
    const made = await tokens.issue({ ...request, streamId: 'cam_'.repeat(8), userId, actions: ['read', 'playback'] });
    assert.ok(`viewer:${made.short_token}`.length <= 127, String(made.short_token.length));
    const grant = await createStreamTokens(options).verify(made.short_token);
    assert.deepEqual(
      [grant?.streamId, grant?.actions, grant?.userId, grant?.expiresAt],
      [made.stream_id, ['read', 'playback'], userId, made.expires_at],
    );
    assert.deepEqual((await tokens.principal(made.short_token))?.session.streams, [made.stream_id]);
  }
  const userId = `u${'ab'.repeat(16)}`;
  const { short_token: token } = await tokens.issue({ ...request, userId });
  assert.deepEqual((await tokens.grants(token, 'camera0'))?.actions, ['read']);
  assert.equal(await tokens.grants(token, 'camera1'), undefined);
  assert.equal(await createStreamTokens({ ...options, signingSecret: 'another secret' }).verify(token), undefined);
  // Every character but the prefix, the last one in all its spellings: some of them hold the same bytes.
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  for (let at = 3; at < token.length; at++) {
    const others = at === token.length - 1 ? alphabet : 'AB';
    for (const other of others.replace(token[at] ?? '', '')) {
      const bent = token.slice(0, at) + other + token.slice(at + 1);
      assert.equal(await tokens.verify(bent), undefined, bent);
    }
  }
  lost.add(userId);
  assert.equal(await tokens.grants(token, 'camera0'), undefined, 'the user no longer reaches the stream');
  lost.clear();
  now += 61_000;
  assert.equal(await tokens.grants(token, 'camera0'), undefined, 'it has expired');
});

test('the public keys verify a token and hold nothing private; another secret gives other keys', async () => {
  const tokens = createStreamTokens({ signingSecret });
  const jwks = await tokens.jwks();
  assert.deepEqual(Object.keys(jwks.keys[0] ?? {}).sort(), ['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y']);
  const { token } = await tokens.issue(request);
  const { payload } = await jwtVerify(token, createLocalJWKSet(jwks as never), { issuer: 'weir' });
  assert.deepEqual(payload.mediamtx_permissions, [{ action: 'read', path: 'camera0' }]);
  const other = createStreamTokens({ signingSecret: `${signingSecret} of another folder` });
  assert.notDeepEqual(await other.jwks(), jwks);
  assert.equal(await other.grants(token, 'camera0'), undefined);
});

test('a token that was changed by one character is refused', async () => {
  const tokens = createStreamTokens({ signingSecret, jwtSecret });
  const { token } = await tokens.issue(request);
  const [header = '', payload = '', signature = ''] = token.split('.');
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as object;
  const bent = Buffer.from(JSON.stringify({ ...claims, stream_id: 'camera1' })).toString('base64url');
  const none = Buffer.from(JSON.stringify({ alg: 'none' })).toString('base64url');
  const hmac = Buffer.from(JSON.stringify({ alg: 'HS256' })).toString('base64url');
  for (const text of [
    `${header}.${bent}.${signature}`,
    `${none}.${payload}.`,
    `${none}.${payload}.AA`,
    `${hmac}.${payload}.${signature}`,
    `${token}.x`,
    '',
    'a.b.c',
  ]) {
    assert.equal(await tokens.principal(text), undefined, text.slice(0, 60));
    assert.equal(await tokens.grants(text, 'camera0'), undefined);
  }
});

test('tokens of other programs: the secret, the algorithm and all four claims must be right', async () => {
  const tokens = createStreamTokens({ signingSecret, jwtSecret });
  const principal = await tokens.principal(await foreign(good()));
  assert.deepEqual(
    { username: principal?.session.username, role: principal?.session.role, user_id: principal?.session.user_id },
    { username: 'jwt:bob', role: 'operator', user_id: null },
  );
  const bad: Record<string, Promise<string>> = {
    'no user_id': foreign({ ...good(), user_id: undefined }),
    'no role': foreign({ ...good(), role: undefined }),
    'a role that is none': foreign({ ...good(), role: 'root' }),
    'no iat': foreign({ ...good(), iat: undefined }),
    'no exp': foreign({ ...good(), exp: undefined }),
    expired: foreign({ ...good(), exp: seconds(-1) }),
    'made in the future': foreign({ ...good(), iat: seconds(3600), exp: seconds(7200) }),
    'another secret': foreign(good(), { secret: 'quite another secret that nobody gave us' }),
    'another algorithm': foreign(good(), { alg: 'HS512', secret: jwtSecret.repeat(2) }),
  };
  for (const [what, token] of Object.entries(bad)) assert.equal(await tokens.principal(await token), undefined, what);
  const closed = createStreamTokens({ signingSecret });
  assert.equal(await closed.principal(await foreign(good())), undefined, 'no secret configured');
});

test('access takes API tokens as before, and signed ones besides; a stream token dies with its user', async () => {
  await using world = await openTestAccess({ now: Date.now, jwtSecret, signingSecret });
  const { access } = world;
  assert.equal((await access.byToken(await foreign(good())))?.session.role, 'operator');
  assert.equal(await access.byToken('weir_000000000000000000000000_0000000000000000000000000000000000000000000'), undefined);
  const userId = await world.addUser('carol', 'viewer', ['camera0']);
  const { token } = await access.streamTokens.issue({ ...request, userId });
  assert.deepEqual((await access.byToken(token))?.session.streams, ['camera0']);
  await world.addUser('admin', 'admin');
  const admin = await world.login('admin');
  const caller = { principal: admin.principal, address: '192.0.2.1' };
  await access.updateUser(userId, { streams: ['camera1'] }, caller);
  assert.equal(await access.byToken(token), undefined, 'the user no longer reaches the stream');
});

test('a short stream token signs in, and an API token that has expired is told apart from one that never was', async () => {
  let now = Date.now();
  await using world = await openTestAccess({ now: () => now, signingSecret });
  await world.addUser('admin', 'admin');
  const { principal } = await world.login('admin');
  const { short_token } = await world.access.streamTokens.issue(request);
  assert.deepEqual((await world.access.byToken(short_token))?.session.streams, ['camera0']);
  const { secret } = await world.access.createToken({ name: 'soon over', role: 'viewer', expires_in_s: 60 }, { principal, address: '192.0.2.1' });
  assert.equal(await world.access.hasExpired(secret), false, 'still good');
  now += 61_000;
  assert.equal(await world.access.byToken(secret), undefined);
  assert.equal(await world.access.hasExpired(secret), true);
  for (const other of [`${secret.slice(0, -1)}${secret.endsWith('A') ? 'B' : 'A'}`, 'nonsense', short_token]) {
    assert.equal(await world.access.hasExpired(other), false, other);
  }
});

test('a password is good for one use without a session, and bounded like a login', async () => {
  await using world = await openTestAccess();
  await world.addUser('dave', 'operator', ['camera0']);
  const principal = await world.access.byPassword('dave', 'dave-password', '192.0.2.7');
  assert.deepEqual(principal?.session.streams, ['camera0']);
  assert.equal(await world.access.byPassword('dave', 'wrong', '192.0.2.7'), undefined);
  const attempts = Array.from({ length: 40 }, () => world.access.byPassword('dave', 'wrong', '192.0.2.8'));
  const outcomes = await Promise.allSettled(attempts);
  assert.ok(outcomes.some((one) => one.status === 'rejected' && (one.reason as { code?: string }).code === 'resource_exhausted'));
});
