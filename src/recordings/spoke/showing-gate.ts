/**
 * When a fragment may be shown: when the one before it is in the hands of the system. A process that is killed has then shown at most one
 * picture that is not in its file, also while that file is only being opened, and however many fragments came in one go.
 *
 * It costs the viewer nothing as long as a write takes less time than a picture lasts, since the one before is written by then; nothing at
 * all when nothing is recorded; else the time of a write. A disk that takes longer than `longestMs` is not waited for until it has caught
 * up: the picture of now is worth more than the certainty of a recording on such a disk.
 */
const defaultLongestMs = 1000;

interface Held {
  /** It may go when so many are written. */
  readonly after: number;
  readonly sinceMs: number;
  letGo(): void;
}

export class ShowingGate {
  readonly #longestMs: number;
  #taken = 0;
  #written = 0;
  #held: Held[] = [];
  #timer: NodeJS.Timeout | undefined;
  /** The disk was too slow, and has not caught up. */
  #isOpen = false;

  constructor(longestMs = defaultLongestMs) {
    this.#longestMs = longestMs;
  }

  /** One more is on its way into a file. */
  taken(): void {
    this.#taken += 1;
  }

  /** So many of those that were taken are in their file, or never will be. */
  written(count: number): void {
    this.#written += count;
    if (this.#written === this.#taken) this.#isOpen = false;
    const going = this.#held.filter(({ after }) => after <= this.#written);
    if (going.length === 0) return;
    this.#held = this.#held.slice(going.length);
    for (const one of going) one.letGo();
    this.#watch();
  }

  /** When what comes next may be shown: undefined for now. Call it before `taken`. The promise never fails. */
  mayShow(): Promise<void> | undefined {
    if (this.#isOpen || this.#taken === this.#written) return undefined;
    return new Promise((resolve) => {
      this.#held.push({ after: this.#taken, sinceMs: performance.now(), letGo: resolve });
      if (this.#timer === undefined) this.#watch();
    });
  }

  /** Watches the one that waits longest. */
  #watch(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const [oldest] = this.#held;
    if (oldest === undefined) return;
    const restMs = oldest.sinceMs + this.#longestMs - performance.now();
    this.#timer = setTimeout(
      // A process that stood still itself hears of its timers first: what is written meanwhile is told in the same round.
      () => setImmediate(() => this.#openIfLate()),
      Math.max(0, restMs),
    );
  }

  #openIfLate(): void {
    const [oldest] = this.#held;
    if (oldest === undefined || performance.now() - oldest.sinceMs < this.#longestMs) {
      this.#watch();
      return;
    }
    this.#isOpen = true;
    const going = this.#held;
    this.#held = [];
    this.#timer = undefined;
    for (const one of going) one.letGo();
  }
}
