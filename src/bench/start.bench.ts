/**
 * `weir up` from the start of its process to ready, broker and spoke included, ten times each: with a new data folder as a newcomer has it, with one
 * that was used before, and with a new one and the admin's password in the environment, which must be hashed first.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { WeirOptions } from '../e2e/weir.js';
import { withTempFolder } from '../testkit/index.js';
import { atMost, median, percentile, printFigures, told } from './figures.js';
import { startShipped } from './shipped.js';

const rounds = 10;

async function readyMs(options: WeirOptions): Promise<number> {
  await using weir = await startShipped(options);
  return weir.ready.ready_ms;
}

/** What the machine takes for a Node program that does nothing. */
async function bareNode(): Promise<number> {
  const started = performance.now();
  await once(spawn(process.execPath, ['-e', '0'], { stdio: 'ignore' }), 'exit');
  return performance.now() - started;
}

const [cold, warm, hashing, bare]: [number[], number[], number[], number[]] = [[], [], [], []];
await withTempFolder(async (dataFolder) => {
  await readyMs({ dataFolder });
  for (let round = 0; round < rounds; round += 1) {
    cold.push(await readyMs({ withoutAdmin: true }));
    warm.push(await readyMs({ dataFolder, withoutAdmin: true }));
    hashing.push(await readyMs({}));
    bare.push(await bareNode());
  }
});

printFigures([
  atMost('start to ready, new data folder, median', median(cold), 1000, 'ms'),
  told('  quickest', percentile(cold, 0), 'ms'),
  told('  slowest', percentile(cold, 1), 'ms'),
  atMost('start to ready, used data folder, median', median(warm), 1000, 'ms'),
  told('  quickest', percentile(warm, 0), 'ms'),
  told('  slowest', percentile(warm, 1), 'ms'),
  told('start to ready, new data folder and a password to hash, median', median(hashing), 'ms'),
  told('a Node program that does nothing, median', median(bare), 'ms'),
  told('used data folder to that, medians', median(warm) / median(bare), 'x', 1),
]);
