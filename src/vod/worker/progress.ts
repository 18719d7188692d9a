/** How a job goes, in one place: fed by FFmpeg, published at least once a second. */
import type { JobOrder, JobProgress, SourceFacts, VideoOutput } from '../../contracts/index.js';
import type { ProgressReport, VideoPlan } from '../../media/index.js';
import type { WorkerParts } from './needs.js';
import { WorkEstimate, weighParts } from './work-estimate.js';

type Phase = JobProgress['phase'];

/** Share of the whole that is done when a phase begins; the encode is nearly all of the work. */
const begins: Readonly<Record<Phase, number>> = {
  waiting: 0,
  probing: 0,
  planning: 1,
  encoding: 2,
  joining: 93,
  packaging: 95,
  checking: 97,
  publishing: 99,
};
const encodeEnds = begins.joining;

/** Parts of the whole video, and how much of what lies between them is done; all 0 to 1. */
export interface PieceProgress {
  readonly from: number;
  readonly to: number;
  readonly done: number;
}

export class JobProgressTeller {
  readonly #parts: Pick<WorkerParts, 'bus' | 'workerId' | 'tails'>;
  readonly #order: JobOrder;
  readonly #startedAt = performance.now();
  readonly #timer: NodeJS.Timeout;
  #phase: Phase = 'waiting';
  #plan: VideoPlan | undefined;
  #encodeStartedAt = 0;
  /** Once the encode is over. */
  #tail: { readonly startedAt: number; readonly encodeS: number } | undefined;
  #estimate = new WorkEstimate([1]);
  /** Part of the encode that is done, 0 to 1. */
  #encoded = 0;
  #fps = 0;
  #output: VideoOutput | undefined;
  #chunks: JobProgress['chunks'] = null;

  constructor(parts: Pick<WorkerParts, 'bus' | 'workerId' | 'tails' | 'timing'>, order: JobOrder) {
    this.#parts = parts;
    this.#order = order;
    this.#timer = setInterval(() => this.#tell(), parts.timing.progressMs);
    this.#tell();
  }

  phase(phase: Phase): void {
    if (phase === this.#phase) return;
    const wasEncoding = this.#phase === 'encoding';
    this.#phase = phase;
    if (phase === 'encoding') {
      this.#encodeStartedAt = performance.now();
      this.#tail = undefined;
    } else if (wasEncoding) this.#tail = { startedAt: performance.now(), encodeS: this.#encodingS };
    this.#tell();
  }

  planned(plan: VideoPlan, video: SourceFacts['video']): void {
    this.#plan = plan;
    // A second plan of the same attempt begins from nothing.
    this.#encoded = 0;
    this.#output = undefined;
    this.#estimate = new WorkEstimate(weighParts(video), (encodeS) => this.#parts.tails.expectedS(this.#kind, encodeS));
  }

  /** The job has ended well: the next of its kind on this worker is promised by it. */
  finished(): void {
    if (this.#tail !== undefined) this.#parts.tails.saw(this.#kind, this.#tail.encodeS, this.#tailingS(this.#tail));
  }

  /** From the one run that makes everything. */
  encoded(report: ProgressReport): void {
    const plan = this.#plan;
    if (plan === undefined) return;
    const total = plan.picture?.frames ?? 0;
    const share = total > 0 ? report.frame / total : (report.outTimeUs ?? 0) / 1e6 / Math.max(0.001, plan.durationS);
    this.#encoded = Math.max(this.#encoded, Math.min(1, share));
    this.#estimate.saw(this.#estimate.workOf(this.#encoded), this.#encodingS);
    this.#fps = report.fps;
  }

  /** From pieces that are encoded at several places. */
  pieces(all: readonly PieceProgress[], fps: number, chunks: NonNullable<JobProgress['chunks']>): void {
    const share = all.reduce((sum, piece) => sum + (piece.to - piece.from) * piece.done, 0);
    this.#encoded = Math.max(this.#encoded, Math.min(1, share));
    const workOf = ({ from, to }: PieceProgress) => this.#estimate.workOf(to) - this.#estimate.workOf(from);
    this.#estimate.saw(
      all.reduce((sum, piece) => sum + workOf(piece) * piece.done, 0),
      this.#encodingS,
    );
    this.#fps = fps;
    this.#chunks = chunks;
  }

  /** What can be played already. */
  playable(output: VideoOutput): void {
    this.#output = output;
  }

  now(): JobProgress {
    const encodingS = this.#encodingS;
    const isEncoding = this.#phase === 'encoding';
    return {
      job_id: this.#order.job_id,
      video_id: this.#order.video_id,
      worker_id: this.#parts.workerId,
      revision: this.#order.revision,
      phase: this.#phase,
      percent: round(isEncoding ? begins.encoding + this.#encoded * (encodeEnds - begins.encoding) : begins[this.#phase], 1),
      fps: isEncoding ? round(this.#fps, 1) : 0,
      speed: isEncoding && encodingS > 0.5 ? round((this.#encoded * (this.#plan?.durationS ?? 0)) / encodingS, 2) : 0,
      eta_s: this.#eta(encodingS),
      elapsed_s: round((performance.now() - this.#startedAt) / 1000, 1),
      renditions: this.#renditions(),
      chunks: this.#chunks,
      timestamp: new Date().toISOString(),
    };
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  get #encodingS(): number {
    return this.#encodeStartedAt === 0 ? 0 : (performance.now() - this.#encodeStartedAt) / 1000;
  }

  #eta(encodingS: number): number | null {
    if (this.#tail === undefined) {
      const leftS = this.#phase === 'encoding' ? this.#estimate.leftS(encodingS) : null;
      return leftS === null ? null : round(leftS, 1);
    }
    const { encodeS } = this.#tail;
    const goneS = this.#tailingS(this.#tail);
    // What takes longer than expected goes on for a while; nobody knows for how long.
    return round(Math.max(this.#parts.tails.expectedS(this.#kind, encodeS) - goneS, goneS / 10), 1);
  }

  #tailingS({ startedAt }: { readonly startedAt: number }): number {
    return (performance.now() - startedAt) / 1000;
  }

  /** Jobs of which the time after the encode is alike: pieces have to be joined, and what is passed through takes nearly no encode. */
  get #kind(): string {
    if (this.#chunks !== null) return 'joined';
    return this.#plan?.renditions.every(({ encoder }) => encoder === 'copy') === true ? 'copied' : 'encoded';
  }

  #renditions(): JobProgress['renditions'] {
    const isDone = begins[this.#phase] > begins.encoding;
    return (this.#plan?.renditions ?? []).map(({ name, videoKbps }) => {
      const made = this.#output?.renditions.find((one) => one.name === name);
      const state = isDone ? ('done' as const) : this.#phase === 'encoding' ? ('running' as const) : ('waiting' as const);
      return {
        name,
        percent: isDone ? 100 : round(this.#encoded * 100, 1),
        bitrate_kbps: made === undefined ? videoKbps : Math.round(made.average_bandwidth / 1000),
        state,
        is_playable: made !== undefined,
      };
    });
  }

  #tell(): void {
    this.#parts.bus.publish('job_progress', { job_id: this.#order.job_id }, this.now());
  }
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
