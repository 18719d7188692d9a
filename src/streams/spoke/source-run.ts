/** One run of FFmpeg for the source: the process, the judgement on its media, and the translation of its end. */
import {
  type CapturePlan,
  captureCommand,
  classifyFailure,
  type Fragment,
  type InitSegment,
  type MachineFacts,
  maskSecrets,
  type ProgressReport,
  parseFfmpegLine,
  parsePushEvent,
} from '../../media/index.js';
import { describeExit, type ExitReport, isHeld, type ProcessStats, type StopLadder } from '../../supervisor/index.js';
import { type Failure, kindOf } from './failure.js';
import { type FfmpegRun, startFfmpeg } from './ffmpeg-run.js';
import { type Finding, LivenessJudge, type LivenessOptions } from './liveness.js';
import { hasOtherSps, spsOfInit } from './parameter-sets.js';
import { RateMeter } from './rate-meter.js';

export interface SourceRunOptions {
  /** Number of the run in the state machine. */
  readonly run: number;
  readonly plan: CapturePlan;
  readonly facts: MachineFacts;
  readonly liveness: LivenessOptions;
  /** Video codec that the plan to copy rests on; undefined when it does not matter. */
  readonly expectedCodec: string | undefined;
  readonly pidFolder?: string | undefined;
  /** Runs that must be gone before this one may start. */
  readonly after: Promise<unknown>;
  /** The first keyframe is there; the same fragment comes through `onFragment` right after. */
  onFirst(): void;
  onFragment(fragment: Fragment): void;
  /** The run is over; told once. The process may still have to be stopped. */
  onFailed(failure: Failure): void;
  /** The source changed its picture in a way that needs a new init segment; told once. */
  onChanged(): void;
  onWarning(finding: Exclude<Finding, { is: 'dead' }>): void;
  onPush(isFailing: boolean, message: string): void;
  onLine(level: 'debug' | 'info' | 'warning' | 'error', message: string): void;
}

/** A run that is over has nothing to finish but a push; a hung one does not heed the gentle signals at all. */
const endLadder: StopLadder = [
  { signal: 'SIGINT', waitMs: 1500 },
  { signal: 'SIGTERM', waitMs: 500 },
  { signal: 'SIGKILL', waitMs: 5000 },
];

/** Silence after which we look whether FFmpeg is held. */
const heldSilenceMs = 700;

export class SourceRun {
  readonly run: number;
  readonly plan: CapturePlan;
  readonly rates = new RateMeter();
  init: InitSegment | undefined;
  startedAt: Date | undefined;
  progress: ProgressReport | undefined;
  newestKey: Uint8Array | undefined;
  readonly #options: SourceRunOptions;
  readonly #secrets: readonly string[];
  readonly #gone: Promise<void>;
  readonly #judge: LivenessJudge;
  #process: FfmpegRun | undefined;
  #sps: Uint8Array | undefined;
  /** No news is given any more. */
  #isOver = false;
  #isEnded = false;
  #hasChanged = false;
  #toldSuppressed = 0;

  /** Starts at once, or as soon as `after` is through. */
  constructor(options: SourceRunOptions) {
    this.#options = options;
    this.run = options.run;
    this.plan = options.plan;
    this.#secrets = secretsOf(options.plan);
    this.#judge = new LivenessJudge(performance.now(), options.liveness);
    this.#gone = this.#live();
  }

  get pid(): number | undefined {
    return this.#isEnded ? undefined : this.#process?.pid;
  }

  /** Resolves when its process is gone. */
  get gone(): Promise<void> {
    return this.#gone;
  }

