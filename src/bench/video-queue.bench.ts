/**
 * How long the queue of videos takes to hand a job to a worker that waits for one: from the publish of a program that knows only the wire
 * contract, and from an order at the hub, until the worker has the job. Goal: at most 50 ms. Then claims per second with a long queue.
 */
import { Bench, type ScriptedWorker } from '../vod/queue/testing/bench.js';
import { atMost, type Figure, median, percentile, printFigures, told } from './figures.js';

const rounds = 60;
const waiting = 2000;
const claims = 200;

async function pickUps(worker: ScriptedWorker, prefix: string, publish: (videoId: string) => Promise<unknown>): Promise<number[]> {
  const taken: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const job = worker.take();
    // The worker waits at the broker before anything is published.
    await worker.bus.flush();
    const began = performance.now();
    await publish(`${prefix}${round}`);
    const held = await job;
    taken.push(performance.now() - began);
    await worker.finish(held);
  }
  // The first ones also load code.
  return taken.slice(10);
}

async function claimRate(bench: Bench, worker: ScriptedWorker): Promise<number> {
  for (let index = 0; index < waiting; index += 1) {
    await bench.hub.enqueue(bench.request(`q${index}`, { user_id: `u${index % 20}` }), { origin: 'api', owner: `u${index % 20}` });
  }
  const began = performance.now();
  for (let index = 0; index < claims; index += 1) await worker.claim(null);
  return (claims / (performance.now() - began)) * 1000;
}

await using bench = await Bench.start();
const worker = await bench.worker('w1');
const plain = await pickUps(worker, 'plain', (videoId) => bench.publish(bench.request(videoId)));
const ordered = await pickUps(worker, 'hub', (videoId) => bench.hub.enqueue(bench.request(videoId), { origin: 'api', owner: 'anna' }));
const rate = await claimRate(bench, worker);
const figures: Figure[] = [
  atMost('publish of a plain client -> worker has the job, p50', median(plain), 50, 'ms', 1),
  told('  p95', percentile(plain, 0.95), 'ms', 1),
  atMost('order at the hub -> worker has the job, p50', median(ordered), 50, 'ms', 1),
  told('  p95', percentile(ordered, 0.95), 'ms', 1),
  told(`claims per second with ${waiting} jobs of 20 owners waiting`, rate, '/s'),
];
printFigures(figures);
