/**
 * Judges whether a run of FFmpeg lives, by the media it delivers and by nothing else. Pure: the clock is given.
 * Feed it each fragment and a `tick` at least every 100 ms; a tick answers with what it found.
 */
import type { StreamReason } from '../../contracts/stream.js';

export interface LivenessOptions {
  /** Longest wait for the first fragment. */
  readonly startGraceMs: number;
  /** Frames per second that the source is known to have; undefined when not known. */
  readonly frameRate: number | undefined;
  /** Silence is never called a stall before this; for sources that deliver in bursts (segmented HTTP) this is long. Default 800. */
  readonly leastSilenceMs?: number;
  /** False for sources whose media clock is not tied to the wall clock. Default true. */
  readonly judgeClock?: boolean;
}

/** What the judge needs to know of a fragment. */
export interface FragmentFacts {
  readonly hasVideo: boolean;
  readonly hasAudio: boolean;
  readonly isKey: boolean;
  readonly timeMs: number;
  readonly durationMs: number;
  readonly frames: number;
}

export type WarningKind = 'clock_drift' | 'fps_collapse' | 'keyframe_drought';

export type Finding =
  | { readonly is: 'dead'; readonly reason: StreamReason; readonly message: string }
  | { readonly is: 'warning'; readonly kind: WarningKind; readonly message: string }
  | { readonly is: 'warning_over'; readonly kind: WarningKind };

const defaultSilenceMs = 800;
const longestSilenceMs = 15_000;
/** Until so many gaps were measured the source's own rhythm is unknown and silence is judged by `startGraceMs`. */
const gapsToLearn = 6;
const gapMemory = 32;
const keyframeGraceMs = 30_000;
const leastKeyframeLimitMs = 10_000;
const clockWindowMs = 60_000;
const clockSettleMs = 5000;
const clockWarnMs = 2000;
const clockDeadMs = 10_000;
const rateWindowMs = 5000;

export class LivenessJudge {
  readonly #options: LivenessOptions;
  readonly #startedAtMs: number;
  readonly #gaps: number[] = [];
  #gapCursor = 0;
  #firstAtMs: number | undefined;
  #lastVideoAtMs: number | undefined;
  #lastAudioAtMs: number | undefined;
  #lastKeyAtMs: number | undefined;
  #longestKeyGapMs = 0;
  #clock: { wallMs: number; mediaMs: number } | undefined;
  #driftMs = 0;
  #rate = { sinceMs: 0, frames: 0 };
  #normalRate = 0;
  #fps: number | undefined;
  #lastTickMs: number | undefined;
  readonly #warned = new Set<WarningKind>();

  constructor(startedAtMs: number, options: LivenessOptions) {
    this.#startedAtMs = startedAtMs;
    this.#options = options;
  }

