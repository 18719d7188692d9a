/** Health of the parts, fed by the parts themselves; silence is not health. */

export type HealthStatus = 'healthy' | 'degraded' | 'unhealthy';

export interface ComponentReport {
  name: string;
  status: HealthStatus;
  message?: string;
  /** When this status began, RFC 3339. */
  since: string;
  details?: Record<string, unknown>;
}

export interface HealthComponent {
  /** The present state. Repeat it at least every `staleAfterMs`, when that was given. */
  report(status: HealthStatus, message?: string, details?: Record<string, unknown>): void;
  /** The part is gone on purpose. */
  remove(): void;
}

export interface HealthRegistry {
  /**
   * Adds a part, `degraded` ("starting") until its first report. After `staleAfterMs` without a report it counts as degraded.
   * `essential: false`: even unhealthy, it makes the whole only degraded. Default true.
   */
  component(name: string, options?: { staleAfterMs?: number; essential?: boolean }): HealthComponent;
  /** All parts by name, staleness applied at this moment. */
  components(): ComponentReport[];
  /** Worst of the parts; healthy when there is none. */
  status(): HealthStatus;
  /** Calls back when a part's status or message changed by a report (staleness is found by looking). Returns the way to end that. */
  onChange(listener: (component: ComponentReport) => void): () => void;
}

interface Entry {
  report: ComponentReport;
  reportedAt: number;
  staleAfterMs: number;
  essential: boolean;
}

const order: readonly HealthStatus[] = ['healthy', 'degraded', 'unhealthy'];

/** An empty registry. `now` is wall time in ms. */
export function createHealthRegistry(now: () => number = Date.now): HealthRegistry {
  const entries = new Map<string, Entry>();
  const listeners = new Set<(component: ComponentReport) => void>();
  const registry: HealthRegistry = {
    component(name, options = {}) {
      const entry: Entry = {
        report: { name, status: 'degraded', message: 'starting', since: new Date(now()).toISOString() },
        reportedAt: now(),
        staleAfterMs: options.staleAfterMs ?? Number.POSITIVE_INFINITY,
        essential: options.essential ?? true,
      };
      entries.set(name, entry);
      return {
        report(status, message, details) {
          const changed = take(entry, status, message, details, now());
          if (changed) for (const listener of listeners) listener(entry.report);
        },
        remove() {
          if (entries.get(name) === entry) entries.delete(name);
        },
      };
    },
    components() {
      return [...entries.values()].map((entry) => withStaleness(entry, now())).sort((a, b) => (a.name < b.name ? -1 : 1));
    },
    status() {
      const ranks = [...entries.values()].map((entry) => {
        const rank = order.indexOf(withStaleness(entry, now()).status);
        return entry.essential ? rank : Math.min(rank, 1);
      });
      return order[Math.max(0, ...ranks)] ?? 'unhealthy';
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  return registry;
}

function take(entry: Entry, status: HealthStatus, message: string | undefined, details: Record<string, unknown> | undefined, at: number): boolean {
  const before = entry.report;
  entry.reportedAt = at;
  entry.report = {
    name: before.name,
    status,
    since: before.status === status ? before.since : new Date(at).toISOString(),
    ...(message === undefined ? {} : { message }),
    ...(details === undefined ? {} : { details }),
  };
  return before.status !== status || before.message !== message;
}

function withStaleness(entry: Entry, at: number): ComponentReport {
  const silentMs = at - entry.reportedAt;
  if (silentMs <= entry.staleAfterMs || entry.report.status === 'unhealthy') return entry.report;
  const since = new Date(entry.reportedAt + entry.staleAfterMs).toISOString();
  return { ...entry.report, status: 'degraded', message: `no word for ${Math.round(silentMs / 1000)} s`, since };
}
