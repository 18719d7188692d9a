import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { type MessageOf, WeirError } from '../contracts/index.js';
import { makeTempFolder, removeFolder } from '../testkit/index.js';
import { as, nobody, openTestAccess } from './testing/open-test-access.js';

const withCode = (code: string) => (error: unknown) => {
  assert.ok(error instanceof WeirError, String(error));
  assert.equal(error.code, code, error.message);
  return true;
};

describe('users', () => {
  it('are made, changed and deleted with an audit entry and an event each, in one transaction', async () => {
    await using test = await openTestAccess();
    await test.addUser('root', 'admin');
    const root = as(await test.signIn('root'));
    const made = await test.access.createUser({ username: 'Anna', password: 'long enough 1', role: 'viewer', streams: ['cam'] }, root);
    assert.equal('password_hash' in made, false);
    await assert.rejects(test.access.createUser({ username: 'anna', password: 'long enough 1', role: 'viewer' }, root), withCode('already_exists'));
    await test.access.updateUser(made.user_id, { role: 'operator' }, root);
    await test.access.deleteUser(made.user_id, root);
    await assert.rejects(test.access.deleteUser(made.user_id, root), withCode('not_found'));
    await assert.rejects(test.access.updateUser(made.user_id, { role: 'viewer' }, root), withCode('not_found'));
    assert.deepEqual(
      (await test.access.listUsers()).map((user) => user.username),
      ['root'],
    );
    const events = (await test.store.outbox.next(10)).map((row) => row.message as MessageOf<'system_config'>);
    assert.deepEqual(
      events.map((event) => [event.entity, event.change, event.entity_id, event.actor]),
      ['created', 'updated', 'deleted'].map((change) => ['user', change, made.user_id, root.principal?.session.user_id]),
    );
    const { items } = await test.access.listAudit({ limit: 3 });
    assert.deepEqual(
      items.map((item) => [item.actor, item.action, item.target]),
      [
        ['root', 'delete_user', 'Anna'],
        ['root', 'update_user', 'Anna'],
        ['root', 'create_user', 'Anna'],
      ],
    );
  });

  it('that change apply to open sessions at once', async () => {
    await using test = await openTestAccess();
    await test.addUser('root', 'admin');
    const anna = await test.addUser('anna', 'operator');
    const root = as(await test.signIn('root'));
    const open = await test.signIn('anna');
    const revoked: string[] = [];
    test.access.onRevoked((ids) => revoked.push(...ids));

    await test.access.updateUser(anna, { role: 'viewer', streams: ['cam'] }, root);
    const present = await test.access.bySession(open.secret);
    assert.deepEqual([present?.session.role, present?.session.streams], ['viewer', ['cam']]);
    assert.deepEqual(revoked, [open.principal.id], 'what is open must ask again');

    await test.access.updateUser(anna, {}, root);
    assert.equal(revoked.length, 1, 'no change, no interruption');

    await test.access.updateUser(anna, { disabled: true }, root);
    assert.equal(await test.access.bySession(open.secret), undefined);
    await test.access.updateUser(anna, { disabled: false }, root);
    assert.equal(await test.access.bySession(open.secret), undefined, 'the old session does not come back');

    const again = await test.signIn('anna');
    await test.access.updateUser(anna, { password: 'set by the admin' }, root);
    assert.equal(await test.access.bySession(again.secret), undefined);
    const third = await test.access.login({ username: 'anna', password: 'set by the admin' }, nobody);
    await test.access.deleteUser(anna, root);
    assert.equal(await test.access.bySession(third.secret), undefined);
  });

  it('include an admin always, also when two admins lose their rights at once', async () => {
    await using test = await openTestAccess();
    const [one, two] = [await test.addUser('one', 'admin'), await test.addUser('two', 'admin')];
    const root = as(await test.signIn('one'));
    const results = await Promise.allSettled([test.access.updateUser(one, { role: 'viewer' }, root), test.access.deleteUser(two, root)]);
    assert.equal(results.filter((result) => result.status === 'fulfilled').length, 1);
    assert.equal(await test.store.users.countAdmins(), 1);
    for (const change of [{ disabled: true }, { role: 'operator' as const }]) {
      for (const id of [one, two]) await test.access.updateUser(id, change, root).catch(() => undefined);
    }
    assert.equal(await test.store.users.countAdmins(), 1);
  });

  it('who are admin cannot be bound to streams', async () => {
    await using test = await openTestAccess();
    await test.addUser('root', 'admin');
    const anna = await test.addUser('anna', 'viewer', ['cam']);
    const root = as(await test.signIn('root'));
    const input = { username: 'boss', password: 'long enough 1', role: 'admin' as const, streams: ['cam'] };
    await assert.rejects(test.access.createUser(input, root), withCode('invalid_argument'));
    await assert.rejects(test.access.updateUser(anna, { role: 'admin' }, root), withCode('invalid_argument'));
    assert.equal((await test.store.users.get(anna))?.role, 'viewer', 'rolled back');
    assert.equal((await test.access.updateUser(anna, { role: 'admin', streams: null }, root)).role, 'admin');
  });
});

