import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Finding, type FragmentFacts, LivenessJudge, type LivenessOptions } from './liveness.js';

/** A source that is played against the judge in simulated time, with a tick every 100 ms. */
class Play {
  readonly judge: LivenessJudge;
  readonly found: (Finding & { atMs: number })[] = [];
  nowMs = 0;
  #mediaMs = 0;
  #owedMs = 0;
  #frame = 0;

  constructor(options: Partial<LivenessOptions> = {}) {
    this.judge = new LivenessJudge(0, { startGraceMs: 10_000, frameRate: undefined, ...options });
  }

  /** `frames: 'none'` is silence; `speed` is media time per wall time. */
  run(forMs: number, source: { fps?: number; keyEvery?: number; speed?: number; audio?: boolean; video?: boolean } = {}): this {
    const { fps = 30, keyEvery = 30, speed = 1, audio = false, video = true } = source;
    const endMs = this.nowMs + forMs;
    while (this.nowMs < endMs && !this.found.some((one) => one.is === 'dead')) {
      this.nowMs += 10;
      this.#owedMs += 10;
      while (this.#owedMs >= 1000 / fps) {
        this.#owedMs -= 1000 / fps;
        this.#mediaMs += (1000 / fps) * speed;
        if (video) this.judge.fragment(this.#fragment({ isKey: this.#frame++ % keyEvery === 0 }), this.nowMs);
        if (audio) this.judge.fragment(this.#fragment({ hasVideo: false, hasAudio: true, frames: 0 }), this.nowMs);
      }
      if (this.nowMs % 100 === 0) this.#tick();
    }
    return this;
  }

  silence(forMs: number): this {
    return this.run(forMs, { video: false });
  }

  #fragment(facts: Partial<FragmentFacts>): FragmentFacts {
    return { hasVideo: true, hasAudio: false, isKey: true, timeMs: this.#mediaMs, durationMs: 33, frames: 1, ...facts };
  }

  #tick(): void {
    for (const finding of this.judge.tick(this.nowMs)) this.found.push({ ...finding, atMs: this.nowMs });
  }
}

const reasons = (play: Play) => play.found.map((one) => (one.is === 'dead' ? one.reason : `${one.is} ${one.kind}`));

test('a healthy source is left alone for ten minutes', () => {
  assert.deepEqual(reasons(new Play().run(600_000)), []);
});

test('silence is found within a second', () => {
  const play = new Play().run(3000).silence(3000);
  assert.deepEqual(reasons(play), ['source_silent']);
  assert.ok((play.found[0]?.atMs ?? 0) - 3000 <= 1000, `found after ${(play.found[0]?.atMs ?? 0) - 3000} ms`);
});

test('the first fragment may take as long as the grace allows', () => {
  assert.deepEqual(reasons(new Play().silence(9900).run(1000)), []);
  assert.deepEqual(reasons(new Play().silence(11_000)), ['source_silent']);
});

for (const fps of [0.5, 1, 2, 5]) {
  test(`the rhythm of a source with ${fps} frames per second is learned, its silence found all the same`, () => {
    const play = new Play().run(60_000, { fps, keyEvery: 1 });
    assert.deepEqual(reasons(play), []);
    play.silence(20_000);
    assert.deepEqual(reasons(play), ['source_silent']);
  });
}

test('a source that delivers in bursts is given the silence it was said to need', () => {
  const play = new Play({ leastSilenceMs: 8000 });
  for (let burst = 0; burst < 10; burst++) play.run(2000).silence(4000);
  assert.deepEqual(
    reasons(play).filter((one) => one === 'source_silent'),
    [],
  );
});

test('sound without picture is named as that', () => {
  const play = new Play().run(5000, { audio: true }).run(3000, { audio: true, video: false });
  assert.deepEqual(reasons(play), ['audio_only']);
  assert.ok((play.found[0]?.atMs ?? 0) <= 6000);
});

test('a keyframe drought is warned of, then ends the run', () => {
  const play = new Play().run(4000).run(20_000, { keyEvery: 100_000 });
  assert.deepEqual(reasons(play), ['warning keyframe_drought', 'keyframe_drought']);
});

test('long groups of pictures are no drought', () => {
  assert.deepEqual(reasons(new Play().run(120_000, { fps: 10, keyEvery: 200 })), []);
});

test('a warning is raised once and cleared once', () => {
  const play = new Play().run(20_000).run(20_000, { fps: 10 }).run(20_000);
  assert.deepEqual(reasons(play), ['warning fps_collapse', 'warning_over fps_collapse']);
});

test('a clock that falls behind is warned of, then ends the run', () => {
  const play = new Play().run(10_000).run(30_000, { speed: 0.5 });
  assert.deepEqual(reasons(play), ['warning clock_drift', 'clock_drift']);
});

test('a clock that is a little wrong, and one that is not judged, are left alone', () => {
  assert.deepEqual(reasons(new Play().run(600_000, { speed: 1.002 })), []);
  assert.deepEqual(reasons(new Play({ judgeClock: false }).run(60_000, { speed: 4 })), []);
});

test('a pause of our own process is not held against the source', () => {
  const play = new Play().run(5000);
  play.nowMs += 30_000;
  assert.deepEqual(play.judge.tick(play.nowMs), []);
  assert.deepEqual(reasons(play.run(5000)), []);
});
