/** Owner of the broker's state: follows the supervised process, its ports, its health and its users. */
import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { WeirError } from '../contracts/errors.js';
import {
  type FileLock,
  type RestartOptions,
  type RunFailure,
  type StopLadder,
  type SupervisedProcess,
  type SupervisedState,
  superviseProcess,
} from '../supervisor/index.js';
import type { Broker, BrokerOptions } from './broker.js';
import { coalesce } from './coalesce.js';
import type { BrokerPorts } from './config.js';
import { defaultHealthTiming, type HealthTiming, untilHealthy, watchHealth } from './health-watch.js';
import {
  checkConfig,
  freeBytesOf,
  type LaunchPlan,
  lastLines,
  readPortsRecord,
  tidyFolder,
  tidyLogs,
  writeConfig,
  writePortsRecord,
} from './launch.js';
import { createMonitor, type Health, type Monitor, type ServerFigures } from './monitor.js';
import { choosePorts, readChosenPorts, takenPortError } from './ports.js';
import { reloadConfig } from './reload.js';
import type { BrokerState } from './state.js';
import { endStrays } from './stray.js';
import { type BrokerUser, checkUsers } from './users.js';
import type { ServerVersion } from './version.js';

const defaultRestart: RestartOptions = { immediate: 1, initialMs: 250, maxMs: 10_000, crashLoop: { count: 5, withinMs: 60_000 } };
const readyAgainMs = 3000;
const diskEveryMs = 2000;

/** See {@link Broker}; made by `startBroker`, which also takes the lock. */
export class SupervisedBroker implements Broker {
  readonly kind = 'supervised';
  readonly #plan: LaunchPlan;
  readonly #lock: FileLock;
  readonly #timing: HealthTiming;
  readonly #minFreeBytes: number;
  readonly #supervised: SupervisedProcess;
  readonly #listeners = new Set<(state: BrokerState) => void>();
  #state: BrokerState = { kind: 'starting' };
  #users: readonly BrokerUser[];
  #ports: BrokerPorts;
  /** As the running process was told; a reload that names others is refused by the server. */
  #launchedWith: BrokerPorts;
  #monitor: Monitor | undefined;
  /** Of the running server, from its first readiness to its end. */
  #readyPid: number | undefined;
  /** The process that has surely read the present users. */
  #toldPid: number | undefined;
  /** Ends with the run that it was made for. */
  #run = new AbortController();
  readonly #reloadUsers = coalesce(() => this.#reload());
  /** Until a server of ours was ready. */
  #isFirstStart = true;
  #startFailure: WeirError | undefined;
  #wasAdopted = false;
  #freeBytes = Number.POSITIVE_INFINITY;
  #ended = false;

