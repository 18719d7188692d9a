/** What was opened, to be ended in reverse order. */
import type { Logger } from '../telemetry/index.js';

/** Ends one part that was opened. `detach` is for what runs on without us. */
export interface Closer {
  readonly close: () => Promise<void> | void;
  readonly detach?: () => Promise<void> | void;
}

export class Closers {
  readonly #closers: Closer[] = [];
  readonly #log: Pick<Logger, 'warn'>;

  constructor(log: Pick<Logger, 'warn'>) {
    this.#log = log;
  }

  push(...closers: Closer[]): void {
    this.#closers.push(...closers);
  }

  /** Ends everything; with `detach`, what can run on does. A part that fails to stop does not keep the others. */
  async end(how: 'close' | 'detach'): Promise<void> {
    for (const closer of this.#closers.splice(0).reverse()) {
      try {
        await ((how === 'detach' ? closer.detach : undefined) ?? closer.close)();
      } catch (error) {
        this.#log.warn({ err: error }, 'a part did not stop well');
      }
    }
  }
}
