import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { WeirError } from '../contracts/errors.js';
import { waitFor, withTempFolder } from '../testkit/index.js';
import { acquireFileLock } from './file-lock.js';
import { describeProcess, findListener, findProcessesByArguments, isSameProcess, processIdentity } from './identity.js';
import { recordProcess, sweepOrphans } from './pid-records.js';
import { spawnProcess } from './process.js';
import { createFamilySampler, createProcessSampler } from './process-stats.js';

const deadOwner = { pid: process.pid, started: 'another time' };

test('identity: a process is itself, and not one that had its number at another time', () => {
  const me = processIdentity(process.pid);
  assert.ok(me !== undefined && isSameProcess(me));
  assert.equal(isSameProcess({ ...me, started: `${me.started}x` }), false);
  assert.equal(processIdentity(2 ** 30), undefined);
  assert.equal(processIdentity(-1), undefined);
  assert.match(describeProcess(process.pid) ?? '', /node/);
});

test('identity: a process is found by an argument, and gone when it ended', async () => {
  const mark = `7${process.pid}.25`;
  const run = await spawnProcess({ command: 'sleep', args: [mark] });
  await waitFor(() => findProcessesByArguments(mark).length === 1);
  assert.deepEqual(findProcessesByArguments('-c', mark), [], 'only all of them in a row count');
  assert.deepEqual(findProcessesByArguments(mark.slice(0, -1)), [], 'a part of an argument does not count');
  assert.deepEqual(findProcessesByArguments(mark), [processIdentity(run.pid)]);
  await run.stop();
  assert.deepEqual(findProcessesByArguments(mark), []);
});

test('identity: the holder of a port is named', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  assert.equal(findListener(port)?.pid, process.pid);
  server.close();
  await once(server, 'close');
  assert.equal(findListener(port), undefined);
});

test('stats: a busy process shows its cost, a dead one none', async () => {
  const busy = await spawnProcess({ command: process.execPath, args: ['-e', 'for (;;) {}'] });
  const sampler = createProcessSampler(busy.pid);
  const stats = await waitFor(() => {
    const sample = sampler.sample();
    return sample !== undefined && sample.cpuPercent > 10 && sample;
  });
  assert.ok(stats.cpuPercent <= 250, `${stats.cpuPercent} %`);
  assert.ok(stats.rssBytes > 10_000_000 && stats.rssBytes < 500_000_000, `${stats.rssBytes} bytes`);
  const self = createProcessSampler(process.pid).sample();
  const ratio = (self?.rssBytes ?? 0) / process.memoryUsage.rss();
  assert.ok(ratio > 0.8 && ratio < 1.25, `own memory off by ${ratio}`);
  await busy.stop({ ladder: [{ signal: 'SIGKILL', waitMs: 2000 }] });
  assert.equal(sampler.sample(), undefined);
});

test('stats: a family is this process and its children, also those that have ended', async () => {
  let at = 0;
  const [meanwhile, afterwards] = [createFamilySampler(() => at), createFamilySampler(() => at)];
  const burn = 'while (process.cpuUsage().user < 600_000); console.log("burnt"); setTimeout(() => 0, 100_000)';
  const busy = await spawnProcess({ command: process.execPath, args: ['-e', burn], stdout: 'pipe' });
  await once(busy.stdout ?? assert.fail('no output'), 'data');
  at = 1000;
  const running = meanwhile.sample();
  const ownBytes = createProcessSampler(process.pid).sample()?.rssBytes ?? 0;
  assert.ok((running?.cpuPercent ?? 0) >= 59, `${running?.cpuPercent} %`);
  assert.ok((running?.rssBytes ?? 0) > ownBytes + 10_000_000, 'with the memory of the child');
  await busy.stop({ ladder: [{ signal: 'SIGKILL', waitMs: 2000 }] });
  const ended = afterwards.sample();
  assert.ok((ended?.cpuPercent ?? 0) >= 59, `${ended?.cpuPercent} %`);
});

