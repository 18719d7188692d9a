/** What one stream shows and by which processes: runs of FFmpeg for the source, the slate, the screen. Decides nothing. */
import { createMediaPublisher } from '../../bus/index.js';
import { WeirError } from '../../contracts/errors.js';
import type { StreamReason } from '../../contracts/stream.js';
import type { CapturePlan } from '../../media/index.js';
import type { Capture } from './capture.js';
import type { Failure } from './failure.js';
import { startFrozenWatch } from './frozen-watch.js';
import type { Measured } from './measure.js';
import type { StreamRecorder } from './recorder.js';
import type { StreamReporter } from './reporter.js';
import type { RunnerOptions } from './runner-options.js';
import { Screen } from './screen.js';
import { SlateShow } from './slate-show.js';
import { slateText } from './slate-text.js';
import { SourceRun } from './source-run.js';
import type { StatusFacts } from './status.js';

export interface StageEvents {
  /** The run has its first keyframe; it is shown when the answer to this is `showRun`. */
  onFirst(run: number): void;
  onFailed(run: number, failure: Failure): void;
  /** The source changed its picture: another run is needed. */
  onChanged(run: number): void;
  /** Something that the status tells has changed. */
  onNews(): void;
}

/** A process that outlives SIGKILL hangs in the kernel, on a device or a network disk; nobody waits for it longer than this. */
const hopelessMs = 12_000;

export class Stage {
  readonly #options: RunnerOptions;
  readonly #reporter: StreamReporter;
  readonly #events: StageEvents;
  readonly #recorder: StreamRecorder;
  readonly #screen: Screen;
  readonly #slate: SlateShow;
  /** Every run whose process may still live, by its number. */
  readonly #runs = new Map<number, SourceRun>();
  #onScreen: SourceRun | undefined;
  #newest: SourceRun | undefined;
  #frozen: AbortController | undefined;
  #slateReason: StreamReason | undefined;

