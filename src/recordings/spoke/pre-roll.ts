/** What of the media in memory a recording begins with. Pure. */
import type { StoredFragment } from '../../bus/index.js';

export interface PreRollFacts {
  /** Wall clock of a time of the media. */
  wallOf(timeMs: number): number;
  /** True for what is in a file already. */
  isTaken(fragment: StoredFragment): boolean;
}

/**
 * From the newest keyframe at or before `targetMs` on, else from the oldest; nothing that is in a file already, so that a recording
 * begun right after another one has no frame of it twice. Empty when there is no keyframe to begin with.
 */
export function preRollFrom(fragments: readonly StoredFragment[], targetMs: number, facts: PreRollFacts): readonly StoredFragment[] {
  let from: number | undefined;
  for (const [index, fragment] of fragments.entries()) {
    if (fragment.kind !== 'key' || facts.isTaken(fragment)) continue;
    if (from !== undefined && facts.wallOf(fragment.timeMs) > targetMs) break;
    from = index;
  }
  return from === undefined ? [] : fragments.slice(from);
}
