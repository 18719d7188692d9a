/** Weir as it is shipped: the bundle that `npm start` runs. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { startWeir, type Weir, type WeirOptions } from '../e2e/weir.js';

const bundle = join('dist', 'weir', 'cli.js');

/** Starts it on free ports with a data folder of its own; ends with `await using`. Where nothing was bundled the compiled files run. */
export function startShipped(options: WeirOptions = {}): Promise<Weir> {
  return startWeir({ ...(existsSync(bundle) ? { program: bundle } : {}), ...options });
}
