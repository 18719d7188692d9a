/**
 * 100 viewers of one 720p30 stream of 3 Mbit/s at the same time: publish to received, through the hub and directly at the broker, in turn.
 * All of the viewers live in one process on this machine, whose time is part of the figures.
 */
import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { type AudienceReport, openAudience, type Seat, takeSeats } from './audience.js';
import { atMost, type Figure, median, printFigures, told } from './figures.js';
import { memoryOf, partNames, partsOf, startCpu } from './processes.js';
import { startShipped } from './shipped.js';

const [viewers, rounds, measureMs] = [100, 3, 20_000];

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

interface Round {
  readonly report: AudienceReport;
  readonly cpu: Record<(typeof partNames)[number], number>;
}

const websocketPort = await freePort();
await using weir = await startShipped({ env: { WEIR_STREAMS_TEST_PICTURE: 'false', WEIR_NATS_WEBSOCKET_PORT: String(websocketPort) } });
const streamId = 'busy';
const config = { device: 'test:', resolution: '1280x720', framerate: 30, bitrate: 3000 };
await weir.api('POST', '/api/v1/streams', { stream_id: streamId, config });
await weir.streamWhen(streamId, (stream) => stream.status?.state === 'running', 'runs', 30_000);
const pids = partsOf(weir);
const before = memoryOf(pids.hub).rssMb;
const proxied = await takeSeats(weir, viewers, { ownLogins: true });
const direct = proxied.map(({ credentials }): Seat => ({ url: `ws://127.0.0.1:${websocketPort}`, credentials }));

async function run(seats: readonly Seat[]): Promise<Round> {
  const audience = await openAudience({ kind: 'media', streamId, seats });
  try {
    // The first seconds are those of the start from the last keyframe.
    await delay(3000);
    const loads = partNames.map((part) => [part, startCpu([pids[part]])] as const);
    const report = await audience.measure(measureMs);
    return { report, cpu: Object.fromEntries(loads.map(([part, load]) => [part, load()])) as Round['cpu'] };
  } finally {
    await audience.stop();
  }
}

const [byHub, byBroker]: [Round[], Round[]] = [[], []];
for (let round = 0; round < rounds; round += 1) {
  byHub.push(await run(proxied));
  byBroker.push(await run(direct));
}

const { progress } = await weir.stream(streamId);
const of = (results: Round[], value: (round: Round) => number) => median(results.map(value));
const figuresOf = (name: string, results: Round[], isGoal: boolean): Figure[] => [
  told(
    `${name}: p50`,
    of(results, ({ report }) => report.p50Ms),
    'ms',
    1,
  ),
  isGoal
    ? atMost(
        `${name}: p99`,
        of(results, ({ report }) => report.p99Ms),
        20,
        'ms',
        1,
      )
    : told(
        `${name}: p99`,
        of(results, ({ report }) => report.p99Ms),
        'ms',
        1,
      ),
  told(
    `${name}: slowest`,
    of(results, ({ report }) => report.maxMs),
    'ms',
    1,
  ),
  atMost(
    `${name}: fragments lost, all rounds`,
    results.reduce((sum, { report }) => sum + report.lost, 0),
    0,
    '',
  ),
  told(
    `${name}: fragments received, all rounds`,
    results.reduce((sum, { report }) => sum + report.received, 0),
    '',
  ),
  told(
    `${name}: jumps of viewers that were seconds behind`,
    results.reduce((sum, { report }) => sum + report.jumps, 0),
    '',
  ),
  ...partNames.map((part) =>
    told(
      `${name}: ${part}`,
      of(results, ({ cpu }) => cpu[part]),
      '% of a core',
      1,
    ),
  ),
  told(
    `${name}: the viewers’ process`,
    of(results, ({ report }) => report.cpuPercent),
    '% of a core',
    1,
  ),
];
const p99 = (results: Round[]) => of(results, ({ report }) => report.p99Ms);
printFigures([
  told('the stream', progress?.bitrate_kbps ?? Number.NaN, 'kbit/s'),
  ...figuresOf('by /nats', byHub, true),
  ...figuresOf('at the broker', byBroker, false),
  told('p99 by /nats to p99 at the broker', p99(byHub) / p99(byBroker), 'x', 2),
  told('hub RSS before viewers', before, 'MB', 1),
  ...partNames.map((part) => told(`${part} RSS after them`, memoryOf(pids[part]).rssMb, 'MB', 1)),
]);
