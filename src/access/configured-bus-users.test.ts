import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compare } from 'bcryptjs';
import { nobody, openTestAccess } from './testing/open-test-access.js';

const camera = { name: 'camera', password: 'a password of the camera', streams: ['stream1'] };

async function open() {
  const test = await openTestAccess();
  const names = async () => (await test.access.listBusUsers()).map((user) => user.name);
  const hashOf = (name: string) => test.access.busLogins().find((login) => login.user === name)?.password ?? '';
  return { ...test, test, names, hashOf };
}

test('a configured spoke may log in, with exactly the subjects of its stream; only the hash is kept', async () => {
  const { test, names, hashOf } = await open();
  await using _closing = test;
  await test.access.admitConfiguredBusUsers([camera]);
  assert.deepEqual(await names(), ['camera']);
  assert.ok(await compare(camera.password, hashOf('camera')));
  const [user] = await test.access.listBusUsers();
  assert.ok(user);
  assert.ok(user.publish.includes('videonode.stream.stream1.status'));
  assert.ok(user.subscribe.includes('videonode.stream.stream1.command'));
  assert.deepEqual(
    [...user.publish, ...user.subscribe].filter((subject) => subject.includes('.stream.') && !subject.includes('.stream1.')),
    [],
  );
  assert.ok(!(await test.bytesOnDisk()).includes(camera.password));
});

test('the same configuration again, also after a restart, changes no login', async () => {
  const { test, hashOf } = await open();
  await using _closing = test;
  await test.access.admitConfiguredBusUsers([camera]);
  const first = hashOf('camera');
  await test.access.admitConfiguredBusUsers([camera]);
  assert.equal(hashOf('camera'), first);
  const restarted = await test.restart();
  await restarted.admitConfiguredBusUsers([camera]);
  assert.equal(restarted.busLogins().find((login) => login.user === 'camera')?.password, first);
});

test('a new password and other streams hold at the next start', async () => {
  const { test, hashOf } = await open();
  await using _closing = test;
  await test.access.admitConfiguredBusUsers([camera]);
  await test.access.admitConfiguredBusUsers([{ ...camera, password: 'another password' }]);
  assert.ok(await compare('another password', hashOf('camera')));
  await test.access.admitConfiguredBusUsers([{ ...camera, password: 'another password', streams: ['stream2'] }]);
  const [user] = await test.access.listBusUsers();
  assert.ok(user);
  assert.ok(user.publish.includes('videonode.stream.stream2.status'));
  assert.ok(!user.publish.includes('videonode.stream.stream1.status'));
});

test('who is no longer named is removed; who was made by hand stays', async () => {
  const { test, names } = await open();
  await using _closing = test;
  await test.access.createBusUser({ name: 'by-hand', role: 'viewer' }, nobody);
  await test.access.admitConfiguredBusUsers([camera, { ...camera, name: 'other' }]);
  assert.deepEqual(await names(), ['by-hand', 'camera', 'other']);
  const restarted = await test.restart();
  await restarted.admitConfiguredBusUsers([{ ...camera, name: 'other' }]);
  assert.deepEqual(await names(), ['by-hand', 'other']);
  await restarted.admitConfiguredBusUsers([]);
  assert.deepEqual(await names(), ['by-hand']);
  assert.deepEqual(
    restarted.busLogins().map((login) => login.user),
    ['by-hand'],
  );
});

test('a user of the same name made by hand is replaced, whatever its spelling', async () => {
  const { test, names, hashOf } = await open();
  await using _closing = test;
  await test.access.createBusUser({ name: 'Camera', role: 'viewer' }, nobody);
  await test.access.admitConfiguredBusUsers([camera]);
  assert.deepEqual(await names(), ['camera']);
  assert.equal(hashOf('Camera'), '');
});

test('a name that Weir gives out itself is refused, and nothing is changed', async () => {
  const { test, names } = await open();
  await using _closing = test;
  await assert.rejects(test.access.admitConfiguredBusUsers([camera, { ...camera, name: 'hub' }]), { code: 'invalid_argument' });
  assert.deepEqual(await names(), []);
});
