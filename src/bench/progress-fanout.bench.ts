/**
 * 100 and 1000 browsers' sockets that follow the progress of one stream through `/nats`: publish to received. A plain client publishes five times a
 * second. All viewers live in one process on this machine, and its time for the last of 1000 is part of the figures.
 */
import { openAudience, takeSeats } from './audience.js';
import { atMost, type Figure, printFigures, told } from './figures.js';
import { memoryOf, partNames, partsOf, startCpu } from './processes.js';
import { startShipped } from './shipped.js';

const [everyMs, measureMs] = [200, 15_000];
const streamId = 'counter';
const subject = `videonode.stream.${streamId}.progress`;

await using weir = await startShipped({ env: { WEIR_STREAMS_TEST_PICTURE: 'false' } });
const user = await weir.api<{ name: string; password: string }>('POST', '/api/v1/bus/users', { name: streamId, spoke_of: [streamId] });
const publisher = await weir.connectPlain(user.name, user.password);
let frame = 0;
const ticking = setInterval(() => {
  const sentAt = performance.timeOrigin + performance.now();
  const progress = { stream_id: streamId, frame, fps: 5, bitrate_kbps: 0, total_size_bytes: 0, dropped_frames: 0, speed: 1 };
  publisher.publish(subject, JSON.stringify({ ...progress, sent_at: sentAt, timestamp: new Date().toISOString() }));
  frame += 1;
}, everyMs);

const pids = partsOf(weir);
const figures: Figure[] = [];
for (const viewers of [100, 1000]) {
  const seats = await takeSeats(weir, viewers, { ownLogins: false });
  const before = partNames.map((part) => memoryOf(pids[part]).rssMb);
  const audience = await openAudience({ kind: 'progress', streamId, seats }, 120_000);
  const [loads, firstFrame] = [partNames.map((part) => startCpu([pids[part]])), frame];
  const report = await audience.measure(measureMs);
  const sent = frame - firstFrame;
  const name = `${viewers} viewers`;
  figures.push(
    told(`${name}: p50`, report.p50Ms, 'ms', 1),
    viewers === 100 ? atMost(`${name}: p99`, report.p99Ms, 20, 'ms', 1) : atMost(`${name}: p99`, report.p99Ms, 100, 'ms', 1),
    told(`${name}: slowest`, report.maxMs, 'ms', 1),
    atMost(`${name}: lost of ${sent * viewers}`, report.lost, 0, ''),
    ...partNames.map((part, index) => told(`${name}: ${part}`, loads[index]?.() ?? Number.NaN, '% of a core', 1)),
    told(`${name}: the viewers’ process`, report.cpuPercent, '% of a core', 1),
    ...partNames.map((part, index) => told(`${name}: ${part} grew by`, memoryOf(pids[part]).rssMb - (before[index] ?? 0), 'MB', 1)),
  );
  await audience.stop();
}
clearInterval(ticking);
await publisher.close();
printFigures(figures);
