/** Promise: a start that cannot succeed says what is in the way, and who; what is missing but not essential is named by what still runs. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { runWeir } from '../apps/testing/run-weir.js';
import type { SystemHealth } from '../contracts/index.js';
import { findProgram } from '../supervisor/index.js';
import { waitFor, withTempFolder } from '../testkit/index.js';
import { listProcesses, startWeir } from './weir.js';

const anyPorts = ['--port', '-1', '--nats-port', '-1', '--websocket-port', '-1'];

/** A start that must fail: its exit code and last words. Nothing of it may still run afterwards. */
async function failedStart(folder: string, args: readonly string[], env: Record<string, string> = {}) {
  const result = await runWeir(folder, ['up', ...args], { env });
  assert.notEqual(result.code, 0, result.out);
  assert.equal(result.out, '', 'nothing is called ready');
  await waitFor(() => !listProcesses().some(({ pid, command }) => pid !== process.pid && command.includes(folder)), {
    deadlineMs: 10_000,
    what: 'the end of all that was started',
  });
  return result.err;
}

async function withTakenPort(run: (port: number) => Promise<void>): Promise<void> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    await run((server.address() as AddressInfo).port);
  } finally {
    server.close();
  }
}

function program(folder: string, name: string, script: string): string {
  const file = join(folder, name);
  writeFileSync(file, `#!/bin/sh\n${script}\n`);
  chmodSync(file, 0o755);
  return file;
}

describe('a start that cannot succeed', () => {
  for (const [option, key] of [
    ['--port', 'http.port'],
    ['--nats-port', 'nats.port'],
    ['--websocket-port', 'nats.websocket_port'],
  ] as const) {
    test(`${option} is taken: the port, the process that holds it and the setting are named`, () =>
      withTempFolder((folder) =>
        withTakenPort(async (port) => {
          const args = anyPorts.map((arg, index) => (anyPorts[index - 1] === option ? String(port) : arg));
          const words = await failedStart(folder, args);
          assert.match(words, new RegExp(`${port}`));
          assert.match(words, new RegExp(`process ${process.pid}\\b`));
          assert.match(words, new RegExp(key.replace('.', '\\.')));
        }),
      ));
  }

  test('the folder is in use: the process that holds it is named, and goes on undisturbed', async () => {
    await using weir = await startWeir({ env: { WEIR_STREAMS_TEST_PICTURE: 'false' } });
    // The later of two flags holds; the first is the helper's own.
    const second = await runWeir(weir.dataFolder, ['--data-dir', weir.dataFolder, 'up', ...anyPorts]);
    assert.equal(second.code, 1, second.err);
    assert.match(second.err, new RegExp(`held for the hub by process ${weir.pid}\\b`));
    assert.equal((await fetch(`${weir.url}/health`)).status, 200);
  });

  test('a bad value in the file: key, value and file are named', () =>
    withTempFolder(async (folder) => {
      writeFileSync(join(folder, 'weir.yaml'), 'http:\n  port: eighty\nnats:\n  prot: 1\n');
      const words = await failedStart(folder, []);
      assert.match(words, /http\.port: .*"eighty" \(from file .*weir\.yaml\)/);
      assert.match(words, /nats\.prot: is no setting .*did you mean nats\.port\?/);
    }));

  test('nats-server is missing, is something else, or is too old', () =>
    withTempFolder(async (folder) => {
      mkdirSync(join(folder, 'bin'));
      const rows: [binary: string, words: RegExp][] = [
        [join(folder, 'none'), /nats-server was not found/],
        [program(folder, 'other', 'echo hello'), /other.*is not|does not|no nats-server/s],
        [program(folder, 'old', 'echo "nats-server: v2.1.9"'), /2\.1\.9.*2\.9|too old/s],
      ];
      for (const [binary, words] of rows) assert.match(await failedStart(folder, anyPorts, { WEIR_NATS_BINARY: binary }), words);
    }));

  test('the data folder cannot be made', () =>
    withTempFolder(async (folder) => {
      writeFileSync(join(folder, 'data'), 'a file');
      assert.match(await failedStart(folder, anyPorts), /data.*(cannot be written|ENOTDIR|EEXIST)/s);
    }));
});

describe('without FFmpeg', () => {
  test('the hub runs, streams say ffmpeg_missing, doctor explains; once it is there the stream plays', async () => {
    await withTempFolder(async (folder) => {
      const missing = { WEIR_FFMPEG_FFMPEG: join(folder, 'no-ffmpeg'), WEIR_FFMPEG_FFPROBE: join(folder, 'no-ffprobe') };
      await using weir = await startWeir({ dataFolder: join(folder, 'data'), env: missing });
      const stream = await weir.streamWhen('test', ({ status }) => status?.reason === 'ffmpeg_missing', 'a reason', 30_000);
      assert.equal(stream.status?.state, 'error');
      assert.match(stream.status?.error ?? '', /no-ffmpeg was not found/);
      const health = await weir.api<SystemHealth>('GET', '/health/detailed');
      assert.notEqual(health.status, 'healthy');
      const still = await weir.request('GET', '/api/v1/streams/test/still.jpg');
      assert.equal(still.status, 503, await still.text());
      const doctor = await runWeir(folder, ['doctor'], { env: missing });
      assert.equal(doctor.code, 1);
      assert.match(doctor.out, /ERROR +ffmpeg/);
      // Installed meanwhile: nothing but the stream has to be started again.
      for (const tool of ['ffmpeg', 'ffprobe']) symlinkSync(findProgram(tool), join(folder, `no-${tool}`));
      await weir.api('POST', '/api/v1/streams/test/restart');
      await weir.streamWhen('test', ({ status }) => status?.state === 'running', 'running', 30_000);
    });
  });
});
