import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { assertNoLeaks, countResources } from './leak-check.js';
import { withTempFolder } from './temp-folder.js';
import { nextEvent, nextItem, waitFor, withDeadline } from './wait-for.js';

test('waitFor: gives the value, survives errors meanwhile, and tells at the deadline what it saw last', async () => {
  let looks = 0;
  const value = await waitFor(
    () => {
      if (++looks === 1) throw new Error('not yet');
      return looks === 3 ? 'here' : undefined;
    },
    { everyMs: 1 },
  );
  assert.equal(value, 'here');
  await assert.rejects(
    waitFor(() => Promise.reject(new Error('still away')), { deadlineMs: 20, what: 'the thing' }),
    /the thing: not so within 20 ms; last seen: still away/,
  );
  await assert.rejects(
    waitFor(() => new Promise(() => undefined), { deadlineMs: 20 }),
    /within/,
  );
});

test('deadlines: events, items and promises that do not come are named', async () => {
  const emitter = new EventEmitter();
  const seen = nextEvent<[number]>(emitter, 'n', { matches: (n) => n > 1 });
  emitter.emit('n', 1);
  emitter.emit('n', 2);
  assert.deepEqual(await seen, [2]);
  assert.equal(emitter.listenerCount('n'), 0);
  await assert.rejects(nextEvent(emitter, 'n', { deadlineMs: 10 }), /event n/);
  const listen = (listener: (item: number) => void) => {
    listener(7);
    return () => undefined;
  };
  await assert.rejects(
    nextItem(listen, (item) => item === 8, { deadlineMs: 10, what: 'eight' }),
    /eight: .*seen: \[7\]/,
  );
  await assert.rejects(withDeadline(new Promise(() => undefined), 10, 'it'), /it: nothing within 10 ms/);
});

test('withTempFolder: the folder is gone afterwards, also after a failure', async () => {
  let kept = '';
  const run = withTempFolder(async (folder) => {
    kept = folder;
    await writeFile(join(folder, 'file'), 'x');
    throw new Error('on purpose');
  });
  await assert.rejects(run, /on purpose/);
  assert.equal(existsSync(kept), false);
});

test('assertNoLeaks: a child that is left running is found', { skip: process.platform === 'linux' ? false : 'needs /proc' }, async () => {
  const before = countResources();
  const child = spawn('sleep', ['100']);
  await assert.rejects(assertNoLeaks(before, { deadlineMs: 50 }), new RegExp(`children: ${child.pid} `));
  child.kill('SIGKILL');
  await once(child, 'close');
  await assertNoLeaks(before);
});
