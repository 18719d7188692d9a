/** Lets at most so many log lines per second pass and tells how many it kept back. */

export interface LogGateOptions {
  /** Default 50. */
  readonly linesPerSecond?: number;
}

/** Token bucket of one second's lines; the clock is given. */
export class LogGate {
  readonly #limit: number;
  #windowStartMs = Number.NEGATIVE_INFINITY;
  #passed = 0;
  #suppressed = 0;

  constructor(options: LogGateOptions = {}) {
    // One of the lines is kept for the count of the others.
    this.#limit = Math.max(1, (options.linesPerSecond ?? 50) - 1);
  }

  /** True when a line may pass now. */
  admit(atMs: number): boolean {
    if (atMs - this.#windowStartMs >= 1000) {
      this.#windowStartMs = atMs;
      this.#passed = 0;
    }
    if (this.#passed < this.#limit) {
      this.#passed += 1;
      return true;
    }
    this.#suppressed += 1;
    return false;
  }

  /** Number of lines kept back since the last call; call it about once per second and say it when it is not 0. */
  takeSuppressed(): number {
    const count = this.#suppressed;
    this.#suppressed = 0;
    return count;
  }
}
