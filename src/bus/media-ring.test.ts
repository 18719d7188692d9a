import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createMediaRing, type RingEpoch } from './media-ring.js';

const epoch: RingEpoch = { epoch: 'e1', init: new Uint8Array(1), codecs: 'avc1.64001f', picture: 'source' };

const step = fc.record({ gapMs: fc.nat({ max: 400 }), size: fc.nat({ max: 300 }), key: fc.boolean(), ack: fc.boolean() });

test('within seconds and bytes; open bytes and the first open entry are always right', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 400 }), (steps) => {
      const ring = createMediaRing(2000, 3000);
      let now = 1_000_000;
      for (const [index, one] of steps.entries()) {
        now += one.gapMs;
        const kind = one.key ? 'key' : 'delta';
        const data = new Uint8Array(one.size);
        ring.push({ kind, data, timeMs: index, durationMs: 33, epoch: 'e1', sequence: index, publishedAt: now }, epoch);
        const entry = ring.at(Math.max(ring.first, ring.end - 3));
        if (one.ack && entry !== undefined) ring.setState(entry, 'acked');
        const kept = Array.from({ length: ring.end - ring.first }, (_none, offset) => ring.at(ring.first + offset));
        assert.equal(ring.end, index + 1);
        assert.equal(ring.at(ring.end - 1)?.fragment.sequence, index);
        const bytes = kept.reduce((sum, each) => sum + (each?.fragment.data.length ?? 0), 0);
        assert.ok(bytes <= 3000 || kept.length === 1);
        for (const each of kept) assert.ok(each !== undefined && (each.fragment.publishedAt >= now - 2000 || kept.length === 1));
        const open = kept.filter((each) => each?.state !== 'acked');
        assert.equal(
          ring.openBytes,
          open.reduce((sum, each) => sum + (each?.fragment.data.length ?? 0), 0),
        );
        assert.equal(ring.firstOpen(), open[0]?.fragment.sequence ?? ring.end);
      }
      const rolls = ring.snapshot();
      for (const roll of rolls) assert.equal(roll.fragments[0]?.kind, 'key');
      const rewound = ring.keyBefore(ring.firstOpen(), 500);
      const at = ring.at(rewound);
      assert.ok(at === undefined || at.fragment.kind === 'key' || rewound === Math.min(ring.firstOpen(), ring.end));
      ring.reopenFrom(ring.first);
      assert.equal(ring.firstOpen(), ring.first);
    }),
    { numRuns: 200 },
  );
});
