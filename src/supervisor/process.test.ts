import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { WeirError } from '../contracts/errors.js';
import { assertNoLeaks, countResources, waitFor, withDeadline, withTempFolder } from '../testkit/index.js';
import { isSameProcess, processIdentity } from './identity.js';
import { hasParentDeathSignal } from './parent-death.js';
import { describeExit, type SpawnOptions, spawnProcess } from './process.js';

/** A fake program: a few lines of shell, as a process of its own. */
const script = (text: string): Pick<SpawnOptions, 'command' | 'args'> => ({ command: 'sh', args: ['-c', text] });

/** Starts a script and waits until it has said `ready` on stderr, that is, until its traps are set. */
async function startReady(text: string, options: Partial<SpawnOptions> = {}) {
  const run = await spawnProcess({ ...script(text), ...options });
  await waitFor(() => run.tail().includes('ready'), { what: 'the script', everyMs: 2 });
  return run;
}

const quick = [
  { signal: 'SIGINT', waitMs: 150 },
  { signal: 'SIGTERM', waitMs: 150 },
  { signal: 'SIGKILL', waitMs: 2000 },
] as const;

test('process: an ordinary end is reported with output, and leaves nothing', async () => {
  const before = countResources();
  const lines: string[] = [];
  const run = await spawnProcess({ ...script('echo out; echo err >&2'), stdout: 'lines', onLine: (line, from) => lines.push(`${from} ${line}`) });
  const report = await run.exited;
  assert.deepEqual(lines.sort(), ['stderr err', 'stdout out']);
  assert.equal(report.exitCode, 0);
  assert.equal(report.signal, null);
  assert.equal(report.stoppedByUs, null);
  assert.equal(report.killed, false);
  assert.equal(report.command[0], 'sh');
  await assertNoLeaks(before);
});

test('process: a failure keeps exit code and last lines, half a line included', async () => {
  const run = await spawnProcess(script('echo first >&2; printf "no line end" >&2; exit 3'));
  const report = await run.exited;
  assert.equal(report.exitCode, 3);
  assert.deepEqual(report.tail, ['first', 'no line end']);
  assert.match(describeExit(report), /^sh ended with exit code 3 after \d+\.\d s$/);
});

test('process: arguments reach the program as they are', async () => {
  const odd = ['a b', '$HOME', '"; echo no', '*'];
  const run = await spawnProcess({ command: 'printf', args: ['%s\n', ...odd], stdout: 'lines' });
  assert.deepEqual((await run.exited).tail, odd);
});

test('process: only the variables that programs need are passed on', async () => {
  process.env.WEIR_TEST_SECRET = 'hidden';
  const run = await spawnProcess({ command: 'env', stdout: 'lines', env: { GIVEN: 'yes' }, lines: { tail: 100 } });
  const variables = (await run.exited).tail.join('\n');
  assert.doesNotMatch(variables, /hidden/);
  assert.match(variables, /GIVEN=yes/);
  assert.match(variables, /PATH=/);
});

const failures: { name: string; code: string; options: (folder: string) => Promise<SpawnOptions> }[] = [
  { name: 'a missing program', code: 'not_found', options: async () => ({ command: 'no-such-program-here' }) },
  { name: 'a missing path', code: 'not_found', options: async (folder) => ({ command: join(folder, 'nothing') }) },
  {
    name: 'a missing working folder',
    code: 'not_found',
    options: async (folder) => ({ command: 'true', cwd: join(folder, 'nothing'), dieWithParent: false }),
  },
  {
    name: 'a file that may not be run',
    code: 'permission_denied',
    options: async (folder) => {
      await writeFile(join(folder, 'text'), 'x', { mode: 0o600 });
      await chmod(join(folder, 'text'), 0o600);
      return { command: join(folder, 'text') };
    },
  },
  { name: 'a signal that is aborted already', code: 'cancelled', options: async () => ({ command: 'true', signal: AbortSignal.abort() }) },
];

