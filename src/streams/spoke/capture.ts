/** What a stream is made from at present: its configuration, the source parsed, what a probe found, and what had to be given up. */
import { WeirError } from '../../contracts/errors.js';
import type { SourceProbe, StreamConfig } from '../../contracts/stream.js';
import {
  type CapturePlan,
  captureArgs,
  type MachineFacts,
  parseOutput,
  parseSource,
  planCapture,
  type Source,
  type SourcePolicy,
  type VideoEncoder,
} from '../../media/index.js';
import type { Failure } from './failure.js';
import type { LivenessOptions } from './liveness.js';

const defaultStartGraceMs = 10_000;
/** A picture we make ourselves, or read from a disk, is late only when this machine is busy. */
const localSilenceMs = 3000;
/** Segmented HTTP delivers some seconds at a time. */
const segmentedSilenceMs = 15_000;
const longestPatienceMs = 5000;

export class Capture {
  readonly config: StreamConfig;
  readonly source: Source;
  readonly #facts: MachineFacts;
  readonly #startGraceMs: number;
  probe: SourceProbe | undefined;
  readonly #brokenEncoders = new Set<VideoEncoder>();
  #mustEncode = false;
  #patienceMs = 800;

  /** Throws what is wrong with the configuration, field by field, before anything is started. */
  constructor(config: StreamConfig, policy: SourcePolicy, facts: MachineFacts, startGraceMs = defaultStartGraceMs) {
    this.config = config;
    this.#facts = facts;
    this.#startGraceMs = startGraceMs;
    if (config.device === undefined) {
      throw new WeirError('invalid_argument', 'The stream has no source', { field: 'config.device', hint: 'Send a config with a device' });
    }
    this.source = inField('config.device', () => parseSource(config.device ?? '', policy));
    const { output_url: output } = config;
    if (output !== undefined) inField('config.output_url', () => parseOutput(output));
    // Finds an encoder that this machine does not have, before the running picture is given up for it.
    inField('config.encoder', () => planCapture(config, this.source, undefined, facts));
  }

  get needsProbe(): boolean {
    return this.probe === undefined && this.source.kind !== 'test';
  }

  /** Throws when what was found cannot be streamed. */
  plan(): CapturePlan {
    const encoders = this.#facts.encoders.filter((report) => !this.#brokenEncoders.has(report.encoder));
    const config: StreamConfig = { ...this.config };
    if (this.#mustEncode) config.codec = 'h264';
    if (this.#brokenEncoders.size > 0) config.encoder = 'auto';
    return planCapture(config, this.source, this.probe, { ...this.#facts, encoders });
  }

  liveness(plan: CapturePlan): LivenessOptions {
    const frameRate = plan.video.mode === 'encode' && plan.video.frameRate !== undefined ? plan.video.frameRate : this.probe?.video?.frame_rate;
    return { startGraceMs: this.#startGraceMs, frameRate, leastSilenceMs: this.#leastSilenceMs(), judgeClock: this.#isLive() };
  }

  /** Codec that a plan to copy rests on. */
  expectedCodec(plan: CapturePlan): string | undefined {
    return plan.video.mode === 'copy' ? plan.video.codec : undefined;
  }

  /**
   * Takes a failure into account for the next attempt. What another plan can mend comes back as `switch`: a broken hardware
   * encoder gives way to the next one, a source that cannot be copied is encoded.
   */
  adapt(failure: Failure, plan: CapturePlan | undefined, hasDelivered: boolean): Failure {
    if (failure.kind === 'switch') {
      this.probe = undefined;
      return failure;
    }
    // What was found at a source that misbehaves may not be true any more.
    if (failure.kind === 'crash') this.probe = undefined;
    if (plan === undefined) return failure;
    // An encoder that has delivered works; then something else ended FFmpeg.
    if (failure.reason === 'encoder_failed' && !hasDelivered && plan.video.mode === 'encode' && plan.video.encoder !== 'libx264') {
      this.#brokenEncoders.add(plan.video.encoder);
      return { ...failure, kind: 'switch' };
    }
    const isMendedByEncoding = failure.reason === 'keyframe_drought' || failure.reason === 'unsupported_codec';
    if (isMendedByEncoding && plan.video.mode === 'copy' && this.config.codec !== 'copy' && !this.#mustEncode) {
      this.#mustEncode = true;
      return { ...failure, kind: 'switch' };
    }
    return failure;
  }

  /** The source was back at once after it had been called silent: it hiccups, and restarts would hurt more than waiting. */
  wasHasty(): void {
    this.#patienceMs = Math.min(longestPatienceMs, this.#patienceMs * 1.5);
  }

  /** Whether the FFmpegs of both can run at the same time. */
  canRunBeside(other: Capture): boolean {
    if (this.source.kind === 'v4l2' && other.source.kind === 'v4l2' && this.source.path === other.source.path) return false;
    return this.config.output_url === undefined || this.config.output_url !== other.config.output_url;
  }

  /** Keeps what is known of the same source; answers whether FFmpeg would be run differently. */
  takeOver(before: Capture): boolean {
    const isSameSource = this.config.device === before.config.device && this.config.rtsp_transport === before.config.rtsp_transport;
    if (!isSameSource) return true;
    this.probe = before.probe;
    this.#patienceMs = before.#patienceMs;
    for (const encoder of before.#brokenEncoders) this.#brokenEncoders.add(encoder);
    const isDifferent = JSON.stringify(argsOf(before, this.#facts)) !== JSON.stringify(argsOf(this, this.#facts));
    if (!isDifferent) this.#mustEncode = before.#mustEncode;
    return isDifferent;
  }

  #leastSilenceMs(): number {
    if (this.source.kind === 'test' || this.source.kind === 'file') return localSilenceMs;
    if (this.source.kind === 'http' && new URL(this.source.url).pathname.endsWith('.m3u8')) return segmentedSilenceMs;
    return this.#patienceMs;
  }

  #isLive(): boolean {
    if (this.source.kind === 'http') return /mpegts|flv/.test(this.probe?.container ?? '');
    return this.source.kind !== 'file';
  }
}

/** Arguments without what a fallback changed, so that only the configurations are compared; null while they are not known. */
function argsOf(capture: Capture, facts: MachineFacts): string[] | null {
  try {
    return captureArgs(planCapture(capture.config, capture.source, capture.probe, facts), facts);
  } catch {
    return null;
  }
}

/** Errors from parsing name the field they belong to. */
function inField<T>(field: string, parse: () => T): T {
  try {
    return parse();
  } catch (thrown) {
    const error = WeirError.from(thrown);
    if (error.errors.some((entry) => entry.field === field)) throw error;
    const errors = error.errors.length > 0 ? error.errors.map((entry) => ({ ...entry, field })) : [{ field, message: error.message }];
    throw new WeirError(error.code, error.message, { errors, cause: thrown, ...(error.hint === undefined ? {} : { hint: error.hint }) });
  }
}
