import assert from 'node:assert/strict';
import { it } from 'node:test';
import { hashPassword, isWeakHash, verifyNothing, verifyPassword } from './passwords.js';

it('a password is good for its own hash and for no other', async () => {
  const [first, second] = await Promise.all([hashPassword('correct horse'), hashPassword('correct horse')]);
  assert.notEqual(first, second, 'salted');
  assert.equal(await verifyPassword('correct horse', first), true);
  assert.equal(await verifyPassword('correct horse ', first), false);
  assert.equal(await verifyPassword('', first), false);
  assert.doesNotMatch(first, /correct|horse/);
});

it('what looks the same is the same, however it was composed', async () => {
  const hash = await hashPassword('caf\u00e9-caf\u00e9');
  assert.equal(await verifyPassword('cafe\u0301-cafe\u0301', hash), true);
});

it('a hash that is none admits nobody', async () => {
  for (const hash of ['', 'plain', 'scrypt$1024$8$1$$', '$2a$10$abc', 'scrypt$1024$8$1$AA$AA']) {
    assert.equal(await verifyPassword('', hash), false, hash);
    assert.equal(isWeakHash(hash), true, hash);
  }
});

it('a hash of the present cost is strong, one of less is weak', async () => {
  assert.equal(isWeakHash(await hashPassword('some password')), false);
  assert.equal(isWeakHash(`scrypt$1024$8$1$AAAA$${Buffer.alloc(32).toString('base64url')}`), true);
});

it('an unknown name costs as much time as a wrong password', async () => {
  const hash = await hashPassword('some password');
  const took = async (work: () => Promise<unknown>) => {
    const start = process.cpuUsage();
    await work();
    const { user, system } = process.cpuUsage(start);
    return user + system;
  };
  const wrong = await took(() => verifyPassword('other', hash));
  const unknown = await took(() => verifyNothing('other'));
  assert.ok(unknown > wrong / 3 && unknown < wrong * 3, `unknown ${unknown} us, wrong ${wrong} us of processor time`);
});
