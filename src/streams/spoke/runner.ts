/** One stream: carries out what its state machine decides. Owns every process, timer and outlet of the stream. */
import { WeirError } from '../../contracts/errors.js';
import type { SourceProbe, StreamConfig, StreamReason, StreamState, StreamStatus } from '../../contracts/stream.js';
import { probeSource } from '../../media/index.js';
import { Capture } from './capture.js';
import { type Failure, kindOf } from './failure.js';
import { type Measured, metricsOf, progressOf } from './measure.js';
import { Pulse } from './pulse.js';
import { StreamReporter } from './reporter.js';
import { RetryWait } from './retry-wait.js';
import type { RunnerOptions } from './runner-options.js';
import { planFailure, Stage } from './stage.js';
import {
  defaultRetryPolicy,
  initialPhase,
  next,
  type RetryPolicy,
  restartsOf,
  type StreamEffect,
  type StreamEvent,
  type StreamPhase,
} from './state.js';
import { toStatus, withRefusal } from './status.js';
import { StreamStory } from './story.js';

const tickMs = 100;
const defaultHealthyMs = 5000;
const listenersBackMs = 1500;
/** A source that plays again so soon after it was called silent had a hiccup. */
const hiccupMs = 1500;

export class StreamRunner {
  readonly streamId: string;
  readonly #options: RunnerOptions;
  readonly #policy: RetryPolicy;
  readonly #reporter: StreamReporter;
  readonly #stage: Stage;
  readonly #story: StreamStory;
  readonly #wait: RetryWait;
  readonly #pulse = new Pulse();
  readonly #ticker: NodeJS.Timeout;
  readonly #events: StreamEvent[] = [];
  #isDispatching = false;
  #phase: StreamPhase = initialPhase();
  #lastStatus: StreamStatus;
  #capture: Capture | undefined;
  #configRevision: number | undefined;
  #stopReason: StreamReason | undefined;
  #probing: AbortController | undefined;
  #silentSinceMs: number | undefined;
  #lastStderr: readonly string[] = [];
  /** Why the configuration last given by the hub was not taken; there is nobody to answer it to but the status. */
  #refusal: WeirError | undefined;
  readonly #onStopped = new Set<() => void>();

