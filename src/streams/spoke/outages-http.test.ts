/** The spoke against HTTP sources that go away and return. Real broker, real FFmpeg; what is promised is measured. */
import { test } from 'node:test';
import { measureOutage, openHttpBed, playing } from './testing/outage.js';

test('HTTP: a stalled line', async (t) => {
  const { it, proxy, device, stop } = await openHttpBed();
  try {
    const startMs = await playing(it, device);
    await measureOutage(t, it, startMs, { begin: () => proxy.stall(), end: () => proxy.resume(), reason: 'source_silent', awayMs: 6000 });
  } finally {
    await stop();
  }
});

test('HTTP: a server that is down for a while', async (t) => {
  const { it, proxy, device, stop } = await openHttpBed();
  try {
    const startMs = await playing(it, device);
    await measureOutage(t, it, startMs, { begin: () => proxy.refuse(), end: () => proxy.accept(), awayMs: 8000 });
  } finally {
    await stop();
  }
});

test('HTTP: an encoder that is stopped (SIGSTOP) behind a server that goes on', async (t) => {
  const { it, server, device, stop } = await openHttpBed();
  try {
    const startMs = await playing(it, device);
    await measureOutage(t, it, startMs, {
      begin: () => server.encoder.kill('SIGSTOP'),
      end: () => server.encoder.kill('SIGCONT'),
      reason: 'source_silent',
      awayMs: 7000,
    });
  } finally {
    await stop();
  }
});
