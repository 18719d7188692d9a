/** A worker on videos: takes tickets, claims jobs, runs FFmpeg, puts results in place; encodes pieces of others' jobs. */
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import type { NatsConnection } from '@nats-io/nats-core';
import { type Agent, type Bus, startAgent, type TakenWork } from '../../bus/index.js';
import { defaultRoots, type JobClaimReply, type Roots, type WorkerCommand } from '../../contracts/index.js';
import { findRememberedMachine, findSandbox } from '../../media/index.js';
import { createFamilySampler, sweepOrphans } from '../../supervisor/index.js';
import type { Logger } from '../../telemetry/index.js';
import { runAttempt, type TicketFate } from './attempt.js';
import { createIntake, type Intake, type Taken } from './intake.js';
import { Lease } from './lease.js';
import { defaultTiming, type VideoFolders, type WorkerParts, type WorkerTiming } from './needs.js';
import { workOnPiece } from './pieces.js';
import { serveQuestions } from './questions.js';
import { measureSlots, type Slots } from './slots.js';
import { TailMemory } from './work-estimate.js';

export interface VideoWorkerOptions {
  readonly bus: Bus;
  /** Tickets are pulled from the queue with it. */
  readonly connection: NatsConnection;
  readonly roots?: Roots;
  /** Part of its subjects. */
  readonly workerId: string;
  readonly version: string;
  readonly ffmpeg: { readonly ffmpeg: string; readonly ffprobe: string; readonly hardware: boolean };
  /** Jobs at once; 0: by measured load. */
  readonly slots: number;
  /** Sources are read from, and results written to, these folders only. */
  readonly folders: VideoFolders;
  /** Notes of running FFmpegs, to sweep those that a killed worker left. */
  readonly pidFolder: string;
  /** Where it is remembered which encoders work; absent: they are tried at each start. */
  readonly encodersFile?: string | undefined;
  readonly log: Logger;
  readonly timing?: Partial<WorkerTiming>;
  readonly signal?: AbortSignal;
}

export interface VideoWorker {
  /** Jobs it holds. */
  readonly jobs: readonly string[];
  /** Takes nothing new any more, and resolves when all that runs has ended. */
  finish(): Promise<void>;
  /** Takes nothing new, gives back what runs, stops every FFmpeg. */
  stop(): Promise<void>;
}

/** A ticket that the hub has not answered for is kept by a word each so often; its ack wait is 30 s. */
const keepTicketMs = 5000;
const claimTimeoutMs = 5000;

/** Finds out about the encoders, announces itself and takes work until stopped. Fails with `unavailable` without FFmpeg. */
export async function startVideoWorker(options: VideoWorkerOptions): Promise<VideoWorker> {
  const { bus, connection, workerId, folders, pidFolder, log, signal } = options;
  const swept = await sweepOrphans(pidFolder);
  if (swept.length > 0) log.warn({ count: swept.length }, 'ended FFmpegs that an earlier worker left');
  const given = signal === undefined ? {} : { signal };
  const [machine, sandbox] = await Promise.all([
    findRememberedMachine({ ...options.ffmpeg, ...given, noteFile: options.encodersFile }),
    findSandbox(),
  ]);
  const worker = new RunningWorker(
    {
      bus,
      connection,
      roots: options.roots ?? defaultRoots,
      workerId,
      machine,
      sandbox,
      folders,
      pidFolder,
      log,
      timing: { ...defaultTiming, ...options.timing },
      tails: new TailMemory(),
    },
    options,
  );
  await worker.start();
  return worker;
}

class RunningWorker implements VideoWorker {
  readonly #parts: WorkerParts;
  readonly #options: VideoWorkerOptions;
  readonly #intake: Intake;
  readonly #slots: Slots;
  readonly #leases = new Map<string, { lease: Lease; revision: number }>();
  /** Ends every job and piece. */
  readonly #stopping = new AbortController();
  readonly #running = new Set<Promise<void>>();
  /** Pieces that run now. */
  #pieces = 0;
  /** Slots that wait for work; aborted when there shall be fewer. */
  readonly #waiting = new Set<AbortController>();
  #isPaused = false;
  #isDraining = false;
  /** Draining for good. */
  #isFinishing = false;
  #agent: Agent | undefined;
  #questions: { stop(): Promise<void> } | undefined;

