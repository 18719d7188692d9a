import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { cliFile } from '../version.js';
import { startFakeHub } from './testing/fake-hub.js';

const lines = 5000;
const items = Array.from({ length: lines }, (_none, at) => ({
  job_id: 'job1',
  level: 'info' as const,
  message: `line ${at} ${'x'.repeat(60)}`,
  timestamp: '2026-05-01T12:00:00.000Z',
}));

function runPiped(url: string) {
  const { PATH } = process.env;
  const child = spawn(process.execPath, [cliFile, '--url', url, 'job', 'log', 'job1', '--limit', String(lines)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...(PATH === undefined ? {} : { PATH }), WEIR_TOKEN: 'token' },
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  return { child, said: () => said };
}

test('an answer that is longer than a pipe holds arrives whole', async () => {
  await using hub = await startFakeHub({ job_log: () => ({ items }) });
  const { child, said } = runPiped(hub.url);
  const parts: Buffer[] = [];
  for await (const part of child.stdout) parts.push(part as Buffer);
  const text = Buffer.concat(parts).toString();
  assert.equal(said(), '');
  assert.ok(text.length > 4 * 65_536, `${text.length} characters`);
  assert.equal(text.trimEnd().split('\n').length, lines);
  assert.match(text.trimEnd().split('\n').at(-1) ?? '', new RegExp(`line ${lines - 1} `));
});

test('a reader that goes away early is no fault', async () => {
  await using hub = await startFakeHub({ job_log: () => ({ items }) });
  const { child, said } = runPiped(hub.url);
  child.stdout.once('data', () => child.stdout.destroy());
  const [code] = (await once(child, 'close')) as [number | null];
  assert.deepEqual([code, said()], [0, '']);
});
