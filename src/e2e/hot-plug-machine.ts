/**
 * Runs inside the machine of `scripts/v4l2-vm.mjs`: plugs and unplugs cameras of the kernel beside a nats-server and a spoke, and prints one
 * line of JSON for each step. `hot-plug.test.ts` reads them.
 */
import { execFile, spawn } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createBus, ensureMediaJournal } from '../bus/index.js';
import { startDeviceWatch } from '../cameras/devices/index.js';
import type { AgentCommand, Device, RecordingEntry, RecordingOrder, RecordingStatus, StreamConfig, StreamStatus } from '../contracts/index.js';
import type { MachineFacts } from '../media/index.js';
import { openRecorders } from '../recordings/spoke/index.js';
import { startSpoke } from '../streams/spoke/index.js';
import { makeTempFolder, startTestBroker, waitFor } from '../testkit/index.js';
import { readThroughGateway } from './hot-plug-gateway.js';
import { recordOverUnplug } from './hot-plug-recording.js';
import { type MachineStep, type StepName, stepNames } from './hot-plug-steps.js';

const run = promisify(execFile);
const drivers = '/run/v4l2-vm';
/** Software emulation is some twenty times slower than a machine. */
const deadlineMs = 60_000;
const spokeId = 'machine';

interface Seen {
  readonly what: 'discovered' | 'removed';
  readonly device: Device;
  readonly atMs: number;
}

const { cameras } = JSON.parse(readFileSync(join(drivers, 'modules.json'), 'utf8')) as { cameras: Record<string, string[]> };
const load = (file: string, ...options: string[]) => run('busybox', ['insmod', join(drivers, file), ...options]);
for (const file of (cameras.vivid ?? []).filter((one) => one !== 'vivid.ko')) await load(file);

/** One camera for each number of a node; the driver's outputs, tuners and the rest are left out. */
async function plug(nodes: readonly number[]): Promise<void> {
  const types = nodes.map(() => '0x1').join(',');
  await load('vivid.ko', `n_devs=${nodes.length}`, `node_types=${types}`, `vid_cap_nr=${nodes.join(',')}`);
}

async function unplug(): Promise<void> {
  await waitFor(() => run('busybox', ['rmmod', 'vivid']).then(() => true), { what: 'the driver is free', deadlineMs, everyMs: 100 });
}

const broker = await startTestBroker();
// Looked for in the usual way, FFmpeg would have to start within a time that is meant for real machines.
const { stdout: banner } = await run('ffmpeg', ['-version']);
const facts: MachineFacts = {
  ...{ ffmpeg: 'ffmpeg', ffprobe: 'ffprobe', version: /version (\S+)/.exec(banner)?.[1] ?? 'unknown', fontFile: undefined, renderNode: undefined },
  encoders: [{ encoder: 'libx264', works: true, reason: undefined, tookMs: 0 }],
};
const bus = createBus(await broker.connect());
const watch = await startDeviceWatch({ bus, spokeId, limits: { probeMs: 20_000, reconcileMs: 2000 } });
const folder = await makeTempFolder('hot-plug');
const recorders = await openRecorders({
  folder: join(folder, 'recordings'),
  spokeId,
  publish: (news) => {
    if (news.kind === 'status') bus.publish('recording_status', { stream_id: news.status.stream_id }, news.status);
    else bus.publish('recording_entry', { stream_id: news.entry.stream_id }, news.entry);
  },
  storage: { blockPercent: 100, minFreeBytes: 0 },
});
const spoke = await startSpoke({
  bus,
  spokeId,
  version: '0',
  facts,
  policy: { mediaFolders: [] },
  limits: { startGraceMs: deadlineMs },
  recorders,
  devices: () => watch.summaries(),
  onCommand: async (command) =>
    command.action === 'devices' || command.action === 'set_controls' ? await watch.obey(command) : await recorders.obey(command),
});

const hub = createBus(await broker.connect());
const seen: Seen[] = [];
const statuses = new Map<string, StreamStatus>();
const fragments = new Map<string, number>();
for (const what of ['discovered', 'removed'] as const) {
  await hub.subscribe(`device_${what}`, {}, (device) => void seen.push({ what, device, atMs: Date.now() })).ready;
}
let recording: RecordingStatus | undefined;
await hub.subscribe('recording_status', {}, (status) => {
  recording = status;
}).ready;
await hub.subscribe('stream_status', {}, (status) => void statuses.set(status.stream_id, status)).ready;
for (const kind of ['stream_media_key', 'stream_media_delta'] as const) {
  await hub.subscribe(kind, {}, (_none, { params }) => void fragments.set(params.stream_id, (fragments.get(params.stream_id) ?? 0) + 1)).ready;
}

