/** Which assigned streams shall run for their recordings although nobody else wants them: by the clock of this host, so that no hub is needed. */
import type { AssignedStream } from './assignments.js';

/** A stream runs so long before an order begins: to open a source takes a moment. */
const aheadMs = 10_000;
/** And so long after it has ended: the last pictures are on their way. */
const lingerMs = 2000;

/** What the stream shall do at this time. A manual order is due as soon as it is there. Pure. */
export function effectiveDesired(
  { desired, recordings = [] }: Pick<AssignedStream, 'desired' | 'recordings'>,
  nowMs: number,
): AssignedStream['desired'] {
  const isDue = recordings.some(({ origin, from, until }) => {
    const hasBegun = origin === 'manual' || Date.parse(from) - aheadMs <= nowMs;
    return hasBegun && (until === null || nowMs < Date.parse(until) + lingerMs);
  });
  return isDue ? 'running' : desired;
}

/** The last assignment, as time goes on over it. */
export class DueStreams {
  #assigned: readonly AssignedStream[] = [];
  #before = new Map<string, AssignedStream['desired']>();

  /** Replaces the list; gives it as it is to be carried out now. */
  set(assigned: readonly AssignedStream[], nowMs: number): AssignedStream[] {
    const effective = assigned.map((one) => ({ ...one, desired: effectiveDesired(one, nowMs) }));
    this.#assigned = assigned;
    this.#before = new Map(effective.map((one) => [one.stream_id, one.desired]));
    return effective;
  }

  /** Those that shall begin or end since the last look: told once, so that a command in between stands. */
  changes(nowMs: number): AssignedStream[] {
    const changed: AssignedStream[] = [];
    for (const one of this.#assigned) {
      const desired = effectiveDesired(one, nowMs);
      if (this.#before.get(one.stream_id) === desired) continue;
      this.#before.set(one.stream_id, desired);
      changed.push({ ...one, desired });
    }
    return changed;
  }
}
