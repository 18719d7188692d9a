import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Failure } from './failure.js';
import { defaultRetryPolicy, initialPhase, next, restartsOf, retryDelayMs, type StreamEffect, type StreamEvent, type StreamPhase } from './state.js';

const away: Failure = { kind: 'away', reason: 'source_silent', message: 'silent' };
const crash: Failure = { kind: 'crash', reason: 'source_garbage', message: 'garbage' };
const permanent: Failure = { kind: 'permanent', reason: 'source_refused', message: 'wrong password' };
const other: Failure = { kind: 'switch', reason: 'encoder_failed', message: 'hardware' };

function play(events: StreamEvent[]): { phase: StreamPhase; effects: StreamEffect[]; trail: string[] } {
  let phase = initialPhase();
  const effects: StreamEffect[] = [];
  const trail: string[] = [];
  for (const event of events) {
    const decision = next(phase, event);
    phase = decision.phase;
    effects.push(...decision.effects);
    trail.push(phase.is);
  }
  return { phase, effects, trail };
}

const start = (probe = false): StreamEvent => ({ type: 'start', atMs: 0, probe });
const first = (run: number): StreamEvent => ({ type: 'first_fragment', run, atMs: 10 });
const failed = (run: number, failure: Failure, atMs = 20): StreamEvent => ({ type: 'failed', run, failure, atMs, chance: 0, probe: false });
const due: StreamEvent = { type: 'retry_due', atMs: 1000, probe: false };
const back = (atMs = 1000): StreamEvent => ({ type: 'source_back', atMs, probe: false });
const gone: StreamEvent = { type: 'all_gone', atMs: 2000, probe: false };
const configure = (keepOld: boolean): StreamEvent => ({ type: 'configure', atMs: 50, probe: false, keepOld });
const changed: StreamEvent = { type: 'source_changed', atMs: 50, probe: false, keepOld: true };
const stop: StreamEvent = { type: 'stop' };

const rows: { name: string; events: StreamEvent[]; trail: string[]; effects: string[]; restarts?: number }[] = [
  { name: 'a start with a known plan needs no probe', events: [start()], trail: ['starting'], effects: ['start_run'], restarts: 0 },
  {
    name: 'a start with an unknown plan probes first',
    events: [start(true), { type: 'probed', run: 1, atMs: 5 }, first(1)],
    trail: ['probing', 'starting', 'running'],
    effects: ['probe', 'start_run', 'stop_waiting', 'show_run'],
  },
  {
    name: 'news of an earlier run is dropped',
    events: [start(), first(1), failed(1, away), due, first(1), failed(1, away)],
    trail: ['starting', 'running', 'no_signal', 'starting', 'starting', 'starting'],
    effects: ['start_run', 'stop_waiting', 'show_run', 'stop_run', 'show_slate', 'raise', 'wait', 'start_run'],
    restarts: 1,
  },
  {
    name: 'the return of the source cuts the wait short',
    events: [start(), failed(1, away), back(), first(2)],
    trail: ['starting', 'no_signal', 'starting', 'running'],
    effects: ['start_run', 'stop_run', 'show_slate', 'raise', 'wait', 'start_run', 'stop_waiting', 'show_run'],
    restarts: 1,
  },
  {
    name: 'an attempt that began while the source was away is begun anew',
    events: [start(), failed(1, away), due, back(1500), back(2500)],
    trail: ['starting', 'no_signal', 'starting', 'starting', 'starting'],
    effects: ['start_run', 'stop_run', 'show_slate', 'raise', 'wait', 'start_run', 'stop_run', 'start_run'],
    restarts: 2,
  },
  {
    name: 'a broken hardware encoder is replaced at once and raises nothing',
    events: [start(), failed(1, other), first(2)],
    trail: ['starting', 'starting', 'running'],
    effects: ['start_run', 'stop_run', 'start_run', 'stop_waiting', 'show_run'],
    restarts: 1,
  },
  {
    name: 'configure keeps the old picture until the new one is there',
    events: [start(), first(1), configure(true), first(2)],
    trail: ['starting', 'running', 'starting', 'running'],
    effects: ['start_run', 'stop_waiting', 'show_run', 'start_run', 'stop_waiting', 'show_run'],
    restarts: 0,
  },
  {
    name: 'a loss after a configure counts, and a configure takes no count back',
    events: [start(), first(1), configure(true), first(2), failed(2, away), due, first(3), configure(false)],
    trail: ['starting', 'running', 'starting', 'running', 'no_signal', 'starting', 'running', 'starting'],
    effects: [
      ...['start_run', 'stop_waiting', 'show_run', 'start_run', 'stop_waiting', 'show_run'],
      ...['stop_run', 'show_slate', 'raise', 'wait', 'start_run', 'stop_waiting', 'show_run', 'stop_run', 'show_slate', 'start_run'],
    ],
    restarts: 1,
  },
  {
    name: 'a picture that the source changed by itself counts',
    events: [start(), first(1), changed, first(2)],
    trail: ['starting', 'running', 'starting', 'running'],
    effects: ['start_run', 'stop_waiting', 'show_run', 'start_run', 'stop_waiting', 'show_run'],
    restarts: 1,
  },
  {
    name: 'configure of an exclusive device stops the old run first',
    events: [start(), first(1), configure(false)],
    trail: ['starting', 'running', 'starting'],
    effects: ['start_run', 'stop_waiting', 'show_run', 'stop_run', 'show_slate', 'start_run'],
    restarts: 0,
  },
  {
    name: 'the old run dies while the new one starts',
    events: [start(), first(1), configure(true), failed(1, away)],
    trail: ['starting', 'running', 'starting', 'starting'],
    effects: ['start_run', 'stop_waiting', 'show_run', 'start_run', 'stop_run', 'show_slate'],
  },
  {
    name: 'the new run dies before it shows anything: both end',
    events: [start(), first(1), configure(true), failed(2, away)],
    trail: ['starting', 'running', 'starting', 'no_signal'],
    effects: ['start_run', 'stop_waiting', 'show_run', 'start_run', 'stop_run', 'stop_run', 'show_slate', 'raise', 'wait'],
  },
  {
    name: 'a stop ends in stopped, and a start meanwhile starts afterwards',
    events: [start(), first(1), stop, start(), gone],
    trail: ['starting', 'running', 'stopping', 'stopping', 'starting'],
    effects: ['start_run', 'stop_waiting', 'show_run', 'stop_waiting', 'clear', 'stop_all', 'start_run'],
    restarts: 0,
  },
  {
    name: 'a second stop takes a pending start back',
    events: [start(), stop, start(), stop, gone],
    trail: ['starting', 'stopping', 'stopping', 'stopping', 'stopped'],
    effects: ['start_run', 'stop_waiting', 'clear', 'stop_all'],
  },
];

