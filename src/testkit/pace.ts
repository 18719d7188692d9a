/** Promises of time on machines that are slow or shared: what is promised holds for a machine with time to spare. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** Milliseconds in which an idle machine starts a Node that does nothing. */
const idleStartMs = 50;

/** How many times as long as on an idle machine things take here and now; at least 1. */
export async function machinePace(): Promise<number> {
  const fromMs = performance.now();
  for (let count = 0; count < 3; count += 1) await once(spawn(process.execPath, ['-e', '0'], { stdio: 'ignore' }), 'exit');
  return Math.max(1, (performance.now() - fromMs) / 3 / idleStartMs);
}

/**
 * Fails when `what` took longer than was promised. Before it fails the machine is measured: one that is three times as slow
 * just now gets three times as long, and half as much again, because its pace a moment ago was not the same.
 */
export async function assertWithin(tookMs: number, promisedMs: number, what: string): Promise<void> {
  if (tookMs <= promisedMs) return;
  const pace = await machinePace();
  const detail = `${what}: ${Math.round(tookMs)} ms, promised ${promisedMs} ms, on a machine at ${pace.toFixed(1)} times the time of an idle one`;
  assert.ok(tookMs <= promisedMs * pace * 1.5, detail);
}
