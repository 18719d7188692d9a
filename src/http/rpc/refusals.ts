/** Refusals that more than one place of this door speaks. */
import { WeirError } from '../../contracts/index.js';

export function tooOften(waitMs: number): WeirError {
  return new WeirError('resource_exhausted', 'Too many calls of this kind', {
    hint: `Try again in ${waitMs} ms`,
    retryAfterS: waitMs / 1000,
    facts: { retry_after_ms: waitMs },
  });
}
