/** `weir up` from the start of its process to ready, broker and spoke included, ten times each with a new data folder and with one that was used before. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { withTempFolder } from '../testkit/index.js';
import { atMost, median, percentile, printFigures, told } from './figures.js';
import { startShipped } from './shipped.js';

const rounds = 10;

async function readyMs(dataFolder?: string): Promise<number> {
  await using weir = await startShipped(dataFolder === undefined ? {} : { dataFolder });
  return weir.ready.ready_ms;
}

/** What the machine takes for a Node program that does nothing. */
async function bareNode(): Promise<number> {
  const started = performance.now();
  await once(spawn(process.execPath, ['-e', '0'], { stdio: 'ignore' }), 'exit');
  return performance.now() - started;
}

const [cold, warm, bare]: [number[], number[], number[]] = [[], [], []];
await withTempFolder(async (folder) => {
  await readyMs(folder);
  for (let round = 0; round < rounds; round += 1) {
    cold.push(await readyMs());
    warm.push(await readyMs(folder));
    bare.push(await bareNode());
  }
});

printFigures([
  atMost('start to ready, new data folder, median', median(cold), 1000, 'ms'),
  told('  slowest', percentile(cold, 1), 'ms'),
  atMost('start to ready, used data folder, median', median(warm), 1000, 'ms'),
  told('  slowest', percentile(warm, 1), 'ms'),
  told('a Node program that does nothing, median', median(bare), 'ms'),
]);
