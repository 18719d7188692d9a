import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { withTempFolder } from '../testkit/index.js';
import { startFakeHub } from './cli/testing/fake-hub.js';
import { loadConfig } from './config.js';
import { dataFolderAt } from './data-folder.js';
import { checkCameraParts } from './doctor-cameras.js';
import type { Finding } from './finding.js';

function look(folder: string, flags: Record<string, unknown>): Promise<Finding[]> {
  const { config } = loadConfig({ environment: {}, folder, flags: { 'cameras.discover': false, ...flags } });
  return checkCameraParts(config, dataFolderAt(config.data_dir));
}

const about = (findings: readonly Finding[], check: string) => findings.filter((finding) => finding.check === check);

test('the gateway is judged by what it is and how old', async () => {
  await withTempFolder(async (folder) => {
    const fake = (name: string, script: string) => {
      const file = join(folder, name);
      writeFileSync(file, `#!/bin/sh\n${script}\n`);
      chmodSync(file, 0o755);
      return file;
    };
    const cases: [flags: Record<string, unknown>, level: Finding['level'], text: RegExp][] = [
      [{ 'gateway.kind': 'builtin' }, 'ok', /builtin/],
      [{ 'gateway.binary': fake('new', 'echo v1.20.1') }, 'ok', /MediaMTX v1\.20\.1/],
      [{ 'gateway.binary': fake('old', 'echo v1.15.1') }, 'error', /too old/],
      [{ 'gateway.binary': fake('other', 'exit 3') }, 'error', /does not tell its version/],
      [{ 'gateway.kind': 'mediamtx', 'gateway.binary': join(folder, 'none') }, 'error', /was not found, but gateway\.kind asks for it/],
      [{ 'gateway.url': 'http://127.0.0.1:9' }, 'error', /does not answer at/],
    ];
    for (const [flags, level, text] of cases) {
      const [finding] = about(await look(folder, flags), 'gateway');
      assert.equal(finding?.level, level, JSON.stringify(finding));
      assert.match(finding?.message ?? '', text);
    }
    const binary = fake('good', 'echo v1.20.1');
    const opens = about(await look(folder, { 'gateway.binary': binary, 'gateway.bitrate_kbps': 750 }), 'gateway')[1];
    assert.match(opens?.message ?? '', /at 750 kbit\/s: so they are watched and recorded/);
    assert.match(opens?.hint ?? '', /gateway\.open_cameras/);
    const handsOn = about(await look(folder, { 'gateway.binary': binary, 'gateway.open_cameras': false }), 'gateway')[1];
    assert.match(handsOn?.message ?? '', /^Weir opens V4L2 cameras/);
  });
});

test('a MediaMTX elsewhere is asked for its version, with its login', async () => {
  const server = createServer((request, response) => {
    const isKnown = request.headers.authorization === `Basic ${Buffer.from('weir:pw').toString('base64')}`;
    response.writeHead(isKnown ? 200 : 401, { 'content-type': 'application/json' }).end(JSON.stringify(isKnown ? { version: 'v1.17.0' } : {}));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    await withTempFolder(async (folder) => {
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const [refused] = about(await look(folder, { 'gateway.url': url }), 'gateway');
      assert.match(refused?.message ?? '', /refuses the login/);
      const [known] = about(await look(folder, { 'gateway.url': url, 'gateway.api_user': 'weir', 'gateway.api_password': 'pw' }), 'gateway');
      assert.deepEqual([known?.level, known?.message.startsWith('MediaMTX v1.17.0')], ['ok', true]);
    });
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

test('room for recordings is judged by the limits that would block them', async () => {
  await withTempFolder(async (folder) => {
    const full = about(await look(folder, { 'storage.min_free_bytes': 2 ** 50 }), 'recordings');
    assert.deepEqual(
      full.map((finding) => finding.level),
      ['error'],
    );
    assert.match(full[0]?.message ?? '', /nothing new is recorded/);
    const roomy = about(
      await look(folder, { 'storage.min_free_bytes': 0, 'storage.warn_percent': 99.9, 'storage.block_percent': 100 }),
      'recordings',
    );
    assert.deepEqual(
      roomy.map((finding) => finding.level),
      ['ok'],
    );
  });
});

test('a hub that runs here is asked for its spokes, cameras, gateway and configuration', async () => {
  const at = '2026-05-01T12:00:00.000Z';
  const spoke = { host: 'h', pid: 1, version: '1', streams: [], capabilities: {}, cpu_percent: null, rss_bytes: null, last_seen_at: at };
  await using hub = await startFakeHub({
    list_spokes: () => ({
      items: [
        { spoke_id: 'local', state: 'online', ...spoke },
        { spoke_id: 'barn', state: 'lost', ...spoke },
      ],
    }),
    list_cameras: () => ({ items: [], total: 0, connected: 0, next_cursor: null }),
    get_gateway: () => ({ kind: 'mediamtx', state: 'circuit_open', managed: 'external', version: null, features: {}, error: 'no answer', since: at }),
    get_settings: () => ({ version: 1, file: null, writable: true, settings: [], needs_restart: ['http.port'], problem: 'weir.yaml:1:1: bad' }),
  });
  await withTempFolder(async (folder) => {
    mkdirSync(join(folder, 'data', 'run'), { recursive: true });
    writeFileSync(dataFolderAt(join(folder, 'data')).hubFile, JSON.stringify({ url: hub.url, pid: process.pid }));
    const findings = await look(folder, { 'gateway.kind': 'builtin' });
    const warnings = findings.filter((finding) => finding.level === 'warning').map((finding) => finding.message);
    assert.equal(warnings.filter((message) => /barn on h .* is lost/.test(message)).length, 1, warnings.join('\n'));
    for (const text of [
      /mediamtx: circuit_open, no answer/,
      /does not take the file: weir\.yaml:1:1: bad/,
      /not in effect before a restart: http\.port/,
    ])
      assert.ok(
        warnings.some((message) => text.test(message)),
        `${text} is not in ${warnings.join('\n')}`,
      );
    assert.ok(findings.some((finding) => finding.check === 'spokes' && finding.level === 'ok' && finding.message.startsWith('local')));
  });
});
