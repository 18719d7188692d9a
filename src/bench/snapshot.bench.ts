/** Snapshots through the whole way, 1280x720: of a stream that runs, and of an idle one that has to be started for it. */
import { admin, calm, input, startBed } from '../recordings/hub/testing/bed.js';
import { waitFor } from '../testkit/index.js';
import { atMost, median, percentile, printFigures, told } from './figures.js';

const rounds = Number(process.argv[2] ?? 20);
const bed = await startBed();

async function take(streamId: string): Promise<number> {
  const began = performance.now();
  await bed.recordings.operations.take_snapshot(admin, input('take_snapshot', { params: { stream_id: streamId }, body: undefined }), calm);
  return performance.now() - began;
}

const stateOf = (streamId: string) => bed.streams.streams().find((stream) => stream.stream_id === streamId)?.status?.state;

try {
  await bed.startSpoke();
  await bed.addStream('runs', { on_demand: false, resolution: '1280x720' });
  await waitFor(() => stateOf('runs') === 'running', { deadlineMs: 15_000, what: 'the picture' });
  const [first] = [await take('runs')];
  const running: number[] = [];
  for (let round = 0; round < rounds; round += 1) running.push(await take('runs'));
  await bed.addStream('idle', { on_demand: true, resolution: '1280x720' });
  const idle: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    await waitFor(() => stateOf('idle') !== 'running' && stateOf('idle') !== 'starting', {
      deadlineMs: 20_000,
      everyMs: 50,
      what: 'the stream to go idle',
    });
    // A picture of a moment ago would do for a snapshot; here the stream shall have to be started.
    const idleSince = performance.now();
    await waitFor(() => performance.now() - idleSince > 2500, { everyMs: 50, what: 'the last picture to become old' });
    idle.push(await take('idle'));
  }
  printFigures([
    told('snapshot of a running stream, the first one', first ?? Number.NaN, 'ms'),
    told('snapshot of a running stream, p50', median(running), 'ms'),
    atMost('snapshot of a running stream, p95', percentile(running, 0.95), 150, 'ms'),
    told('snapshot of an idle stream, p50', median(idle), 'ms'),
    atMost('snapshot of an idle stream, p95', percentile(idle, 0.95), 500, 'ms'),
  ]);
} finally {
  await bed[Symbol.asyncDispose]();
}
