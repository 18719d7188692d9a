/** What spokes tell about recordings right now, and who of them is heard. */
import { type AgentWatch, type BusSubscription, watchAgents } from '../../bus/index.js';
import type { AgentCommand, RecordingStatus } from '../../contracts/index.js';
import { WeirError } from '../../contracts/index.js';
import type { RecordingsParts } from './needs.js';
import type { LiveStatus } from './recording-view.js';

interface Told {
  readonly status: RecordingStatus;
  /** On the clock of `Date.now()`: it is compared with times on the wire. */
  readonly atMs: number;
  /** Since when it says the same, in the time of the spoke. */
  readonly sinceMs: number;
}

export interface SpokesOptions extends RecordingsParts {
  readonly onStatus: (status: RecordingStatus) => void;
  /** A spoke came, came back or told of itself again: its list may have grown unheard. */
  readonly onSpoke: (spokeId: string) => void;
  readonly onLost: (spokeId: string) => void;
}

/** A recording that ended is remembered for so long, for answers that are just being made. */
const keepEndedMs = 60_000;

/** Owns the last word about each recording. */
export class Spokes {
  readonly #options: SpokesOptions;
  readonly #told = new Map<string, Told>();
  readonly #ofStream = new Map<string, string>();
  readonly #lostAt = new Map<string, number>();
  readonly #waiting = new Set<() => void>();
  #subscription: BusSubscription | undefined;
  #watch: AgentWatch | undefined;

  constructor(options: SpokesOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    const { bus, signal, timing, onSpoke, onLost } = this.#options;
    this.#subscription = bus.subscribe('recording_status', {}, (status) => this.#take(status), { limit: 4096, policy: 'merge_by_subject', signal });
    this.#watch = watchAgents(bus, {
      kind: 'spoke',
      lostAfterMs: timing.spokeLostMs,
      signal,
      onEvent: ({ type, agent }) => {
        if (type === 'lost') {
          this.#lostAt.set(agent.agentId, Date.now());
          onLost(agent.agentId);
        } else if (type === 'online' || type === 'announced') {
          this.#lostAt.delete(agent.agentId);
          onSpoke(agent.agentId);
        }
        this.#wake();
      },
    });
    await Promise.all([this.#subscription.ready, this.#watch.ready]);
  }

  /** What was told last of a recording. */
  of(recordingId: string): LiveStatus | undefined {
    const told = this.#told.get(recordingId);
    return told === undefined ? undefined : { status: told.status, sinceMs: told.sinceMs, isHeard: !this.#lostAt.has(told.status.spoke_id) };
  }

  /** What was told last of any recording of a stream. */
  ofStream(streamId: string): LiveStatus | undefined {
    const recordingId = this.#ofStream.get(streamId);
    return recordingId === undefined ? undefined : this.of(recordingId);
  }

  isOnline(spokeId: string): boolean {
    return this.#watch?.agents.get(spokeId)?.online === true;
  }

  /** Since when a spoke is not heard any more; undefined while it is. */
  lostSince(spokeId: string): number | undefined {
    return this.#lostAt.get(spokeId);
  }

  /** Sends a command; throws what the spoke answers, `unavailable` or `deadline_exceeded`. */
  async command(spokeId: string, command: AgentCommand, timeoutMs: number, signal: AbortSignal): Promise<unknown> {
    if (this.#watch === undefined) throw new WeirError('unavailable', 'Recordings have not started yet');
    const reply = await this.#watch.command(spokeId, command, { timeoutMs, signal });
    return reply.result;
  }

  /** Resolves when `condition` holds after something was told, or false when `signal` aborts first. */
  async until(condition: () => boolean, signal: AbortSignal): Promise<boolean> {
    while (!condition()) {
      if (signal.aborted) return false;
      await new Promise<void>((resolve) => {
        const done = () => {
          this.#waiting.delete(done);
          signal.removeEventListener('abort', done);
          resolve();
        };
        this.#waiting.add(done);
        signal.addEventListener('abort', done, { once: true });
      });
    }
    return true;
  }

  /** Lets whoever waits look again. */
  wake(): void {
    this.#wake();
  }

  forget(isOpen: (recordingId: string) => boolean): void {
    const oldest = Date.now() - keepEndedMs;
    for (const [recordingId, told] of this.#told) {
      if (isOpen(recordingId) || told.atMs > oldest) continue;
      this.#told.delete(recordingId);
      if (this.#ofStream.get(told.status.stream_id) === recordingId) this.#ofStream.delete(told.status.stream_id);
    }
  }

  stop(): void {
    this.#subscription?.stop();
    this.#watch?.stop();
    this.#wake();
  }

  #take(status: RecordingStatus): void {
    const before = this.#told.get(status.recording_id);
    const isSame = before !== undefined && before.status.state === status.state && before.status.cause === status.cause;
    this.#told.set(status.recording_id, { status, atMs: Date.now(), sinceMs: isSame ? before.sinceMs : Date.parse(status.timestamp) });
    this.#ofStream.set(status.stream_id, status.recording_id);
    this.#options.onStatus(status);
    this.#wake();
  }

  #wake(): void {
    for (const done of [...this.#waiting]) done();
  }
}
