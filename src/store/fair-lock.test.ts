import assert from 'node:assert/strict';
import { it } from 'node:test';
import { WeirError } from '../contracts/index.js';
import { FairLock } from './fair-lock.js';

it('one holds it at a time, in the order of asking', async () => {
  const lock = new FairLock();
  const order: number[] = [];
  let holders = 0;
  const use = async (index: number) => {
    await lock.acquire();
    assert.equal(++holders, 1);
    await new Promise((resolve) => setImmediate(resolve));
    order.push(index);
    holders--;
    lock.release();
  };
  await Promise.all(Array.from({ length: 20 }, (_, index) => use(index)));
  assert.deepEqual(
    order,
    Array.from({ length: 20 }, (_, index) => index),
  );
});

it('more waiters than it was made for are refused', async () => {
  const lock = new FairLock(2);
  await lock.acquire();
  const waiting = [lock.acquire(), lock.acquire()];
  assert.equal(lock.waiting, 2);
  await assert.rejects(lock.acquire(), (error: unknown) => error instanceof WeirError && error.code === 'unavailable');
  lock.release();
  lock.release();
  await Promise.all(waiting);
  lock.release();
  await lock.acquire();
});
