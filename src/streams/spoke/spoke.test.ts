/** The spoke as an agent: assignments, drain, probe, many streams, and what is left when it is killed. Real broker. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Bus, createBus, ensureMediaJournal } from '../../bus/index.js';
import type { AgentCommand, AgentReply, SourceProbe, StreamStatus } from '../../contracts/index.js';
import { isSameProcess, processIdentity } from '../../supervisor/index.js';
import { type FakeFfmpeg, makeFakeFfmpeg } from '../../testkit/fake-ffmpeg.js';
import { makeTempFolder, removeFolder, startTestBroker, type TestBroker, waitFor } from '../../testkit/index.js';
import { assertNoLeaks, countResources } from '../../testkit/leak-check.js';
import { type Spoke, type SpokeOptions, startSpoke } from './index.js';
import { plainFacts } from './testing/testbed.js';

let folder: string;
let fake: FakeFfmpeg;
let broker: TestBroker;
let hub: Bus;

before(async () => {
  folder = await makeTempFolder('spoke');
  fake = await makeFakeFfmpeg(folder);
  broker = await startTestBroker();
  hub = createBus(await broker.connect());
});
after(async () => {
  await hub.stop();
  await broker.stop();
  await removeFolder(folder);
});

async function withSpoke(options: Partial<SpokeOptions>, body: (spoke: Spoke) => Promise<void>): Promise<void> {
  const bus = createBus(await broker.connect());
  const spoke = await startSpoke({
    bus,
    spokeId: 'spoke1',
    version: '0.0.0',
    facts: plainFacts(fake.path),
    policy: { mediaFolders: [] },
    ...options,
  });
  try {
    await body(spoke);
  } finally {
    await spoke.stop();
    await bus.stop();
    await bus.connection.close();
  }
}

const tell = (command: AgentCommand): Promise<AgentReply> => hub.request('spoke_command', { spoke_id: 'spoke1' }, command, { timeoutMs: 8000 });
const statusOf = (streamId: string): Promise<StreamStatus> => hub.request('stream_status_get', { stream_id: streamId }, undefined);
let revision = 0;
const assign = (
  streams: { id: string; desired?: 'running' | 'stopped'; bitrate?: number; device?: string }[],
  as = ++revision,
): Promise<AgentReply> =>
  tell({
    action: 'assign',
    assignment: {
      revision: as,
      timestamp: new Date().toISOString(),
      streams: streams.map(({ id, desired = 'running', device = 'test:', ...more }) => ({
        stream_id: id,
        desired,
        revision: 1,
        config: { device, ...more },
      })),
    },
  });
const reaches = (streamId: string, state: string) =>
  waitFor(async () => (await statusOf(streamId)).state === state, { what: `${streamId} ${state}`, deadlineMs: 8000 });

test('assignments are made so, level by level; lower revisions are refused', async () => {
  const resources = countResources();
  await withSpoke({}, async (spoke) => {
    assert.equal((await assign([{ id: 'a' }, { id: 'b', desired: 'stopped' }])).ok, true);
    await reaches('a', 'running');
    assert.equal((await statusOf('b')).state, 'stopped');
    const { pid } = await statusOf('a');

    assert.equal((await assign([{ id: 'a' }, { id: 'b' }])).ok, true);
    await reaches('b', 'running');
    assert.equal((await statusOf('a')).pid, pid, 'what has not changed is left alone');

    const old = await assign([], revision - 1).catch((error: unknown) => error as { code: string });
    assert.equal('code' in old ? old.code : old.error?.code, 'failed_precondition');
    assert.equal(spoke.statuses().length, 2);

    assert.equal((await assign([{ id: 'a', bitrate: 700 }])).ok, true);
    await waitFor(async () => (await statusOf('a')).pid !== pid);
    assert.deepEqual(
      spoke.statuses().map((status) => status.stream_id),
      ['a'],
    );
    await assert.rejects(statusOf('b'), { code: 'unavailable' });

    const refused = await assign([{ id: 'a' }, { id: 'c', device: 'gopher://x' }]);
    assert.match(JSON.stringify(refused.result), /"stream_id":"c".*permission_denied/);
    const { state, reason, error } = await statusOf('c');
    assert.deepEqual([state, reason], ['error', 'forbidden_source']);
    assert.match(error ?? '', /gopher/);
    await reaches('a', 'running');
  });
  await assertNoLeaks(resources);
});

test('drain stops all, starts nothing any more, and still answers', async () => {
  await withSpoke({}, async () => {
    await assign([{ id: 'a' }]);
    await reaches('a', 'running');
    assert.equal((await tell({ action: 'drain' })).ok, true);
    await reaches('a', 'stopped');
    assert.equal((await statusOf('a')).reason, 'draining');
    const start = await hub
      .request('stream_command', { stream_id: 'a' }, { action: 'start', stream_id: 'a', timestamp: new Date().toISOString() })
      .catch((error: unknown) => error as { code: string });
    assert.equal('code' in start ? start.code : start.error?.code, 'failed_precondition');
  });
});

test('probe answers for sources good and bad', async () => {
  await withSpoke({ facts: plainFacts() }, async () => {
    const good = (await tell({ action: 'probe', device: 'test:' })).result as SourceProbe;
    assert.equal(good.reachable, true);
    const bad = (await tell({ action: 'probe', device: 'http://127.0.0.1:1/x' })).result as SourceProbe;
    assert.equal(bad.reachable, false);
    assert.ok((bad.error?.detail ?? '').length > 0);
  });
});

test('each further stream costs little', async (t) => {
  await withSpoke({}, async () => {
    await fake.play({ frameRate: 30 });
    const ids = Array.from({ length: 8 }, (_, index) => `m${index}`);
    for (const id of ids) await ensureMediaJournal(hub.connection, id);
    const settled = async () => {
      await new Promise((resolve) => setTimeout(resolve, 4000));
      global.gc?.();
      return process.memoryUsage();
    };
    await assign([{ id: 'm0' }]);
    await reaches('m0', 'running');
    const one = await settled();
    const cpu = process.cpuUsage();
    await assign(ids.map((id) => ({ id })));
    for (const id of ids) await reaches(id, 'running');
    const all = await settled();
    const used = process.cpuUsage(cpu);
    const perStream = (all.rss - one.rss) / (ids.length - 1) / 1e6;
    t.diagnostic(
      `${perStream.toFixed(2)} MB per further stream; ${((used.user + used.system) / 1e6).toFixed(2)} s of CPU for 4 s of ${ids.length} streams`,
    );
    assert.ok(perStream <= 5);
  });
});

test('a spoke killed with SIGKILL leaves no FFmpeg behind, and the next one sweeps its notes', async () => {
  const pidFolder = `${folder}/pids`;
  const program = fileURLToPath(new URL('./testing/spoke-program.js', import.meta.url));
  const env = { ...process.env, WEIR_TEST_SPOKE: JSON.stringify({ url: broker.url, streamId: 'k', pidFolder }) };
  const child = spawn(process.execPath, [program], { stdio: 'inherit', env });
  try {
    await waitFor(async () => (await statusOf('k')).state === 'running', { deadlineMs: 15_000 });
    const ffmpeg = processIdentity((await statusOf('k')).pid ?? 0);
    assert.ok(ffmpeg !== undefined);
    assert.equal((await readdir(pidFolder)).length, 1);
    child.kill('SIGKILL');
    await once(child, 'exit');
    await waitFor(() => !isSameProcess(ffmpeg), { what: 'the end of FFmpeg' });
    await withSpoke({ pidFolder }, async () => assert.deepEqual(await readdir(pidFolder), []));
  } finally {
    child.kill('SIGKILL');
  }
});