test('records: children of a dead owner are killed, others left', () =>
  withTempFolder(async (folder) => {
    const orphan = await spawnProcess({ command: 'sleep', args: ['100'] });
    const ours = await spawnProcess({ command: 'sleep', args: ['100'] });
    const reused = { pid: ours.pid, started: 'another time' };
    recordProcess(folder, orphan.identity, 'sleep', deadOwner);
    const forget = recordProcess(folder, ours.identity, 'sleep');
    writeFileSync(join(folder, 'broken.json'), '{');
    const swept = await sweepOrphans(folder);
    assert.deepEqual(
      swept.map(({ pid }) => pid),
      [orphan.pid],
    );
    assert.equal((await orphan.exited).signal, 'SIGKILL');
    assert.ok(isSameProcess(ours.identity));
    forget();
    recordProcess(folder, reused, 'sleep', deadOwner);
    assert.deepEqual(await sweepOrphans(folder), []);
    assert.ok(isSameProcess(ours.identity), 'a number used anew must not be killed');
    await ours.stop();
    assert.deepEqual(await sweepOrphans(join(folder, 'missing')), []);
  }));

test('lock: one holder at a time, named in the refusal', () =>
  withTempFolder(async (folder) => {
    const path = join(folder, 'sub', 'lock');
    const lock = acquireFileLock(path, 'the test');
    assert.throws(
      () => acquireFileLock(path),
      (error: unknown) => error instanceof WeirError && error.code === 'failed_precondition' && error.message.includes(`process ${process.pid}`),
    );
    lock.release();
    const again = acquireFileLock(path);
    lock.release();
    assert.throws(() => acquireFileLock(path), 'a second release must not free the next holder');
    again.release();
  }));

const leftovers: { name: string; content: string; old?: boolean }[] = [
  { name: 'a dead process', content: JSON.stringify({ ...deadOwner, host: 'x', namespace: '', purpose: 'p' }), old: true },
  { name: 'nobody: an empty file', content: '' },
  { name: 'nobody: half a file', content: '{"pid": 1' },
];

for (const row of leftovers) {
  test(`lock: taken over from ${row.name}`, () =>
    withTempFolder(async (folder) => {
      const path = join(folder, 'lock');
      writeFileSync(path, row.content);
      if (row.old === true) {
        const { utimesSync } = await import('node:fs');
        const past = new Date(Date.now() - 60_000);
        utimesSync(path, past, past);
      }
      acquireFileLock(path).release();
    }));
}

test('lock: a holder in another container is believed while it gives signs of life', () =>
  withTempFolder(async (folder) => {
    const path = join(folder, 'lock');
    writeFileSync(path, JSON.stringify({ pid: process.pid, started: 'elsewhere', host: 'other-host', namespace: 'pid:[1]', purpose: 'the hub' }));
    assert.throws(() => acquireFileLock(path), /other-host/);
  }));

test('lock: of five processes that find a stale lock, one gets it', () =>
  withTempFolder(async (folder) => {
    const path = join(folder, 'lock');
    const dead = await spawnProcess({ command: 'true' });
    await dead.exited;
    const { hostname } = await import('node:os');
    const { readlinkSync } = await import('node:fs');
    const content = { pid: dead.pid, started: '1@x', host: hostname(), namespace: readlinkSync('/proc/self/ns/pid'), purpose: 'p' };
    writeFileSync(path, JSON.stringify(content));
    const module = JSON.stringify(fileURLToPath(new URL('./file-lock.js', import.meta.url)));
    const program = `import { acquireFileLock } from ${module};
      try { acquireFileLock(${JSON.stringify(path)}); console.log('got'); } catch (error) { console.log(error.code); }
      process.stdin.resume();`;
    const lines: string[] = [];
    const runs = await Promise.all(
      Array.from({ length: 5 }, () =>
        spawnProcess({
          command: process.execPath,
          args: ['--input-type=module', '-e', program],
          stdin: 'pipe',
          stdout: 'lines',
          onLine: (line) => lines.push(line),
        }),
      ),
    );
    await waitFor(() => lines.length === 5, { what: 'all five', deadlineMs: 10_000 });
    for (const run of runs) run.stdin?.end();
    await Promise.all(runs.map((run) => run.exited));
    assert.deepEqual(lines.sort(), ['failed_precondition', 'failed_precondition', 'failed_precondition', 'failed_precondition', 'got']);
  }));
