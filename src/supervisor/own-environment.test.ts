import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';

const module = new URL('./own-environment.js', import.meta.url).href;
const program = `
  import { execFileSync } from 'node:child_process';
  import { readFileSync } from 'node:fs';
  import { takeEnvironment } from ${JSON.stringify(module)};
  const taken = takeEnvironment((name) => name.startsWith('TEST_SECRET'));
  const child = execFileSync('/usr/bin/env').toString();
  console.log(JSON.stringify({
    taken: taken.TEST_SECRET_A,
    own: process.env.TEST_SECRET_A ?? null,
    rest: [process.env.TEST_OTHER, process.env.PATH !== undefined],
    environ: readFileSync('/proc/self/environ', 'latin1').split('\\0').filter((entry) => entry.startsWith('TEST_')),
    child: child.split('\\n').filter((entry) => entry.startsWith('TEST_')),
  }));
`;

test('secrets are read once, inherited by nobody and gone from /proc', async () => {
  const env = { PATH: process.env.PATH ?? '', TEST_SECRET_A: 'geheim=4711', TEST_OTHER: 'plain', TEST_SECRET_B: '' };
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  await once(child, 'close');
  assert.deepEqual(JSON.parse(output), {
    taken: 'geheim=4711',
    own: null,
    rest: ['plain', true],
    environ: ['TEST_SECRET_A=***********', 'TEST_OTHER=plain', 'TEST_SECRET_B='],
    child: ['TEST_OTHER=plain'],
  });
});