for (const stream of ['camera0', 'camera1']) await ensureMediaJournal(hub.connection, stream);

async function ask(command: AgentCommand): Promise<unknown> {
  const reply = await hub.request('spoke_command', { spoke_id: spokeId }, command, { timeoutMs: deadlineMs });
  if (!reply.ok) throw new Error(reply.error?.detail);
  return reply.result;
}

const seenWhen = (what: Seen['what'], node: number, isSo: (device: Device) => boolean = () => true) =>
  waitFor(() => seen.find((one) => one.what === what && one.device.path === `/dev/video${node}` && isSo(one.device)), {
    what: `/dev/video${node} ${what}`,
    deadlineMs,
    everyMs: 2,
  }).catch((error: Error) => {
    throw new Error(`${error.message}; seen ${JSON.stringify(seen.map((one) => [one.what, one.device.path, one.device.error]))}`);
  });

/** From the moment the kernel made the node. */
const sincePlug = (one: Seen) => Math.round(one.atMs - statSync(one.device.path).birthtimeMs);

const streamWhen = (streamId: string, isSo: (status: StreamStatus) => boolean, what: string) =>
  waitFor(() => [statuses.get(streamId)].find((status) => status !== undefined && isSo(status)), { what: `${streamId} ${what}`, deadlineMs }).catch(
    (error: Error) => {
      throw new Error(`${error.message}; status ${JSON.stringify(statuses.get(streamId))}, ${fragments.get(streamId)} fragments`);
    },
  );

interface Wanted {
  readonly config: StreamConfig;
  readonly recordings?: RecordingOrder[];
}

let revision = 0;
async function assignStreams(wanted: Readonly<Record<string, Wanted>>): Promise<void> {
  const timestamp = new Date().toISOString();
  revision += 1;
  const streams = Object.entries(wanted).map(([stream_id, one]) => ({ stream_id, desired: 'running' as const, revision, ...one }));
  await ask({ action: 'assign', assignment: { streams, revision, timestamp } });
}

const atNode = (node: number): Wanted => ({ config: { device: `/dev/video${node}`, resolution: '320x180', framerate: 5 } });

function assign(nodes: Readonly<Record<string, number>>): Promise<void> {
  return assignStreams(Object.fromEntries(Object.entries(nodes).map(([streamId, node]) => [streamId, atNode(node)])));
}

