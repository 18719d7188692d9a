/** Promise: a disk without room stops recordings and nothing else, says why, and lets them go on as soon as there is room. */
import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Storage, SystemHealth } from '../contracts/index.js';
import { makeTempFolder, mountSmallDisk, removeFolder, type SmallDisk } from '../testkit/index.js';
import { breaksOf } from './pictures.js';
import { RecordedCamera } from './recorded-camera.js';
import { startWeir, type Weir } from './weir.js';

const noTestPicture = { WEIR_STREAMS_TEST_PICTURE: 'false' };
const roomy = {
  ...noTestPicture,
  WEIR_STORAGE_MIN_FREE_BYTES: '0',
  WEIR_VOD_MIN_FREE_BYTES: '0',
  WEIR_STORAGE_BLOCK_PERCENT: '100',
  WEIR_STORAGE_WARN_PERCENT: '99',
};

const healthOf = async (weir: Weir, part: string) =>
  (await weir.api<SystemHealth>('GET', '/health/detailed')).components.find((component) => component.name === part);

describe('a recording on a disk that fills up', () => {
  let disk: SmallDisk | undefined;
  let weir: Weir | undefined;

  before(async () => {
    disk = await mountSmallDisk(24);
  });
  after(async () => {
    await weir?.[Symbol.asyncDispose]();
    await disk?.remove();
  });

  test('it is blocked with its cause while the live picture goes on; with room again it records on in a new file', async (t) => {
    if (disk === undefined) {
      t.skip('this user may not mount a small disk');
      return;
    }
    weir = await startWeir({ env: { ...roomy, WEIR_RECORDINGS_FOLDER: disk.folder, WEIR_STORAGE_CHECK_S: '0.3' } });
    const hub = weir;
    const camera = await RecordedCamera.add(hub);
    const { recording_id } = await camera.start();
    await camera.goesOn(1);
    disk.fill(join(disk.folder, 'ballast'));
    const blocked = await camera.is('blocked');
    assert.ok(blocked.cause === 'disk_full' || blocked.cause === 'storage_blocked', String(blocked.cause));
    await camera.alertRaised('storage_blocked');
    const { progress } = await hub.stream(camera.id);
    await hub.streamWhen(camera.id, (now) => (now.progress?.frame ?? 0) > (progress?.frame ?? 0) + 15, 'plays on');
    assert.equal((await hub.request('POST', `/api/v1/streams/${camera.id}/recording`, {})).status, 409);
    rmSync(join(disk.folder, 'ballast'));
    await camera.when((now) => now.state === 'recording' && now.elapsed_s > blocked.elapsed_s + 1, 'goes on');
    await camera.alertOver('storage_blocked');
    await camera.stop();
    const files = await camera.counters(recording_id);
    assert.ok(files.length >= 2, `${files.length} files`);
    for (const counters of files) assert.deepEqual(breaksOf(counters), []);
    const gaps = await camera.gapsOf(recording_id);
    assert.ok(gaps.length >= 1 && gaps.every((cause) => cause === 'disk_full' || cause === 'storage_blocked' || cause === 'starting'), String(gaps));
  });
});

describe('thresholds of the storage', () => {
  let weir: Weir;
  let camera: RecordedCamera;
  let folder: string;

  before(async () => {
    folder = await makeTempFolder('weir-e2e-thresholds-');
    // More than any disk has: blocked from the start.
    writeFileSync(
      join(folder, 'weir.yaml'),
      'storage:\n  min_free_bytes: 4000000000000000\n  block_percent: 100\n  warn_percent: 99\n  check_s: 0.3\n',
    );
    weir = await startWeir({ dataFolder: folder, env: noTestPicture });
    camera = await RecordedCamera.add(weir);
  });
  after(async () => {
    await weir?.[Symbol.asyncDispose]();
    await removeFolder(folder);
  });

  test('no room: a start is refused with what to do, the alert is there, health says so, and a plan waits', async () => {
    const answer = await weir.request('POST', `/api/v1/streams/${camera.id}/recording`, {});
    assert.equal(answer.status, 409);
    const problem = (await answer.json()) as { facts?: { state?: string }; hint?: string };
    assert.equal(problem.facts?.state, 'storage_blocked');
    assert.ok(problem.hint);
    assert.equal((await weir.api<Storage>('GET', '/api/v1/storage')).state, 'blocked');
    await camera.alertRaised('storage_blocked');
    assert.equal((await healthOf(weir, 'storage'))?.status, 'unhealthy');
    await weir.api('PUT', `/api/v1/streams/${camera.id}/recording/policy`, { mode: 'always' });
    assert.equal((await camera.is('blocked')).cause, 'storage_blocked');
  });

  test('more room is allowed: it records at once, without a restart; less, and it is blocked again', async () => {
    await weir.api('PATCH', '/api/v1/config', { changes: { 'storage.min_free_bytes': 0 } });
    await camera.goesOn(1);
    await camera.alertOver('storage_blocked');
    await weir.api('PATCH', '/api/v1/config', { changes: { 'storage.min_free_bytes': 4_000_000_000_000_000 } });
    assert.equal((await camera.is('blocked')).cause, 'storage_blocked');
    await weir.api('PATCH', '/api/v1/config', { changes: { 'storage.min_free_bytes': 0 } });
    const { recording_id } = await camera.is('recording');
    await camera.goesOn(1);
    assert.ok((await camera.gapsOf(recording_id)).every((cause) => cause === 'storage_blocked' || cause === 'starting'));
  });

  test('there is room again while no hub runs: the next one ends the alert', async () => {
    await weir.api('PATCH', '/api/v1/config', { changes: { 'storage.min_free_bytes': 4_000_000_000_000_000 } });
    await camera.alertRaised('storage_blocked');
    await weir.stop();
    writeFileSync(join(folder, 'weir.yaml'), 'storage:\n  min_free_bytes: 0\n  block_percent: 100\n  warn_percent: 99\n  check_s: 0.3\n');
    await weir.start();
    await camera.alertOver('storage_blocked');
    await camera.goesOn(1);
  });
});
