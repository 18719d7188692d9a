/** Wait before the next attempt. Pure but for the dice. */

/** Grows from 0.2 s to 3 s (10 s while nobody looks), half of it by chance, so that many browsers do not return at once. */
export function backoffMs(failures: number, visible: boolean, random: () => number = Math.random): number {
  const cap = visible ? 3000 : 10_000;
  const full = Math.min(cap, 200 * 2 ** Math.min(failures, 10));
  return Math.round(full / 2 + (full / 2) * random());
}
