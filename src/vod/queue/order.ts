/** Who starts next: priority raised by waiting, then the owner with the fewest running jobs, then the owner served longest ago, then age. */
import type { WaitingGroup, WaitingJob } from '../../store/index.js';

export interface OrderFacts {
  readonly nowMs: number;
  /** Waiting so long raises a job by one step. */
  readonly ageingMs: number;
  /** Running jobs by owner. */
  readonly running: ReadonlyMap<string, number>;
  /** When each owner last started a job. */
  readonly lastStarts: ReadonlyMap<string, number>;
}

type Candidate = Pick<WaitingJob, 'owner' | 'priority' | 'queued_ms'>;

/** The group whose oldest job starts next; undefined of none. */
export function nextGroup<G extends WaitingGroup>(groups: readonly G[], facts: OrderFacts): G | undefined {
  let best: G | undefined;
  for (const group of groups) if (best === undefined || compare(group, best, facts) < 0) best = group;
  return best;
}

/** Negative: `a` starts before `b`. */
function compare(a: Candidate, b: Candidate, { nowMs, ageingMs, running, lastStarts }: OrderFacts): number {
  const step = (one: Candidate) => one.priority + Math.floor(Math.max(0, nowMs - one.queued_ms) / ageingMs);
  return (
    step(b) - step(a) ||
    (running.get(a.owner) ?? 0) - (running.get(b.owner) ?? 0) ||
    (lastStarts.get(a.owner) ?? 0) - (lastStarts.get(b.owner) ?? 0) ||
    a.queued_ms - b.queued_ms
  );
}

/**
 * The order in which waiting jobs would start if one started after the other and none ended; `jobs` oldest first. Jobs that are not due, or
 * whose video or place is worked on, are left out.
 */
export function startOrder(
  jobs: readonly WaitingJob[],
  facts: OrderFacts,
  busy: { videos: ReadonlySet<string>; places: ReadonlySet<string> },
): WaitingJob[] {
  const groups = new Map<string, WaitingJob[]>();
  for (const job of jobs) {
    if (job.due_ms > facts.nowMs || busy.videos.has(job.video_id) || busy.places.has(job.place)) continue;
    const key = `${job.priority} ${job.owner}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [job]);
    else group.push(job);
  }
  const heads = new Map([...groups.values()].map((group) => [group, 0]));
  const running = new Map(facts.running);
  const lastStarts = new Map(facts.lastStarts);
  const order: WaitingJob[] = [];
  for (let turn = facts.nowMs + 1; heads.size > 0; turn += 1) {
    const candidates = [...heads].flatMap(([group, at]) => {
      const job = group[at];
      return job === undefined ? [] : [{ ...job, group }];
    });
    const next = nextGroup(candidates, { ...facts, running, lastStarts });
    if (next === undefined) break;
    const { group, ...job } = next;
    order.push(job);
    running.set(job.owner, (running.get(job.owner) ?? 0) + 1);
    lastStarts.set(job.owner, turn);
    const at = (heads.get(group) ?? 0) + 1;
    if (at < group.length) heads.set(group, at);
    else heads.delete(group);
  }
  return order;
}
