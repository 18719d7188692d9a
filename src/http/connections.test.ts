import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createOpenConnections } from './connections.js';
import type { Principal } from './operations.js';

const login = (id: string, expires_at: string | null = null): Principal => ({
  kind: 'token',
  id,
  session: { user_id: null, username: id, role: 'viewer', streams: null, expires_at },
});

test('those whose login does not hold are cut, each login is asked about once, and an upload may outlive its own expiry', async () => {
  const connections = createOpenConnections();
  const [cut, asked]: string[][] = [[], []];
  const past = new Date(Date.now() - 1000).toISOString();
  const open = (name: string, principal: Principal, outlivesExpiry = false) =>
    connections.add(principal, () => void cut?.push(name), { outlivesExpiry });
  open('picture', login('expired', past));
  open('upload', login('expired', past), true);
  open('socket', login('revoked'), true);
  open('first', login('good'));
  open('second', login('good'));
  const count = await connections.cutEnded(async ({ id }) => {
    asked?.push(id);
    return id === 'good';
  });
  assert.equal(count, 2);
  assert.deepEqual(cut, ['picture', 'socket']);
  assert.deepEqual(asked?.sort(), ['expired', 'good', 'revoked']);
  assert.equal(connections.size, 3);
});

test('a login that cannot be asked about keeps its connections, and the others are cut all the same', async () => {
  const connections = createOpenConnections();
  for (const id of ['unknown', 'revoked']) connections.add(login(id), () => undefined);
  const holds = async ({ id }: Principal) => {
    if (id === 'unknown') throw new Error('the database is away');
    return false;
  };
  await assert.rejects(connections.cutEnded(holds), /the database is away/);
  assert.deepEqual(
    connections.principals().map(({ id }) => id),
    ['unknown'],
  );
});
