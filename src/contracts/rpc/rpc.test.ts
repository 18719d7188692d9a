import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errorCodes, errorTable } from '../errors.js';
import { createOpenRpc } from '../openrpc.js';
import { routes } from '../routes.js';
import { type RpcMethod, rpcErrors, rpcMethodNames, rpcMethods, rpcTopicNames, rpcTopics } from './index.js';

test('there are the 34 methods of the contract', () => assert.equal(rpcMethodNames.length, 34));

test('every number that an error code has is in the catalogue, and every error of a method too', () => {
  for (const code of errorCodes) assert.ok(errorTable[code].rpc in rpcErrors, code);
  for (const name of rpcMethodNames) for (const code of rpcMethods[name].errors) assert.ok(code in rpcErrors, `${name} ${code}`);
});

test('every method takes only what it names', () => {
  for (const name of rpcMethodNames) {
    const method: RpcMethod = rpcMethods[name];
    const outcome = method.params.safeParse({ surprise: 1 });
    assert.ok(!outcome.success && outcome.error.issues.some((issue) => issue.code === 'unrecognized_keys'), name);
  }
});

test('nobody may do here what the route of the same work refuses them', () => {
  const order = ['anyone', 'viewer', 'operator', 'admin'];
  // Known differences, all stricter here or told in other words: figures and storage are for admins.
  for (const name of rpcMethodNames) {
    const { twin, role }: RpcMethod = rpcMethods[name];
    if (twin !== null) assert.ok(order.indexOf(role) >= order.indexOf(routes[twin].role), `${name} ${role} ${routes[twin].role}`);
  }
});

test('the data of every topic carry their time', () => {
  for (const topic of rpcTopicNames) assert.ok('timestamp' in rpcTopics[topic].shape, topic);
});

test('the OpenRPC document names every method', () => {
  const { methods } = createOpenRpc('1.2.3') as { methods: { name: string }[] };
  assert.deepEqual(
    methods.map(({ name }) => name),
    rpcMethodNames,
  );
});
