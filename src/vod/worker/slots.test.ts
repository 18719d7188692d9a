import assert from 'node:assert/strict';
import { test } from 'node:test';
import { measureSlots, wantedSlots } from './slots.js';

const seen = { limit: 1, busy: 1, idle: 0.8, freeBytes: 8 * 1024 ** 3, most: 4 };

test('one more slot while all are busy and the machine is not, one less when it is at its end', () => {
  assert.equal(wantedSlots(seen), 2);
  assert.equal(wantedSlots({ ...seen, busy: 0 }), 1, 'nothing runs: one is enough');
  assert.equal(wantedSlots({ ...seen, idle: 0.3 }), 1, 'the processors work');
  assert.equal(wantedSlots({ ...seen, freeBytes: 1024 ** 2 }), 1, 'there is no memory for another');
  assert.equal(wantedSlots({ ...seen, limit: 4, busy: 4 }), 4, 'never more than processors');
  assert.equal(wantedSlots({ ...seen, limit: 3, busy: 3, idle: 0 }), 2);
  assert.equal(wantedSlots({ ...seen, limit: 1, idle: 0 }), 1, 'never none');
});

test('a number that is told is obeyed', () => {
  const slots = measureSlots(
    3,
    () => 0,
    () => undefined,
  );
  assert.equal(slots.limit, 3);
  slots.stop();
});
