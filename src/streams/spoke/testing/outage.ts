/** A source that goes away and returns, and how long the spoke takes to notice. Tests only. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { type FaultProxy, startFaultProxy } from '../../../testkit/fault-proxy.js';
import { waitFor } from '../../../testkit/index.js';
import { type LiveServer, startLiveServer } from './live-server.js';
import { isPicture, isSlate, startTestbed, type Testbed } from './testbed.js';

/** What the design promises. */
const detectedWithinMs = 1000;
const backWithinMs = 2000;

/**
 * Starts the stream and waits until the rhythm of its source is known. Resolves with the milliseconds to its first picture: what a start takes on
 * this machine as it is now. A promise may be missed by so much without being broken, since whatever slows one down slows the other.
 */
export async function playing(it: Testbed, device: string, more: object = {}): Promise<number> {
  const fromMs = performance.now();
  await it.command('start', { device, ...more });
  await it.status((status) => status.state === 'running', { deadlineMs: 30_000 });
  const { atMs } = await it.media(isPicture);
  await waitFor(() => it.heard.media.filter(isPicture).length > 60, { deadlineMs: 30_000, what: 'sixty pictures' });
  return atMs - fromMs;
}

/** The picture is back as soon as is promised. */
export function assertBackSoon(t: TestContext, tookMs: number, startMs: number): void {
  t.diagnostic(`playing again after ${Math.round(tookMs)} ms; a start takes ${Math.round(startMs)} ms here`);
  assert.ok(tookMs <= backWithinMs + startMs, `back after ${tookMs} ms, where a start takes ${startMs} ms`);
}

export interface Outage {
  begin(): unknown;
  end(): unknown;
  /** What the status is to say meanwhile; default: whatever it says. */
  readonly reason?: string;
  /** How long the source is away. */
  readonly awayMs: number;
}

/** Lets the source go away and return; asserts that both are noticed as soon as is promised. `startMs`: what `playing` resolved with. */
export async function measureOutage(t: TestContext, it: Testbed, startMs: number, outage: Outage): Promise<void> {
  const awayMs = performance.now();
  await outage.begin();
  const failed = await it.status((status) => status.state === 'error', { fromMs: awayMs });
  const slate = await it.media(isSlate, { fromMs: awayMs });
  const foundMs = failed.atMs - awayMs;
  t.diagnostic(`away found after ${Math.round(foundMs)} ms (${failed.reason}), slate ${Math.round(slate.atMs - failed.atMs)} ms later`);
  if (outage.reason !== undefined) assert.equal(failed.reason, outage.reason);
  assert.ok(foundMs <= detectedWithinMs + startMs, `found after ${foundMs} ms, where a start takes ${startMs} ms`);
  await waitFor(() => performance.now() - awayMs > outage.awayMs, { deadlineMs: outage.awayMs + 1000 });
  assert.ok((await it.statusNow()).no_signal);
  const returnedMs = performance.now();
  await outage.end();
  const back = await it.media(isPicture, { fromMs: returnedMs, deadlineMs: 30_000 });
  assertBackSoon(t, back.atMs - returnedMs, startMs);
  const running = await it.status((status) => status.state === 'running', { fromMs: returnedMs });
  assert.equal(running.no_signal, undefined);
}

export interface HttpBed {
  readonly it: Testbed;
  readonly proxy: FaultProxy;
  /** The live server, through the proxy. */
  readonly device: string;
  readonly server: LiveServer;
  stop(): Promise<void>;
}

/** A spoke, and an HTTP source behind a proxy that can fail. */
export async function openHttpBed(): Promise<HttpBed> {
  const server = await startLiveServer();
  const proxy = await startFaultProxy({ port: server.port });
  const it = await startTestbed();
  const stop = async () => {
    await it.stop();
    await proxy.stop();
    await server.stop();
  };
  return { it, proxy, server, device: `http://127.0.0.1:${proxy.port}/live.ts`, stop };
}
