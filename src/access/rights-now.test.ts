import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Principal } from './principal.js';
import { as, nobody, openTestAccess, type TestAccess } from './testing/open-test-access.js';

/** As it comes back from a file: nothing but its facts. */
const kept = (principal: Principal | undefined): Principal => JSON.parse(JSON.stringify(principal)) as Principal;

async function withUsers(): Promise<{ test: TestAccess; root: ReturnType<typeof as>; anna: string }> {
  const test = await openTestAccess();
  await test.addUser('root', 'admin');
  const anna = await test.addUser('anna', 'operator');
  return { test, root: as(await test.signIn('root')), anna };
}

test('a session holds until it is ended, and has the rights of its user by then', async () => {
  const { test, root, anna } = await withUsers();
  await using _test = test;
  const open = await test.signIn('anna');
  const principal = kept(open.principal);
  assert.equal((await test.access.rightsNow(principal))?.role, 'operator');
  await test.access.updateUser(anna, { role: 'viewer', streams: ['cam'] }, root);
  const now = await test.access.rightsNow(principal);
  assert.deepEqual([now?.role, now?.streams], ['viewer', ['cam']]);
  await test.access.logout(as(open));
  assert.equal(await test.access.rightsNow(principal), undefined);
});

test('a session that nobody uses ends, and asking about it is no use', async () => {
  await using test = await openTestAccess({ sessionHours: 1 });
  await test.addUser('anna', 'viewer');
  const { principal } = await test.signIn('anna');
  for (let at = 0; at < 5; at++) {
    test.pass(10 * 60_000);
    assert.notEqual(await test.access.rightsNow(principal), undefined);
  }
  test.pass(11 * 60_000);
  assert.equal(await test.access.rightsNow(principal), undefined);
});

test('a login by password ends with the password, and with its user', async () => {
  const { test, root, anna } = await withUsers();
  await using _test = test;
  const byPassword = async (password: string) => kept(await test.access.byPassword('anna', password, '192.0.2.1'));
  const first = await byPassword('anna-password');
  assert.equal((await test.access.rightsNow(first))?.username, 'anna');
  await test.access.updateUser(anna, { password: 'another password 1' }, root);
  assert.equal(await test.access.rightsNow(first), undefined);
  const second = await byPassword('another password 1');
  assert.notEqual(await test.access.rightsNow(second), undefined);
  await test.access.updateUser(anna, { disabled: true }, root);
  assert.equal(await test.access.rightsNow(second), undefined);
});

test('an API token ends when it is deleted or has expired', async () => {
  const { test, root } = await withUsers();
  await using _test = test;
  const lasting = await test.access.createToken({ name: 'ci', role: 'viewer' }, root);
  const brief = await test.access.createToken({ name: 'brief', role: 'viewer', expires_in_s: 60 }, root);
  const principals = [kept(await test.access.byToken(lasting.secret)), kept(await test.access.byToken(brief.secret))] as const;
  for (const principal of principals) assert.equal((await test.access.rightsNow(principal))?.role, 'viewer');
  test.pass(60_000);
  assert.equal(await test.access.rightsNow(principals[1]), undefined);
  await test.access.deleteToken(lasting.token_id, root);
  assert.equal(await test.access.rightsNow(principals[0]), undefined);
});

test('a stream token that may publish ends when its maker is no operator any more; one that reads does not', async () => {
  const { test, root, anna } = await withUsers();
  await using _test = test;
  const { streamTokens } = test.access;
  const made = (actions: ('read' | 'publish')[]) => streamTokens.issue({ streamId: 'cam', actions, expiresInS: 600, subject: 'anna', userId: anna });
  const [publishing, reading] = [await made(['publish']), await made(['read'])];
  const principal = kept((await streamTokens.grants(publishing.token, 'cam'))?.principal);
  assert.notEqual(await test.access.rightsNow(principal), undefined);
  await test.access.updateUser(anna, { role: 'viewer' }, root);
  assert.equal(await test.access.rightsNow(principal), undefined);
  for (const token of [publishing.token, publishing.short_token]) assert.equal(await streamTokens.grants(token, 'cam'), undefined);
  for (const token of [reading.token, reading.short_token]) assert.deepEqual((await streamTokens.grants(token, 'cam'))?.actions, ['read']);
});

test('a stream token ends with its time, or when its maker loses the stream or is gone', async () => {
  const { test, root, anna } = await withUsers();
  await using _test = test;
  const make = async (expiresInS: number) => {
    const made = await test.access.streamTokens.issue({ streamId: 'cam', actions: ['read'], expiresInS, subject: 'anna', userId: anna });
    return [kept(await test.access.byToken(made.token)), kept(await test.access.byToken(made.short_token))];
  };
  const brief = await make(60);
  const lasting = await make(6000);
  for (const principal of [...brief, ...lasting]) assert.deepEqual((await test.access.rightsNow(principal))?.streams, ['cam']);
  test.pass(61_000);
  for (const principal of brief) assert.equal(await test.access.rightsNow(principal), undefined);
  await test.access.updateUser(anna, { streams: ['other'] }, root);
  for (const principal of lasting) assert.equal(await test.access.rightsNow(principal), undefined);
  await test.access.updateUser(anna, { streams: null }, root);
  for (const principal of lasting) assert.notEqual(await test.access.rightsNow(principal), undefined);
  let told = 0;
  test.access.onRevoked(() => told++);
  await test.access.deleteUser(anna, root);
  assert.ok(told > 0, 'also of a user without sessions');
  for (const principal of lasting) assert.equal(await test.access.rightsNow(principal), undefined);
  assert.equal(await test.access.byPassword('anna', 'anna-password', nobody.address), undefined);
});