for (const row of failures) {
  test(`process: ${row.name} is ${row.code}, with a hint`, () =>
    withTempFolder(async (folder) => {
      const error = await spawnProcess(await row.options(folder)).then(
        () => assert.fail('started'),
        (thrown: unknown) => thrown,
      );
      assert.ok(error instanceof WeirError);
      assert.equal(error.code, row.code);
      if (row.code !== 'cancelled') assert.ok(error.hint);
    }));
}

const stops: { name: string; text: string; signal: string | null; exitCode: number | null; killed: boolean }[] = [
  { name: 'ends on SIGINT', text: 'trap "exit 7" INT; echo ready >&2; while :; do sleep 0.02; done', signal: null, exitCode: 7, killed: false },
  {
    name: 'ignores SIGINT',
    text: 'trap "" INT; trap "exit 8" TERM; echo ready >&2; while :; do sleep 0.02; done',
    signal: null,
    exitCode: 8,
    killed: false,
  },
  {
    name: 'ignores all it can',
    text: 'trap "" INT TERM; echo ready >&2; while :; do sleep 0.02; done',
    signal: 'SIGKILL',
    exitCode: null,
    killed: true,
  },
];

for (const row of stops) {
  test(`process: a program that ${row.name} is stopped`, async () => {
    const run = await startReady(row.text);
    const report = await run.stop({ reason: 'test', ladder: quick });
    assert.deepEqual([report.signal, report.exitCode, report.killed, report.stoppedByUs], [row.signal, row.exitCode, row.killed, 'test']);
    assert.equal(isSameProcess(run.identity), false);
  });
}

test('process: a program that is halted still gets to end in order', async () => {
  const run = await startReady('trap "exit 9" INT; echo ready >&2; while :; do sleep 0.02; done');
  run.kill('SIGSTOP');
  assert.equal((await run.stop({ ladder: [{ signal: 'SIGINT', waitMs: 2000 }, ...quick] })).exitCode, 9);
});

test('process: the whole group ends, by stop and by the end of its leader', async () => {
  const stopped = await startReady('sleep 100 & echo child $! >&2; echo ready >&2; wait');
  const ended = await spawnProcess(script('sleep 100 & echo child $! >&2'));
  const [first, second] = [await stopped.stop({ ladder: quick }), await withDeadline(ended.exited, 2000)];
  for (const report of [first, second]) {
    const pid = Number(report.tail.find((line) => line.startsWith('child'))?.split(' ')[1]);
    assert.ok(pid > 1);
    await waitFor(() => processIdentity(pid) === undefined, { what: 'the end of the grandchild' });
  }
});

test('process: abort and timeout stop it, each with its reason', async () => {
  const controller = new AbortController();
  const aborted = await spawnProcess({ command: 'sleep', args: ['100'], signal: controller.signal, ladder: quick });
  controller.abort();
  assert.equal((await aborted.exited).stoppedByUs, 'aborted');
  const late = await spawnProcess({ command: 'sleep', args: ['100'], timeoutMs: 30, ladder: quick });
  const report = await late.exited;
  assert.deepEqual([report.stoppedByUs, report.timedOut], ['timeout', true]);
});

test('process: a flood on stderr is counted, not kept', async () => {
  const before = process.memoryUsage().rss;
  let handed = 0;
  const run = await spawnProcess({
    ...script('yes "a line of noise" | head -n 2000000 >&2; echo last >&2'),
    onLine: () => handed++,
    lines: { perSecond: 100 },
  });
  const report = await run.exited;
  const seconds = report.durationMs / 1000;
  assert.ok(handed <= 100 * (Math.ceil(seconds) + 1), `${handed} lines in ${seconds} s`);
  assert.equal(handed + report.suppressedLines, 2_000_001);
  assert.equal(report.tail.at(-1), 'last');
  assert.ok(process.memoryUsage().rss - before < 64 * 1024 * 1024, 'memory grew with the flood');
});

