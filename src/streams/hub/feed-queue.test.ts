import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FeedQueue } from './feed-queue.js';

async function drain(queue: FeedQueue): Promise<string[]> {
  const seen: string[] = [];
  queue.end();
  for await (const event of queue) seen.push(event.data);
  return seen;
}

test('feed queue: events come in order, with ids where they have one', async () => {
  const queue = new FeedQueue(10);
  queue.push({ event: 'status', data: '1', id: '7' });
  queue.push({ event: 'progress', data: '2' });
  queue.end();
  const seen = [];
  for await (const event of queue) seen.push(event);
  assert.deepEqual(seen, [
    { id: '7', event: 'status', data: '1' },
    { event: 'progress', data: '2' },
  ]);
});

test('feed queue: a newer report replaces the waiting one of the same thing, and only that', async () => {
  const queue = new FeedQueue(10);
  for (const [key, data] of [
    ['a', 'a1'],
    ['b', 'b1'],
    ['a', 'a2'],
    ['a', 'a3'],
  ] as const)
    queue.push({ event: 'progress', data, mergeKey: key });
  assert.equal(queue.merged, 2);
  assert.deepEqual(await drain(queue), ['b1', 'a3']);
});

test('feed queue: a reader that falls too far behind is let go, so that it resumes by id', async () => {
  const queue = new FeedQueue(3);
  for (let number = 1; number <= 5; number += 1) queue.push({ event: 'status', data: String(number), id: String(number) });
  assert.equal(queue.isEnded, true);
  assert.deepEqual(await drain(queue), ['1', '2', '3']);
});

test('feed queue: a waiting reader is woken', async () => {
  const queue = new FeedQueue(3);
  const next = queue[Symbol.asyncIterator]().next();
  queue.push({ event: 'status', data: 'x' });
  assert.deepEqual(await next, { done: false, value: { event: 'status', data: 'x' } });
});