describe('API tokens', () => {
  it('admit with their role and streams until they expire or are deleted', async () => {
    await using test = await openTestAccess();
    await test.addUser('root', 'admin');
    const root = as(await test.signIn('root'));
    const made = await test.access.createToken({ name: 'ci', role: 'operator', streams: ['cam'], expires_in_s: 3600 }, root);
    assert.match(made.secret, /^weir_[0-9a-f]{24}_[\w-]{43}$/);
    const principal = await test.access.byToken(made.secret);
    assert.deepEqual(
      [principal?.kind, principal?.id, principal?.session.role, principal?.session.streams],
      ['token', made.token_id, 'operator', ['cam']],
    );
    const [listed] = await test.access.listTokens();
    assert.equal(JSON.stringify(listed).includes('hash'), false);
    assert.deepEqual([listed?.created_by, listed?.last_used_at], ['root', new Date(test.now()).toISOString()]);
    for (const wrong of [`${made.secret}x`, made.secret.slice(0, -1), made.secret.replace(/^weir_./, 'weir_0'), `weir_${made.token_id}_`, '']) {
      assert.equal(wrong === made.secret ? undefined : await test.access.byToken(wrong), undefined, wrong);
    }
    test.pass(3_600_000);
    assert.equal(await test.access.byToken(made.secret), undefined);

    const lasting = await test.access.createToken({ name: 'lasting', role: 'viewer' }, root);
    const revoked: string[] = [];
    test.access.onRevoked((ids) => revoked.push(...ids));
    await test.access.deleteToken(lasting.token_id, root);
    assert.equal(await test.access.byToken(lasting.secret), undefined);
    assert.deepEqual(revoked, [lasting.token_id]);
    await assert.rejects(test.access.deleteToken(lasting.token_id, root), withCode('not_found'));
  });

  it('have no session to end and no password to change', async () => {
    await using test = await openTestAccess();
    await test.addUser('root', 'admin');
    const made = await test.access.createToken({ name: 'ci', role: 'admin' }, as(await test.signIn('root')));
    const caller = { ...nobody, principal: await test.access.byToken(made.secret) };
    await assert.rejects(test.access.logout(caller), withCode('failed_precondition'));
    await assert.rejects(test.access.changePassword({ current: 'x', password: 'long enough 1' }, caller), withCode('failed_precondition'));
    await assert.rejects(test.access.logout(nobody), withCode('unauthenticated'));
  });

  it('of the local file are admin', async () => {
    const folder = await makeTempFolder('local');
    try {
      const path = join(folder, 'local-token');
      await using test = await openTestAccess({ localTokenPath: path });
      const text = (await readFile(path, 'utf8')).trim();
      const principal = await test.access.byToken(text);
      assert.deepEqual([principal?.session.role, principal?.session.username], ['admin', 'local']);
      assert.equal(await test.access.byToken(`${text}x`), undefined);
      const made = await test.access.createToken({ name: 'ci', role: 'viewer' }, { ...nobody, principal });
      assert.equal(made.created_by, 'local');
    } finally {
      await removeFolder(folder);
    }
  });
});

it('no secret is in the database, in no form but its hash', async () => {
  await using test = await openTestAccess();
  const setup = await test.access.ensureFirstAdmin();
  const admin = await test.access.setupAdmin({ code: setup.code ?? '', username: 'root', password: 'the-admin-password' }, nobody);
  const root = as(admin);
  const next = await test.access.createUser({ username: 'anna', password: 'the-anna-password', role: 'viewer' }, root);
  await test.access.updateUser(next.user_id, { password: 'the-changed-password' }, root);
  const token = await test.access.createToken({ name: 'ci', role: 'viewer' }, root);
  const credentials = await test.access.issueBusCredentials(admin.principal);
  const plain = await test.access.createBusUser({ name: 'go', role: 'viewer' }, root);
  await test.access.createBusUser({ name: 'py', role: 'viewer', password: 'the-python-password' }, root);
  await test.access.setSpokeLogin({ spokeId: 'east', streams: ['cam'], password: 'the-spoke-password' });
  await assert.rejects(test.access.login({ username: 'root', password: 'the-mistyped-password' }, nobody));
  const bytes = await test.bytesOnDisk();
  assert.ok(bytes.includes('anna') && bytes.includes(credentials.viewer), 'the search sees the data');
  const secrets = [setup.code, admin.secret, token.secret, token.secret.split('_').slice(2).join('_'), credentials.password, plain.password];
  secrets.push(
    'the-admin-password',
    'the-anna-password',
    'the-changed-password',
    'the-python-password',
    'the-spoke-password',
    'the-mistyped-password',
  );
  for (const secret of secrets) {
    assert.ok(secret !== undefined && secret.length > 10);
    assert.equal(bytes.includes(secret), false, 'a secret is in the file');
    assert.equal(bytes.includes(Buffer.from(secret).toString('base64')), false);
    assert.equal(bytes.includes(Buffer.from(secret).toString('hex')), false);
  }
});
