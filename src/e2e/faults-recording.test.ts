/** Promise: whatever fails while it records, what was recorded plays, what is missing has its true cause, and it goes on by itself. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { RecordingPolicy, Storage, SystemHealth } from '../contracts/index.js';
import { type FaultProxy, startFaultProxy } from '../testkit/fault-proxy.js';
import { waitFor } from '../testkit/index.js';
import { type RtspServer, startRtspServer } from '../testkit/rtsp-server.js';
import { breaksOf } from './pictures.js';
import { RecordedCamera } from './recorded-camera.js';
import { startWeir, type Weir } from './weir.js';

const roomy = {
  WEIR_STREAMS_TEST_PICTURE: 'false',
  WEIR_STORAGE_MIN_FREE_BYTES: '0',
  WEIR_VOD_MIN_FREE_BYTES: '0',
  WEIR_STORAGE_BLOCK_PERCENT: '100',
  WEIR_STORAGE_WARN_PERCENT: '99',
};

function pidOf(weir: Weir, program: RegExp): number {
  const found = weir.processes().find(({ command }) => program.test(command));
  assert.ok(found, `a process like ${program}`);
  return found.pid;
}

const healthOf = async (weir: Weir, part: string) =>
  (await weir.api<SystemHealth>('GET', '/health/detailed')).components.find((component) => component.name === part);

describe('a recording while others fail', () => {
  let weir: Weir;
  let camera: RecordedCamera;

  before(async () => {
    weir = await startWeir({ env: { ...roomy, WEIR_RECORDINGS_GAP_ALERT_S: '1' } });
    camera = await RecordedCamera.add(weir);
  });
  after(async () => {
    await weir?.[Symbol.asyncDispose]();
  });

  test('two starts at once: one begins, the other is told that it runs', async () => {
    const start = () => weir.request('POST', `/api/v1/streams/${camera.id}/recording`, { pre_roll_s: 0 });
    const answers = await Promise.all([start(), start(), start()]);
    const statuses = answers.map((answer) => answer.status).sort();
    assert.deepEqual(statuses, [201, 409, 409]);
    const { recording_id } = await camera.is('recording');
    await camera.goesOn(1);
    assert.equal((await camera.stop()).recording_id, recording_id);
    assert.equal((await camera.segments()).length, 1, 'one file, not three');
    assert.equal((await weir.request('DELETE', `/api/v1/streams/${camera.id}/recording`)).status, 409);
  });

  test('the broker stands still for a while: no frame is lost', async () => {
    const { recording_id } = await camera.start({ segment_s: 2 });
    await camera.goesOn(1);
    const broker = pidOf(weir, /nats-server/);
    process.kill(broker, 'SIGSTOP');
    try {
      const told = async () => (await healthOf(weir, 'broker'))?.status !== 'healthy';
      await waitFor(told, { deadlineMs: 15_000, everyMs: 100, what: 'the frozen broker told' });
    } finally {
      process.kill(broker, 'SIGCONT');
    }
    await camera.goesOn(3);
    await camera.stop();
    assert.deepEqual(breaksOf((await camera.counters(recording_id)).flat()), []);
    assert.deepEqual(await camera.gapsOf(recording_id), []);
  });

  test('the broker is replaced because it never wakes: no frame is lost', async () => {
    const { recording_id } = await camera.start({ segment_s: 2 });
    await camera.goesOn(1);
    const broker = pidOf(weir, /nats-server/);
    process.kill(broker, 'SIGSTOP');
    const isNew = () => weir.processes().some(({ pid, command }) => command.includes('nats-server') && pid !== broker);
    await waitFor(isNew, { deadlineMs: 40_000, everyMs: 100, what: 'another broker' });
    await camera.goesOn(3);
    await camera.stop();
    assert.deepEqual(breaksOf((await camera.counters(recording_id)).flat()), []);
    assert.deepEqual(await camera.gapsOf(recording_id), []);
  });

  test('the spoke is killed three times in a row: each run of it plays, each gap is named, the recording is still the same', async () => {
    const { recording_id } = await camera.start();
    for (let kills = 1; kills <= 3; kills++) {
      await camera.goesOn(1);
      process.kill(pidOf(weir, /cli\.js spoke/), 'SIGKILL');
      await camera.when((now) => now.segments >= kills && now.state === 'recording', `goes on after ${kills} kills`, 60_000);
    }
    await camera.goesOn(1);
    assert.equal((await camera.stop()).recording_id, recording_id);
    const files = await camera.counters(recording_id);
    assert.ok(files.length >= 4, `${files.length} files`);
    for (const counters of files) assert.deepEqual(breaksOf(counters), []);
    const gaps = await camera.gapsOf(recording_id);
    assert.equal(gaps.filter((cause) => cause === 'spoke_killed').length, 3, String(gaps));
    assert.ok(
      gaps.every((cause) => cause === 'spoke_killed' || cause === 'starting'),
      String(gaps),
    );
  });

  test('by size: the oldest are deleted, protected ones stay, and their time is told to be deleted', async () => {
    const wide = await RecordedCamera.add(weir, { name: 'Wide', resolution: '1280x720' });
    await wide.start({ segment_s: 2 });
    await wide.when((now) => now.segments >= 3 && now.size_bytes > 1_500_000, 'more than a megabyte in three files', 90_000);
    await wide.stop();
    const [oldest, second] = await wide.segments();
    assert.ok(oldest !== undefined && second !== undefined);
    const all = [...(await camera.segments()), ...(await wide.segments())];
    for (const segment of await camera.segments()) await weir.api('PATCH', `/api/v1/recordings/segments/${segment.filename}`, { protected: true });
    await weir.api('PATCH', `/api/v1/recordings/segments/${oldest.filename}`, { protected: true });
    await weir.api('PUT', '/api/v1/storage/retention', { policy_type: 'size', enabled: true, max_size_gb: 0.001 });
    const cleaned = await weir.api<{ files_deleted: number; space_freed: number }>('POST', '/api/v1/storage/cleanup');
    assert.ok(cleaned.files_deleted >= 1, JSON.stringify(cleaned));
    const left = [...(await camera.segments()), ...(await wide.segments())];
    assert.equal(left.length, all.length - cleaned.files_deleted);
    assert.ok(
      left.some((one) => one.filename === oldest.filename),
      'a protected file stays',
    );
    assert.ok(!left.some((one) => one.filename === second.filename), 'the oldest that is not protected goes first');
    const storage = await weir.api<Storage>('GET', '/api/v1/storage');
    assert.equal(
      storage.recordings_size,
      left.reduce((bytes, one) => bytes + one.file_size, 0),
    );
    const { spans } = await wide.coverage(Date.parse(second.started_at) + 100, Date.parse(second.ended_at) - 100);
    assert.deepEqual(
      spans.map((span) => [span.state, span.cause]),
      [['missing', 'deleted']],
    );
  });

  test('recorded always: it goes on after a stop and start of everything, and after everything was killed', async () => {
    const policy: RecordingPolicy = { mode: 'always', segment_s: 60 };
    await weir.api('PUT', `/api/v1/streams/${camera.id}/recording/policy`, policy);
    const first = await camera.is('recording');
    assert.equal(first.origin, 'always');
    await camera.goesOn(1);
    assert.equal((await weir.request('DELETE', `/api/v1/streams/${camera.id}/recording`)).status, 409, 'its plan is changed, not stopped');
    await weir.stop();
    await weir.start();
    await camera.goesOn(1);
    await weir.kill9();
    for (const { pid } of weir.processes()) process.kill(pid, 'SIGKILL');
    await waitFor(() => weir.processes().length === 0, { what: 'the end of all' });
    await weir.start();
    await camera.goesOn(1);
    const now = Date.now();
    const { spans } = await camera.coverage(Date.parse(first.started_at ?? '') + 1, now - 1000);
    const gaps = spans.filter((span) => span.state === 'missing').map((span) => span.cause);
    assert.ok(gaps.includes('spoke_stopped') && gaps.includes('spoke_killed'), JSON.stringify(spans));
    assert.ok(
      spans.every((span) => span.state !== 'unwanted' && (span.state === 'present' || span.cause !== undefined)),
      JSON.stringify(spans),
    );
    await weir.api('PUT', `/api/v1/streams/${camera.id}/recording/policy`, { mode: 'off' });
    await waitFor(async () => (await camera.recording()) === null, { deadlineMs: 20_000, what: 'its end' });
  });
});

describe('a recording of a camera that goes away', () => {
  let weir: Weir;
  let server: RtspServer;
  let proxy: FaultProxy;
  let camera: RecordedCamera;

  before(async () => {
    server = await startRtspServer();
    proxy = await startFaultProxy({ port: server.port });
    weir = await startWeir({ env: { ...roomy, WEIR_RECORDINGS_GAP_ALERT_S: '1' } });
    camera = await RecordedCamera.add(weir, {
      source: server.url.replace(`:${server.port}`, `:${proxy.port}`),
      resolution: undefined,
      framerate: undefined,
    });
  });
  after(async () => {
    await weir?.[Symbol.asyncDispose]();
    await proxy?.stop();
    await server?.stop();
  });

  test('it waits with the reason, nothing of the no-signal picture is kept, and a new file begins when the camera is back', async () => {
    const { recording_id } = await camera.start();
    await camera.goesOn(1);
    await proxy.refuse();
    const waiting = await camera.is('waiting');
    const causes = ['source_unreachable', 'source_silent', 'source_missing', 'source_failed'];
    assert.ok(causes.includes(waiting.cause ?? ''), String(waiting.cause));
    await weir.streamWhen(camera.id, ({ status }) => status?.no_signal === true, 'shows no signal meanwhile');
    assert.equal((await camera.alertRaised('recording_gap')).stream_id, camera.id);
    const { elapsed_s } = await camera.is('waiting');
    await proxy.accept();
    await camera.when((now) => now.state === 'recording' && now.elapsed_s > elapsed_s + 1, 'goes on');
    await camera.alertOver('recording_gap');
    await camera.stop();
    const files = await camera.segments(recording_id);
    assert.ok(files.length >= 2, `${files.length} files`);
    for (const file of files) assert.deepEqual([file.width, file.height], [640, 360]);
    for (let at = 1; at < files.length; at++) assert.ok((files[at]?.started_at ?? '') >= (files[at - 1]?.ended_at ?? ''), 'one after the other');
    const gaps = await camera.gapsOf(recording_id);
    assert.ok(gaps.length >= 1 && gaps.every((cause) => causes.includes(cause ?? '') || cause === 'starting'), String(gaps));
  });

  test('it hangs without closing: the gap is silence', async () => {
    const { recording_id } = await camera.start();
    await camera.goesOn(1);
    proxy.stall();
    assert.equal((await camera.is('waiting')).cause, 'source_silent');
    await proxy.refuse();
    proxy.resume();
    await proxy.accept();
    await camera.goesOn(1);
    await camera.stop();
    assert.ok((await camera.gapsOf(recording_id)).includes('source_silent'));
  });
});
