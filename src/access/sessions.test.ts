import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { WeirError } from '../contracts/index.js';
import { as, nobody, openTestAccess } from './testing/open-test-access.js';

const hour = 3_600_000;
const day = 24 * hour;
const withCode = (code: string) => (error: unknown) => {
  assert.ok(error instanceof WeirError, String(error));
  assert.equal(error.code, code, error.message);
  return true;
};

describe('sign-in', () => {
  it('opens a session for the right password, whatever the case of the name', async () => {
    await using test = await openTestAccess();
    await test.addUser('Anna', 'operator', ['cam']);
    const signedIn = await test.access.login(
      { username: 'anna', password: 'Anna-password' },
      { ...nobody, header: (name) => (name === 'user-agent' ? 'Browser/1' : undefined) },
    );
    const principal = await test.access.bySession(signedIn.secret);
    assert.deepEqual(principal?.session, signedIn.principal.session);
    assert.deepEqual([principal?.session.username, principal?.session.role, principal?.session.streams], ['Anna', 'operator', ['cam']]);
    assert.equal(principal?.kind, 'session');
    const [open] = await test.store.sessions.ofUser(principal?.session.user_id ?? '');
    assert.deepEqual([open?.user_agent, open?.address], ['Browser/1', '192.0.2.1']);
    assert.notEqual((await test.store.users.findByName('anna'))?.last_login_at, null);
  });

  it('refuses unknown name, wrong password and disabled user with the same words, and writes down which it was', async () => {
    await using test = await openTestAccess();
    await test.addUser('anna', 'viewer');
    const bert = await test.addUser('bert', 'viewer');
    await test.store.users.update(bert, { disabled: true });
    const messages = new Set<string>();
    for (const [username, password] of [
      ['anna', 'wrong'],
      ['carl', 'carl-password'],
      ['bert', 'bert-password'],
      ['my secret typed here', 'x'],
    ] as const) {
      await assert.rejects(test.access.login({ username, password }, nobody), (error: unknown) => {
        messages.add((error as Error).message);
        return withCode('unauthenticated')(error);
      });
    }
    assert.equal(messages.size, 1);
    const { items } = await test.access.listAudit({ limit: 10 });
    assert.deepEqual(
      items.map((item) => [item.actor, item.action, item.outcome, item.detail]),
      [
        ['(not a name)', 'login', 'refused', 'unknown name'],
        ['bert', 'login', 'refused', 'user is disabled'],
        ['carl', 'login', 'refused', 'unknown name'],
        ['anna', 'login', 'refused', 'wrong password'],
      ],
    );
  });

  it('makes a weak hash strong at the next sign-in', async () => {
    await using test = await openTestAccess();
    const anna = await test.addUser('anna', 'viewer');
    const before = (await test.store.users.get(anna))?.password_hash;
    await test.login('anna');
    const after = (await test.store.users.get(anna))?.password_hash;
    assert.notEqual(after, before);
    await test.login('anna');
    assert.equal((await test.store.users.get(anna))?.password_hash, after);
  });

  it('is limited for each name and address; after the wait that was named it works again', async () => {
    await using test = await openTestAccess();
    await test.addUser('anna', 'viewer');
    for (let attempt = 0; attempt < 10; attempt++) {
      await assert.rejects(test.access.login({ username: 'anna', password: 'wrong' }, nobody), withCode('unauthenticated'));
    }
    let waitS = 0;
    await assert.rejects(test.login('anna'), (error: unknown) => {
      waitS = (error as WeirError).retryAfterS ?? 0;
      return withCode('resource_exhausted')(error);
    });
    assert.ok(waitS > 0 && waitS <= 60);
    await test.login('anna', '198.51.100.9');
    test.pass(waitS * 1000);
    await test.login('anna');
    const { items } = await test.access.listAudit({ limit: 100 });
    assert.equal(items.filter((item) => item.detail === 'too many attempts').length, 1);
  });

  it('is limited for each address over all names and ways in', async () => {
    await using test = await openTestAccess();
    await test.addUser('anna', 'viewer');
    const guess = () => test.access.setupAdmin({ code: 'guess', username: 'root', password: 'long enough 1' }, nobody);
    for (let index = 0; index < 30; index++) await assert.rejects(guess(), withCode('permission_denied'));
    await assert.rejects(test.login('anna'), withCode('resource_exhausted'));
    await test.login('anna', '198.51.100.9');
  });
});

