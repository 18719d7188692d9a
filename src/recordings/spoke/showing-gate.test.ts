import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { ShowingGate } from './showing-gate.js';

/** Pictures by number, in the order in which they were shown. */
function playInto(gate: ShowingGate) {
  const shown: number[] = [];
  let next = 0;
  return {
    shown,
    push(): void {
      const number = next;
      next += 1;
      const held = gate.mayShow();
      gate.taken();
      if (held === undefined) shown.push(number);
      else void held.then(() => shown.push(number));
    },
  };
}

test('a picture is shown when the one before it is written; the first at once', async () => {
  const gate = new ShowingGate(60_000);
  const { push, shown } = playInto(gate);
  for (let count = 0; count < 4; count += 1) push();
  assert.deepEqual(shown, [0]);
  gate.written(1);
  await turn();
  assert.deepEqual(shown, [0, 1]);
  gate.written(2);
  await turn();
  assert.deepEqual(shown, [0, 1, 2, 3]);
  push();
  await turn();
  assert.deepEqual(shown, [0, 1, 2, 3], 'the fourth is not written');
  gate.written(2);
  await turn();
  push();
  assert.deepEqual(shown, [0, 1, 2, 3, 4, 5], 'nothing waits for a disk that keeps up');
});

test('a disk that hangs is waited for once, and again when it has caught up', async () => {
  const gate = new ShowingGate(1);
  const { push, shown } = playInto(gate);
  push();
  push();
  assert.deepEqual(shown, [0]);
  while (shown.length < 2) await turn();
  push();
  assert.deepEqual(shown, [0, 1, 2], 'the picture goes on without it');
  gate.written(3);
  push();
  push();
  assert.deepEqual(shown, [0, 1, 2, 3], 'it keeps up again');
  gate.written(2);
  await turn();
  assert.deepEqual(shown, [0, 1, 2, 3, 4]);
});