for (const row of rows) {
  test(row.name, () => {
    const { phase, effects, trail } = play(row.events);
    assert.deepEqual(trail, row.trail);
    assert.deepEqual(
      effects.map((effect) => effect.do),
      row.effects,
    );
    if (row.restarts !== undefined) assert.equal(restartsOf(phase), row.restarts);
  });
}

test('five crashes in a row are a crash loop, and a healthy time between them is not', () => {
  const crashes = (healthyAfter: number) => {
    const events: StreamEvent[] = [start()];
    for (let run = 1; run <= 5; run++) {
      events.push(first(run));
      if (run === healthyAfter) events.push({ type: 'healthy', run });
      events.push(failed(run, crash));
      if (run < 5) events.push(due);
    }
    return play(events);
  };
  const loop = crashes(0);
  assert.equal(loop.phase.is, 'crash_loop');
  assert.deepEqual(loop.effects.at(-1), { do: 'wait', untilMs: 20 + defaultRetryPolicy.crashDelayMs, sense: false });
  assert.equal(crashes(3).phase.is, 'no_signal');
});

test('what only a person can mend is retried slowly from the first time', () => {
  const { effects } = play([start(), failed(1, permanent)]);
  assert.deepEqual(effects.at(-1), { do: 'wait', untilMs: 20 + defaultRetryPolicy.crashDelayMs, sense: false });
});

test('retries slow down to the cap and chance only shortens them', () => {
  assert.deepEqual(
    [1, 2, 3, 4, 8, 9, 60].map((failures) => retryDelayMs(failures, 0)),
    [100, 500, 1000, 2000, 30_000, 30_000, 30_000],
  );
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 10_000 }), fc.double({ min: 0, max: 0.999, noNaN: true }), (failures, chance) => {
      const delayMs = retryDelayMs(failures, chance);
      assert.ok(delayMs > 0 && delayMs <= retryDelayMs(failures, 0) && delayMs <= defaultRetryPolicy.maxDelayMs);
    }),
  );
});

/** Does what the effects say, without processes: which runs live, what is shown, whether somebody waits. */
class World {
  phase = initialPhase();
  readonly live = new Set<number>();
  readonly everStarted: number[] = [];
  shown: number | 'slate' | 'nothing' = 'nothing';
  isWaiting = false;
  isEnding = false;
  restartsSinceTold = 0;
  isAskedFor = false;

  apply(event: StreamEvent): void {
    const isStart = event.type === 'start' && this.phase.is === 'stopped';
    if (isStart || (event.type === 'all_gone' && this.phase.is === 'stopping' && this.phase.afterwards === 'start')) {
      this.restartsSinceTold = 0;
      this.isAskedFor = true;
    }
    if (event.type === 'configure') this.isAskedFor = true;
    const decision = next(this.phase, event);
    this.phase = decision.phase;
    for (const effect of decision.effects) this.#carryOut(effect);
    this.check();
  }

