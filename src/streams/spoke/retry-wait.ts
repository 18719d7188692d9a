/** The wait between two attempts: a timer, and a sensor that cuts it short. */
import type { Source } from '../../media/index.js';
import { startReturnSensor } from './return-sensor.js';

export class RetryWait {
  readonly #onDue: () => void;
  readonly #onBack: () => void;
  #timer: NodeJS.Timeout | undefined;
  #sensor: { readonly abort: AbortController; readonly device: string } | undefined;
  #until: Date | undefined;

  constructor(callbacks: { onDue(): void; onBack(): void }) {
    this.#onDue = callbacks.onDue;
    this.#onBack = callbacks.onBack;
  }

  /** When the timer ends; undefined when it does not run. */
  get until(): Date | undefined {
    return this.#until;
  }

  /** Waits so long. A sensor goes on through the attempt that follows, until {@link stop} or another source. */
  begin(delayMs: number, sensed: Source | undefined): void {
    clearTimeout(this.#timer);
    this.#until = new Date(Date.now() + delayMs);
    this.#timer = setTimeout(() => {
      this.#until = undefined;
      this.#onDue();
    }, delayMs);
    if (sensed?.device === this.#sensor?.device) return;
    this.#sensor?.abort.abort();
    this.#sensor = undefined;
    if (sensed === undefined) return;
    const abort = new AbortController();
    this.#sensor = { abort, device: sensed.device };
    startReturnSensor({ source: sensed, signal: abort.signal, onBack: this.#onBack });
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#until = undefined;
    this.#sensor?.abort.abort();
    this.#sensor = undefined;
  }
}