  constructor(plan: LaunchPlan, lock: FileLock, options: BrokerOptions) {
    this.#plan = plan;
    this.#lock = lock;
    this.#timing = { ...defaultHealthTiming, ...options.timing };
    this.#minFreeBytes = options.minFreeBytes ?? 128 * 1024 * 1024;
    this.#users = [...options.users];
    this.#ports = plan.wantedPorts;
    this.#launchedWith = plan.wantedPorts;
    this.#supervised = superviseProcess({
      name: 'nats-server',
      recordFile: plan.recordFile,
      fingerprint: plan.fingerprint,
      restart: options.restart ?? defaultRestart,
      ladder: stopLadder(0),
      command: () => this.#command(),
    });
    this.#supervised.onState((state) => this.#onSupervised(state));
  }

  get state(): BrokerState {
    return this.#state;
  }

  get restarts(): number {
    return this.#supervised.restarts;
  }

  get version(): ServerVersion {
    return this.#plan.program.version;
  }

  get ports(): BrokerPorts {
    return this.#ports;
  }

  get pid(): number | undefined {
    return this.#supervised.identity?.pid;
  }

  get url(): string {
    const { host, tls } = this.#plan.config;
    const reachable = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
    return `${tls === undefined ? 'nats' : 'tls'}://${reachable.includes(':') ? `[${reachable}]` : reachable}:${this.#ports.client}`;
  }

  get websocket(): { host: string; port: number } | undefined {
    return this.#ports.websocket > 0 ? { host: '127.0.0.1', port: this.#ports.websocket } : undefined;
  }

  get monitorUrl(): string {
    return `http://127.0.0.1:${this.#ports.monitor}`;
  }

  onState(listener: (state: BrokerState) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async start(signal: AbortSignal | undefined, timeoutMs: number): Promise<void> {
    const deadline = new AbortController();
    // Unlike AbortSignal.timeout this keeps the process alive while it waits; everything else here does not.
    const timer = setTimeout(() => deadline.abort(), timeoutMs);
    const limit = signal === undefined ? deadline.signal : AbortSignal.any([signal, deadline.signal]);
    try {
      await this.#firstReady(limit);
    } catch (error) {
      this.#ended = true;
      await this.#supervised.stop('start failed');
      if (!limit.aborted) throw error;
      throw deadline.signal.aborted
        ? new WeirError('deadline_exceeded', `The broker was not ready within ${timeoutMs} ms`, { hint: `See ${this.#plan.config.logFile}` })
        : new WeirError('cancelled', 'The start of the broker was cancelled');
    } finally {
      clearTimeout(timer);
    }
    // An adopted server still has the users of the hub before.
    if (this.#wasAdopted) await this.setUsers(this.#users);
  }

  async setUsers(users: readonly BrokerUser[]): Promise<void> {
    if (users.length === 0) throw new WeirError('invalid_argument', 'The broker needs at least one user');
    checkUsers(users);
    if (this.#ended) throw new WeirError('failed_precondition', 'The broker is stopped');
    // A reload makes the server forget who may still answer what: not without a reason.
    if (this.#readyPid !== undefined && this.#readyPid === this.#toldPid && isDeepStrictEqual(users, this.#users)) return;
    const told = [...users];
    this.#users = told;
    this.#toldPid = undefined;
    await this.#reloadUsers();
    // Unless others were set meanwhile, which have their own reload.
    if (this.#users === told) this.#toldPid = this.#readyPid;
  }

  async figures(): Promise<ServerFigures> {
    const monitor = this.#monitor;
    if (monitor === undefined) throw new WeirError('unavailable', `The broker is ${this.#state.kind}`);
    try {
      return await monitor.figures(1000);
    } catch (error) {
      throw new WeirError('unavailable', 'The broker does not tell its figures', { cause: error });
    }
  }

  async restart(reason: string): Promise<void> {
    await this.#supervised.restart(reason);
  }

  async stop(options: { lameDuckMs?: number } = {}): Promise<void> {
    const { pid } = this;
    if (!this.#ended && pid !== undefined && this.#state.kind === 'ready') {
      const clients = await this.figures().then(
        (figures) => figures.connections,
        () => 0,
      );
      const lameDuckMs = clients > 0 ? (options.lameDuckMs ?? 500) : 0;
      this.#ended = true;
      if (lameDuckMs > 0) this.#change({ kind: 'lame_duck', pid });
      await this.#supervised.stop('stopped', stopLadder(lameDuckMs));
    } else {
      this.#ended = true;
      await this.#supervised.stop('stopped');
    }
    this.#lock.release();
  }

  detach(): void {
    this.#ended = true;
    this.#supervised.detach();
    this.#endRun();
    this.#lock.release();
    this.#change({ kind: 'detached' });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  /** Resolves at the first readiness; fails when a server that we started ends before. */
  #firstReady(limit: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (action: () => void) => {
        unsubscribe();
        limit.removeEventListener('abort', onAbort);
        action();
      };
      const onAbort = () => settle(() => reject(limit.reason));
      const unsubscribe = this.onState((state) => {
        if (state.kind === 'ready') settle(resolve);
        else if (this.#startFailure !== undefined) settle(() => reject(this.#startFailure));
      });
      if (limit.aborted) onAbort();
      else limit.addEventListener('abort', onAbort, { once: true });
    });
  }

  /** Resolves when a server that started after this call is ready; fails after some seconds. */
  async #untilReady(): Promise<void> {
    for (const deadline = AbortSignal.timeout(readyAgainMs); this.#readyPid === undefined; await delay(2)) {
      if (deadline.aborted || this.#ended) throw new WeirError('unavailable', `The broker is ${this.#state.kind}; it will start with the new users`);
    }
  }

  /** Prepares one start: ports, configuration, a tidy folder. */
  async #command() {
    const plan = this.#plan;
    const { host } = plan.config;
    if (this.#isFirstStart) await endStrays(plan.configFile, this.#supervised.identity);
    // Once clients know the ports, no others will do.
    const ports = this.#isFirstStart ? await choosePorts(host, plan.wantedPorts, readPortsRecord(plan)?.ports) : this.#ports;
    const taken = await takenPortError(host, ports);
    if (taken !== undefined) throw taken;
    tidyFolder(plan);
    writeConfig(plan, ports, this.#users);
    // Later ones differ in users only, and those are checked.
    if (this.#isFirstStart) await checkConfig(plan);
    this.#launchedWith = ports;
    writeConfig(plan, ports, this.#users);
    return {
      command: plan.program.path,
      args: ['-c', plan.configFile],
      cwd: plan.folder,
      stdout: 'ignore' as const,
      stderr: { file: plan.stderrFile },
    };
  }

  #onSupervised(state: SupervisedState): void {
    if (state.kind !== 'running') this.#endRun();
    switch (state.kind) {
      case 'running':
        this.#wasAdopted = state.adopted;
        this.#run = new AbortController();
        void this.#follow(state.pid, state.adopted, this.#run.signal);
        break;
      case 'backoff':
      case 'crash_loop':
        this.#onFailure(state.kind === 'backoff' ? 'backoff' : 'failed', state.retryInMs, state.last);
        break;
      case 'starting':
      case 'stopped':
      case 'detached':
        this.#change({ kind: state.kind });
        break;
    }
  }

  #endRun(): void {
    this.#run.abort();
    this.#readyPid = undefined;
    this.#monitor?.close();
    this.#monitor = undefined;
  }

  #onFailure(kind: 'backoff' | 'failed', retryInMs: number, last: RunFailure): void {
    const lines = last.report === null ? [] : [...lastLines(this.#plan.stderrFile, 1), ...lastLines(this.#plan.config.logFile, 1)];
    const reason = [last.message, ...lines].join('; ');
    if (this.#isFirstStart && !this.#wasAdopted) {
      this.#startFailure =
        last.error ?? new WeirError('unavailable', `The broker did not start: ${reason}`, { hint: `See ${this.#plan.config.logFile}` });
    }
    this.#wasAdopted = false;
    this.#change({ kind, retryInMs, reason });
  }

  /** One run of the server, from its start to its end. */
  async #follow(pid: number, adopted: boolean, signal: AbortSignal): Promise<void> {
    try {
      const startLimit = AbortSignal.any([signal, AbortSignal.timeout(120_000)]);
      const ports = await this.#learnPorts(pid, adopted, startLimit);
      const monitor = createMonitor(ports.monitor);
      this.#monitor = monitor;
      if (!adopted) await untilHealthy(monitor, startLimit);
      const onHealth = (health: Health) => this.#onHealth(pid, adopted, health);
      if (!adopted) onHealth({ kind: 'ok' });
      void this.#watchDisk(signal);
      if ((await watchHealth(monitor, this.#timing, signal, onHealth)) === 'ended') return;
    } catch {
      if (signal.aborted) return;
    }
    // Frozen, or not ready in its time: the supervisor sees the end and starts it anew.
    this.#supervised.kill('SIGKILL');
  }

  async #learnPorts(pid: number, adopted: boolean, signal: AbortSignal): Promise<BrokerPorts> {
    const record = adopted ? readPortsRecord(this.#plan) : undefined;
    const identity = this.#supervised.identity;
    if (record !== undefined && record.pid === pid && record.started === identity?.started) {
      this.#launchedWith = record.launchedWith;
      this.#ports = record.ports;
      return record.ports;
    }
    this.#ports = await readChosenPorts(this.#plan.folder, pid, signal);
    if (identity !== undefined) writePortsRecord(this.#plan, { ...identity, ports: this.#ports, launchedWith: this.#launchedWith });
    return this.#ports;
  }

  #onHealth(pid: number, adopted: boolean, health: Health): void {
    if (this.#state.kind === 'lame_duck') return;
    const problem = this.#problemOf(health);
    if (problem !== undefined) this.#change({ kind: 'degraded', pid, reason: problem });
    else if (this.#state.kind !== 'ready') {
      this.#readyPid = pid;
      this.#isFirstStart = false;
      this.#change({ kind: 'ready', pid, ports: this.#ports, adopted });
    }
  }

  #problemOf(health: Health): string | undefined {
    const isLow = this.#freeBytes < this.#minFreeBytes;
    const disk = `the disk of its store is nearly full: ${Math.round(this.#freeBytes / 1_048_576)} MiB are left`;
    if (health.kind === 'bad') return health.message;
    if (health.kind !== 'ok') return isLow ? `it does not answer; ${disk}` : 'it does not answer';
    // The first readiness is told in any case: a low disk hurts what is stored in files, not what is live.
    return isLow && this.#state.kind !== 'starting' ? disk : undefined;
  }

  async #watchDisk(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#freeBytes = await freeBytesOf(this.#plan.folder).catch(() => this.#freeBytes);
      tidyLogs(this.#plan);
      await delay(diskEveryMs, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  async #reload(): Promise<void> {
    const before = this.#readyPid;
    writeConfig(this.#plan, this.#launchedWith, this.#users);
    // Before it is ready the signal would end it; one that becomes ready from now on has read the new file.
    if (before === undefined) return this.#untilReady();
    const monitor = this.#monitor;
    const outcome = await reloadConfig(
      monitor,
      () => this.#supervised.kill('SIGHUP'),
      () => this.#readyPid === before,
    );
    if (outcome === 'replaced') return this.#untilReady();
    if (outcome === 'taken') return undefined;
    await checkConfig(this.#plan);
    throw new WeirError('unavailable', 'The broker did not take the new users in time', { hint: `See ${this.#plan.config.logFile}` });
  }

  #change(state: BrokerState): void {
    if (JSON.stringify(state) === JSON.stringify(this.#state)) return;
    this.#state = state;
    for (const listener of this.#listeners) listener(state);
  }
}

function stopLadder(lameDuckMs: number): StopLadder {
  const gentle: StopLadder = lameDuckMs > 0 ? [{ signal: 'SIGUSR2', waitMs: lameDuckMs }] : [];
  return [...gentle, { signal: 'SIGTERM', waitMs: 1500 }, { signal: 'SIGKILL', waitMs: 5000 }];
}
