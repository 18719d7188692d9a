/** The spoke: an agent that serves the streams it is given, or those it was started for. */
import { hostname } from 'node:os';
import { type Agent, type Bus, startAgent } from '../../bus/index.js';
import type { AgentCommand, SpokeAssignment } from '../../contracts/agent.js';
import { WeirError } from '../../contracts/errors.js';
import type { SourceProbe, StreamConfig, StreamStatus } from '../../contracts/stream.js';
import { type MachineFacts, parseSource, probeSource, type SourcePolicy } from '../../media/index.js';
import { createProcessSampler, sweepOrphans } from '../../supervisor/index.js';
import { type AssignedStream, type AssignmentStep, planAssignment } from './assignments.js';
import { DueStreams } from './due.js';
import type { Log } from './log.js';
import { noLog } from './log.js';
import { noRecorders, type Recorders } from './recorder.js';
import { RememberedStreams } from './remembered.js';
import type { RunnerLimits } from './runner-options.js';
import { Served, withinMs } from './served.js';

/** A stream that this spoke was started for. Without a config it waits for a `start` that brings one. */
export interface FixedStream {
  readonly streamId: string;
  readonly config?: StreamConfig;
}

export interface SpokeLimits extends RunnerLimits {
  /** Streams served at the same time; further ones are refused with `resource_exhausted`. Default 64. */
  readonly maxStreams?: number;
}

/** Commands that others on this host carry out. */
export type FurtherCommand = Extract<AgentCommand, { action: 'recording_entries' | 'delete_segments' | 'devices' | 'set_controls' }>;

export interface SpokeOptions {
  /** On a connection that reconnects for ever; opened and closed by the caller. */
  readonly bus: Bus;
  readonly spokeId: string;
  readonly version: string;
  /** FFmpeg and its tried encoders, from `findMachineFacts`. */
  readonly facts: MachineFacts;
  readonly policy: SourcePolicy;
  readonly fixedStreams?: readonly FixedStream[];
  readonly limits?: SpokeLimits;
  /** Folder where FFmpeg processes are noted; what a killed spoke left running is ended at the next start. Default: no notes. */
  readonly pidFolder?: string;
  /** Writes what the assignment orders to be recorded. Default: nothing is recorded. */
  readonly recorders?: Recorders;
  /**
   * File (0600: addresses of sources may hold secrets) in which streams that are being recorded are remembered, so that the next spoke
   * goes on before anybody told it. Default: it waits to be told.
   */
  readonly rememberFile?: string;
  /** Carries out commands that are not about live streams: devices and what was recorded. Default: they are refused. */
  onCommand?(command: FurtherCommand): Promise<unknown>;
  /** Capture devices of this host, for the announcement. */
  devices?(): unknown;
  readonly log?: Log;
  /** Stops the spoke, as {@link Spoke.stop} does. */
  readonly signal?: AbortSignal;
}

export interface Spoke {
  readonly spokeId: string;
  /** Status of every stream served. */
  statuses(): StreamStatus[];
  /** Stops all streams and takes no further ones; resolves when every FFmpeg is gone. */
  drain(): Promise<void>;
  /** Stops everything and frees everything; the bus stays its owner's. */
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** An assignment is answered at the latest after so long, also when a stream that is taken away is slow to end. */
const assignAnswerMs = 3500;
/** Time between two looks whether a recording begins or ends. */
const dueLookMs = 1000;

/** Ends what a killed predecessor left behind, announces itself and serves. Fails when the bus does not allow its subjects. */
export async function startSpoke(options: SpokeOptions): Promise<Spoke> {
  if (options.pidFolder !== undefined) {
    const orphans = await sweepOrphans(options.pidFolder);
    if (orphans.length > 0) options.log?.warn({ orphans: orphans.length }, 'ended FFmpegs that an earlier spoke left behind');
  }
  const spoke = new SpokeProcess(options);
  try {
    await spoke.begin();
  } catch (error) {
    await spoke.stop();
    throw error;
  }
  return spoke;
}

class SpokeProcess implements Spoke {
  readonly spokeId: string;
  readonly #options: SpokeOptions;
  readonly #log: Log;
  readonly #served = new Map<string, Served>();
  readonly #closing = new Set<Promise<void>>();
  readonly #undo: (() => void)[] = [];
  readonly #startedAt = new Date().toISOString();
  readonly #sampler = createProcessSampler(process.pid);
  readonly #probes = new Set<AbortController>();
  readonly #remembered: RememberedStreams | undefined;
  readonly #due = new DueStreams();
  #agent: Agent | undefined;
  #isConnected = true;
  #isDraining = false;
  #lastRevision = Number.NEGATIVE_INFINITY;
  #assigning: Promise<unknown> = Promise.resolve();
  #stopping: Promise<void> | undefined;

  constructor(options: SpokeOptions) {
    this.#options = options;
    this.#log = options.log ?? noLog;
    this.spokeId = options.spokeId;
    const { recorders, rememberFile } = options;
    if (recorders !== undefined && rememberFile !== undefined) this.#remembered = new RememberedStreams(rememberFile, this.#log);
  }

