/** Finds what a test left behind: child processes, file descriptors, timers and sockets. */
import { readdirSync, readFileSync } from 'node:fs';
import { waitFor } from './wait-for.js';

export interface ResourceCount {
  /** Children of this process, zombies included: pid and state. */
  children: string[];
  /** Open file descriptors. */
  descriptors: number;
  /** What keeps the event loop busy, by kind. */
  handles: Record<string, number>;
}

/** What this process holds right now. Linux only; elsewhere children and descriptors are not seen. */
export function countResources(): ResourceCount {
  const handles: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) handles[kind] = (handles[kind] ?? 0) + 1;
  return { children: listChildren(), descriptors: entries('/proc/self/fd').length, handles };
}

/** Children of a process (default: of this one) as `pid state`. */
export function listChildren(parent = process.pid): string[] {
  return entries('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
        const [state = '', ppid] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        return Number(ppid) === parent ? `${pid} ${state}` : [];
      } catch {
        return [];
      }
    });
}

/**
 * Fails unless, within `deadlineMs` (default 2000), this process holds no more than `before`: no further child or zombie, and at most
 * `slack` (default 2) more descriptors. Call it after everything was stopped.
 */
export async function assertNoLeaks(before: ResourceCount, options: { deadlineMs?: number; slack?: number } = {}): Promise<void> {
  const { deadlineMs = 2000, slack = 2 } = options;
  let leak = '';
  const clean = () => {
    const now = countResources();
    const children = now.children.filter((child) => !before.children.includes(child));
    const descriptors = now.descriptors - before.descriptors;
    leak = `children: ${children.join(', ') || 'none'}; further descriptors: ${descriptors}; handles: ${JSON.stringify(now.handles)}`;
    return children.length === 0 && descriptors <= slack;
  };
  await waitFor(clean, { deadlineMs, what: 'the end of all resources' }).catch(() => {
    throw new Error(`The test left something behind: ${leak}`);
  });
}

function entries(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
