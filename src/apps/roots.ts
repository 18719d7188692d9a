/** The first tokens of all subjects, as configured. */
import type { Config, Roots } from '../contracts/index.js';

/** For every connection to the bus that this process opens. */
export function rootsOf({ nats, vod }: Pick<Config, 'nats' | 'vod'>): Roots {
  return { videonode: nats.root, video: vod.root };
}