describe('a session', () => {
  it('lives on with use, ends without it, and ends for good after its longest life', async () => {
    await using test = await openTestAccess({ sessionHours: 24, sessionMaxDays: 3 });
    await test.addUser('anna', 'viewer');
    const idle = await test.signIn('anna');
    test.pass(day - 1);
    assert.ok(await test.access.bySession(idle.secret));
    test.pass(day - 1);
    assert.ok(await test.access.bySession(idle.secret), 'prolonged by the use before');
    test.pass(day);
    assert.equal(await test.access.bySession(idle.secret), undefined, 'not used for a day');

    const busy = await test.signIn('anna');
    assert.equal(busy.maxAgeS, 3 * 86_400);
    for (let passed = 0; passed < 71; passed++) {
      test.pass(hour);
      assert.ok(await test.access.bySession(busy.secret), `after ${passed + 1} hours`);
    }
    test.pass(hour);
    assert.equal(await test.access.bySession(busy.secret), undefined);
  });

  it('follows a change of its life at once: a shorter one ends what rests, a longer one holds from the next use on', async () => {
    await using test = await openTestAccess({ sessionHours: 24 });
    await test.addUser('anna', 'viewer');
    const [resting, used] = [await test.signIn('anna'), await test.signIn('anna')];
    test.pass(2 * hour);
    assert.ok(await test.access.bySession(used.secret));
    test.access.configure({ sessionHours: 1 });
    assert.equal(await test.access.bySession(resting.secret), undefined, 'not used for two hours');
    assert.ok(await test.access.bySession(used.secret));
    test.access.configure({ sessionHours: 48 });
    test.pass(hour);
    assert.ok(await test.access.bySession(used.secret));
    test.pass(2 * day - 1);
    assert.ok(await test.access.bySession(used.secret));
  });

  it('that has ended is swept away with its bus login, and those who hold connections hear of it', async () => {
    await using test = await openTestAccess({ sessionHours: 1, busCredentialsS: 36_000 });
    const anna = await test.addUser('anna', 'viewer');
    const { principal } = await test.signIn('anna');
    const { viewer } = await test.access.issueBusCredentials(principal);
    const revoked: string[] = [];
    test.access.onRevoked((ids) => revoked.push(...ids));
    test.pass(hour);
    await test.access.sweep();
    assert.deepEqual(revoked, [principal.id]);
    assert.deepEqual(await test.store.sessions.ofUser(anna), []);
    assert.equal(test.access.busLoginOf(viewer), undefined);
    assert.deepEqual(test.access.busLogins(), []);
  });

  it('ends at once by logout, and no other does', async () => {
    await using test = await openTestAccess();
    await test.addUser('anna', 'viewer');
    const [here, there] = [await test.signIn('anna'), await test.signIn('anna')];
    await test.access.logout(as(here));
    assert.equal(await test.access.bySession(here.secret), undefined);
    assert.ok(await test.access.bySession(there.secret));
  });

  it('ends at once everywhere by logout everywhere, and only for this user', async () => {
    await using test = await openTestAccess();
    await test.addUser('anna', 'viewer');
    await test.addUser('bert', 'viewer');
    const [one, two, other] = [await test.signIn('anna'), await test.signIn('anna'), await test.signIn('bert')];
    const revoked: string[] = [];
    test.access.onRevoked((ids) => revoked.push(...ids));
    await test.access.logoutEverywhere(as(one));
    assert.deepEqual(revoked.sort(), [one.principal.id, two.principal.id].sort());
    for (const gone of [one, two]) assert.equal(await test.access.bySession(gone.secret), undefined);
    assert.ok(await test.access.bySession(other.secret));
  });

  it('stays when its user changes the password, and the others end', async () => {
    await using test = await openTestAccess();
    await test.addUser('anna', 'viewer');
    const [here, there] = [await test.signIn('anna'), await test.signIn('anna')];
    await assert.rejects(test.access.changePassword({ current: 'wrong', password: 'new password 1' }, as(here)), withCode('permission_denied'));
    assert.ok(await test.access.bySession(there.secret));
    await test.access.changePassword({ current: 'anna-password', password: 'new password 1' }, as(here));
    assert.ok(await test.access.bySession(here.secret));
    assert.equal(await test.access.bySession(there.secret), undefined);
    await assert.rejects(test.login('anna'), withCode('unauthenticated'));
    await test.access.login({ username: 'anna', password: 'new password 1' }, nobody);
  });

  it('of a user with fifty of them pushes out the oldest', async () => {
    await using test = await openTestAccess();
    const anna = await test.addUser('anna', 'viewer');
    const first = await test.signIn('anna');
    const { session } = (await test.store.sessions.findByHash((await test.store.sessions.ofUser(anna))[0]?.token_hash ?? '')) ?? assert.fail();
    for (let index = 0; index < 49; index++) {
      await test.store.sessions.insert({
        ...session,
        session_id: `s${index}`,
        token_hash: `h${index}`,
        created_at: new Date(test.now() + 1).toISOString(),
      });
    }
    test.pass(10);
    const last = await test.signIn('anna');
    assert.equal((await test.store.sessions.ofUser(anna)).length, 50);
    assert.equal(await test.access.bySession(first.secret), undefined);
    assert.ok(await test.access.bySession(last.secret));
  });

  it('is not opened by guesses, hashes or other people\u2019s ids', async () => {
    await using test = await openTestAccess();
    const anna = await test.addUser('anna', 'viewer');
    const { principal } = await test.signIn('anna');
    const [row] = await test.store.sessions.ofUser(anna);
    for (const guess of ['', 'x', principal.id, row?.token_hash ?? '', anna]) assert.equal(await test.access.bySession(guess), undefined, guess);
  });
});

