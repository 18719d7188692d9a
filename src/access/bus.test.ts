import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { WeirError } from '../contracts/index.js';
import { startTestBroker, type TestUser, withDeadline } from '../testkit/index.js';
import type { BusLogin } from './bus-logins.js';
import { as, nobody, openTestAccess } from './testing/open-test-access.js';

const withCode = (code: string) => (error: unknown) => {
  assert.ok(error instanceof WeirError, String(error));
  assert.equal(error.code, code, error.message);
  return true;
};
const names = (logins: readonly BusLogin[]) => logins.map((login) => login.user);

describe('bus credentials', () => {
  it('are bound to what their user may see, and are in force before they are answered', async () => {
    await using test = await openTestAccess();
    await test.addUser('anna', 'viewer', ['cam']);
    const { principal } = await test.signIn('anna');
    let inForce: readonly BusLogin[] = [];
    test.access.onBusLogins(async (logins) => {
      await new Promise((resolve) => setImmediate(resolve));
      inForce = logins;
    });
    const given = await test.access.issueBusCredentials(principal);
    assert.deepEqual(names(inForce), [given.user]);
    const [login] = inForce;
    assert.ok(login?.publish.includes('videonode.stream.cam.watch'));
    assert.ok(login?.publish.includes(`$JS.API.CONSUMER.MSG.NEXT.MEDIA_cam.${given.viewer}`));
    assert.ok(login?.subscribe.includes(`${given.inbox_prefix}.>`));
    assert.deepEqual(
      [...(login?.publish ?? []), ...(login?.subscribe ?? [])].filter((subject) => /\*|command/.test(subject)),
      [],
    );
    assert.deepEqual(login?.connectionTypes, ['WEBSOCKET']);
    assert.equal(test.access.mayWatch(given.viewer, 'cam'), true);
    assert.equal(test.access.mayWatch(given.viewer, 'other'), false);
    assert.equal(test.access.mayWatch('v-unknown', 'cam'), false);
    assert.equal(test.access.busLoginOf(given.viewer)?.principalId, principal.id);
  });

  it('are prolonged under the same password, also by a restarted hub, and end when they are not', async () => {
    await using test = await openTestAccess({ busCredentialsS: 900 });
    await test.addUser('anna', 'viewer');
    const { secret, principal } = await test.signIn('anna');
    const first = await test.access.issueBusCredentials(principal);
    const [loginBefore] = test.access.busLogins();
    test.pass(600_000);
    const prolonged = await test.access.issueBusCredentials(principal, first.viewer);
    assert.deepEqual({ ...prolonged, expires_at: '' }, { ...first, expires_at: '' });
    assert.ok(prolonged.expires_at > first.expires_at);

    const restarted = await test.restart();
    assert.deepEqual(restarted.busLogins(), [loginBefore], 'the broker sees no change');
    const anew = (await restarted.bySession(secret)) ?? assert.fail();
    assert.equal((await restarted.issueBusCredentials(anew, first.viewer)).password, first.password);

    test.pass(900_000);
    assert.equal(restarted.mayWatch(first.viewer, 'cam'), false, 'expired, even before the sweep');
    await restarted.sweep();
    assert.deepEqual(restarted.busLogins(), []);
    const later = await restarted.issueBusCredentials(anew, first.viewer);
    assert.notEqual(later.viewer, first.viewer);
  });

  it('of another principal are not prolonged but made anew', async () => {
    await using test = await openTestAccess();
    await test.addUser('anna', 'viewer');
    await test.addUser('bert', 'viewer');
    const [anna, bert] = [await test.signIn('anna'), await test.signIn('bert')];
    const hers = await test.access.issueBusCredentials(anna.principal);
    const his = await test.access.issueBusCredentials(bert.principal, hers.viewer);
    assert.notEqual(his.viewer, hers.viewer);
    assert.notEqual(his.password, hers.password);
    await assert.rejects(test.access.issueBusCredentials({ ...anna.principal }), withCode('unauthenticated'));
  });

  it('change with their user at once and end with their session', async () => {
    await using test = await openTestAccess();
    await test.addUser('root', 'admin');
    const anna = await test.addUser('anna', 'operator');
    const root = as(await test.signIn('root'));
    const signedIn = await test.signIn('anna');
    const { viewer, user } = await test.access.issueBusCredentials(signedIn.principal);
    const lists: string[][] = [];
    test.access.onBusLogins((logins) => void lists.push(names(logins)));
    await test.access.updateUser(anna, { role: 'viewer', streams: ['cam'] }, root);
    assert.deepEqual(lists, [[user]]);
    assert.equal(test.access.mayWatch(viewer, 'other'), false);
    assert.deepEqual(
      test.access.busLogins().flatMap((login) => login.publish.filter((subject) => subject.endsWith('.command'))),
      [],
    );
    await test.access.logout(as(signedIn));
    assert.deepEqual(lists, [[user], []]);
    assert.equal(test.access.busLoginOf(viewer), undefined);
  });

  it('of a restarted hub are only those whose session and user are still good', async () => {
    await using test = await openTestAccess();
    const anna = await test.addUser('anna', 'operator');
    await test.addUser('bert', 'viewer');
    const [one, two, other] = [await test.signIn('anna'), await test.signIn('anna'), await test.signIn('bert')];
    const kept = await test.access.issueBusCredentials(one.principal);
    const gone = await test.access.issueBusCredentials(two.principal);
    const his = await test.access.issueBusCredentials(other.principal);
    await test.store.sessions.delete(two.principal.id);
    await test.store.users.update(anna, { role: 'viewer', streams: ['cam'] });
    const restarted = await test.restart();
    assert.deepEqual(names(restarted.busLogins()).sort(), [kept.user, his.user].sort());
    assert.equal(restarted.mayWatch(kept.viewer, 'other'), false, 'with the rights of now');
    assert.equal(restarted.busLoginOf(gone.viewer), undefined);
  });

  it('are at most twenty for each user: the one that would end first goes', async () => {
    await using test = await openTestAccess();
    await test.addUser('anna', 'viewer');
    const { principal } = await test.signIn('anna');
    const given = [];
    for (let index = 0; index < 21; index++) {
      given.push(await test.access.issueBusCredentials(principal));
      test.pass(1000);
      if (index === 10) await test.access.issueBusCredentials(principal, given[0]?.viewer);
    }
    assert.equal(test.access.busLogins().length, 20);
    assert.ok(test.access.busLoginOf(given[0]?.viewer ?? ''), 'prolonged, so it stays');
    assert.equal(test.access.busLoginOf(given[1]?.viewer ?? ''), undefined);
  });

  it('taken away are gone even when the broker does not answer, and it is told again', async () => {
    const failures: unknown[] = [];
    await using test = await openTestAccess({ onFailure: (error) => failures.push(error) });
    await test.addUser('anna', 'viewer');
    const signedIn = await test.signIn('anna');
    const { viewer } = await test.access.issueBusCredentials(signedIn.principal);
    let isAway = true;
    let inForce = -1;
    test.access.onBusLogins((logins) => {
      if (isAway) throw new WeirError('unavailable', 'no broker');
      inForce = logins.length;
    });
    await test.access.logout(as(signedIn));
    assert.equal(failures.length, 1);
    assert.equal(test.access.busLoginOf(viewer), undefined);
    isAway = false;
    await test.access.sweep();
    assert.equal(inForce, 0);
    isAway = true;
    const again = await test.signIn('anna');
    await assert.rejects(test.access.issueBusCredentials(again.principal), withCode('unavailable'));
    const plain = await test.access.createBusUser({ name: 'go', role: 'viewer' }, as(again));
    assert.ok(plain.password.length > 40, 'shown, though not in force yet');
    isAway = false;
    await test.access.sweep();
    assert.equal(inForce, 2);
  });

  it('asked for by many at once reach the broker in few lists, each complete', async () => {
    await using test = await openTestAccess();
    const principals = [];
    for (let index = 0; index < 10; index++) {
      await test.addUser(`user${index}`, 'viewer');
      principals.push((await test.signIn(`user${index}`)).principal);
    }
    const sizes: number[] = [];
    let at = 0;
    test.access.onBusLogins(async (logins) => {
      assert.equal(++at, 1, 'one at a time');
      await new Promise((resolve) => setTimeout(resolve, 5));
      sizes.push(logins.length);
      at--;
    });
    await Promise.all(
      principals.map(async (principal) => {
        const { user } = await test.access.issueBusCredentials(principal);
        assert.ok(sizes.length > 0 && names(test.access.busLogins()).includes(user));
      }),
    );
    assert.equal(sizes.at(-1), 10);
    assert.ok(sizes.length <= 8, `${sizes.length} lists`);
  });
});