test('process: raw output waits for its reader, and further pipes are read', async () => {
  const run = await spawnProcess({ ...script('echo progress >&3; head -c 8000000 /dev/zero; echo done >&2'), stdout: 'pipe', extraPipes: 1 });
  const [pipe] = run.pipes;
  assert.ok(pipe !== undefined && run.stdout !== null);
  const [chunk] = await withDeadline(new Promise<Buffer[]>((resolve) => pipe.once('data', (...data: Buffer[]) => resolve(data))), 2000);
  assert.equal(String(chunk), 'progress\n');
  // Nobody reads yet, so the writer cannot have come to its end.
  assert.deepEqual(run.tail(), []);
  let bytes = 0;
  for await (const part of run.stdout) bytes += (part as Buffer).length;
  assert.equal(bytes, 8_000_000);
  assert.deepEqual((await run.exited).tail, ['done']);
});

test('process: output can go to a file', () =>
  withTempFolder(async (folder) => {
    const file = join(folder, 'log');
    await (await spawnProcess({ ...script('echo one; echo two >&2'), stdout: { file }, stderr: { file } })).exited;
    assert.deepEqual((await readFile(file, 'utf8')).trim().split('\n').sort(), ['one', 'two']);
  }));

test('process: children die with a killed parent', { skip: hasParentDeathSignal() ? false : 'setpriv cannot arrange it here' }, async () => {
  const module = JSON.stringify(fileURLToPath(new URL('./process.js', import.meta.url)));
  const program = `import { spawnProcess } from ${module}; const run = await spawnProcess({ command: 'sleep', args: ['100'] }); console.log(run.pid);`;
  const lines: string[] = [];
  const parent = await spawnProcess({
    command: process.execPath,
    args: ['--input-type=module', '-e', program],
    stdout: 'lines',
    onLine: (line) => lines.push(line),
  });
  const pid = await waitFor(() => lines[0] !== undefined && Number(lines[0]), { what: 'the pid of the grandchild' });
  const identity = processIdentity(pid);
  // Only the parent itself, not its group: the kernel has to do the rest.
  process.kill(parent.pid, 'SIGKILL');
  assert.ok(identity);
  await waitFor(() => !isSameProcess(identity), { what: 'the end of the grandchild' });
  await parent.exited;
});

test('process: 150 short lives leave no zombie and no descriptor', async () => {
  const before = countResources();
  for (let round = 0; round < 15; round++) {
    const runs = await Promise.all(Array.from({ length: 10 }, () => spawnProcess({ command: 'true', extraPipes: 1, stdout: 'pipe' })));
    for (const run of runs) {
      run.stdout?.resume();
      for (const pipe of run.pipes) pipe.resume();
    }
    await Promise.all(runs.map((run) => run.exited));
  }
  await assertNoLeaks(before);
});

test('texts reach the child as descriptors and standard input, and leave no file behind', async () => {
  const before = new Set(readdirSync('/dev/shm'));
  const child = await spawnProcess({
    command: 'sh',
    args: ['-c', 'cat; cat <&4; cat /dev/fd/5 /dev/fd/5; echo done >&3'],
    stdin: { text: 'one\n' },
    stdout: 'lines',
    extraPipes: 1,
    texts: ['two\n', 'three\n'],
  });
  const [pipe, ...others] = child.pipes;
  assert.ok(pipe !== undefined && others.length === 0);
  const [progress] = (await once(pipe, 'data')) as [Buffer];
  assert.equal(progress.toString(), 'done\n');
  const { tail, exitCode } = await child.exited;
  assert.deepEqual([exitCode, tail], [0, ['one', 'two', 'three', 'three']]);
  assert.deepEqual(
    readdirSync('/dev/shm').filter((name) => name.startsWith('weir-') && !before.has(name)),
    [],
  );
});