  async begin(): Promise<void> {
    const { bus, fixedStreams = [], signal } = this.#options;
    this.#undo.push(
      bus.onDisconnect(() => {
        this.#isConnected = false;
      }),
      bus.onReconnect(() => this.#reconnected()),
    );
    for (const { streamId } of fixedStreams) await this.#open(streamId, true);
    this.#agent = await startAgent(bus, {
      kind: 'spoke',
      agentId: this.spokeId,
      announce: () => this.#announcement(),
      load: () => this.#load(),
      onCommand: (command) => this.#obey(command),
    });
    for (const { streamId, config } of fixedStreams) {
      const runner = this.#served.get(streamId)?.runner;
      if (config === undefined || runner === undefined) continue;
      runner.told('start', 'the settings of the spoke');
      runner.start(config);
    }
    await this.#resume();
    const dueLook = setInterval(() => this.#lookAtDue(), dueLookMs);
    this.#undo.push(() => clearInterval(dueLook));
    const stop = () => void this.stop();
    signal?.addEventListener('abort', stop, { once: true });
    this.#undo.push(() => signal?.removeEventListener('abort', stop));
    if (signal?.aborted === true) await this.stop();
  }

  statuses(): StreamStatus[] {
    return [...this.#served.values()].map((one) => one.runner.status());
  }

  async drain(): Promise<void> {
    this.#isDraining = true;
    this.#agent?.setState('draining');
    await Promise.all([...this.#served.values()].map((one) => one.runner.stop('draining')));
    this.#agent?.setState('drained');
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#end();
    return this.#stopping;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #end(): Promise<void> {
    this.#isDraining = true;
    for (const probe of this.#probes) probe.abort();
    await this.#assigning.catch(() => undefined);
    await Promise.all([...[...this.#served.values()].map((one) => one.close('draining')), ...this.#closing]);
    this.#served.clear();
    await this.#agent?.stop();
    for (const undo of this.#undo) undo();
    if (this.#isConnected) await this.#options.bus.flush(AbortSignal.timeout(1000)).catch(() => undefined);
  }

  #reconnected(): void {
    this.#isConnected = true;
    for (const { runner } of this.#served.values()) runner.reconnected();
  }

  #announcement() {
    const { facts, version, fixedStreams } = this.#options;
    const devices = this.#options.devices?.();
    return {
      host: hostname(),
      pid: process.pid,
      version,
      started_at: this.#startedAt,
      capabilities: {
        encoders: facts.encoders.filter((report) => report.works).map((report) => report.encoder),
        ffmpeg: facts.version,
        ...(devices === undefined ? {} : { devices }),
      },
      ...(fixedStreams === undefined || fixedStreams.length === 0 ? {} : { streams: fixedStreams.map((one) => one.streamId) }),
    };
  }

  #load() {
    const cost = this.#sampler.sample();
    const running = [...this.#served.values()].filter((one) => one.runner.isActive).length;
    return { streams: running, ...(cost === undefined ? {} : { cpu_percent: cost.cpuPercent, rss_bytes: cost.rssBytes }) };
  }

  async #obey(command: Exclude<AgentCommand, { action: 'announce' }>): Promise<unknown> {
    switch (command.action) {
      case 'assign': {
        // Assignments are carried out one after the other; each is complete, so none may overtake another.
        const done = this.#assigning.catch(() => undefined).then(() => this.#assign(command.assignment));
        this.#assigning = done;
        return done;
      }
      case 'drain':
        await this.drain();
        return {};
      case 'probe':
        return this.#probe(command.device);
      default:
        return this.#further(command);
    }
  }

  #further(command: FurtherCommand): unknown {
    if (this.#options.onCommand === undefined) throw new WeirError('unsupported', `This spoke does not know ${command.action}`);
    return this.#options.onCommand(command);
  }

  async #assign(assignment: SpokeAssignment): Promise<{ revision: number; refused: { stream_id: string; error: unknown }[] }> {
    if (this.#isDraining) throw new WeirError('failed_precondition', 'This spoke is draining and takes no streams');
    if (assignment.revision < this.#lastRevision) {
      throw new WeirError('failed_precondition', `The assignment ${assignment.revision} is older than ${this.#lastRevision}`, {
        field: 'assignment.revision',
        received: assignment.revision,
      });
    }
    this.#lastRevision = assignment.revision;
    if (assignment.storage !== undefined) this.#options.recorders?.limits?.(assignment.storage);
    // Before a stream is stopped or taken away: what was ordered of it ends first.
    this.#options.recorders?.assign(assignment.streams);
    this.#remembered?.write(assignment.streams);
    const steps = planAssignment([...this.#served.values()].map(servedFacts), this.#due.set(assignment.streams, Date.now()));
    const frees = steps.filter((step) => step.do === 'close' || step.do === 'stop');
    await withinMs(Promise.all(frees.map((step) => this.#carryOut(step))), assignAnswerMs);
    const refused: { stream_id: string; error: unknown }[] = [];
    for (const step of steps) {
      if (step.do === 'close' || step.do === 'stop') continue;
      try {
        await this.#carryOut(step);
      } catch (thrown) {
        const error = WeirError.from(thrown);
        this.#log.warn({ stream_id: step.streamId, code: error.code, reason: error.message }, 'an assigned stream was refused');
        this.#served.get(step.streamId)?.runner.refused(error);
        refused.push({ stream_id: step.streamId, error: error.toProblem() });
      }
    }
    for (const [streamId, served] of this.#served) served.isAssigned = assignment.streams.some((one) => one.stream_id === streamId);
    return { revision: assignment.revision, refused };
  }

  /** Goes on with what an earlier process was to record; the next assignment has the last word. */
  async #resume(): Promise<void> {
    const nowMs = Date.now();
    for (const { stream_id: streamId, config, desired, revision } of this.#due.set(this.#remembered?.read(nowMs) ?? [], nowMs)) {
      if (desired === 'stopped') continue;
      try {
        if (!this.#served.has(streamId)) await this.#open(streamId, false);
        const served = this.#served.get(streamId);
        if (served === undefined || served.runner.isActive) continue;
        served.isAssigned = true;
        served.runner.told('start', 'the recording that it is wanted for');
        served.runner.start(config, revision);
      } catch (error) {
        this.#log.warn({ stream_id: streamId, err: error }, 'a stream that was being recorded cannot go on before it is assigned again');
      }
    }
  }

  /** What runs for its recordings only begins and ends by the clock, whether the hub is there or not. */
  #lookAtDue(): void {
    if (this.#isDraining) return;
    const changed = this.#due.changes(Date.now());
    if (changed.length === 0) return;
    this.#assigning = this.#assigning.catch(() => undefined).then(() => this.#follow(changed));
  }

  async #follow(changed: readonly AssignedStream[]): Promise<void> {
    const served = [...this.#served.values()].filter(({ runner }) => changed.some((one) => one.stream_id === runner.streamId));
    for (const step of planAssignment(served.map(servedFacts), changed)) {
      if (this.#isDraining) return;
      try {
        await this.#carryOut(step, 'its recordings');
      } catch (error) {
        this.#log.warn({ stream_id: step.streamId, err: error }, 'a stream cannot run for its recording');
      }
    }
    for (const { stream_id: streamId } of changed) {
      const one = this.#served.get(streamId);
      if (one !== undefined) one.isAssigned = true;
    }
  }

  async #carryOut(step: AssignmentStep, by = 'the hub'): Promise<void> {
    const served = this.#served.get(step.streamId);
    switch (step.do) {
      case 'open':
        await this.#open(step.streamId, false);
        break;
      case 'close':
        this.#served.delete(step.streamId);
        if (served !== undefined) await this.#close(served);
        break;
      case 'stop':
        served?.runner.told('stop', by);
        await served?.runner.stop('requested');
        break;
      case 'start':
        served?.runner.told('start', by);
        served?.runner.start(step.config, step.revision);
        break;
      case 'configure':
        served?.runner.told('configure', by);
        served?.runner.configure(step.config, step.revision);
    }
  }

  async #open(streamId: string, isFixed: boolean): Promise<void> {
    const { bus, facts, policy, limits = {}, pidFolder } = this.#options;
    if (this.#served.size >= (limits.maxStreams ?? 64)) {
      throw new WeirError('resource_exhausted', `This spoke serves ${this.#served.size} streams already`, {
        hint: 'Add a spoke, or raise its limit',
      });
    }
    const served = new Served({
      bus,
      streamId,
      isFixed,
      spokeId: this.spokeId,
      facts,
      policy,
      limits,
      pidFolder,
      recorders: this.#options.recorders ?? noRecorders,
      isConnected: () => this.#isConnected,
      checkMayStart: () => {
        if (this.#isDraining) throw new WeirError('failed_precondition', 'This spoke is draining and starts nothing');
      },
      log: this.#log,
    });
    this.#served.set(streamId, served);
    try {
      await served.ready();
    } catch (error) {
      this.#served.delete(streamId);
      await this.#close(served);
      throw error;
    }
  }

  #close(served: Served): Promise<void> {
    const closing = served.close('requested').finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
    return closing;
  }

  async #probe(device: string): Promise<SourceProbe> {
    for (const { runner } of this.#served.values()) {
      const known = runner.probeOf(device);
      if (known !== undefined) return known;
    }
    const abort = new AbortController();
    this.#probes.add(abort);
    try {
      const source = parseSource(device, this.#options.policy);
      return (await probeSource(source, { facts: this.#options.facts, signal: abort.signal })).probe;
    } finally {
      this.#probes.delete(abort);
    }
  }
}

function servedFacts(served: Served) {
  const { runner, isAssigned, isFixed } = served;
  return { streamId: runner.streamId, config: runner.config, isActive: runner.isActive, isAssigned, isFixed };
}