it('a spoke keeps its login over a restart of the hub, and has none until the hub gives it one', async () => {
  await using test = await openTestAccess();
  const give = () => test.access.setSpokeLogin({ spokeId: 'east', streams: ['cam'], password: 'east-password' });
  await give();
  const before = test.access.busLogins();
  assert.match(before[0]?.password ?? '', /^\$2a\$04\$.{53}$/);
  await test.restart();
  assert.deepEqual(test.access.busLogins(), []);
  await give();
  assert.deepEqual(test.access.busLogins(), before);
  await test.access.setSpokeLogin({ spokeId: 'east', streams: ['cam'], password: 'another-password' });
  assert.notEqual(test.access.busLogins()[0]?.password, before[0]?.password);
  await test.access.removeSpokeLogin('east');
  assert.deepEqual(test.access.busLogins(), []);
});

describe('plain bus users', () => {
  it('get the permissions of their preset, with the inbox that every library uses', async () => {
    await using test = await openTestAccess();
    await test.addUser('root', 'admin');
    const root = as(await test.signIn('root'));
    const spoke = await test.access.createBusUser({ name: 'cam-1', spoke_of: ['cam'] }, root);
    assert.ok(spoke.publish.includes('videonode.stream.cam.status') && spoke.publish.includes('videonode.spoke.cam-1.announce'));
    assert.ok(spoke.subscribe.includes('videonode.stream.cam.command') && spoke.subscribe.includes('_INBOX.>'));
    assert.equal(test.access.busLogins()[0]?.allowResponses, true);
    const viewer = await test.access.createBusUser({ name: 'wall', role: 'viewer' }, root);
    assert.ok(viewer.publish.includes('$JS.API.CONSUMER.MSG.NEXT.*.u-wall'));
    assert.equal(test.access.mayWatch('u-wall', 'cam'), true);
    assert.equal(test.access.mayWatch('u-cam-1', 'cam'), false, 'a spoke does not watch');
    const exact = await test.access.createBusUser({ name: 'own', publish: ['a.b'], subscribe: ['c.>'] }, root);
    assert.deepEqual([exact.publish, exact.subscribe], [['a.b'], ['c.>']]);
    await test.restart();
    assert.deepEqual(names(test.access.busLogins()), ['cam-1', 'own', 'wall']);
    await test.access.deleteBusUser('own', root);
    await assert.rejects(test.access.deleteBusUser('own', root), withCode('not_found'));
    assert.deepEqual(
      (await test.access.listBusUsers()).map((user) => user.name),
      ['cam-1', 'wall'],
    );
  });

  it('have videos processed, and may nothing else, as publishers of videos', async () => {
    await using test = await openTestAccess();
    await test.addUser('root', 'admin');
    const root = as(await test.signIn('root'));
    const shop = await test.access.createBusUser({ name: 'shop', video_publisher: true }, root);
    assert.deepEqual(shop.publish, ['video.metadata', 'video.process', 'video.thumbnail', 'video.upload']);
    assert.deepEqual(shop.subscribe, ['_INBOX.>', 'video.failed', 'video.job.*.progress', 'video.processed']);
    await test.access.admitConfiguredBusUsers([{ name: 'web', password: 'a password of the web', streams: [], video_publisher: true }]);
    const web = (await test.access.listBusUsers()).find((user) => user.name === 'web');
    assert.deepEqual([web?.publish, web?.subscribe], [shop.publish, shop.subscribe]);
    assert.deepEqual(
      test.access.busLogins().map((login) => login.allowResponses),
      [false, false],
    );
  });

  it('gain at the next start what their preset gained with an upgrade, keep their password, and else stay as they are', async () => {
    await using test = await openTestAccess();
    await test.addUser('root', 'admin');
    const root = as(await test.signIn('root'));
    await test.access.createBusUser({ name: 'wall', role: 'viewer' }, root);
    await test.access.createBusUser({ name: 'desk', role: 'operator', replay: true }, root);
    await test.access.createBusUser({ name: 'cam-1', spoke_of: ['cam', 'door'] }, root);
    await test.access.createBusUser({ name: 'both', role: 'viewer', publish: ['own.>'] }, root);
    await test.access.createBusUser({ name: 'exact', publish: ['a.b'], subscribe: ['videonode.stream.cam.status'] }, root);
    await test.restart();
    const made = test.access.busLogins();
    // As the version before recordings wrote them, with and without a note of what they are for.
    const isOld = (subject: string) => !/\.(recording(\.entry)?|snapshot)$/.test(subject);
    for (const user of await test.store.bus_users.all()) {
      await test.store.bus_users.regrant({
        ...user,
        publish: user.publish.filter(isOld),
        subscribe: user.subscribe.filter(isOld),
        grants: user.name === 'both' ? user.grants : null,
      });
    }
    assert.ok((await test.store.bus_users.all()).some((user, index) => user.subscribe.length < (made[index]?.subscribe.length ?? 0)));
    await test.restart();
    assert.deepEqual(test.access.busLogins(), made);
    const grants = Object.fromEntries((await test.store.bus_users.all()).map((user) => [user.name, user.grants]));
    assert.deepEqual(grants, {
      both: { role: 'viewer', publish: ['own.>'] },
      'cam-1': { spoke_of: ['cam', 'door'] },
      desk: { role: 'operator', replay: true },
      exact: null,
      wall: { role: 'viewer' },
    });
    const noted = async () => (await test.store.audit.list({ limit: 100 })).items.filter((entry) => entry.action === 'update_bus_user').length;
    assert.equal(await noted(), 4);
    await test.restart();
    assert.equal(await noted(), 4, 'once');
  });

  it('are refused when their name is ours, taken or unfit, when they may nothing, and when bcrypt would cut the password', async () => {
    await using test = await openTestAccess();
    await test.addUser('root', 'admin');
    const root = as(await test.signIn('root'));
    await test.access.createBusUser({ name: 'go', role: 'viewer' }, root);
    for (const [input, code] of [
      [{ name: 'Go', role: 'viewer' as const }, 'already_exists'],
      [{ name: 'hub', role: 'viewer' as const }, 'invalid_argument'],
      [{ name: 'spoke-east', role: 'viewer' as const }, 'invalid_argument'],
      [{ name: 'b-v1', role: 'viewer' as const }, 'invalid_argument'],
      [{ name: 'cam.1', spoke_of: ['cam'] }, 'invalid_argument'],
      [{ name: 'idle' }, 'invalid_argument'],
      [{ name: 'long', role: 'viewer' as const, password: 'p'.repeat(73) }, 'invalid_argument'],
    ] as const) {
      await assert.rejects(test.access.createBusUser({ ...input } as never, root), withCode(code), JSON.stringify(input));
    }
    assert.equal(test.access.busLogins().length, 1);
  });
});

