/** The spokes: who announced itself, who is online, draining or lost; remembered in SQL over restarts of the hub. */
import { type AgentWatch, type Bus, type SeenAgent, watchAgents } from '../../bus/index.js';
import type { AgentCommand, AgentReply, Spoke } from '../../contracts/index.js';
import { WeirError } from '../../contracts/index.js';
import type { HubLog, HubStore } from './needs.js';
import type { SpokeFacts } from './placement.js';

interface KnownSpoke {
  /** As kept in SQL; `streams` is filled in by whoever shows it. */
  record: Spoke;
  instance: string;
  fixed: readonly string[] | undefined;
  isOnline: boolean;
  /** On the clock of `performance.now()`: a jump of the wall clock must not move streams. */
  lostAtMs: number;
  /** The same moment for people, milliseconds since 1970. */
  lostSinceMs: number;
  heartbeatState: 'ready' | 'draining' | 'drained';
  /** Told to drain by an operator, until a new instance of it comes. */
  isDraining: boolean;
}

export interface RosterOptions {
  readonly bus: Bus;
  readonly store: HubStore;
  readonly log: HubLog;
  readonly lostAfterMs: number;
  readonly signal: AbortSignal;
  /** Somebody came, left, changed its abilities or its state. */
  readonly onChange: (spokeId: string) => void;
}

/** A spoke that has been away for so long is forgotten. */
const forgetAfterMs = 24 * 3600_000;
const fixedKey = 'fixed_streams';

/** Owns what is known of the spokes. */
export class Roster {
  readonly #options: RosterOptions;
  readonly #spokes = new Map<string, KnownSpoke>();
  #watch: AgentWatch | undefined;

  constructor(options: RosterOptions) {
    this.#options = options;
  }

