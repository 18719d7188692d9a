/**
 * The supervised broker: spawn to ready, whole start, new users to applied, kill -9 to ready, adoption, stop; beside the bare program started by hand
 * in the same run. Medians of ten.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Broker, type BrokerState, startBroker } from '../broker/index.js';
import { spawnProcess } from '../supervisor/index.js';
import { nextItem, waitFor } from '../testkit/index.js';

const rounds = 10;
const ports = { client: -1, websocket: -1, monitor: -1 };
const hub = { user: 'hub', password: 'bench-password', publish: ['>'], subscribe: ['>'] };
const viewers = (count: number, mark: number) =>
  Array.from({ length: count }, (_, index) => ({
    user: `b-${mark}-${index}`,
    password: 'bench-password',
    publish: Array.from({ length: 20 }, (_unused, stream) => `$JS.API.CONSUMER.MSG.NEXT.MEDIA_${stream}.v${index}`),
    subscribe: [`_INBOX_${index}.>`],
  }));

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

function state(broker: Broker, kind: BrokerState['kind']): Promise<BrokerState> {
  return nextItem<BrokerState>(
    (listener) => broker.onState(listener),
    (one) => one.kind === kind,
    { what: kind },
  );
}

/** nats-server with the same configuration and no supervision, polled for health as tightly. */
async function bareStart(folder: string, monitor: number): Promise<number> {
  const started = performance.now();
  const server = spawn('nats-server', ['-c', join(folder, 'nats-server.conf')], { stdio: 'ignore' });
  await waitFor(async () => (await fetch(`http://127.0.0.1:${monitor}/healthz`)).ok, { everyMs: 2 });
  const taken = performance.now() - started;
  server.kill('SIGTERM');
  await once(server, 'exit');
  return taken;
}

const figures: Record<string, number[]> = {};
const note = (name: string, ms: number) => {
  figures[name] ??= [];
  figures[name].push(ms);
};

for (let round = 0; round < rounds; round++) {
  const folder = await mkdtemp(join(tmpdir(), 'weir-bench-broker-'));
  const options = { folder, ports, users: [hub] };
  let broker: Broker | undefined;
  note('start: version, lock, configuration check, spawn, ready', await timed(async () => (broker = await startBroker(options))));
  if (broker === undefined) throw new Error('no broker');
  const first = broker;
  note('setUsers applied, 1 further user', await timed(() => first.setUsers([hub, ...viewers(1, round)])));
  note('setUsers applied, 200 users of 20 streams', await timed(() => first.setUsers([hub, ...viewers(200, round)])));
  const ready = state(first, 'ready');
  process.kill(first.pid ?? -1, 'SIGKILL');
  note('kill -9 -> ready again, same ports, 200 users', await timed(() => ready));
  await first.setUsers([hub]);
  const [starting, again] = [state(first, 'starting'), state(first, 'ready')];
  const restart = first.restart('bench');
  await starting;
  note('spawn -> ready', await timed(() => again));
  await restart;
  first.detach();
  let adopted: Broker | undefined;
  note('adoption by the next hub, users applied', await timed(async () => (adopted = await startBroker(options))));
  const { monitor } = first.ports;
  note('stop', await timed(async () => adopted?.stop()));
  note('bare: spawn -> ready', await bareStart(folder, monitor));
  note('bare: a child process that ends at once', await timed(async () => (await spawnProcess({ command: 'true' })).exited));
  await rm(folder, { recursive: true, force: true });
}

for (const [name, values] of Object.entries(figures)) {
  const sorted = [...values].sort((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)] ?? 0;
  process.stdout.write(`${name}: median ${median.toFixed(1)} ms, max ${(sorted.at(-1) ?? 0).toFixed(1)} ms\n`);
}
