/** A bound on what is done at the same time. */

/** Lets `limit` pieces of work run at a time; one that takes longer than `patienceMs` makes room for the next and goes on. */
export class Slots {
  readonly #waiting: (() => void)[] = [];
  readonly #patienceMs: number;
  #free: number;

  constructor(limit: number, patienceMs: number) {
    this.#free = limit;
    this.#patienceMs = patienceMs;
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    let isHeld = true;
    const giveBack = () => {
      if (!isHeld) return;
      isHeld = false;
      const next = this.#waiting.shift();
      if (next === undefined) this.#free += 1;
      else next();
    };
    const timer = setTimeout(giveBack, this.#patienceMs);
    try {
      return await work();
    } finally {
      clearTimeout(timer);
      giveBack();
    }
  }
}
