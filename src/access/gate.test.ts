import assert from 'node:assert/strict';
import { it } from 'node:test';
import { WeirError } from '../contracts/index.js';
import { createGate } from './gate.js';

it('a gate runs so much at once, keeps the order of the waiting and refuses the rest', async () => {
  const gate = createGate({ atOnce: 2, waiting: 3 });
  let running = 0;
  let most = 0;
  const order: number[] = [];
  const work = (index: number) =>
    gate(async () => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setImmediate(resolve));
      order.push(index);
      running--;
    });
  const results = await Promise.allSettled(Array.from({ length: 8 }, (_, index) => work(index)));
  const refused = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
  assert.equal(most, 2);
  assert.deepEqual(order, [0, 1, 2, 3, 4]);
  assert.equal(refused.length, 3);
  assert.ok(refused.every((error) => error instanceof WeirError && error.code === 'resource_exhausted' && error.retryAfterS === 2));
});

it('failing work makes room as well', async () => {
  const gate = createGate({ atOnce: 1, waiting: 5 });
  const failing = Array.from({ length: 6 }, () => gate(() => Promise.reject(new Error('failed'))));
  await Promise.allSettled(failing);
  assert.equal(await gate(async () => 'ran'), 'ran');
});