  /** Looks whether it still lives; call it every 100 ms. */
  tick(nowMs: number): void {
    if (this.#isOver || this.#process === undefined) return;
    for (const finding of this.#judge.tick(nowMs)) {
      if (finding.is === 'dead') this.#fail({ reason: finding.reason, message: finding.message, kind: kindOf(finding.reason) });
      else this.#options.onWarning(finding);
    }
    // However long silence may be borne with this source: an FFmpeg that is held will not break it.
    if (!this.#isEnded && this.#judge.silenceMs(nowMs) > heldSilenceMs && isHeld(this.#process.pid)) {
      this.#fail(failure('source_silent', 'FFmpeg was stopped from outside and does nothing'));
    }
  }

  /** Ends it without further news. */
  end(reason: string): void {
    this.#isOver = true;
    this.#process?.stop(reason, endLadder).catch((error: unknown) => this.#options.onLine('error', String(error)));
  }

  sample(): ProcessStats | undefined {
    return this.#isEnded ? undefined : this.#process?.sample();
  }

  keyframeAgeMs(nowMs: number): number | undefined {
    return this.#judge.keyframeAgeMs(nowMs);
  }

  /** Last lines of stderr, without secrets. */
  tail(): string[] {
    return this.#process?.tail().map((line) => maskSecrets(line, this.#secrets)) ?? [];
  }

  /** Lines that were dropped since the last call because too many came. */
  takeSuppressed(): number {
    const total = this.#process?.suppressedLines ?? 0;
    const since = total - this.#toldSuppressed;
    this.#toldSuppressed = total;
    return since;
  }

  async #live(): Promise<void> {
    await this.#options.after;
    if (this.#isOver) return;
    try {
      const { args, ...secrets } = captureCommand(this.plan, this.#options.facts);
      const process = await startFfmpeg({
        ffmpeg: this.#options.facts.ffmpeg,
        args,
        secrets,
        pidFolder: this.#options.pidFolder,
        ladder: endLadder,
        onInit: (init) => this.#takeInit(init),
        onFragment: (fragment) => this.#takeFragment(fragment),
        onProgress: (report) => {
          this.progress = report;
        },
        onLine: (line) => this.#takeLine(line),
        onGarbage: (error) => this.#fail(failure('source_garbage', `FFmpeg's output could not be read: ${messageOf(error)}`)),
      });
      this.#process = process;
      if (this.#isOver) this.end('overtaken');
      const report = await process.exited;
      this.#isEnded = true;
      this.#fail(this.#failureOf(report));
    } catch (error) {
      this.#isEnded = true;
      this.#fail({ reason: 'ffmpeg_missing', kind: 'permanent', message: messageOf(error), hint: 'Install FFmpeg, or configure its path' });
    }
  }

  #takeInit(init: InitSegment): void {
    const { expectedCodec } = this.#options;
    this.init = init;
    const codec = init.facts.video?.codec;
    if (expectedCodec !== undefined && codec !== undefined && codec !== expectedCodec) {
      this.#fail({ reason: 'unsupported_codec', kind: 'switch', message: `The source changed from ${expectedCodec} to ${codec}` });
    }
    if (this.plan.video.mode === 'copy' && codec === 'h264') this.#sps = spsOfInit(init.bytes);
  }

  #takeFragment(fragment: Fragment): void {
    if (this.#isOver) return;
    const nowMs = performance.now();
    this.#judge.fragment(fragment, nowMs);
    this.rates.add(fragment.frames, fragment.bytes.length, nowMs);
    if (fragment.hasVideo && fragment.isKey) {
      if (!this.#hasChanged && hasOtherSps(this.#sps, fragment.bytes)) {
        this.#hasChanged = true;
        this.#options.onChanged();
        // What follows cannot be shown with this init segment.
        return;
      }
      this.newestKey = fragment.bytes;
      if (this.startedAt === undefined) {
        this.startedAt = new Date();
        this.#options.onFirst();
      }
    }
    if (this.startedAt !== undefined && !this.#hasChanged) this.#options.onFragment(fragment);
  }

  #takeLine(text: string): void {
    const line = parseFfmpegLine(text, this.#secrets);
    this.#options.onLine(line.level, line.message);
    const push = this.plan.output === undefined ? undefined : parsePushEvent(text);
    if (push !== undefined) this.#options.onPush(push.state === 'failed', push.message);
  }

  #failureOf(report: ExitReport): Failure {
    const { reason, message, hint, isPermanent } = classifyFailure(report.tail, { code: report.exitCode, signal: report.signal });
    return {
      reason,
      message: maskSecrets(message === '' ? describeExit(report) : message, this.#secrets),
      kind: isPermanent ? 'permanent' : kindOf(reason),
      ...(hint === undefined ? {} : { hint }),
    };
  }

  #fail(reason: Failure): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#options.onFailed(reason);
  }
}

function failure(reason: Failure['reason'], message: string): Failure {
  return { reason, message, kind: kindOf(reason) };
}

function secretsOf(plan: CapturePlan): readonly string[] {
  const ofSource = 'secrets' in plan.source ? plan.source.secrets : [];
  return [...ofSource, ...(plan.output?.secrets ?? [])];
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
