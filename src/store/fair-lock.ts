/** One holder at a time, first come first served. */
import { WeirError } from '../contracts/index.js';

export class FairLock {
  readonly #waiting: (() => void)[] = [];
  readonly #maxWaiting: number;
  #held = false;

  /** Beyond `maxWaiting` waiters `acquire` throws `unavailable`; default 10,000. */
  constructor(maxWaiting = 10_000) {
    this.#maxWaiting = maxWaiting;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  async acquire(): Promise<void> {
    if (!this.#held) {
      this.#held = true;
      return;
    }
    if (this.#waiting.length >= this.#maxWaiting) {
      throw new WeirError('unavailable', `${this.#waiting.length} queries wait for the database already`, { hint: 'try again' });
    }
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** Hands the lock to the next waiter. */
  release(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#held = false;
    else next();
  }
}
