/** A queue with an end: by number, by bytes, and with a rule for what gives way. */
import type { QueuePolicy } from './bus.js';

interface Slot<T> {
  item: T;
  bytes: number;
}

export interface QueueLimits {
  items: number;
  bytes: number;
  policy: QueuePolicy;
}

/** What a push did to the queue. */
export interface PushOutcome {
  merged: boolean;
  dropped: number;
}

export interface BoundedQueue<T> {
  readonly size: number;
  readonly bytes: number;
  /** `key` matters to `merge_by_subject`: a newer item takes the place of a waiting one with the same key. */
  push(item: T, bytes: number, key: string): PushOutcome;
  shift(): T | undefined;
  clear(): void;
}

/** Never holds more than `items` or `bytes`, except that one item alone may be larger than `bytes`. */
export function createBoundedQueue<T>(limits: QueueLimits): BoundedQueue<T> {
  const slots = new Map<string | number, Slot<T>>();
  let bytes = 0;
  let counter = 0;

  function removeOldest(): Slot<T> | undefined {
    for (const [key, slot] of slots) {
      slots.delete(key);
      bytes -= slot.bytes;
      return slot;
    }
    return undefined;
  }

  return {
    get size() {
      return slots.size;
    },
    get bytes() {
      return bytes;
    },
    push(item, size, subject) {
      const key = limits.policy === 'merge_by_subject' ? subject : counter++;
      const waiting = slots.get(key);
      bytes += size - (waiting?.bytes ?? 0);
      slots.set(key, { item, bytes: size });
      let dropped = 0;
      while (slots.size > 1 && (slots.size > limits.items || bytes > limits.bytes)) {
        removeOldest();
        dropped += 1;
      }
      return { merged: waiting !== undefined, dropped };
    },
    shift: () => removeOldest()?.item,
    clear() {
      slots.clear();
      bytes = 0;
    },
  };
}
