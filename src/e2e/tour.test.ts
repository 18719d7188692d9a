/** Promise: the ten-minute tour works as it is written. Its blocks are run in order, in one shell, against a fresh Weir. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { withTempFolder } from '../testkit/index.js';
import { startWeir, type Weir } from './weir.js';

const tour = readFileSync(join('docs', 'tour.md'), 'utf8');
const blocks = [...tour.matchAll(/^```sh\n([\s\S]*?)^```/gm)].map((match) => match[1] ?? '');

describe('the tour', () => {
  let weir: Weir;

  before(async () => {
    weir = await startWeir();
    await weir.streamWhen('test', (stream) => stream.status?.state === 'running', 'running');
  });
  after(async () => {
    await weir?.[Symbol.asyncDispose]();
  });

  test('every block runs as written', async () => {
    assert.ok(blocks.length >= 11, `${blocks.length} blocks`);
    await withTempFolder(async (folder) => {
      const root = process.cwd();
      const script = [
        'set -euo pipefail',
        `weir() { ${JSON.stringify(process.execPath)} ${JSON.stringify(join(root, 'bin', 'weir.mjs'))} "$@"; }`,
        `ln -s ${JSON.stringify(join(root, 'examples'))} examples`,
        ...blocks.map((block, index) => `echo "--- block ${index + 1}"\n${block}`),
      ].join('\n');
      const { code, output } = await runShell(script, folder, {
        WEIR_DATA_DIR: weir.dataFolder,
        WEIR_URL: weir.url,
        BUS: weir.ready.bus,
      });
      assert.equal(code, 0, output);
      for (const word of ['lobby', 'h264', 'start true', 'garden', 'Yard', 'yard.jpg', 'yard.mp4', 'duration=', 'Harbour'])
        assert.ok(output.includes(word), `${word} in:\n${output}`);
    });
    const { items } = await weir.api<{ items: { stream_id: string }[] }>('GET', '/api/v1/streams');
    assert.deepEqual(
      items.map((stream) => stream.stream_id),
      ['test'],
    );
  });
});

function runShell(script: string, cwd: string, env: Record<string, string>): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve) => {
    const child = spawn('bash', ['-c', script], { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'], timeout: 480_000 });
    let output = '';
    for (const pipe of [child.stdout, child.stderr]) pipe.on('data', (chunk) => (output += String(chunk)));
    child.on('close', (code) => resolve({ code, output }));
  });
}
