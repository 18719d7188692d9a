import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { waitFor } from '../testkit/index.js';
import { coverArguments } from './argument-memory.js';
import { spawnProcess } from './process.js';

const program = `
  process.stdin.resume();
  console.log(JSON.stringify(process.argv.slice(1)));
  process.stdin.on('end', () => {});
`;
const shownOf = (pid: number) => readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0').slice(0, -1);

test('arguments are hidden at once, then shown again without their secrets; the process keeps them', async () => {
  const args = ['-e', program, '--', 'rtsp://me:geheim@host/geheim', 'x='];
  const lines: string[] = [];
  const child = await spawnProcess({ command: process.execPath, args, stdin: 'pipe', stdout: 'lines', onLine: (line) => lines.push(line) });
  try {
    const covered = await coverArguments(child.pid, process.execPath);
    assert.ok(covered.hiddenAfterMs !== undefined);
    assert.deepEqual(shownOf(child.pid), [process.execPath]);
    await waitFor(() => lines.length > 0);
    assert.equal((JSON.parse(lines[0] ?? '') as string[])[0], 'rtsp://me:geheim@host/geheim');
    assert.equal(covered.erase(['me:geheim', 'geheim']), true);
    assert.deepEqual(shownOf(child.pid).slice(-2), ['rtsp://*********@host/******', 'x=']);
  } finally {
    await child.stop();
  }
});

test('a process erases secrets from its own arguments, and keeps what it read', async () => {
  const module = new URL('./argument-memory.js', import.meta.url).href;
  const own = `
    import { readFileSync } from 'node:fs';
    import { eraseOwnArguments } from ${JSON.stringify(module)};
    eraseOwnArguments([process.argv[2]]);
    console.log(JSON.stringify([process.argv[2], readFileSync('/proc/self/cmdline', 'latin1').split('\\0').slice(-3, -1)]));
  `;
  const args = ['--input-type=module', '-e', own, '--', '--device', 'geheim'];
  const { exited } = await spawnProcess({ command: process.execPath, args, stdout: 'lines' });
  assert.deepEqual(JSON.parse((await exited).tail[0] ?? ''), ['geheim', ['--device', '******']]);
});

test('a process that is gone, or that is somebody else, is left alone', async () => {
  const child = await spawnProcess({ command: 'true' });
  await child.exited;
  const covered = await coverArguments(child.pid, 'true');
  assert.deepEqual([covered.hiddenAfterMs, covered.erase(['x'])], [undefined, false]);
});
