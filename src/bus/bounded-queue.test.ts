import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type BoundedQueue, createBoundedQueue } from './bounded-queue.js';

const operation = fc.oneof(
  { weight: 4, arbitrary: fc.record({ key: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'), bytes: fc.integer({ min: 0, max: 12 }) }) },
  { weight: 1, arbitrary: fc.constant('shift' as const) },
);

interface Item {
  number: number;
  key: string;
}

function drain(queue: BoundedQueue<Item>): Item[] {
  const rest: Item[] = [];
  for (let item = queue.shift(); item !== undefined; item = queue.shift()) rest.push(item);
  return rest;
}

function assertInOrder(items: Item[]): void {
  const numbers = items.map((item) => item.number);
  assert.deepEqual(
    numbers,
    [...numbers].sort((a, b) => a - b),
  );
}

/** What waits is always the newest of its subject, and alone. */
function assertNewest(items: Item[], newest: Map<string, number>): void {
  for (const item of items) assert.equal(item.number, newest.get(item.key));
  assert.equal(new Set(items.map((item) => item.key)).size, items.length);
}

for (const policy of ['drop_oldest', 'merge_by_subject'] as const) {
  test(`${policy}: within limits, in order, and nothing is unaccounted for`, () => {
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 60 }), (operations) => {
        const queue = createBoundedQueue<Item>({ items: 4, bytes: 20, policy });
        const out: Item[] = [];
        let [pushed, merged, dropped] = [0, 0, 0];
        const newest = new Map<string, number>();
        for (const one of operations) {
          if (one === 'shift') {
            const item = queue.shift();
            if (item !== undefined) out.push(item);
            continue;
          }
          const outcome = queue.push({ number: pushed, key: one.key }, one.bytes, one.key);
          newest.set(one.key, pushed);
          pushed += 1;
          if (outcome.merged) merged += 1;
          dropped += outcome.dropped;
          assert.ok(queue.size <= 4);
          assert.ok(queue.bytes <= 20 || queue.size === 1);
        }
        assert.equal(pushed, out.length + queue.size + merged + dropped);
        const rest = drain(queue);
        assert.equal(queue.bytes, 0);
        if (policy === 'drop_oldest') assertInOrder([...out, ...rest]);
        else assertNewest(rest, newest);
      }),
      { numRuns: 500 },
    );
  });
}