  /** Reads what is remembered, then listens. */
  async start(): Promise<void> {
    const { store, bus, lostAfterMs, signal } = this.#options;
    for (const record of await store.spokes.all()) {
      const fixed = record.capabilities[fixedKey];
      this.#spokes.set(record.spoke_id, {
        record,
        instance: '',
        fixed: Array.isArray(fixed) ? fixed.map(String) : undefined,
        isOnline: false,
        // Counted from now: while the hub was away nobody could have been heard.
        lostAtMs: performance.now(),
        lostSinceMs: Date.now(),
        heartbeatState: 'ready',
        isDraining: record.state === 'draining',
      });
    }
    this.#watch = watchAgents(bus, { kind: 'spoke', lostAfterMs, signal, onEvent: ({ type, agent }) => this.#onEvent(type, agent) });
    await this.#watch.ready;
  }

  /** Facts for the placement; `confirmed` comes from the caller. */
  facts(confirmed: (spokeId: string, instance: string) => string | undefined): SpokeFacts[] {
    return [...this.#spokes.values()].map((spoke) => ({
      spoke_id: spoke.record.spoke_id,
      instance: spoke.instance,
      state: stateOf(spoke),
      isClosed: spoke.heartbeatState !== 'ready',
      lostAtMs: spoke.lostAtMs,
      fixed: spoke.fixed,
      devices: devicesOf(spoke.record.capabilities),
      cpuPercent: spoke.record.cpu_percent ?? 0,
      confirmed: confirmed(spoke.record.spoke_id, spoke.instance),
    }));
  }

  ids(): string[] {
    return [...this.#spokes.keys()];
  }

  has(spokeId: string): boolean {
    return this.#spokes.has(spokeId);
  }

  state(spokeId: string): Spoke['state'] | undefined {
    const spoke = this.#spokes.get(spokeId);
    return spoke === undefined ? undefined : stateOf(spoke);
  }

  /** Since when it is lost, milliseconds since 1970; undefined when it is not, or unknown. One not heard since the hub's start counts only with `isSettled`. */
  lostSince(spokeId: string, isSettled: boolean): number | undefined {
    const spoke = this.#spokes.get(spokeId);
    if (spoke === undefined || spoke.isOnline) return undefined;
    return isSettled || spoke.instance !== '' ? spoke.lostSinceMs : undefined;
  }

  /** True for a spoke that serves streams of its own configuration, among them this one. */
  isFixed(spokeId: string, streamId: string): boolean {
    return this.#spokes.get(spokeId)?.fixed?.includes(streamId) === true;
  }

  /** True when a spoke of ours was started for this stream. */
  hasFixed(streamId: string): boolean {
    return [...this.#spokes.values()].some((spoke) => spoke.fixed?.includes(streamId) === true);
  }

  list(streamsOf: (spokeId: string) => string[]): Spoke[] {
    return [...this.#spokes.values()]
      .map((spoke) => ({ ...spoke.record, state: stateOf(spoke), streams: streamsOf(spoke.record.spoke_id) }))
      .sort((a, b) => (a.spoke_id < b.spoke_id ? -1 : 1));
  }

  /** Online spoke to ask about a source: the one named, else one that has the device, else any. Throws `not_found` or `unavailable`. */
  choose(spokeId: string | undefined, device: string): string {
    if (spokeId !== undefined) {
      const state = this.state(spokeId);
      if (state === undefined) throw new WeirError('not_found', `There is no spoke ${spokeId}`, { field: 'spoke', received: spokeId });
      if (state === 'lost') throw new WeirError('unavailable', `Spoke ${spokeId} is not online`);
      return spokeId;
    }
    const online = [...this.#spokes.values()].filter((spoke) => spoke.isOnline);
    const chosen = online.find((spoke) => devicesOf(spoke.record.capabilities).includes(device)) ?? online[0];
    if (chosen !== undefined) return chosen.record.spoke_id;
    throw new WeirError('unavailable', 'No spoke is online', { hint: 'Start one: weir spoke' });
  }

  /** Sends a command; throws what the spoke answers, `unavailable` or `deadline_exceeded`. */
  async command(spokeId: string, command: AgentCommand, timeoutMs: number, signal: AbortSignal): Promise<AgentReply> {
    if (this.#watch === undefined) throw new WeirError('unavailable', 'The hub has not started yet');
    return this.#watch.command(spokeId, command, { timeoutMs, signal });
  }

  /** Takes no new streams from now on; throws `not_found`. */
  async drain(spokeId: string): Promise<void> {
    const spoke = this.#spokes.get(spokeId);
    if (spoke === undefined) throw new WeirError('not_found', `There is no spoke ${spokeId}`);
    spoke.isDraining = true;
    await this.#keep(spoke);
    this.#options.onChange(spokeId);
  }

  /** Tells spokes that were drained and serve nothing any more, so that they say so themselves. */
  async finishDrains(isUsed: (spokeId: string) => boolean): Promise<void> {
    for (const [spokeId, spoke] of this.#spokes) {
      if (!spoke.isDraining || !spoke.isOnline || spoke.heartbeatState !== 'ready' || isUsed(spokeId)) continue;
      await this.command(spokeId, { action: 'drain' }, 5000, this.#options.signal);
    }
  }

  /** Forgets spokes that have been away for a day and serve nothing. */
  async forgetOld(isUsed: (spokeId: string) => boolean): Promise<void> {
    for (const [spokeId, spoke] of this.#spokes) {
      const isOld = !spoke.isOnline && Date.now() - Date.parse(spoke.record.last_seen_at) > forgetAfterMs;
      if (!isOld || isUsed(spokeId)) continue;
      this.#spokes.delete(spokeId);
      await this.#options.store.spokes.delete(spokeId);
    }
  }

  stop(): void {
    this.#watch?.stop();
  }

  #onEvent(type: 'online' | 'announced' | 'heartbeat' | 'lost', agent: SeenAgent): void {
    const spoke = this.#spokeOf(agent);
    const before = stateOf(spoke);
    const isNewInstance = spoke.instance !== agent.instance;
    // A process that was started anew is there to work; the order to drain was for the one before.
    if (isNewInstance && spoke.instance !== '') spoke.isDraining = false;
    spoke.instance = agent.instance;
    if (spoke.isOnline && !agent.online) {
      spoke.lostAtMs = performance.now();
      spoke.lostSinceMs = Date.now();
    }
    spoke.isOnline = agent.online;
    spoke.heartbeatState = agent.heartbeat?.state ?? 'ready';
    const announce = agent.announce;
    if (announce !== undefined) spoke.fixed = announce.streams === undefined || announce.streams.length === 0 ? undefined : announce.streams;
    spoke.record = {
      ...spoke.record,
      ...(announce === undefined
        ? {}
        : {
            host: announce.host,
            pid: announce.pid,
            version: announce.version,
            capabilities: spoke.fixed === undefined ? announce.capabilities : { ...announce.capabilities, [fixedKey]: spoke.fixed },
          }),
      cpu_percent: agent.heartbeat?.load.cpu_percent ?? spoke.record.cpu_percent,
      rss_bytes: agent.heartbeat?.load.rss_bytes ?? spoke.record.rss_bytes,
      last_seen_at: new Date(agent.lastSeenAt).toISOString(),
    };
    if (type === 'heartbeat' && !isNewInstance && before === stateOf(spoke)) return;
    this.#keep(spoke).catch((error: unknown) => this.#options.log.warn({ err: error, spoke_id: agent.agentId }, 'the spoke could not be stored'));
    this.#options.onChange(agent.agentId);
  }

  #spokeOf(agent: SeenAgent): KnownSpoke {
    const known = this.#spokes.get(agent.agentId);
    if (known !== undefined) return known;
    const spoke: KnownSpoke = {
      record: {
        spoke_id: agent.agentId,
        state: 'online',
        host: '',
        pid: 0,
        version: '',
        streams: [],
        capabilities: {},
        cpu_percent: null,
        rss_bytes: null,
        last_seen_at: new Date().toISOString(),
      },
      instance: agent.instance,
      fixed: undefined,
      isOnline: false,
      lostAtMs: performance.now(),
      lostSinceMs: Date.now(),
      heartbeatState: 'ready',
      isDraining: false,
    };
    this.#spokes.set(agent.agentId, spoke);
    return spoke;
  }

  async #keep(spoke: KnownSpoke): Promise<void> {
    await this.#options.store.spokes.put({ ...spoke.record, state: stateOf(spoke), streams: [] });
  }
}

function stateOf(spoke: KnownSpoke): Spoke['state'] {
  if (!spoke.isOnline) return 'lost';
  return spoke.isDraining || spoke.heartbeatState !== 'ready' ? 'draining' : 'online';
}

/** `devices` is a list of paths, or of objects with a `path`. */
function devicesOf(capabilities: Record<string, unknown>): string[] {
  const devices = capabilities.devices;
  if (!Array.isArray(devices)) return [];
  return devices.flatMap((device: unknown) => {
    if (typeof device === 'string') return [device];
    const path = typeof device === 'object' && device !== null ? (device as { path?: unknown }).path : undefined;
    return typeof path === 'string' ? [path] : [];
  });
}
