/** Everything runs, and the secrets that were given to it are nowhere to be read. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeTempFolder, removeFolder, waitFor } from '../testkit/index.js';
import { watchProcesses } from '../testkit/process-witness.js';
import { startRtspServer } from '../testkit/rtsp-server.js';
import { browser, startWeir } from './testing/run-weir.js';

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? filesBelow(path) : [path];
  });
}

test('camera and admin passwords show in no process, log, answer or file that others may read', async (t) => {
  const admin = `adm1n-${randomBytes(8).toString('hex')}`;
  const password = `c4m-${randomBytes(8).toString('hex')}`;
  const folder = await makeTempFolder('secrets');
  const camera = await startRtspServer({ credentials: { user: 'admin', password } });
  const device = camera.url.replace('//', `//admin:${password}@`);
  const weir = await startWeir(folder, { env: { WEIR_ADMIN_PASSWORD: admin, WEIR_LOG_LEVEL: 'debug' } });
  // From the ready line on: until it has read its environment, the hub's own user can see it there.
  const witness = await watchProcesses([admin, password]);
  try {
    const user = browser(weir.ready.url);
    await user.call('login', { body: { username: 'admin', password: admin } });
    const made = await user.call('create_stream', { body: { stream_id: 'cam', config: { device } } });
    const params = { stream_id: 'cam' };
    const cam = () => user.call('get_stream', { params });
    const until = (state: string) =>
      waitFor(async () => (await cam()).status?.state === state, { deadlineMs: 25_000, everyMs: 100, what: `${state}: ${weir.log()}` });
    await until('running');
    await user.call('create_user', { body: { username: 'viv', password: 'a good password', role: 'viewer' } });
    const viewer = browser(weir.ready.url);
    await viewer.call('login', { body: { username: 'viv', password: 'a good password' } });
    const answers: unknown[] = [made, await cam(), await viewer.call('list_streams'), await user.call('stream_command_preview', { params })];
    camera.cut();
    await camera.stop();
    await until('error');
    answers.push(
      await cam(),
      await user.call('stream_status', { params }),
      await user.call('list_alerts'),
      await user.call('list_audit'),
      await user.call('list_spokes'),
    );
    const metrics = await user.call('stream_history', { params }).catch(String);
    const said = JSON.stringify([answers, metrics, weir.log()]);
    for (const secret of [admin, password]) assert.ok(!said.includes(secret));
    const files = filesBelow(weir.ready.data_dir).map((path) => ({ path, mode: statSync(path).mode & 0o077, text: readFileSync(path, 'latin1') }));
    const telling = files.filter(({ text }) => text.includes(admin) || text.includes(password));
    t.diagnostic(`kept in ${telling.map(({ path }) => path.slice(weir.ready.data_dir.length + 1)).join(', ')}`);
    assert.deepEqual(
      telling.filter(({ path, mode }) => mode !== 0 || path.endsWith('.log')),
      [],
    );
  } finally {
    const seen = await witness.stop();
    await weir.end('SIGTERM');
    await removeFolder(folder);
    assert.deepEqual(seen.sightings, []);
  }
});
