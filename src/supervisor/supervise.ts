/** A long-lived child that is kept running: started, started again after it ended, adopted after we ended. */
import { readFileSync, rmSync } from 'node:fs';
import { WeirError } from '../contracts/errors.js';
import { adoptProcess, type WatchedProcess } from './adopt.js';
import { isProcessIdentity, type ProcessIdentity } from './identity.js';
import { writeFileAtomic } from './pid-records.js';
import { describeExit, type ExitReport, type SpawnOptions, spawnProcess } from './process.js';
import { createRestartPolicy, type RestartOptions, type RestartPolicy } from './restart-policy.js';
import type { StopLadder } from './stop-ladder.js';

/** Why the last run ended or the last start failed. */
export interface RunFailure {
  /** One sentence. */
  message: string;
  /** Null when the process could not be started at all. */
  report: ExitReport | null;
  error: WeirError | null;
}

export type SupervisedState =
  | { kind: 'starting' }
  | { kind: 'running'; pid: number; adopted: boolean }
  | { kind: 'backoff'; retryInMs: number; attempt: number; last: RunFailure }
  /** It ended too often in too short a time. It is still tried again, at the longest delay. */
  | { kind: 'crash_loop'; retryInMs: number; attempt: number; last: RunFailure }
  | { kind: 'stopped'; report: ExitReport | null }
  /** We no longer watch it; it runs on. */
  | { kind: 'detached' };

export interface SuperviseOptions {
  /** For messages. */
  name: string;
  /** What to start; asked before each start. Output of a process that outlives us must go to files, since a dead pipe would end it. */
  command: () => SpawnOptions | Promise<SpawnOptions>;
  /** The process outlives us, and this file says where it is, so that the next supervisor adopts it. Default: it dies with us. */
  recordFile?: string;
  /** A recorded process that was started with another one is replaced instead of adopted. Default: adopt any. */
  fingerprint?: string;
  /** A recorded process that was started with another one is adopted and sent this signal, to end when its work is done; then it is started anew. */
  renewal?: { fingerprint: string; signal: NodeJS.Signals };
  restart?: RestartOptions;
  ladder?: StopLadder;
}

export interface SupervisedProcess {
  readonly state: SupervisedState;
  /** Starts after an end that nobody asked for, kept over adoption. */
  readonly restarts: number;
  /** Identity of the running process, else undefined. */
  readonly identity: ProcessIdentity | undefined;
  /** Calls back after each change; returns the way to end that. */
  onState(listener: (state: SupervisedState) => void): () => void;
  /** Resolves at the first running state; fails with the failure when the first start fails, or with `cancelled`. */
  whenRunning(signal?: AbortSignal): Promise<void>;
  /** Sends a signal to the running process's group; false when none runs. */
  kill(signal: NodeJS.Signals): boolean;
  /** Ends the run and starts anew at once, not counted as a failure. Also ends a pending backoff. */
  restart(reason: string): Promise<void>;
  /** Ends the process and the supervision. A ladder given here replaces that of the options. */
  stop(reason?: string, ladder?: StopLadder): Promise<void>;
  /** Ends the supervision only. */
  detach(): void;
}

interface ProcessRecord extends ProcessIdentity {
  fingerprint: string;
  renewal: string;
  restarts: number;
}

/** Starts (or adopts) the process and keeps it running until stopped or detached. */
export function superviseProcess(options: SuperviseOptions): SupervisedProcess {
  const supervision = new Supervision(options);
  supervision.run();
  return supervision;
}

type Wish = 'run' | 'restart' | 'stop' | 'detach';

class Supervision implements SupervisedProcess {
  readonly #options: SuperviseOptions;
  readonly #policy: RestartPolicy;
  readonly #listeners = new Set<(state: SupervisedState) => void>();
  #state: SupervisedState = { kind: 'starting' };
  #process: (WatchedProcess & { release?(): void }) | undefined;
  #restarts = 0;
  /** The adopted process was asked to end when its work is done. */
  #isRenewing = false;
  /** The next start follows an end that nobody asked for. */
  #isRestart = false;
  #wish: Wish = 'run';
  #stopReason = 'stopped';
  #ladder: StopLadder | undefined;
  /** Ends the wait that the loop is in. */
  #wake: () => void = () => undefined;
  #loop: Promise<void> = Promise.resolve();