  constructor(options: RunnerOptions) {
    const { bus, streamId, limits } = options;
    this.streamId = streamId;
    this.#options = options;
    this.#policy = { ...defaultRetryPolicy, ...limits.retry };
    this.#reporter = new StreamReporter({ bus, streamId, isConnected: () => options.isConnected(), log: options.log });
    this.#story = new StreamStory((level, message) => this.#line(level, message));
    this.#stage = new Stage(options, this.#reporter, {
      onFirst: (run) => this.#dispatch({ type: 'first_fragment', run, atMs: performance.now() }),
      onFailed: (run, failure) => this.#failed(run, failure),
      onChanged: (run) => {
        const { tally } = this.#phase;
        if (run !== tally.run) return;
        this.#story.begins(this.#capture?.source, performance.now());
        this.#dispatch({ type: 'source_changed', ...this.#circumstances(), keepOld: this.#capture?.canRunBeside(this.#capture) ?? false });
      },
      onNews: () => this.#report(),
    });
    this.#wait = new RetryWait({
      onDue: () => this.#dispatch({ type: 'retry_due', ...this.#circumstances() }),
      onBack: () => this.#dispatch({ type: 'source_back', ...this.#circumstances() }),
    });
    this.#lastStatus = this.status();
    this.#ticker = setInterval(() => this.#tick(), tickMs);
  }

  get config(): StreamConfig | undefined {
    return this.#capture?.config;
  }

  /** False only when nothing runs and nothing is going to. */
  get isActive(): boolean {
    return this.#phase.is !== 'stopped' && !(this.#phase.is === 'stopping' && this.#phase.afterwards === 'stop');
  }

  /** What the last probe of this device found, so that a device in use need not be opened a second time. */
  probeOf(device: string): SourceProbe | undefined {
    return this.#capture?.config.device === device && this.isActive ? this.#capture.probe : undefined;
  }

  status(): StreamStatus {
    const before: StreamState = this.#lastStatus?.state ?? 'stopped';
    const status = toStatus(
      this.#phase,
      before,
      {
        streamId: this.streamId,
        spokeId: this.#options.spokeId,
        reason: this.#phase.is === 'stopped' ? this.#stopReason : this.#standingWarning(),
        nextAttemptAt: this.#wait.until,
        configRevision: this.#configRevision,
        lastStderr: this.#lastStderr,
        ...this.#stage.facts(),
      },
      new Date(),
    );
    return this.#refusal === undefined || this.#phase.is !== 'stopped' ? status : withRefusal(status, this.#refusal);
  }

  /**
   * Starts with this configuration, or with the last one. Throws when there is none, or when it is refused; then nothing changes.
   * A stream that runs already takes a different configuration as `configure` does.
   */
  start(config?: StreamConfig, revision?: number): { willBlink: boolean } {
    if (config !== undefined) {
      if (this.isActive) return this.configure(config, revision);
      this.#adopt(this.#prepare(config), revision);
    }
    if (this.#capture === undefined) {
      throw new WeirError('failed_precondition', `The stream ${this.streamId} has no configuration yet`, {
        field: 'config',
        hint: 'Send the command with a config that names a device',
      });
    }
    this.#stopReason = undefined;
    if (!this.isActive) this.#story.begins(this.#capture.source, performance.now());
    this.#dispatch({ type: 'start', ...this.#circumstances() });
    return { willBlink: false };
  }

  /** Replaces the configuration; a device left out stays. Throws when it is refused, and the old one goes on. */
  configure(config: StreamConfig, revision?: number): { willBlink: boolean } {
    const before = this.#capture;
    const after = this.#prepare(config);
    const isDifferent = before === undefined || after.takeOver(before);
    const willBlink = isDifferent && this.isActive;
    const keepOld = before?.canRunBeside(after) ?? true;
    this.#adopt(after, revision);
    if (willBlink) {
      this.#story.begins(after.source, performance.now());
      this.#dispatch({ type: 'configure', ...this.#circumstances(), keepOld });
    } else {
      this.#stage.watchFrozen(after);
      this.#report();
    }
    return { willBlink };
  }

  /** Resolves when every process of the stream is gone. */
  async stop(reason: StreamReason = 'requested'): Promise<void> {
    this.#stopReason = reason;
    if (this.#phase.is === 'stopped') {
      if (this.#lastStatus.reason !== reason) this.#report();
      return;
    }
    const stopped = new Promise<void>((resolve) => this.#onStopped.add(resolve));
    this.#dispatch({ type: 'stop' });
    await stopped;
  }

  /** Says again what the bus may have missed. */
  reconnected(): void {
    this.#reporter.alerts.flush();
    this.#report();
    // Listeners may come back a moment later than we did.
    this.#pulse.statusSent(performance.now(), listenersBackMs);
  }

  /** Stops and frees everything; nothing can be started afterwards. */
  async close(reason?: StreamReason): Promise<void> {
    await this.stop(reason);
    clearInterval(this.#ticker);
    await this.#stage.close();
  }

  /** Notes in the log of the stream what it is told, and by whom; call it before the telling. */
  told(action: string, by: string): void {
    this.#story.told(action, by);
  }

  /** The hub gave a configuration that was refused. What runs goes on; where nothing runs the status says why. */
  refused(error: WeirError): void {
    this.#refusal = error;
    this.#line('error', `The configuration was refused: ${error.message}`);
    this.#report();
    const { state, reason } = this.#lastStatus ?? this.status();
    if (state === 'error' && reason !== undefined) this.#stage.hasNoSource(reason, error.message);
  }

  #prepare(config: StreamConfig): Capture {
    const device = config.device ?? this.#capture?.config.device;
    const { policy, facts, limits } = this.#options;
    return new Capture(device === undefined ? config : { ...config, device }, policy, facts, limits.startGraceMs);
  }

  #adopt(capture: Capture, revision: number | undefined): void {
    if (!this.isActive && this.#capture !== undefined && this.#capture !== capture) capture.takeOver(this.#capture);
    this.#capture = capture;
    this.#refusal = undefined;
    if (revision !== undefined) this.#configRevision = revision;
  }

  #circumstances(): { atMs: number; probe: boolean } {
    return { atMs: performance.now(), probe: this.#capture?.needsProbe ?? false };
  }

  #dispatch(event: StreamEvent): void {
    this.#events.push(event);
    // An effect may cause the next event at once; it waits until this one is through.
    if (this.#isDispatching) return;
    this.#isDispatching = true;
    try {
      for (let one = this.#events.shift(); one !== undefined; one = this.#events.shift()) {
        const before = this.#phase;
        const decision = next(before, one, this.#policy);
        this.#phase = decision.phase;
        for (const effect of decision.effects) this.#carryOut(effect);
        if (this.#phase !== before) this.#settle();
      }
    } finally {
      this.#isDispatching = false;
    }
  }

  #settle(): void {
    if (this.#phase.is === 'stopped') {
      this.#story.stopped(this.#stopReason ?? 'requested');
      for (const resolve of this.#onStopped) resolve();
      this.#onStopped.clear();
    }
    this.#report();
  }

  #carryOut(effect: StreamEffect): void {
    switch (effect.do) {
      case 'probe':
        this.#probe(effect.run);
        break;
      case 'start_run':
        this.#startRun(effect.run);
        break;
      case 'stop_run':
        this.#probing?.abort();
        this.#stage.endRun(effect.run, 'over');
        break;
      case 'show_run':
        this.#showRun(effect.run);
        break;
      case 'show_slate':
        this.#stage.showSlate(effect.failure);
        break;
      case 'wait':
        this.#beginWait(Math.max(0, effect.untilMs - performance.now()), effect.sense);
        break;
      case 'stop_waiting':
        this.#wait.stop();
        break;
      case 'raise':
        this.#raise(effect.failure, effect.crashLoop);
        break;
      case 'clear':
        this.#reporter.alerts.clearAll('error');
        break;
      case 'stop_all':
        this.#stopAll();
        break;
    }
  }

  #beginWait(delayMs: number, isSensed: boolean): void {
    this.#wait.begin(delayMs, isSensed ? this.#capture?.source : undefined);
    this.#story.waits(delayMs, isSensed);
  }

  #probe(run: number): void {
    const capture = this.#capture;
    if (capture === undefined) return;
    this.#probing?.abort();
    const abort = new AbortController();
    this.#probing = abort;
    const found = probeSource(capture.source, {
      facts: this.#options.facts,
      signal: abort.signal,
      ...(capture.config.rtsp_transport === undefined ? {} : { rtspTransport: capture.config.rtsp_transport }),
    });
    found.then(
      ({ probe, reason }) => {
        if (abort.signal.aborted) return;
        if (reason !== undefined) {
          return this.#failed(run, {
            reason,
            message: probe.error?.detail ?? 'The source could not be probed',
            kind: kindOf(reason),
            ...hintOf(probe),
          });
        }
        capture.probe = probe;
        this.#story.probed(capture.source, probe);
        this.#dispatch({ type: 'probed', run, atMs: performance.now() });
      },
      (error: unknown) => {
        if (!abort.signal.aborted) this.#failed(run, { reason: 'source_unreachable', kind: 'away', message: WeirError.from(error).message });
      },
    );
  }

  #startRun(number: number): void {
    const capture = this.#capture;
    if (capture === undefined) return;
    const bridging = this.#phase.is === 'starting' && this.#phase.shown.is === 'old_run' ? this.#phase.shown.run : undefined;
    try {
      this.#stage.startRun(number, capture, bridging);
      const plan = this.#stage.run(number)?.plan;
      if (plan !== undefined) this.#story.planned(plan);
    } catch (thrown) {
      this.#failed(number, planFailure(thrown));
    }
  }

  #failed(number: number, failure: Failure): void {
    const run = this.#stage.run(number);
    // Only the present run may change how the next one is made.
    const isPresent = number === this.#phase.tally.run;
    const adapted = (isPresent ? this.#capture?.adapt(failure, run?.plan, run?.startedAt !== undefined) : undefined) ?? failure;
    const tail = run?.tail() ?? [];
    if (tail.length > 0) this.#lastStderr = tail;
    if (adapted.reason === 'source_silent' && this.#phase.is === 'running') this.#silentSinceMs = performance.now();
    // A bridging run that ends is no loss by itself, and one that was replaced is no news.
    if (isPresent) this.#story.failed(adapted, this.#phase.is === 'running', performance.now());
    this.#dispatch({ type: 'failed', run: number, failure: adapted, chance: Math.random(), ...this.#circumstances() });
  }

  #showRun(number: number): void {
    if (this.#capture === undefined) return;
    this.#stage.showRun(number, this.#capture);
    this.#story.shown(performance.now());
    if (this.#silentSinceMs !== undefined && performance.now() - this.#silentSinceMs < hiccupMs) this.#capture.wasHasty();
    this.#silentSinceMs = undefined;
  }

  #stopAll(): void {
    this.#probing?.abort();
    void this.#stage.stopAll(this.#stopReason ?? 'requested').then(() => this.#dispatch({ type: 'all_gone', ...this.#circumstances() }));
  }

  #raise(failure: Failure, isCrashLoop: boolean): void {
    const { alerts } = this.#reporter;
    if (!alerts.has('error')) alerts.raise('error', { kind: failure.reason, message: failure.message, hint: failure.hint });
    if (isCrashLoop) {
      alerts.raise('error', { kind: 'crash_loop', message: `FFmpeg fails again and again: ${failure.message}`, hint: 'The log has its last lines' });
    }
  }

  /** A warning that is a reason on the wire as well. */
  #standingWarning(): StreamReason | undefined {
    const reasons: readonly StreamReason[] = ['frozen_picture', 'clock_drift', 'keyframe_drought', 'output_failed'];
    const open = this.#reporter.alerts.warnings();
    return reasons.find((reason) => open.includes(reason));
  }

  #tick(): void {
    const nowMs = performance.now();
    this.#stage.tick(nowMs);
    const phase = this.#phase;
    const isUnproven = phase.is === 'running' && (phase.tally.failures > 0 || this.#reporter.alerts.has('error'));
    if (isUnproven && nowMs - phase.sinceMs >= (this.#options.limits.healthyAfterMs ?? defaultHealthyMs)) {
      this.#dispatch({ type: 'healthy', run: phase.tally.run });
    }
    for (const beat of this.#pulse.take(nowMs)) {
      if (beat === 'status') this.#report();
      else if (this.#phase.is === 'stopped') continue;
      else if (beat === 'metrics') this.#reporter.metrics(metricsOf(this.streamId, this.#measured(), nowMs));
      else this.#everySecond(nowMs);
    }
  }

  #everySecond(nowMs: number): void {
    this.#reporter.progress(progressOf(this.streamId, this.#measured().run, nowMs));
    this.#reporter.tellSuppressed(this.#stage.takeSuppressed());
  }

  #measured(): Measured {
    return { ...this.#stage.measured(this.#phase.is === 'starting'), restarts: restartsOf(this.#phase) };
  }

  #report(): void {
    this.#lastStatus = this.status();
    this.#pulse.statusSent(performance.now());
    this.#reporter.status(this.#lastStatus);
  }

  #line(level: 'debug' | 'info' | 'warning' | 'error', message: string): void {
    this.#reporter.line('spoke', level, message, performance.now());
  }
}

function hintOf(probe: SourceProbe): { hint?: string } {
  return probe.error?.hint === undefined ? {} : { hint: probe.error.hint };
}
