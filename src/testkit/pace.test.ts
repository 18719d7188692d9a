import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertWithin, machinePace } from './pace.js';

test('a promise of time: kept is kept, missed by far is told with the figures and the pace of the machine', async () => {
  await assertWithin(100, 100, 'a thing');
  assert.ok((await machinePace()) >= 1);
  await assert.rejects(assertWithin(1e9, 100, 'a thing'), /^AssertionError.*a thing: 1000000000 ms, promised 100 ms, on a machine at \d+\.\d times/s);
});