  fragment(fragment: FragmentFacts, atMs: number): void {
    this.#firstAtMs ??= atMs;
    if (fragment.hasAudio) this.#lastAudioAtMs = atMs;
    if (!fragment.hasVideo) return;
    this.#noteGap(atMs);
    this.#lastVideoAtMs = atMs;
    if (fragment.isKey) {
      if (this.#lastKeyAtMs !== undefined) this.#longestKeyGapMs = Math.max(this.#longestKeyGapMs, atMs - this.#lastKeyAtMs);
      this.#lastKeyAtMs = atMs;
    }
    this.#noteClock(fragment, atMs);
    if (this.#rate.sinceMs === 0) this.#rate.sinceMs = atMs;
    this.#rate.frames += Math.max(1, fragment.frames);
  }

  /** What is wrong at this moment. Once it answered `dead` the run is over for the judge. */
  tick(atMs: number): Finding[] {
    // A pause of our own process (debugger, overload, suspend) is not the source's silence.
    const lateMs = this.#lastTickMs === undefined ? 0 : atMs - this.#lastTickMs - 1000;
    this.#lastTickMs = atMs;
    if (lateMs > 0) this.#forgive(lateMs + 1000);
    const dead = this.#death(atMs);
    if (dead !== undefined) return [dead];
    return [...this.#judgeClock(), ...this.#judgeRate(atMs), ...this.#judgeKeyframes(atMs)];
  }

  /** Age of the newest keyframe; undefined before the first. */
  keyframeAgeMs(atMs: number): number | undefined {
    return this.#lastKeyAtMs === undefined ? undefined : atMs - this.#lastKeyAtMs;
  }

  /** Time since the last picture, or since the start before the first. */
  silenceMs(atMs: number): number {
    return atMs - (this.#lastVideoAtMs ?? this.#startedAtMs);
  }

  /** Silence that is called a stall at present. */
  get silenceLimitMs(): number {
    const { frameRate, startGraceMs, leastSilenceMs = defaultSilenceMs } = this.#options;
    const expectedMs = frameRate === undefined ? undefined : 1000 / frameRate;
    if (this.#gaps.length < gapsToLearn && expectedMs === undefined) return startGraceMs;
    const longestMs = Math.max(expectedMs ?? 0, ...this.#gaps);
    // A gap that is far above the rhythm but below the limit was a hiccup: it may widen the limit, not double it.
    return Math.min(
      longestSilenceMs,
      Math.max(leastSilenceMs, this.#gaps.length < gapsToLearn ? 2000 : 0, this.#typicalGapMs() * 3, longestMs * 1.2),
    );
  }

  #typicalGapMs(): number {
    if (this.#gaps.length === 0) return 0;
    const sorted = [...this.#gaps].sort((a, b) => a - b);
    return sorted[Math.floor(sorted.length * 0.75)] ?? 0;
  }

  #noteGap(atMs: number): void {
    if (this.#lastVideoAtMs === undefined) return;
    this.#gaps[this.#gapCursor] = atMs - this.#lastVideoAtMs;
    this.#gapCursor = (this.#gapCursor + 1) % gapMemory;
  }

  #noteClock(fragment: FragmentFacts, atMs: number): void {
    if (this.#options.judgeClock === false || atMs - (this.#firstAtMs ?? atMs) < clockSettleMs) return;
    if (this.#clock === undefined) {
      this.#clock = { wallMs: atMs, mediaMs: fragment.timeMs };
      return;
    }
    this.#driftMs = fragment.timeMs - this.#clock.mediaMs - (atMs - this.#clock.wallMs);
    // A camera's clock is never exact: only what builds up within the window counts.
    if (atMs - this.#clock.wallMs > clockWindowMs) this.#clock = { wallMs: atMs, mediaMs: fragment.timeMs };
  }

  #death(atMs: number): Finding | undefined {
    if (this.#firstAtMs === undefined) {
      if (atMs - this.#startedAtMs <= this.#options.startGraceMs) return undefined;
      return dead('source_silent', `No picture within ${seconds(this.#options.startGraceMs)} of the start`);
    }
    const limitMs = this.silenceLimitMs;
    const videoSilenceMs = this.silenceMs(atMs);
    if (videoSilenceMs > limitMs) {
      const hasSound = this.#lastAudioAtMs !== undefined && atMs - this.#lastAudioAtMs <= limitMs;
      if (hasSound && (this.#lastVideoAtMs !== undefined || videoSilenceMs > this.#options.startGraceMs)) {
        return dead('audio_only', `The source sends sound but no picture since ${seconds(videoSilenceMs)}`);
      }
      if (!hasSound) return dead('source_silent', `The source stopped sending: nothing since ${seconds(videoSilenceMs)}`);
    }
    const keyframeLimitMs = this.#keyframeLimitMs();
    const keyframeAgeMs = atMs - (this.#lastKeyAtMs ?? this.#firstAtMs);
    if (keyframeAgeMs > keyframeLimitMs) return dead('keyframe_drought', `No keyframe since ${seconds(keyframeAgeMs)}`);
    if (Math.abs(this.#driftMs) > clockDeadMs) {
      return dead('clock_drift', `The source's clock ${this.#driftMs < 0 ? 'fell behind' : 'ran ahead'} by ${seconds(Math.abs(this.#driftMs))}`);
    }
    return undefined;
  }

  #keyframeLimitMs(): number {
    return this.#longestKeyGapMs === 0 ? keyframeGraceMs : Math.max(leastKeyframeLimitMs, this.#longestKeyGapMs * 3);
  }

  #judgeKeyframes(atMs: number): Finding[] {
    if (this.#firstAtMs === undefined || this.#longestKeyGapMs === 0) return [];
    const ageMs = this.keyframeAgeMs(atMs) ?? 0;
    const isLate = ageMs > this.#keyframeLimitMs() / 2 && this.#lastVideoAtMs !== this.#lastKeyAtMs;
    return this.#turn('keyframe_drought', isLate, !isLate, () => `No keyframe since ${seconds(ageMs)}: new viewers have to wait`);
  }

  #judgeClock(): Finding[] {
    const driftMs = Math.abs(this.#driftMs);
    const message = () => `The picture ${this.#driftMs < 0 ? 'falls behind' : 'runs ahead of'} the clock: ${seconds(driftMs)} within a minute`;
    return this.#turn('clock_drift', driftMs > clockWarnMs, driftMs < clockWarnMs / 2, message);
  }

  #judgeRate(atMs: number): Finding[] {
    const spanMs = atMs - this.#rate.sinceMs;
    if (this.#rate.sinceMs === 0 || spanMs < rateWindowMs) return [];
    const fps = (this.#rate.frames * 1000) / spanMs;
    this.#rate = { sinceMs: atMs, frames: 0 };
    this.#fps = fps;
    // Delivered rates decide what is normal: many sources promise more than they ever send.
    this.#normalRate = Math.max(this.#normalRate * 0.99, fps);
    const normal = this.#normalRate;
    const message = () => `The frame rate fell to ${fps.toFixed(1)} of ${normal.toFixed(1)} per second`;
    return this.#turn('fps_collapse', fps < normal * 0.5, fps > normal * 0.7, message);
  }

  /** Frames per second over the last full window; undefined before the first. */
  get fps(): number | undefined {
    return this.#fps;
  }

  #turn(kind: WarningKind, isOn: boolean, isOff: boolean, message: () => string): Finding[] {
    if (isOn && !this.#warned.has(kind)) {
      this.#warned.add(kind);
      return [{ is: 'warning', kind, message: message() }];
    }
    if (isOff && this.#warned.delete(kind)) return [{ is: 'warning_over', kind }];
    return [];
  }

  #forgive(byMs: number): void {
    if (this.#lastVideoAtMs !== undefined) this.#lastVideoAtMs += byMs;
    if (this.#lastAudioAtMs !== undefined) this.#lastAudioAtMs += byMs;
    if (this.#lastKeyAtMs !== undefined) this.#lastKeyAtMs += byMs;
    this.#clock = undefined;
    this.#driftMs = 0;
    this.#rate = { sinceMs: 0, frames: 0 };
  }
}

function dead(reason: StreamReason, message: string): Finding {
  return { is: 'dead', reason, message };
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