  constructor(options: SuperviseOptions) {
    this.#options = options;
    this.#ladder = options.ladder;
    this.#policy = createRestartPolicy(options.restart);
  }

  get state(): SupervisedState {
    return this.#state;
  }

  get restarts(): number {
    return this.#restarts;
  }

  get identity(): ProcessIdentity | undefined {
    return this.#process?.identity;
  }

  onState(listener: (state: SupervisedState) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  run(): void {
    this.#loop = this.#keepRunning();
  }

  whenRunning(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (state: SupervisedState): boolean => {
        if (state.kind === 'starting') return false;
        if (state.kind === 'running') resolve();
        else reject(notRunning(this.#options.name, state));
        return true;
      };
      if (settle(this.#state)) return;
      const done = () => {
        unsubscribe();
        signal?.removeEventListener('abort', onAbort);
      };
      const onAbort = () => {
        done();
        reject(new WeirError('cancelled', `The start of ${this.#options.name} was cancelled`));
      };
      const unsubscribe = this.onState((state) => {
        if (settle(state)) done();
      });
      if (signal?.aborted === true) onAbort();
      else signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  kill(signal: NodeJS.Signals): boolean {
    return this.#process?.kill(signal) ?? false;
  }

  async restart(reason: string): Promise<void> {
    if (this.#wish !== 'run') return;
    this.#policy.reset();
    this.#wish = 'restart';
    const running = this.#process;
    this.#wake();
    await running?.stop(this.#stopOptions(reason));
  }

  async stop(reason = 'stopped', ladder?: StopLadder): Promise<void> {
    if (this.#wish !== 'detach') this.#wish = 'stop';
    this.#stopReason = reason;
    this.#ladder = ladder ?? this.#ladder;
    this.#wake();
    await this.#loop;
  }

  detach(): void {
    this.#wish = 'detach';
    this.#wake();
  }

  async #keepRunning(): Promise<void> {
    // Lets the caller subscribe before the first state.
    await Promise.resolve();
    let adopted = await this.#adopt();
    while (this.#mayRun() || adopted !== undefined) {
      if (adopted === undefined) this.#change({ kind: 'starting' });
      const failure = await this.#runOnce(adopted);
      adopted = undefined;
      if (this.#takeRenewal() || this.#takeRestart() || !this.#mayRun()) continue;
      await this.#backOff(failure);
      this.#isRestart = true;
      this.#takeRestart();
    }
    if (this.#wish === 'detach') {
      this.#process?.release?.();
      this.#change({ kind: 'detached' });
    } else if (this.#state.kind !== 'stopped') this.#change({ kind: 'stopped', report: null });
  }

  #mayRun(): boolean {
    return this.#wish === 'run' || this.#wish === 'restart';
  }

  /** True when the process ended because we wanted it to, sooner or later. */
  #takeRenewal(): boolean {
    const isRenewed = this.#isRenewing;
    this.#isRenewing = false;
    return isRenewed && this.#wish === 'run';
  }

  /** True when a start was asked for, which is then no failure to back off from. */
  #takeRestart(): boolean {
    if (this.#wish !== 'restart') return false;
    this.#wish = 'run';
    return true;
  }

  /** One run from start to end, or until we are to leave it. */
  async #runOnce(adopted: WatchedProcess | undefined): Promise<RunFailure> {
    let running: WatchedProcess;
    try {
      running = adopted ?? (await this.#start());
    } catch (thrown) {
      const error = WeirError.from(thrown);
      return { message: error.message, report: null, error };
    }
    this.#process = running;
    this.#policy.started(performance.now());
    if (this.#mayRun()) this.#change({ kind: 'running', pid: running.pid, adopted: adopted !== undefined });
    const report = await this.#untilEnded(running);
    if (report === undefined) return { message: 'left running', report: null, error: null };
    this.#process = undefined;
    this.#forget();
    if (this.#wish === 'stop') this.#change({ kind: 'stopped', report });
    return { message: describeExit(report), report, error: null };
  }

  async #start(): Promise<WatchedProcess> {
    const { recordFile } = this.#options;
    const command = await this.#options.command();
    const outlives = recordFile !== undefined;
    const running = await spawnProcess({ ...command, ...(outlives ? { dieWithParent: false, keepAlive: false } : {}) });
    if (this.#isRestart) this.#restarts++;
    this.#isRestart = false;
    if (outlives) this.#record(recordFile, running.identity);
    return running;
  }

  /** The report, or undefined when the process was left running. */
  async #untilEnded(running: WatchedProcess): Promise<ExitReport | undefined> {
    for (;;) {
      if (this.#wish === 'stop') return running.stop(this.#stopOptions(this.#stopReason));
      if (this.#wish === 'detach') return undefined;
      if (this.#wish === 'restart') return running.exited;
      const woken = new Promise<undefined>((resolve) => {
        this.#wake = () => resolve(undefined);
      });
      const report = await Promise.race([running.exited, woken]);
      if (report !== undefined) return report;
    }
  }

  #stopOptions(reason: string) {
    return { reason, ...(this.#ladder === undefined ? {} : { ladder: this.#ladder }) };
  }

  async #backOff(last: RunFailure): Promise<void> {
    const { delayMs, attempt, crashLoop } = this.#policy.ended(performance.now());
    this.#change({ kind: crashLoop ? 'crash_loop' : 'backoff', retryInMs: Math.round(delayMs), attempt, last });
    if (delayMs > 0 && this.#wish === 'run') {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, delayMs);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  async #adopt(): Promise<(WatchedProcess & { release(): void }) | undefined> {
    const { recordFile, fingerprint = '', renewal } = this.#options;
    const record = recordFile === undefined ? undefined : readRecord(recordFile);
    const found = record === undefined ? undefined : adoptProcess(record);
    if (record === undefined || found === undefined) return undefined;
    if (record.fingerprint === fingerprint) {
      this.#restarts = record.restarts;
      if (renewal !== undefined && record.renewal !== renewal.fingerprint) this.#isRenewing = found.kill(renewal.signal);
      return found;
    }
    await found.stop(this.#stopOptions('replaced'));
    return undefined;
  }

  #record(file: string, identity: ProcessIdentity): void {
    const { fingerprint = '', renewal } = this.#options;
    const record: ProcessRecord = { ...identity, fingerprint, renewal: renewal?.fingerprint ?? '', restarts: this.#restarts };
    writeFileAtomic(file, JSON.stringify(record));
  }

  #forget(): void {
    if (this.#options.recordFile !== undefined) rmSync(this.#options.recordFile, { force: true });
  }

  #change(state: SupervisedState): void {
    this.#state = state;
    for (const listener of this.#listeners) listener(state);
  }
}

function notRunning(name: string, state: Exclude<SupervisedState, { kind: 'starting' | 'running' }>): WeirError {
  if (state.kind === 'stopped' || state.kind === 'detached') return new WeirError('cancelled', `${name} is ${state.kind}`);
  if (state.last.error !== null) return state.last.error;
  const lines = state.last.report?.tail.slice(-3).join(' / ') ?? '';
  return new WeirError('unavailable', `${name} did not stay up: ${state.last.message}${lines === '' ? '' : `: ${lines}`}`);
}

function readRecord(file: string): ProcessRecord | undefined {
  try {
    const value = JSON.parse(readFileSync(file, 'utf8')) as Partial<ProcessRecord>;
    if (!isProcessIdentity(value)) return undefined;
    const { pid, started, fingerprint = '', renewal = '', restarts = 0 } = value;
    return { pid, started, fingerprint, renewal, restarts };
  } catch {
    return undefined;
  }
}
