/** What ends by itself. */
import { type AccessParts, timeText } from './parts.js';
import { endPrincipals } from './sessions.js';

const sweepMs = 10_000;
const auditSweepMs = 3_600_000;
const auditKeepMs = 90 * 86_400_000;
const auditKeepEntries = 100_000;

export interface Sweeper {
  /** One round now; after the one under way. */
  sweep(): Promise<void>;
  /** Waits for the round under way. */
  stop(): Promise<void>;
}

/** Ends what has expired, every ten seconds, one round at a time. */
export function startSweeper(parts: AccessParts, onFailure: (error: unknown) => void): Sweeper {
  let nextAuditAt = 0;
  let running: Promise<void> = Promise.resolve();
  const round = async () => {
    const now = parts.now();
    await endPrincipals(parts, await parts.store.sessions.deleteExpired(timeText(now)));
    await parts.busLogins.remove((login) => now >= Date.parse(login.expires_at));
    await parts.busLogins.retry();
    if (now < nextAuditAt) return;
    nextAuditAt = now + auditSweepMs;
    await parts.store.audit.prune({ before: timeText(now - auditKeepMs), keep: auditKeepEntries });
  };
  const sweep = () => {
    const next = running.then(round);
    running = next.catch(() => undefined);
    return next;
  };
  const timer = setInterval(() => void sweep().catch(onFailure), sweepMs);
  timer.unref();
  return {
    sweep,
    async stop() {
      clearInterval(timer);
      await running;
    },
  };
}
