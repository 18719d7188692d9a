/** Making a running server read its configuration again, and knowing that it did. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Monitor } from './monitor.js';

const reloadTimeoutMs = 3000;

/**
 * Sends the reload signal and waits until the server tells a new load time: `taken`. `replaced` when `isSame` turns false meanwhile,
 * `refused` when neither comes in time. The signal goes out in any case, so a frozen server reads the file when it thaws.
 */
export async function reloadConfig(
  monitor: Monitor | undefined,
  signalServer: () => void,
  isSame: () => boolean,
): Promise<'taken' | 'replaced' | 'refused'> {
  const loadedAt = await loadTime(monitor);
  signalServer();
  if (loadedAt === undefined) return isSame() ? 'refused' : 'replaced';
  for (const end = performance.now() + reloadTimeoutMs; performance.now() < end; await delay(1)) {
    if (!isSame()) return 'replaced';
    const now = await loadTime(monitor);
    if (now !== undefined && now !== loadedAt) return 'taken';
  }
  return 'refused';
}

async function loadTime(monitor: Monitor | undefined): Promise<string | undefined> {
  try {
    return (await monitor?.figures(1000))?.config_load_time;
  } catch {
    return undefined;
  }
}
