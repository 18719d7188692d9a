import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Slots } from './slots.js';

function gate(): { opened: Promise<void>; open: () => void } {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

test('no more pieces of work run at a time than there are slots, and all get their turn', async () => {
  const slots = new Slots(3, 60_000);
  let running = 0;
  let most = 0;
  const work = async () => {
    running += 1;
    most = Math.max(most, running);
    await new Promise((resolve) => setImmediate(resolve));
    running -= 1;
  };
  await Promise.all(Array.from({ length: 20 }, () => slots.run(work)));
  assert.equal(most, 3);
});

test('work that fails gives its slot back, work that drags on makes room once', async () => {
  const slots = new Slots(1, 200);
  await assert.rejects(
    slots.run(() => Promise.reject(new Error('no'))),
    /no/,
  );
  const { opened, open } = gate();
  const slow = slots.run(() => opened);
  await slots.run(async () => undefined);
  open();
  await slow;
  // Given back twice, there would be room for two now.
  let running = 0;
  const blockers = [gate(), gate()];
  const both = blockers.map(({ opened: end }) =>
    slots.run(() => {
      running += 1;
      return end;
    }),
  );
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(running, 1);
  for (const { open: end } of blockers) end();
  await Promise.all(both);
});
