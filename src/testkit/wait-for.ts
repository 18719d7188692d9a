/** Waiting with a deadline: tests wait for what happens, never for time to pass. */
import type { EventEmitter } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';

export interface WaitOptions {
  /** Longest wait; default 20 s, generous because only a failure waits so long: how fast something is, is another question (`assertWithin`). */
  deadlineMs?: number;
  /** What is awaited, for the failure's text. */
  what?: string;
  /** Pause between two looks; default 10 ms. */
  everyMs?: number;
}

const patienceMs = 20_000;

/**
 * Resolves with the first value of `condition` that is neither false, null nor undefined.
 * Fails at the deadline with `what` and the last value or error seen. A condition that throws counts as not yet true.
 */
export async function waitFor<T>(condition: () => T | Promise<T>, options: WaitOptions = {}): Promise<Exclude<Awaited<T>, false | null | undefined>> {
  const { deadlineMs = patienceMs, what = 'the condition', everyMs = 10 } = options;
  const end = performance.now() + deadlineMs;
  let last: unknown;
  for (;;) {
    try {
      const value = await withDeadline(Promise.resolve(condition()), Math.max(1, end - performance.now()), what);
      if (value !== false && value !== null && value !== undefined) return value as Exclude<Awaited<T>, false | null | undefined>;
      last = value;
    } catch (error) {
      last = error;
    }
    if (performance.now() >= end) {
      throw new Error(`${what}: not so within ${deadlineMs} ms; last seen: ${last instanceof Error ? last.message : JSON.stringify(last)}`);
    }
    await delay(everyMs);
  }
}

/** The value of `promise`, or a failure naming `what` when it takes longer than `deadlineMs`. */
export async function withDeadline<T>(promise: Promise<T>, deadlineMs: number, what = 'the promise'): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: nothing within ${Math.round(deadlineMs)} ms`)), deadlineMs);
  });
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}

/** Arguments of the next `event` for which `matches` holds (default: any); fails after `deadlineMs` (default 20 s). */
export async function nextEvent<Args extends unknown[] = unknown[]>(
  emitter: Pick<EventEmitter, 'on' | 'off'>,
  event: string,
  options: { deadlineMs?: number; matches?: (...args: Args) => boolean } = {},
): Promise<Args> {
  let listener: (...args: unknown[]) => void = () => undefined;
  const seen = new Promise<Args>((resolve) => {
    listener = (...args) => {
      const values = args as Args;
      if (options.matches?.(...values) ?? true) resolve(values);
    };
    emitter.on(event, listener);
  });
  try {
    return await withDeadline(seen, options.deadlineMs ?? patienceMs, `event ${event}`);
  } finally {
    emitter.off(event, listener);
  }
}

/**
 * First item of a subscription-style source (`subscribe(listener) => unsubscribe`) for which `matches` holds.
 * Fails after `deadlineMs` (default 20 s) and tells the items seen until then.
 */
export async function nextItem<T>(
  subscribe: (listener: (item: T) => void) => () => void,
  matches: (item: T) => boolean,
  options: { deadlineMs?: number; what?: string } = {},
): Promise<T> {
  const items: T[] = [];
  let unsubscribe: () => void = () => undefined;
  const seen = new Promise<T>((resolve) => {
    unsubscribe = subscribe((item) => {
      if (items.length < 50) items.push(item);
      if (matches(item)) resolve(item);
    });
  });
  try {
    return await withDeadline(seen, options.deadlineMs ?? patienceMs, options.what ?? 'the item');
  } catch (error) {
    throw new Error(`${(error as Error).message}; seen: ${JSON.stringify(items)}`);
  } finally {
    unsubscribe();
  }
}
