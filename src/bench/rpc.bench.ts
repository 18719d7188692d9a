/**
 * JSON-RPC over sockets: calls per second beside a bare `ws` echo server in the same run, answers at a pace, events, and sockets held.
 * The clients live in this process, on the same machine. `WEIR_BENCH_HOLD_S` holds the sockets for longer (default 30 s).
 * With `WEIR_BENCH_RPC_URL` and `WEIR_BENCH_RPC_TOKEN` (of an operator) a running hub is measured instead of the door alone; it must not limit calls
 * (`rpc.method_limits: false`).
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { atMost, type Figure, percentile, printFigures, told } from './figures.js';
import { memoryOf, startCpu } from './processes.js';
import { type BenchClient, flood, listenFor, openClients, paced, request } from './rpc-clients.js';

const holdS = Number(process.env.WEIR_BENCH_HOLD_S ?? 30);
const measureMs = 5000;
const token = process.env.WEIR_BENCH_RPC_TOKEN ?? 'operator';

interface Program {
  readonly url: string;
  readonly pid: number | undefined;
  stop(): void;
}

async function startProgram(kind: 'door' | 'echo'): Promise<Program> {
  const child: ChildProcess = fork(fileURLToPath(new URL('./rpc-door.js', import.meta.url)), [kind]);
  const [{ port }] = (await once(child, 'message')) as [{ port: number }];
  return { url: `ws://127.0.0.1:${port}/ws`, pid: child.pid, stop: () => child.disconnect() };
}

async function withClients<T>(
  url: string,
  count: number,
  use: (clients: BenchClient[]) => Promise<T>,
  shownToken: string | undefined = token,
): Promise<T> {
  const clients = await openClients(url, count, shownToken);
  try {
    return await use(clients);
  } finally {
    for (const client of clients) client.end();
  }
}

const given = process.env.WEIR_BENCH_RPC_URL;
const door: Program = given === undefined ? await startProgram('door') : { url: given, pid: undefined, stop: () => undefined };
const echo = await startProgram('echo');
const figures: Figure[] = [];
const status = request('get_camera_status', { device: 'camera0' });

const rounds = await withClients(door.url, 100, async (clients) => {
  const before = clients.reduce((sum, client) => sum + client.refused, 0);
  const results = await withClients(
    echo.url,
    100,
    async (bare) => {
      await flood(clients, status, 1000);
      await flood(bare, status, 1000);
      const taken: { ours: number; theirs: number; cpu: number }[] = [];
      for (let round = 0; round < 3; round += 1) {
        const cpu = door.pid === undefined ? undefined : startCpu([door.pid]);
        taken.push({
          ours: await flood(clients, status, measureMs / 2),
          cpu: cpu?.() ?? Number.NaN,
          theirs: await flood(bare, status, measureMs / 2),
        });
      }
      return taken;
    },
    undefined,
  );
  const refused = clients.reduce((sum, client) => sum + client.refused, 0) - before;
  figures.push(atMost('calls refused', refused, 0, ''));
  return results;
});
const middle = (values: number[]) => percentile(values, 0.5);
const [ours, theirs] = [middle(rounds.map((round) => round.ours)), middle(rounds.map((round) => round.theirs))];
figures.push(
  { what: 'calls answered, 100 clients', result: `${ours.toFixed(0)} /s`, goal: '>= 5000 /s', isHeld: ours >= 5000 },
  told('bare echo, 100 clients', theirs, '/s'),
  told('calls / echoes', ours / theirs, 'x', 2),
  told('processor time per call', (middle(rounds.map((round) => round.cpu)) / 100 / ours) * 1e6, 'us', 1),
);

await withClients(door.url, 100, async (clients) => {
  const asking = ['get_camera_status', 'get_stream_status', 'get_stream_url'].map((method) => request(method, { device: 'camera0' }));
  const asked = await paced(clients, () => asking, 1000, measureMs);
  figures.push(told('status at 1000 calls/s, 100 clients: p50', middle(asked), 'ms', 2), atMost('p95', percentile(asked, 0.95), 10, 'ms', 2));
  const ordering = ['start_streaming', 'stop_streaming'].map((method) => request(method, { device: 'camera0' }));
  const ordered = await paced(clients, () => ordering, 200, measureMs);
  figures.push(told('control at 200 calls/s, 100 clients: p50', middle(ordered), 'ms', 2), atMost('p95', percentile(ordered, 0.95), 50, 'ms', 2));
});

const memoryBefore = door.pid === undefined ? Number.NaN : memoryOf(door.pid).rssMb;
for (const count of [100, 1000]) {
  await withClients(door.url, count, async (clients) => {
    if (given === undefined) {
      const heard = await listenFor(clients, measureMs);
      const goal = count === 100 ? 20 : 100;
      figures.push(told(`event to ${count} clients: p50`, middle(heard), 'ms', 1), atMost('p99', percentile(heard, 0.99), goal, 'ms', 1));
      figures.push(
        atMost(
          `events not heard of ${Math.floor(measureMs / 200) * count}`,
          Math.max(0, (Math.floor(measureMs / 200) - 1) * count - heard.length),
          0,
          '',
        ),
      );
    }
    if (count < 1000) return;
    const cpu = door.pid === undefined ? undefined : startCpu([door.pid]);
    await new Promise((resolve) => setTimeout(resolve, holdS * 1000));
    figures.push(atMost(`of 1000 sockets lost in ${holdS} s`, clients.filter((client) => client.closed).length, 0, ''));
    if (door.pid === undefined) return;
    figures.push(told('processor while they are held, with events', cpu?.() ?? Number.NaN, '% of a core', 1));
    figures.push(told('memory per socket', ((memoryOf(door.pid).rssMb - memoryBefore) * 1024) / 1000, 'KB', 1));
  });
}
door.stop();
echo.stop();
printFigures(figures);
