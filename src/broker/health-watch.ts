/** Looks at a running server again and again, until told to end. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Health, Monitor } from './monitor.js';

export interface HealthTiming {
  /** Pause between two looks; default 400 ms. */
  healthEveryMs: number;
  /** A look without an answer for so long is silence; default 800 ms. Both together bound how late silence is noticed. */
  healthTimeoutMs: number;
  /** Silence for so long, and over at least three looks: the server is frozen. Default 8000 ms. */
  frozenAfterMs: number;
}

export const defaultHealthTiming: HealthTiming = { healthEveryMs: 400, healthTimeoutMs: 800, frozenAfterMs: 8000 };

/** Reports each look to `onHealth`; returns when frozen or when `signal` aborts. */
export async function watchHealth(
  monitor: Monitor,
  timing: HealthTiming,
  signal: AbortSignal,
  onHealth: (health: Health) => void,
): Promise<'frozen' | 'ended'> {
  let silentSince: number | undefined;
  let silentLooks = 0;
  let refusals = 0;
  while (!signal.aborted) {
    const at = performance.now();
    const health = await monitor.health(timing.healthTimeoutMs);
    if (signal.aborted) break;
    // A server that ends breaks its connections a moment before its end is known; that end is then the truth to tell.
    refusals = health.kind === 'refused' ? refusals + 1 : 0;
    if (refusals !== 1) onHealth(health);
    if (health.kind === 'silent') {
      silentSince ??= at;
      // Counting looks as well keeps a suspended hub from blaming the server for its own sleep.
      if (++silentLooks >= 3 && performance.now() - silentSince >= timing.frozenAfterMs) return 'frozen';
    } else {
      silentSince = undefined;
      silentLooks = 0;
    }
    await delay(timing.healthEveryMs, undefined, { signal, ref: false }).catch(() => undefined);
  }
  return 'ended';
}

/** Resolves when the server answers well for the first time; looks every few milliseconds. Fails when `signal` aborts. */
export async function untilHealthy(monitor: Monitor, signal: AbortSignal): Promise<void> {
  for (;;) {
    signal.throwIfAborted();
    const health = await monitor.health(1000);
    if (health.kind === 'ok') return;
    await delay(3, undefined, { signal });
  }
}