  constructor(parts: WorkerParts, options: VideoWorkerOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#intake = createIntake(parts);
    this.#slots = measureSlots(
      options.slots,
      () => this.#busy,
      () => this.#fill(),
    );
  }

  get jobs(): readonly string[] {
    return [...this.#leases.keys()];
  }

  get #busy(): number {
    return this.#leases.size + this.#pieces;
  }

  async start(): Promise<void> {
    const { bus, machine, log, workerId } = this.#parts;
    const sampler = createFamilySampler();
    this.#questions = await serveQuestions(this.#parts, this.#stopping.signal);
    this.#agent = await startAgent(bus, {
      kind: 'vod_worker',
      agentId: workerId,
      announce: () => ({
        host: hostname(),
        pid: process.pid,
        version: this.#options.version,
        started_at: new Date(Date.now() - performance.now()).toISOString(),
        capabilities: {
          ffmpeg: machine.version,
          encoders: machine.encoders.filter((one) => one.works).map((one) => one.encoder),
          slots: this.#slots.limit,
        },
      }),
      load: () => {
        const stats = sampler.sample();
        return {
          ...(stats === undefined ? {} : { cpu_percent: stats.cpuPercent, rss_bytes: stats.rssBytes }),
          slots: this.#slots.limit,
          jobs: [...this.jobs],
        };
      },
      onCommand: (command) => this.#obey(command),
    });
    log.info({ encoders: machine.encoders.filter((one) => one.works).map((one) => one.encoder) }, 'encoders that work here');
    this.#fill();
  }

  async finish(): Promise<void> {
    this.#isFinishing = true;
    this.#drain();
    while (this.#running.size > 0) await Promise.allSettled(this.#running);
  }

  async stop(): Promise<void> {
    this.#isDraining = true;
    this.#slots.stop();
    this.#wakeWaiting();
    for (const { lease } of this.#leases.values()) lease.end('stopping', 'The worker stops');
    this.#stopping.abort();
    await Promise.allSettled(this.#running);
    await this.#questions?.stop();
    await this.#agent?.stop();
  }

  #obey(command: Exclude<WorkerCommand, { action: 'announce' }>): void {
    switch (command.action) {
      case 'pause':
        this.#isPaused = true;
        this.#wakeWaiting();
        return;
      case 'resume':
        this.#isPaused = false;
        if (this.#isFinishing) return;
        this.#isDraining = false;
        this.#agent?.setState('ready');
        this.#fill();
        return;
      case 'drain':
        this.#drain();
        return;
      case 'cancel': {
        const held = this.#leases.get(command.job_id);
        if (held?.revision === command.revision) held.lease.end('cancelled', 'The job was cancelled');
        return;
      }
    }
  }

  #drain(): void {
    this.#isDraining = true;
    this.#wakeWaiting();
    this.#agent?.setState(this.#busy === 0 ? 'drained' : 'draining');
  }

  /** Lets as many slots wait for work as are free. */
  #fill(): void {
    while (!this.#isDraining && !this.#isPaused && this.#busy + this.#waiting.size < this.#slots.limit) {
      const waiting = new AbortController();
      this.#waiting.add(waiting);
      this.#track(this.#waitAndWork(waiting));
    }
  }

  #wakeWaiting(): void {
    for (const waiting of this.#waiting) waiting.abort();
  }

  #track(work: Promise<void>): void {
    const tracked = work
      .catch((error: unknown) => this.#parts.log.error({ err: error }, 'work on videos failed in an unforeseen way'))
      .finally(() => {
        this.#running.delete(tracked);
        if (this.#isDraining && this.#busy === 0 && !this.#stopping.signal.aborted) this.#agent?.setState('drained');
        this.#fill();
      });
    this.#running.add(tracked);
  }

  async #waitAndWork(waiting: AbortController): Promise<void> {
    let taken: Taken;
    try {
      taken = await this.#intake.next(waiting.signal);
    } catch (error) {
      if (waiting.signal.aborted || this.#parts.connection.isClosed()) return;
      throw error;
    } finally {
      this.#waiting.delete(waiting);
    }
    if (taken.kind === 'piece') await this.#workOnPiece(taken.work);
    else await this.#openTicket(taken.work);
  }

  async #workOnPiece(work: TakenWork): Promise<void> {
    this.#pieces += 1;
    try {
      await workOnPiece(this.#parts, work, this.#stopping.signal);
    } finally {
      this.#pieces -= 1;
    }
  }

  async #openTicket(ticket: TakenWork): Promise<void> {
    let aliveAt = performance.now();
    const keep = setInterval(() => {
      // Whoever makes no progress shall lose the ticket; the watch over FFmpeg ends the attempt soon after.
      if (performance.now() - aliveAt < 120_000) ticket.working();
    }, keepTicketMs);
    const alive = () => {
      aliveAt = performance.now();
    };
    try {
      const reply = await this.#claim(ticket, alive);
      const fate = reply === undefined ? ({ kind: 'give_back', delayMs: 1 } as const) : await this.#act(reply, alive);
      if (fate.kind === 'done') await ticket.done();
      else await ticket.giveBack(fate.delayMs);
    } finally {
      clearInterval(keep);
    }
  }

  /** Asks until the hub answers; undefined when the worker stops first. */
  async #claim(ticket: TakenWork, alive: () => void): Promise<JobClaimReply | undefined> {
    const { bus, workerId, log, timing } = this.#parts;
    const payload = new TextDecoder().decode(ticket.data);
    while (!this.#stopping.signal.aborted) {
      alive();
      try {
        return await bus.request(
          'job_claim',
          { worker_id: workerId },
          { worker_id: workerId, instance: this.#agent?.instance ?? '', ticket: { sequence: ticket.sequence, delivery: ticket.delivery, payload } },
          { timeoutMs: claimTimeoutMs, signal: this.#stopping.signal },
        );
      } catch (error) {
        log.debug({ err: error }, 'the hub does not answer for a ticket');
        await delay(timing.askAgainMs, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
      }
    }
    return undefined;
  }

  async #act(reply: JobClaimReply, alive: () => void): Promise<TicketFate> {
    switch (reply.outcome) {
      case 'later':
        return { kind: 'give_back', delayMs: reply.retry_in_ms };
      case 'nothing':
      case 'dead':
        return { kind: 'done' };
      case 'granted':
        break;
    }
    const { order } = reply;
    const lease = new Lease(this.#parts, order);
    this.#leases.set(order.job_id, { lease, revision: order.revision });
    try {
      return await runAttempt(this.#parts, order, lease, {
        alive,
        stopping: this.#stopping.signal,
        helpWithPieces: () => this.#helpWithPieces(lease.signal),
      });
    } finally {
      if (this.#leases.get(order.job_id)?.lease === lease) this.#leases.delete(order.job_id);
    }
  }

  /** A leader waits for pieces, so its slot takes pieces meanwhile: when nobody else does, it makes them all. */
  #helpWithPieces(over: AbortSignal): { stop(): Promise<void> } {
    const end = new AbortController();
    const until = AbortSignal.any([end.signal, over, this.#stopping.signal]);
    const run = async () => {
      while (!until.aborted) {
        const { work } = await this.#intake.nextPiece(until);
        await workOnPiece(this.#parts, work, this.#stopping.signal);
      }
    };
    const running = run().catch(() => undefined);
    return {
      async stop() {
        end.abort();
        await running;
      },
    };
  }
}
