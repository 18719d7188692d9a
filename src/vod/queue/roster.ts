/** The workers: who is there, who is lost, and what they are told. */
import { type AgentEvent, type AgentWatch, type SeenAgent, watchAgents } from '../../bus/index.js';
import type { VideoWorker, WorkerCommand } from '../../contracts/index.js';
import type { QueueParts } from './parts.js';

/** A worker that has been away for so long is not shown any more. */
const forgetAfterMs = 3600_000;
const commandMs = 3000;

export interface RosterListener {
  /** Nothing runs there any more but what `instance` runs; undefined: nothing at all. */
  gone(workerId: string, instance: string | undefined): void;
  /** It came, or came back. */
  came(workerId: string): void;
}

export class Roster {
  readonly #parts: QueueParts;
  readonly #listener: RosterListener;
  #watch: AgentWatch<'vod_worker'> | undefined;

  constructor(parts: QueueParts, listener: RosterListener) {
    this.#parts = parts;
    this.#listener = listener;
  }

  async start(): Promise<void> {
    const { bus, timing, signal } = this.#parts;
    this.#watch = watchAgents(bus, { kind: 'vod_worker', lostAfterMs: timing.workerLostMs, signal, onEvent: (event) => this.#onEvent(event) });
    await this.#watch.ready;
  }

  stop(): void {
    this.#watch?.stop();
  }

  get online(): number {
    return this.#agents().filter((agent) => agent.online).length;
  }

  list(isPaused: boolean, jobsOf: (workerId: string) => string[]): VideoWorker[] {
    return this.#agents()
      .filter((agent) => agent.online || Date.now() - agent.lastSeenAt < forgetAfterMs)
      .map((agent) => toWorker(agent, isPaused, jobsOf(agent.agentId)))
      .sort((a, b) => (a.worker_id < b.worker_id ? -1 : 1));
  }

  /** Tells one worker; a worker that does not hear it finds out with its next report. */
  tell(workerId: string, command: WorkerCommand): void {
    const { log, signal } = this.#parts;
    this.#watch?.command(workerId, command, { timeoutMs: commandMs, signal }).catch((error: unknown) => {
      log.debug({ err: error, worker_id: workerId, action: command.action }, 'a worker did not hear its order');
    });
  }

  tellAll(command: WorkerCommand): void {
    for (const agent of this.#agents()) if (agent.online) this.tell(agent.agentId, command);
  }

  #agents(): SeenAgent[] {
    return [...(this.#watch?.agents.values() ?? [])];
  }

  #onEvent(event: AgentEvent): void {
    const { agentId, instance } = event.agent;
    if (event.type === 'lost') this.#listener.gone(agentId, undefined);
    if (event.type !== 'online') return;
    if (event.previous !== undefined) this.#listener.gone(agentId, instance);
    this.#listener.came(agentId);
  }
}

function toWorker(agent: SeenAgent, isPaused: boolean, jobs: string[]): VideoWorker {
  const { announce, heartbeat } = agent;
  const encoders = announce?.capabilities.encoders;
  const isDraining = heartbeat !== undefined && heartbeat.state !== 'ready';
  return {
    worker_id: agent.agentId,
    state: !agent.online ? 'lost' : isDraining ? 'draining' : isPaused ? 'paused' : 'online',
    host: announce?.host ?? '',
    pid: announce?.pid ?? 0,
    version: announce?.version ?? '',
    jobs,
    slots: heartbeat?.load.slots ?? 0,
    encoders: Array.isArray(encoders) ? encoders.map(String) : [],
    cpu_percent: heartbeat?.load.cpu_percent ?? null,
    rss_bytes: heartbeat?.load.rss_bytes ?? null,
    last_seen_at: new Date(agent.lastSeenAt).toISOString(),
  };
}