it('a real nats-server takes all logins, admits by password, holds the bounds and lets go of the revoked', async () => {
  await using test = await openTestAccess();
  await using broker = await startTestBroker();
  await test.addUser('root', 'admin');
  await test.addUser('anna', 'viewer', ['cam']);
  test.access.onBusLogins((logins) => broker.setUsers(logins as TestUser[]));
  const root = as(await test.signIn('root'));
  const anna = await test.signIn('anna');
  const plain = await test.access.createBusUser({ name: 'wall', role: 'operator' }, root);
  const chosen = await test.access.createBusUser({ name: 'door', spoke_of: ['cam'], password: 'chosen by a person' }, root);
  await test.access.setSpokeLogin({ spokeId: 'east', streams: ['cam'], password: 'east-password' });
  const given = await test.access.issueBusCredentials(anna.principal);

  const open = (user: string, pass: string) => broker.connect(user, { pass, reconnect: false, inboxPrefix: '_INBOX_test' });
  const allowed = async (user: string, pass: string, subject: string) => {
    const connection = await open(user, pass);
    const refused = (async () => {
      for await (const status of connection.status()) if (status.type === 'error') return true;
      return false;
    })();
    connection.publish(subject, '{}');
    await connection.flush();
    const verdict = await Promise.race([refused, connection.flush().then(() => new Promise((resolve) => setImmediate(() => resolve(false))))]);
    await connection.close();
    return verdict === false;
  };
  assert.equal(await allowed('wall', plain.password, 'videonode.stream.any.command'), true);
  assert.equal(await allowed('door', chosen.password, 'videonode.stream.cam.status'), true);
  assert.equal(await allowed('door', chosen.password, 'videonode.stream.other.status'), false);
  assert.equal(await allowed('spoke-east', 'east-password', 'videonode.stream.cam.media.key'), true);
  assert.equal(await allowed('spoke-east', 'east-password', 'videonode.stream.other.media.key'), false);
  await test.access.bindSpoke('east', ['other']);
  assert.equal(await allowed('spoke-east', 'east-password', 'videonode.stream.other.media.key'), true);
  assert.equal(await test.access.bindSpoke('west', ['other']), false);
  assert.equal(await allowed(given.user, given.password, 'videonode.stream.cam.watch'), true);
  assert.equal(await allowed(given.user, given.password, 'videonode.stream.other.watch'), false);
  await assert.rejects(open(given.user, 'wrong password'));

  const held = await open(given.user, given.password);
  await test.access.logoutEverywhere({ ...nobody, principal: anna.principal });
  await withDeadline(held.closed(), 5000, 'the end of the revoked connection');
  await assert.rejects(open(given.user, given.password));
});
