/** Programs with a part of a processor, so that workers on one machine are as independent as on several. */
import { existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const root = '/sys/fs/cgroup';
const periodUs = 20_000;

export interface CpuShare {
  /** What a command has to begin with. */
  readonly prefix: readonly string[];
  /** After all its programs have ended. */
  remove(): void;
}

/** At most `share` of one processor, for a command and all that it starts. Throws where control groups cannot be made. */
export function limitCpu(name: string, share: number): CpuShare {
  const isV2 = existsSync(join(root, 'cgroup.controllers'));
  const folder = join(root, isV2 ? '' : 'cpu', `weir-bench-${process.pid}-${name}`);
  mkdirSync(folder);
  const quotaUs = Math.round(periodUs * share);
  if (isV2) {
    writeFileSync(join(folder, 'cpu.max'), `${quotaUs} ${periodUs}`);
  } else {
    writeFileSync(join(folder, 'cpu.cfs_period_us'), String(periodUs));
    writeFileSync(join(folder, 'cpu.cfs_quota_us'), String(quotaUs));
  }
  // What else runs on the machine shall take from nobody's part.
  writeFileSync(join(folder, isV2 ? 'cpu.weight' : 'cpu.shares'), '10000');
  return {
    prefix: ['/bin/sh', '-c', `echo $$ > ${join(folder, 'cgroup.procs')} && exec "$@"`, 'limited'],
    remove: () => rmdirSync(folder),
  };
}
