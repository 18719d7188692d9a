import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { withTempFolder } from '../../testkit/index.js';
import { runProgram } from '../ffmpeg/run-program.js';
import { findSandbox, sandboxCommand } from './sandbox.js';

const limits = { maxMemoryBytes: 1e9, maxCpuS: 10, maxOutputBytes: 1e6 };
const tools = await findSandbox();

describe('sandboxCommand', () => {
  test('puts limits and the missing network before the program', () => {
    const made = sandboxCommand(
      { command: 'ffmpeg', args: ['-i', 'x'] },
      { ...limits, maxFiles: 99 },
      { prlimit: '/bin/prlimit', withoutNetwork: ['/bin/unshare', '--net'] },
      2,
    );
    assert.equal(made.command, '/bin/unshare');
    assert.deepEqual(made.args, [
      '--net',
      '/bin/prlimit',
      `--as=${1e9 + 40 * 76 * 1_048_576}`,
      '--cpu=10',
      '--fsize=1000000',
      '--nofile=99',
      '--core=0',
      'ffmpeg',
      '-i',
      'x',
    ]);
  });
  test('leaves the command as it is where nothing can be limited', () => {
    assert.deepEqual(sandboxCommand({ command: 'ffmpeg', args: ['-i'] }, limits, { prlimit: undefined, withoutNetwork: [] }), {
      command: 'ffmpeg',
      args: ['-i'],
    });
  });
});

describe('within the sandbox', { skip: tools.prlimit === undefined ? 'no prlimit on this machine' : false }, () => {
  const run = async (command: string, args: string[], more: Partial<typeof limits> = {}) => {
    const made = sandboxCommand({ command, args }, { ...limits, ...more }, tools);
    return await runProgram(made.command, made.args, { timeoutMs: 60_000 });
  };

  test('a file ends at its limit', async () => {
    await withTempFolder(async (folder) => {
      const out = await run('ffmpeg', ['-nostdin', '-f', 'lavfi', '-i', 'nullsrc=s=640x360:d=5', '-c:v', 'rawvideo', join(folder, 'big.avi')]);
      assert.notEqual(out.code, 0);
    });
  });
  test('memory ends at its limit', async () => {
    const out = await run(process.execPath, ['-e', 'Buffer.alloc(8e9)'], { maxMemoryBytes: 2e9 });
    assert.notEqual(out.code, 0);
  });
  test('there is no network', { skip: tools.withoutNetwork.length === 0 ? 'the kernel does not let us' : false }, async () => {
    const script = "require('node:net').connect(1,'127.0.0.1').on('error',(error)=>{console.log(error.code);process.exit(3)})";
    const out = await run(process.execPath, ['-e', script], { maxMemoryBytes: 64e9 });
    assert.equal(out.code, 3);
    assert.equal(out.stdout.toString().trim(), 'ENETUNREACH');
  });
  test('the slowest preset works at 1080p with the default limit of memory', async () => {
    const encode = ['-c:v', 'libx264', '-preset', 'placebo', '-frames:v', '3', '-f', 'null', '-'];
    const out = await run('ffmpeg', ['-nostdin', '-f', 'lavfi', '-i', 'testsrc2=s=1920x1080', ...encode], {
      maxMemoryBytes: 4_294_967_296,
      maxCpuS: 600,
    });
    assert.equal(out.code, 0, out.stderr.slice(-500));
  });
});
