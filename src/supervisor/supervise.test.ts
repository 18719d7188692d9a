import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { assertWithin, nextItem, waitFor, withTempFolder } from '../testkit/index.js';
import { isSameProcess } from './identity.js';
import type { SpawnOptions } from './process.js';
import { type SupervisedProcess, type SupervisedState, superviseProcess } from './supervise.js';

const sleeper = (): SpawnOptions => ({ command: 'sleep', args: ['100'] });
const ladder = [
  { signal: 'SIGTERM', waitMs: 500 },
  { signal: 'SIGKILL', waitMs: 2000 },
] as const;

function until<K extends SupervisedState['kind']>(supervised: SupervisedProcess, kind: K): Promise<Extract<SupervisedState, { kind: K }>> {
  return nextItem<SupervisedState>(
    (listener) => supervised.onState(listener),
    (state) => state.kind === kind,
    { what: `state ${kind}` },
  ) as Promise<Extract<SupervisedState, { kind: K }>>;
}

test('supervise: a killed process is started again and counted; stop ends it', async () => {
  const supervised = superviseProcess({ name: 'sleeper', command: sleeper, restart: { initialMs: 10 }, ladder });
  await supervised.whenRunning();
  const first = supervised.identity;
  assert.ok(first);
  const [backoff, running] = [until(supervised, 'backoff'), until(supervised, 'running')];
  supervised.kill('SIGKILL');
  assert.equal((await backoff).last.report?.signal, 'SIGKILL');
  assert.notEqual((await running).pid, first.pid);
  assert.equal(supervised.restarts, 1);
  const second = supervised.identity;
  await supervised.stop();
  assert.equal(supervised.state.kind, 'stopped');
  assert.ok(second !== undefined && !isSameProcess(second));
});

test('supervise: an end too often in too short a time is a crash loop, which is tried on at the longest delay', async () => {
  let starts = 0;
  const command = () => {
    starts++;
    return { command: 'sh', args: ['-c', 'echo cannot work >&2; exit 5'] };
  };
  const supervised = superviseProcess({
    name: 'crasher',
    command,
    restart: { initialMs: 1, maxMs: 40, jitter: 0, crashLoop: { count: 3, withinMs: 60_000 } },
  });
  const loop = await until(supervised, 'crash_loop');
  assert.equal(starts, 3);
  assert.equal(supervised.restarts, 2);
  assert.deepEqual([loop.retryInMs, loop.last.report?.exitCode, loop.last.report?.tail[0]], [40, 5, 'cannot work']);
  await waitFor(() => starts === 4, { what: 'a further try' });
  await supervised.stop();
});

test('supervise: a program that is missing is a failure of the start, and stop ends a long backoff at once', async () => {
  const supervised = superviseProcess({ name: 'ghost', command: () => ({ command: 'no-such-program-here' }), restart: { initialMs: 60_000 } });
  await assert.rejects(supervised.whenRunning(), { code: 'not_found' });
  assert.equal(supervised.state.kind, 'backoff');
  await supervised.stop();
  assert.equal(supervised.state.kind, 'stopped');
});

test('supervise: starts that fail are no restarts', async () => {
  let exists = false;
  const command = () => (exists ? sleeper() : { command: 'no-such-program-here' });
  const supervised = superviseProcess({ name: 'late', command, restart: { initialMs: 1, maxMs: 5 }, ladder });
  const states: string[] = [];
  supervised.onState(({ kind }) => states.push(kind));
  await waitFor(() => states.filter((kind) => kind === 'backoff').length >= 3);
  assert.equal(supervised.restarts, 0);
  const running = until(supervised, 'running');
  exists = true;
  await running;
  assert.equal(supervised.restarts, 1);
  await supervised.stop();
});

test('supervise: an asked-for restart is no failure, and ends a backoff', async () => {
  const supervised = superviseProcess({ name: 'sleeper', command: sleeper, restart: { initialMs: 60_000 }, ladder });
  await supervised.whenRunning();
  const running = until(supervised, 'running');
  await supervised.restart('test');
  await running;
  assert.equal(supervised.restarts, 0);
  const [backoff, again] = [until(supervised, 'backoff'), until(supervised, 'running')];
  supervised.kill('SIGKILL');
  await backoff;
  await supervised.restart('test');
  await again;
  await supervised.stop();
});

test('supervise: a process that outlives its supervisor is adopted by the next, with its count', () =>
  withTempFolder(async (folder) => {
    const options = {
      name: 'sleeper',
      command: sleeper,
      recordFile: join(folder, 'record.json'),
      fingerprint: 'a',
      restart: { initialMs: 5 },
      ladder,
    };
    const first = superviseProcess(options);
    await first.whenRunning();
    const running = until(first, 'running');
    first.kill('SIGKILL');
    const { pid } = await running;
    const detached = until(first, 'detached');
    first.detach();
    await detached;

    const second = superviseProcess(options);
    assert.deepEqual(await until(second, 'running'), { kind: 'running', pid, adopted: true });
    assert.equal(second.restarts, 1);
    const restarted = until(second, 'running');
    const killedAt = performance.now();
    process.kill(pid, 'SIGKILL');
    assert.equal((await restarted).adopted, false);
    await assertWithin(performance.now() - killedAt, 400, 'noticed and started again');
    assert.equal(second.restarts, 2);
    await second.stop();
    assert.equal(existsSync(options.recordFile), false);
  }));

test('supervise: a recorded process of another fingerprint is replaced', () =>
  withTempFolder(async (folder) => {
    const options = { name: 'sleeper', command: sleeper, recordFile: join(folder, 'record.json'), ladder };
    const first = superviseProcess({ ...options, fingerprint: 'a' });
    await first.whenRunning();
    const old = first.identity;
    first.detach();
    const second = superviseProcess({ ...options, fingerprint: 'b' });
    await second.whenRunning();
    assert.ok(old !== undefined && !isSameProcess(old));
    assert.notEqual(second.identity?.pid, old.pid);
    await second.stop();
  }));

test('supervise: a recorded process that is only to be renewed goes on with its work, and is started anew after it', () =>
  withTempFolder(async (folder) => {
    const script = 'trap "touch asked" HUP; touch ready; while [ ! -e over ]; do sleep 0.02; done';
    const options = {
      name: 'worker',
      command: (): SpawnOptions => ({ command: 'sh', args: ['-c', script], cwd: folder }),
      recordFile: join(folder, 'record.json'),
      fingerprint: 'same',
      restart: { immediate: 0, initialMs: 3_600_000 },
      ladder,
    };
    const first = superviseProcess({ ...options, renewal: { fingerprint: 'a', signal: 'SIGHUP' } });
    await first.whenRunning();
    const old = first.identity;
    assert.ok(old);
    await waitFor(() => existsSync(join(folder, 'ready')), { what: 'its trap' });
    first.detach();
    const second = superviseProcess({ ...options, renewal: { fingerprint: 'b', signal: 'SIGHUP' } });
    assert.deepEqual(await until(second, 'running'), { kind: 'running', pid: old.pid, adopted: true });
    await waitFor(() => existsSync(join(folder, 'asked')), { what: 'the signal' });
    assert.ok(isSameProcess(old));
    const renewed = until(second, 'running');
    writeFileSync(join(folder, 'over'), '');
    // Not after the backoff of an hour: nothing has failed.
    assert.equal((await renewed).adopted, false);
    assert.equal(second.restarts, 0);
    await second.stop();
  }));
