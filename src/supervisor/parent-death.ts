/** Children that the kernel ends when we die, however we die. */
import { execFileSync } from 'node:child_process';
import { findOptionalProgram } from './program.js';

let deathPrefix: string[] | undefined;

/** `setpriv` sets the parent-death signal and then becomes the program, keeping the pid. BusyBox has a `setpriv` without it, hence the try. */
export function parentDeathPrefix(): string[] {
  if (deathPrefix === undefined) {
    deathPrefix = [];
    const setpriv = process.platform === 'linux' ? findOptionalProgram('setpriv') : undefined;
    const harmless = findOptionalProgram('true');
    if (setpriv !== undefined && harmless !== undefined) {
      try {
        execFileSync(setpriv, ['--pdeathsig', 'KILL', harmless], { stdio: 'ignore', timeout: 2000 });
        deathPrefix = [setpriv, '--pdeathsig', 'KILL'];
      } catch {
        // This setpriv cannot; the sweep of recorded processes does it at the next start.
      }
    }
  }
  return deathPrefix;
}

/** Whether children are killed by the kernel when this process dies. */
export function hasParentDeathSignal(): boolean {
  return parentDeathPrefix().length > 0;
}
