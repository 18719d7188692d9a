/** What the hub's tests share: a hub on a real broker and a real database, and spokes of both kinds without pictures. */
import { setMaxListeners } from 'node:events';
import { type Agent, type Bus, type BusServer, createBus, startAgent } from '../../bus/index.js';
import type { AgentCommand, RouteInput, RouteName, Session, SpokeAssignment, StreamState, StreamStatus } from '../../contracts/index.js';
import { openStore, type Store } from '../../store/index.js';
import { startTestBroker, type TestBroker } from '../../testkit/index.js';
import { type StreamsHub, type StreamsHubOptions, startStreamsHub } from './index.js';

export const admin: Session = { user_id: 'u1', username: 'ada', role: 'admin', streams: null, expires_at: null };

/** Quick enough for tests, slow enough for a busy machine. */
const timing = { spokeLostMs: 900, graceMs: 700, reconcileMs: 250, viewersMs: 100, healthMs: 200, foreignSilenceMs: 700 };

export interface Bench extends AsyncDisposable {
  readonly broker: TestBroker;
  readonly store: Store;
  readonly hub: StreamsHub;
  /** Of a plain client with all rights, on its own connection. */
  readonly bus: Bus;
  /** Warnings and errors that the hub has logged. */
  readonly complaints: string[];
  /** Ends the hub, keeping broker and database, and starts another. */
  restartHub(): Promise<StreamsHub>;
}

export async function startBench(options: Partial<StreamsHubOptions> = {}): Promise<Bench> {
  const broker = await startTestBroker();
  const store = await openStore({ path: ':memory:' });
  const complaints: string[] = [];
  const complain = (fields: object, message: string) => {
    // The test broker is small; everything else is worth a look.
    if (!message.startsWith('the broker has room')) complaints.push(`${message}: ${String((fields as { err?: unknown }).err ?? '')}`);
  };
  const log = { debug: () => undefined, info: () => undefined, warn: complain, error: complain };
  const start = async () => {
    const connection = await broker.connect();
    const hub = await startStreamsHub({
      bus: createBus(connection),
      store,
      log,
      access: { mayWatch: (viewer) => viewer !== 'stranger' },
      settings: { media_folders: [], source_hosts: [], media_max_age_s: 60, media_max_bytes: 64 * 1024 ** 2, linger_s: 1 },
      ...options,
      timing: { ...timing, ...options.timing },
    });
    return { hub, connection };
  };
  let running = await start().catch(async (error: unknown) => {
    await broker.stop();
    throw error;
  });
  const bus = createBus(await broker.connect());
  return {
    broker,
    store,
    get hub() {
      return running.hub;
    },
    bus,
    complaints,
    async restartHub() {
      await running.hub.stop();
      await running.connection.close();
      running = await start();
      return running.hub;
    },
    async [Symbol.asyncDispose]() {
      await running.hub.stop();
      await bus.stop(0);
      await broker.stop();
      await store.stop();
    },
  };
}

/** Input of an operation; what is left out is undefined. */
export function input<N extends RouteName>(_name: N, parts: Partial<RouteInput<N>>): RouteInput<N> {
  return { params: undefined, query: undefined, body: undefined, ...parts } as RouteInput<N>;
}

/** Context of a call that nobody cancels. */
export const calm = { signal: new AbortController().signal };
setMaxListeners(0, calm.signal);

export interface TestSpoke extends AsyncDisposable {
  /** Assignments in the order they came. */
  readonly assignments: SpokeAssignment[];
  /** `action stream_id` of each command obeyed. */
  readonly commands: string[];
  readonly agent: Agent;
  state(streamId: string): StreamState | undefined;
  /** Nothing is heard of it any more, as if its machine had lost power. */
  vanish(): Promise<void>;
}

/** A spoke that obeys assignments and commands and reports, without FFmpeg. */
export async function startTestSpoke(bench: Bench, spokeId: string, options: { devices?: string[]; fixed?: string[] } = {}): Promise<TestSpoke> {
  const connection = await bench.broker.connect();
  const bus = createBus(connection);
  const power = new AbortController();
  const assignments: SpokeAssignment[] = [];
  const commands: string[] = [];
  const states = new Map<string, StreamState>();
  const doors = new Map<string, BusServer[]>();
  const statusOf = (streamId: string): StreamStatus => ({
    stream_id: streamId,
    state: states.get(streamId) ?? 'stopped',
    spoke_id: spokeId,
    timestamp: new Date().toISOString(),
  });
  const set = (streamId: string, state: StreamState) => {
    states.set(streamId, state);
    bus.publish('stream_status', { stream_id: streamId }, statusOf(streamId));
  };
  const open = async (streamId: string) => {
    const servers = [
      bus.serve('stream_command', { stream_id: streamId }, ({ action }) => {
        commands.push(`${action} ${streamId}`);
        if (action !== 'configure') set(streamId, action === 'start' ? 'running' : 'stopped');
        const state = states.get(streamId) ?? 'stopped';
        return { ok: true, action, stream_id: streamId, state, timestamp: new Date().toISOString() };
      }),
      bus.serve('stream_status_get', { stream_id: streamId }, () => statusOf(streamId)),
    ];
    doors.set(streamId, servers);
    await Promise.all(servers.map((server) => server.ready));
  };
  const assign = async (assignment: SpokeAssignment) => {
    assignments.push(assignment);
    const ids = new Set(assignment.streams.map((stream) => stream.stream_id));
    for (const [streamId, servers] of doors) {
      // Fixed ones stay open for commands, as on a real spoke.
      if (ids.has(streamId) || options.fixed?.includes(streamId) === true) continue;
      doors.delete(streamId);
      set(streamId, 'stopped');
      await Promise.all(servers.map((server) => server.stop(0)));
    }
    for (const { stream_id: streamId, desired } of assignment.streams) {
      if (!doors.has(streamId)) await open(streamId);
      if ((states.get(streamId) ?? 'stopped') !== desired) set(streamId, desired);
    }
    return { refused: [] };
  };
  for (const streamId of options.fixed ?? []) await open(streamId);
  const agent = await startAgent(bus, {
    kind: 'spoke',
    agentId: spokeId,
    heartbeatMs: 200,
    signal: power.signal,
    announce: () => ({
      host: 'test',
      pid: 1,
      version: '0',
      started_at: new Date().toISOString(),
      capabilities: { devices: options.devices ?? [] },
      ...(options.fixed === undefined ? {} : { streams: options.fixed }),
    }),
    onCommand: (command: AgentCommand) => {
      if (command.action === 'assign') return assign(command.assignment);
      if (command.action === 'probe') return { device: command.device, reachable: true, took_ms: 1 };
      agent.setState('draining');
      return {};
    },
  });
  const vanish = async () => {
    power.abort();
    await connection.close();
  };
  return {
    assignments,
    commands,
    agent,
    state: (streamId) => states.get(streamId),
    vanish,
    [Symbol.asyncDispose]: vanish,
  };
}