describe('the first admin', () => {
  it('is made with a one-time code that outlives restarts and works once', async () => {
    await using test = await openTestAccess();
    assert.equal(await test.access.setupNeeded(), true);
    const first = await test.access.ensureFirstAdmin();
    await test.restart();
    const second = await test.access.ensureFirstAdmin();
    assert.deepEqual([first.needed, second.needed], [true, true]);
    assert.notEqual(first.code, second.code);
    const admin = { username: 'root', password: 'long enough 1' };
    await assert.rejects(test.access.setupAdmin({ ...admin, code: 'wrong' }, nobody), withCode('permission_denied'));
    const signedIn = await test.access.setupAdmin({ ...admin, code: first.code ?? '' }, nobody);
    assert.equal((await test.access.bySession(signedIn.secret))?.session.role, 'admin');
    assert.equal(await test.access.setupNeeded(), false);
    await assert.rejects(test.access.setupAdmin({ ...admin, code: second.code ?? '' }, nobody), withCode('failed_precondition'));
    assert.deepEqual(await test.access.ensureFirstAdmin(), { needed: false });
  });

  it('is one, even when two redeem their codes at the same time', async () => {
    await using test = await openTestAccess();
    const codes = [(await test.access.ensureFirstAdmin()).code ?? '', (await test.access.ensureFirstAdmin()).code ?? ''];
    const results = await Promise.allSettled(
      codes.map((code, index) => test.access.setupAdmin({ code, username: `root${index}`, password: 'long enough 1' }, nobody)),
    );
    assert.equal(results.filter((result) => result.status === 'fulfilled').length, 1);
    assert.equal(await test.store.users.countAdmins(), 1);
  });

  it('is made unattended with a password, once, and a poor password is refused', async () => {
    await using test = await openTestAccess();
    await assert.rejects(test.access.ensureFirstAdmin({ password: 'short' }), withCode('invalid_argument'));
    assert.deepEqual(await test.access.ensureFirstAdmin({ password: 'given at start' }), { needed: false });
    await test.access.login({ username: 'admin', password: 'given at start' }, nobody);
    assert.deepEqual(await test.access.ensureFirstAdmin({ password: 'another at start' }), { needed: false });
    await assert.rejects(test.access.login({ username: 'admin', password: 'another at start' }, nobody), withCode('unauthenticated'));
  });

  it('is hard to reach by guessing: codes are limited for each address', async () => {
    await using test = await openTestAccess();
    await test.access.ensureFirstAdmin();
    const guess = () => test.access.setupAdmin({ code: 'guess', username: 'root', password: 'long enough 1' }, nobody);
    for (let index = 0; index < 30; index++) await assert.rejects(guess(), withCode('permission_denied'));
    await assert.rejects(guess(), withCode('resource_exhausted'));
  });
});
