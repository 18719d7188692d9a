/** Wait before the next attempt. Pure but for the dice. */

/** Grows from 0.2 s to 2 s (10 s while nobody looks), half of it by chance, so that many browsers do not return at once. */
export function backoffMs(failures: number, visible: boolean, random: () => number = Math.random): number {
  const cap = visible ? 2000 : 10_000;
  const full = Math.min(cap, 200 * 1.5 ** Math.min(failures, 12));
  return Math.round(full / 2 + (full / 2) * random());
}