/** What a user who may not open the node is told, and what after the rights were set. */
async function askAsNobody(path: string): Promise<string[]> {
  const door = new URL('../media/index.js', import.meta.url).href;
  const script = `
    import { probeV4l2 } from ${JSON.stringify(door)};
    const told = () => probeV4l2('${path}', { timeoutMs: 20000 }).then(({ report }) => 'formats ' + report.formats.length, (error) => error.code);
    console.log(await told());
    process.stdin.on('data', async () => { console.log(await told()); process.exit(); });`;
  const child = spawn('setpriv', ['--reuid', '65534', '--regid', '65534', '--clear-groups', process.execPath, '--input-type=module', '-e', script], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines: string[] = [];
  for await (const chunk of child.stdout) {
    lines.push(...String(chunk).trim().split('\n'));
    if (lines.length > 1) break;
    await chmod(path, 0o666);
    child.stdin.write('again\n');
  }
  return lines;
}

const steps: Record<StepName, () => Promise<Omit<MachineStep, 'name'>>> = {
  async plug() {
    await plug([0]);
    const one = await seenWhen('discovered', 0);
    return { devices: [one.device], tookMs: [sincePlug(one)] };
  },

  async controls() {
    const { devices } = (await ask({ action: 'devices' })) as { devices: Device[] };
    const device_id = devices[0]?.device_id ?? '';
    await ask({ action: 'set_controls', device_id, controls: { brightness: 77, test_pattern: '100% Red' } });
    const { stdout } = await run('v4l2-ctl', ['-d', '/dev/video0', '--get-ctrl', 'brightness,test_pattern']);
    const refusal = await ask({ action: 'set_controls', device_id, controls: { brightness: 4000 } }).catch((error: Error) => error.message);
    return { devices, facts: { driver: stdout.trim().split('\n'), refusal } };
  },

  async rights() {
    const [denied, allowed] = await askAsNobody('/dev/video0');
    return { facts: { denied, allowed } };
  },

  async unplug() {
    const startedAt = Date.now();
    await unplug();
    const one = await seenWhen('removed', 0);
    return { devices: [one.device], tookMs: [one.atMs - startedAt] };
  },

  async replug() {
    seen.length = 0;
    await plug([7, 3]);
    const both = [await seenWhen('discovered', 7), await seenWhen('discovered', 3)];
    return { devices: both.map(({ device }) => device), tookMs: both.map(sincePlug) };
  },

  async picture() {
    // What FFmpeg reads of its files for the first time, the emulated machine is slow to bring.
    await run('ffmpeg', [
      '-nostdin',
      '-loglevel',
      'error',
      '-f',
      'v4l2',
      '-i',
      '/dev/video7',
      '-frames:v',
      '2',
      '-c:v',
      'libx264',
      '-f',
      'null',
      '-',
    ]);
    // One after the other: two programs that start at the same time take this machine all its time.
    const running = (status: StreamStatus) => status.state === 'running' && status.no_signal !== true;
    const both: StreamStatus[] = [];
    for (const [stream, nodes] of [
      ['camera0', { camera0: 7 }],
      ['camera1', { camera0: 7, camera1: 3 }],
    ] as const) {
      await assign(nodes);
      both.push(await streamWhen(stream, running, 'runs'));
      // Until now it was the no-signal picture.
      fragments.set(stream, 0);
      await waitFor(() => (fragments.get(stream) ?? 0) > 10, { what: `ten frames of ${stream}, seen ${fragments.get(stream)}`, deadlineMs });
    }
    const { stdout } = await run('v4l2-ctl', ['-d', '/dev/video7', '--get-fmt-video', '--get-parm']);
    return { facts: { statuses: both, driver: stdout.trim().split('\n') } };
  },

  /** The driver's own button: from now on every call on this device fails, as it does when the cable is out. */
  async loss() {
    await run('v4l2-ctl', ['-d', '/dev/video3', '--set-ctrl', 'disconnect=1']).catch(() => undefined);
    const lost = await streamWhen('camera1', (status) => status.state !== 'running' || status.no_signal === true, 'ends');
    const before = fragments.get('camera0') ?? 0;
    const restarts = statuses.get('camera0')?.restarts;
    await waitFor(() => (fragments.get('camera0') ?? 0) > before + 10, { what: 'the other goes on', deadlineMs });
    return { facts: { lost, other: statuses.get('camera0'), restarts } };
  },

  async recording() {
    seen.length = 0;
    const moves: Seen[] = [];
    const unplugged = await recordOverUnplug(
      {
        folder: join(folder, 'recordings'),
        status: () => recording,
        assign: (node, recordings) => assignStreams({ camera0: { ...atNode(node), recordings: [...recordings] } }),
        async entries() {
          const answer = await ask({ action: 'recording_entries', stream_id: 'camera0', after: 0, limit: 1000 });
          return (answer as { entries: RecordingEntry[] }).entries;
        },
        async unplug(node) {
          await unplug();
          moves.push(await seenWhen('removed', node), await seenWhen('removed', 3));
        },
        async plug(node) {
          await plug([node]);
          moves.push(await seenWhen('discovered', node));
        },
        deadlineMs,
      },
      7,
      5,
    );
    return { devices: moves.map(({ device }) => device), facts: { ...unplugged } };
  },

  async gateway() {
    await assign({});
    return { facts: { ...(await readThroughGateway({ node: 5, folder, deadlineMs })) } };
  },

  async end() {
    await assign({});
    await unplug();
    return { devices: [(await seenWhen('removed', 5)).device] };
  },
};

for (const name of stepNames) {
  const startedAt = performance.now();
  const result = await steps[name]().catch((error: unknown) => ({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) }));
  process.stdout.write(`${JSON.stringify({ name, ...result, step_ms: Math.round(performance.now() - startedAt) })}\n`);
}
await spoke.stop();
await recorders.stop();
await watch.stop();
await broker.stop();
