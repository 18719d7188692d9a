/** A hub that died between a start and its record leaves a server nobody knows; a second one on the same store would ruin it. */
import { adoptProcess, findProcessesByArguments, type ProcessIdentity } from '../supervisor/index.js';

/** Ends every server that was started with this configuration file, except `known`. Resolves when they are gone. */
export async function endStrays(configFile: string, known: ProcessIdentity | undefined): Promise<void> {
  const strays = findProcessesByArguments('-c', configFile).filter(({ pid }) => pid !== process.pid && pid !== known?.pid);
  await Promise.all(
    strays.map(async (stray) => {
      const ladder = [
        { signal: 'SIGTERM', waitMs: 1500 },
        { signal: 'SIGKILL', waitMs: 5000 },
      ] as const;
      await adoptProcess(stray, 10)?.stop({ reason: 'unknown to the hub', ladder });
    }),
  );
}
