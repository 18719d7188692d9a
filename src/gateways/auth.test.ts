/** Who the gateway lets in: the table, and the ways around it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type GatewayAuth, type Session, WeirError } from '../contracts/index.js';
import { type AuthVerdict, createGatewayGuard, createOwnCredentials } from './auth.js';

const own = createOwnCredentials('a secret for tests');
const base: Session = { user_id: null, username: 'x', role: 'viewer', streams: null, expires_at: null };
const sessions: Record<string, Session> = {
  'token-of-a-viewer-of-camera0': { ...base, streams: ['camera0'] },
  'token-of-an-operator-of-all': { ...base, role: 'operator' },
};
const streamToken = 'stream-token-camera0-read';

function guard(now = () => 0) {
  let checks = 0;
  const right = { password: 'right', isDisabled: false };
  const one = createGatewayGuard({
    own,
    now,
    access: {
      byToken: async (secret) => (sessions[secret] === undefined ? undefined : { kind: 'token' as const, id: secret, session: sessions[secret] }),
      async byPassword(username, password) {
        checks++;
        if (username === 'flood') throw new WeirError('resource_exhausted', 'too many');
        return password === right.password ? { kind: 'session' as const, id: username, session: base } : undefined;
      },
      rightsNow: async ({ session }) => (right.isDisabled ? undefined : session),
      onRevoked: () => () => undefined,
    },
    tokens: {
      issue: () => Promise.reject(new Error('not used')),
      grants: async (token, streamId) =>
        token === streamToken && streamId === 'camera0'
          ? { actions: ['read'], principal: { kind: 'token', id: 't0', session: { ...base, streams: ['camera0'] } } }
          : undefined,
      jwks: async () => ({ keys: [] }),
    },
  });
  return { ...one, right, checks: () => checks };
}

const question = (given: Partial<GatewayAuth>): GatewayAuth => ({
  ...{ user: '', password: '', token: '', ip: '192.0.2.1', action: 'read', path: 'camera0', protocol: 'rtsp', query: '' },
  ...given,
});
const outcome = (verdict: AuthVerdict) => (verdict.allowed ? 'allowed' : verdict.why);

const viewer = 'token-of-a-viewer-of-camera0';
const operator = 'token-of-an-operator-of-all';
const table: [string, Partial<GatewayAuth>, string][] = [
  ['nothing at all', {}, 'empty'],
  ['a name without a password', { user: 'dave' }, 'empty'],
  ['nothing, for something that is no stream', { action: 'api' }, 'empty'],
  ['viewer’s token as a token', { token: viewer }, 'allowed'],
  ['viewer’s token as a password', { user: 'any', password: viewer }, 'allowed'],
  ['viewer’s token in the query', { query: `token=${viewer}` }, 'allowed'],
  ['viewer’s token in the old query', { query: `jwt=${viewer}` }, 'allowed'],
  ['viewer plays back', { token: viewer, action: 'playback' }, 'allowed'],
  ['viewer publishes', { token: viewer, action: 'publish' }, 'forbidden'],
  ['viewer of another stream', { token: viewer, path: 'camera1' }, 'forbidden'],
  ['operator publishes', { token: operator, action: 'publish', path: 'camera5' }, 'allowed'],
  ['operator and the control interface', { token: operator, action: 'api' }, 'forbidden'],
  ['stream token reads', { query: `token=${streamToken}` }, 'allowed'],
  ['stream token of another stream', { query: `token=${streamToken}`, path: 'camera1' }, 'wrong'],
  ['stream token publishes', { token: streamToken, action: 'publish' }, 'forbidden'],
  ['the right password', { user: 'dave', password: 'right' }, 'allowed'],
  ['a wrong password', { user: 'dave', password: 'left' }, 'wrong'],
  ['too many sign-ins', { user: 'flood', password: 'right' }, 'too_often'],
  ['a path that is no stream', { token: operator, path: '../etc' }, 'forbidden'],
  ['an action that nobody knows', { token: operator, action: 'format' }, 'forbidden'],
  ['our own publisher', { user: 'weir', password: own.of('publish', 'camera0'), action: 'publish' }, 'allowed'],
  ['our own publisher on another path', { user: 'weir', password: own.of('publish', 'camera0'), action: 'publish', path: 'camera1' }, 'wrong'],
  ['our own reader publishes', { user: 'weir', password: own.of('read', 'camera0'), action: 'publish' }, 'wrong'],
  ['our own calls', { user: 'weir', password: own.api, action: 'api', path: '' }, 'allowed'],
  ['our own calls by a publisher', { user: 'weir', password: own.of('publish', 'camera0'), action: 'api', path: '' }, 'forbidden'],
];

for (const [name, given, wanted] of table) {
  test(`${name}: ${wanted}`, async () => {
    assert.equal(outcome(await guard().judge(question(given))), wanted);
  });
}

test('a flood of wrong attempts from an address ends in silence for it, but not for our own programs, nor for others', async () => {
  let now = 0;
  const { judge } = guard(() => now);
  for (let at = 0; at < 30; at++) await judge(question({ token: 'a wrong token of some length' }));
  assert.equal(outcome(await judge(question({ token: viewer }))), 'too_often');
  assert.equal(outcome(await judge(question({ token: viewer, ip: '192.0.2.2' }))), 'allowed');
  assert.equal(outcome(await judge(question({ user: 'weir', password: own.of('read', 'camera0') }))), 'allowed');
  now += 60_001;
  assert.equal(outcome(await judge(question({ token: viewer }))), 'allowed');
});

test('a right password is checked once for half a minute; a wrong one each time', async () => {
  let now = 0;
  const { judge, checks } = guard(() => now);
  for (let at = 0; at < 5; at++) await judge(question({ user: 'dave', password: 'right' }));
  assert.equal(checks(), 1);
  now += 30_001;
  await judge(question({ user: 'dave', password: 'right' }));
  for (let at = 0; at < 2; at++) await judge(question({ user: 'dave', password: 'left' }));
  assert.equal(checks(), 4);
});

test('a password that is remembered is worth nothing once its user is disabled', async () => {
  const { judge, right } = guard();
  const dave = question({ user: 'dave', password: 'right' });
  assert.equal(outcome(await judge(dave)), 'allowed');
  Object.assign(right, { password: 'another', isDisabled: true });
  assert.equal(outcome(await judge(dave)), 'wrong');
});