  constructor(options: RunnerOptions, reporter: StreamReporter, events: StageEvents) {
    const { bus, streamId, limits } = options;
    this.#options = options;
    this.#reporter = reporter;
    this.#events = events;
    const publisher = createMediaPublisher({
      connection: bus.connection,
      streamId,
      roots: bus.roots,
      limits: {
        ...(limits.preRollS === undefined ? {} : { preRollS: limits.preRollS }),
        ...(limits.preRollBytes === undefined ? {} : { preRollBytes: limits.preRollBytes }),
      },
      onProblem: (error) => this.#line('error', `The picture cannot be published: ${error.message}`),
    });
    this.#recorder = options.recorders.open(streamId, publisher);
    this.#screen = new Screen(publisher, this.#recorder);
    this.#slate = new SlateShow({
      facts: options.facts,
      pidFolder: options.pidFolder,
      onInit: (init) => {
        this.#screen.begin(this.#slate, 'no-signal', init);
        events.onNews();
      },
      onFragment: (fragment) => this.#screen.push(this.#slate, fragment),
      onTrouble: (message) => this.#line('warning', message),
    });
  }

  run(number: number): SourceRun | undefined {
    return this.#runs.get(number);
  }

  /** Starts a run beside the one that bridges a change; throws when there is no plan for it. */
  startRun(number: number, capture: Capture, bridging: number | undefined): void {
    const plan: CapturePlan = capture.plan();
    // Everything that may still hold the device or the push target must be gone; the bridging run cannot share them.
    const isExclusive = capture.source.kind === 'v4l2' || plan.output !== undefined;
    const others = [...this.#runs.values()].filter((run) => run.run !== bridging).map((run) => run.gone);
    const run: SourceRun = new SourceRun({
      run: number,
      plan,
      facts: this.#options.facts,
      liveness: capture.liveness(plan),
      expectedCodec: capture.expectedCodec(plan),
      pidFolder: this.#options.pidFolder,
      after: isExclusive ? Promise.all(others) : Promise.resolve(),
      onFirst: () => this.#events.onFirst(number),
      onFragment: (fragment) => this.#screen.push(run, fragment),
      onFailed: (failure) => {
        if (this.#onScreen === run) this.#recorder.lost(failure.reason, failure.message);
        this.#events.onFailed(number, failure);
      },
      onChanged: () => {
        this.#line('info', 'The source changed its picture; starting anew');
        this.#events.onChanged(number);
      },
      onWarning: (finding) => this.#warn(run, finding.kind, finding.is === 'warning' ? finding.message : undefined),
      onPush: (isFailing, message) => this.#warn(run, 'output_failed', isFailing ? message : undefined),
      onLine: (level, message) => this.#reporter.line('ffmpeg', level, message, performance.now()),
    });
    this.#runs.set(number, run);
    this.#newest = run;
    void run.gone.then(() => this.#runs.delete(number));
  }

  endRun(number: number, why: string): void {
    const run = this.#runs.get(number);
    if (run === undefined) return;
    run.end(why);
    if (this.#onScreen === run) this.#onScreen = undefined;
  }

  showRun(number: number, capture: Capture): void {
    const run = this.#runs.get(number);
    if (run?.init === undefined) return;
    this.#onScreen = run;
    for (const other of this.#runs.keys()) if (other !== number) this.endRun(other, 'replaced');
    this.#slate.hide();
    this.#slateReason = undefined;
    this.#screen.begin(run, 'source', run.init, capture.liveness(run.plan).frameRate);
    // Warnings were about the run before.
    this.#reporter.alerts.clearAll('warning');
    this.watchFrozen(capture);
  }

  showSlate(failure: Failure | undefined): void {
    this.#leave();
    this.#recorder.lost(failure?.reason ?? 'configured', failure?.message);
    const reason = failure?.reason ?? 'requested';
    // The sentence may differ with each attempt; the picture changes only when the reason does.
    if (this.#slate.isWanted && this.#slateReason === reason) return;
    this.#slateReason = reason;
    this.#slate.show({ title: this.#options.streamId, text: slateText(failure), since: new Date(), ...this.#screen.size });
  }

  /** Nothing runs and nothing can: whoever records hears why. */
  hasNoSource(reason: StreamReason, message: string): void {
    this.#recorder.lost(reason, message);
  }

  /** Resolves when no process is left, or when waiting for one is hopeless. */
  async stopAll(reason: StreamReason): Promise<void> {
    this.#leave();
    this.#recorder.lost(reason);
    this.#slate.hide();
    for (const number of [...this.#runs.keys()]) this.endRun(number, 'stopped');
    let timer: NodeJS.Timeout | undefined;
    const hopeless = new Promise<void>((resolve) => {
      timer = setTimeout(() => {
        this.#line('error', 'FFmpeg cannot be ended: it hangs in the kernel, most likely on a device or a network disk');
        resolve();
      }, hopelessMs);
    });
    await Promise.race([hopeless, Promise.all([...[...this.#runs.values()].map((run) => run.gone), this.#slate.gone()])]);
    clearTimeout(timer);
    this.#screen.clear();
  }

  /** Looks at the liveness of every run; call it every 100 ms. */
  tick(nowMs: number): void {
    for (const run of [...this.#runs.values()]) run.tick(nowMs);
  }

  /** Lines of FFmpeg that nobody heard since the last call. */
  takeSuppressed(): number {
    let suppressed = 0;
    for (const run of this.#runs.values()) suppressed += run.takeSuppressed();
    return suppressed;
  }

  /** The run whose cost and rates are the stream's: the one on screen, else the one being started. */
  measured(isStarting: boolean): Omit<Measured, 'restarts'> {
    return { run: this.#onScreen ?? (isStarting ? this.#newest : undefined), outlet: this.#screen.publisher.counters };
  }

  facts(): Pick<StatusFacts, 'pid' | 'startedAt' | 'showsSlate' | 'media'> {
    const run = this.#onScreen ?? this.#newest;
    const video = run?.plan.video;
    return {
      pid: run?.pid,
      startedAt: run?.startedAt,
      showsSlate: this.#screen.shows === 'no-signal',
      media: {
        ...this.#screen.facts,
        ...(video === undefined ? {} : { mode: video.mode }),
        ...(video?.mode === 'encode' ? { encoder: video.encoder } : {}),
      },
    };
  }

  /** Begins to look for a frozen picture, anew, where the configuration asks for it. */
  watchFrozen(capture: Capture | undefined): void {
    this.#frozen?.abort();
    const run = this.#onScreen;
    const frozenAfterS = capture?.config.frozen_after_s ?? 0;
    if (run === undefined || frozenAfterS <= 0) {
      this.#reporter.alerts.clear('frozen_picture');
      return;
    }
    const abort = new AbortController();
    this.#frozen = abort;
    startFrozenWatch({
      ffmpeg: this.#options.facts.ffmpeg,
      frozenAfterS,
      latestKey: () => (run.init === undefined || run.newestKey === undefined ? undefined : { init: run.init.bytes, key: run.newestKey }),
      onChange: (isFrozen) => this.#warn(run, 'frozen_picture', isFrozen ? `The picture has not changed for ${frozenAfterS} s` : undefined),
      signal: abort.signal,
    });
  }

  /** Closes the outlet; nothing can be shown afterwards. */
  async close(): Promise<void> {
    await Promise.all([this.#recorder.close(), this.#screen.publisher.stop()]);
  }

  #leave(): void {
    this.#onScreen = undefined;
    this.#frozen?.abort();
    this.#reporter.alerts.clearAll('warning');
  }

  #warn(run: SourceRun, kind: StreamReason | 'fps_collapse', message: string | undefined): void {
    if (this.#onScreen !== run) return;
    if (message === undefined) this.#reporter.alerts.clear(kind);
    else {
      this.#reporter.alerts.raise('warning', { kind, message });
      this.#line('warning', message);
    }
    this.#events.onNews();
  }

  #line(level: 'info' | 'warning' | 'error', message: string): void {
    this.#reporter.line('spoke', level, message, performance.now());
  }
}

/** Why a plan could not be made, as a failure that waits for a person. */
export function planFailure(thrown: unknown): Failure {
  const error = WeirError.from(thrown);
  const reason = error.code === 'unsupported' ? 'unsupported_codec' : 'encoder_failed';
  return { reason, kind: 'permanent', message: error.message, ...(error.hint === undefined ? {} : { hint: error.hint }) };
}