  #carryOut(effect: StreamEffect): void {
    switch (effect.do) {
      case 'start_run':
        assert.ok(!this.everStarted.includes(effect.run), 'a run number is used once');
        this.everStarted.push(effect.run);
        this.live.add(effect.run);
        if (!this.isAskedFor) this.restartsSinceTold += 1;
        this.isAskedFor = false;
        break;
      case 'stop_run':
        this.live.delete(effect.run);
        if (this.shown === effect.run) this.shown = 'nothing';
        break;
      case 'show_run':
        assert.ok(this.live.has(effect.run), 'only a live run is shown');
        for (const run of this.live) if (run !== effect.run) this.live.delete(run);
        this.shown = effect.run;
        break;
      case 'show_slate':
        this.shown = 'slate';
        break;
      case 'wait':
        this.isWaiting = true;
        break;
      case 'stop_waiting':
        this.isWaiting = false;
        break;
      case 'stop_all':
        this.live.clear();
        this.shown = 'nothing';
        this.isEnding = true;
        break;
      default:
    }
  }

  check(): void {
    const { phase } = this;
    if (phase.is === 'running') {
      assert.deepEqual([...this.live], [phase.tally.run]);
      assert.equal(this.shown, phase.tally.run);
    }
    if (phase.is === 'starting') {
      assert.ok(this.live.has(phase.tally.run));
      assert.ok(this.live.size <= 2);
      if (phase.shown.is === 'old_run') assert.equal(this.shown, phase.shown.run);
      if (phase.shown.is === 'slate') assert.equal(this.shown, 'slate');
    }
    if (phase.is === 'no_signal' || phase.is === 'crash_loop') {
      assert.equal(this.live.size, 0);
      assert.equal(this.shown, 'slate');
      assert.ok(this.isWaiting, 'somebody will wake it');
    }
    if (phase.is === 'stopped' || phase.is === 'stopping') assert.equal(this.live.size, 0);
    assert.equal(restartsOf(phase), this.restartsSinceTold, 'the restart count is true');
  }
}

const runOffset = fc.integer({ min: -1, max: 0 });
const failures = fc.constantFrom(away, crash, permanent, other);
const bools = fc.boolean();
const anyEvent = fc.oneof(
  fc.record({ type: fc.constant('start' as const), probe: bools }),
  fc.record({ type: fc.constantFrom('configure' as const, 'source_changed' as const), probe: bools, keepOld: bools }),
  fc.record({ type: fc.constant('stop' as const) }),
  fc.record({ type: fc.constantFrom('probed' as const, 'first_fragment' as const, 'healthy' as const), offset: runOffset }),
  fc.record({ type: fc.constant('failed' as const), offset: runOffset, failure: failures, probe: bools, chance: fc.constant(0.5) }),
  fc.record({ type: fc.constantFrom('retry_due' as const, 'source_back' as const, 'all_gone' as const), probe: bools }),
);

test('no sequence of events reaches an impossible state; stop always ends in stopped', () => {
  fc.assert(
    fc.property(fc.array(anyEvent, { maxLength: 60 }), (events) => {
      const world = new World();
      let atMs = 0;
      for (const { offset, ...event } of events as (Record<string, unknown> & { offset?: number })[]) {
        atMs += 700;
        world.apply({ ...event, atMs, ...(offset === undefined ? {} : { run: world.phase.tally.run + offset }) } as unknown as StreamEvent);
      }
      world.apply({ type: 'stop' });
      if (world.phase.is === 'stopping') world.apply({ type: 'all_gone', atMs, probe: false });
      assert.equal(world.phase.is, 'stopped');
      assert.equal(world.live.size, 0);
    }),
    { numRuns: 2000, includeErrorInReport: true },
  );
});

/** Waits that follow each failure, in milliseconds; the source is seen to return after failure number `backAfter`. */
function waits(count: number, backAfter: number, failure: Failure): number[] {
  let phase = next(initialPhase(), start()).phase;
  let atMs = 0;
  return Array.from({ length: count }, (_, index) => {
    const decision = next(phase, failed(phase.tally.run, failure, atMs));
    const wait = decision.effects.find((effect) => effect.do === 'wait');
    const waitMs = wait?.do === 'wait' ? wait.untilMs - atMs : Number.NaN;
    const isBack = index + 1 === backAfter;
    atMs += isBack ? 10 : waitMs;
    phase = next(decision.phase, isBack ? back(atMs) : { type: 'retry_due', atMs, probe: false }).phase;
    atMs += 10;
    return waitMs;
  });
}

test('a source that was seen to return is tried again and again at a quick pace, for a minute; one that crashes is not', () => {
  assert.deepEqual(waits(6, 0, away), [100, 500, 1000, 2000, 4000, 8000]);
  assert.deepEqual(waits(7, 5, away), [100, 500, 1000, 2000, 4000, 500, 500]);
  const long = waits(150, 5, away);
  assert.equal(long[100], 500);
  assert.equal(long.at(-1), defaultRetryPolicy.maxDelayMs);
  assert.deepEqual(waits(4, 2, crash), [100, 500, 1000, 2000]);
});
