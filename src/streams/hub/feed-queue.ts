/** What waits for one slow reader of events: bounded, and newer reports replace older ones of the same thing. */
import type { FeedEvent } from './operations.js';

/** An event on its way to one client. */
export interface QueuedEvent extends FeedEvent {
  /** A later event with the same key makes a waiting one worthless (progress, metrics, health). */
  readonly mergeKey?: string;
}

/** Ends by itself when a reader falls behind by more than the bound, so that it comes back with `Last-Event-ID` and misses nothing. */
export class FeedQueue implements AsyncIterable<FeedEvent> {
  readonly #limit: number;
  #waiting: QueuedEvent[] = [];
  #wake: (() => void) | undefined;
  #isEnded = false;
  #merged = 0;

  /** @param limit most events that wait; one more ends the queue */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Reports that were replaced by newer ones before they were read. */
  get merged(): number {
    return this.#merged;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  push(event: QueuedEvent): void {
    if (this.#isEnded) return;
    if (event.mergeKey !== undefined) {
      const at = this.#waiting.findIndex((one) => one.mergeKey === event.mergeKey);
      if (at >= 0) {
        this.#waiting.splice(at, 1);
        this.#merged += 1;
      }
    }
    if (this.#waiting.length >= this.#limit) {
      this.end();
      return;
    }
    this.#waiting.push(event);
    this.#wake?.();
  }

  /** What waits is still delivered; then the iteration is over. */
  end(): void {
    this.#isEnded = true;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<FeedEvent> {
    for (;;) {
      const event = this.#waiting.shift();
      if (event !== undefined) {
        yield event.id === undefined ? { event: event.event, data: event.data } : { id: event.id, event: event.event, data: event.data };
      } else if (this.#isEnded) {
        return;
      } else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        this.#wake = undefined;
      }
    }
  }
}
