/** Publishes the health of the whole at a steady beat and on change, and watches disk and broker for alerts. */
import type { SystemHealth } from '../../contracts/index.js';
import type { AlertBook } from './alert-book.js';
import type { LocalEventBus } from './local-events.js';
import type { DiskSpace, HubParts } from './needs.js';

/** Below this share, or this much, of free space the disk is low. */
const lowShare = 0.05;
const lowBytes = 1024 ** 3;
/** Free space must pass the limit by a tenth before the alert ends, so that it does not flutter. */
const relief = 1.1;
/** A broker that is back sooner raises no alert. */
const brokerPatienceMs = 2000;
const diskEveryMs = 60_000;

export interface HealthBeatOptions extends HubParts {
  readonly events: LocalEventBus;
  readonly alerts: AlertBook;
  readonly health: ((signal: AbortSignal) => SystemHealth | Promise<SystemHealth>) | undefined;
  readonly disk: (() => Promise<DiskSpace>) | undefined;
}

/** Owns the beat. */
export class HealthBeat {
  readonly #options: HealthBeatOptions;
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #ends: (() => void)[] = [];
  #brokerTimer: NodeJS.Timeout | undefined;
  #last = '';

  constructor(options: HealthBeatOptions) {
    this.#options = options;
  }

  start(): void {
    const { timing, bus } = this.#options;
    this.#every(timing.healthMs, () => this.beat());
    this.#every(diskEveryMs, () => this.#checkDisk());
    this.#ends.push(
      bus.onDisconnect(() => {
        clearTimeout(this.#brokerTimer);
        this.#brokerTimer = setTimeout(() => this.#quietly(this.#brokerIsAway()), brokerPatienceMs);
        this.#brokerTimer.unref();
      }),
      bus.onReconnect(() => {
        clearTimeout(this.#brokerTimer);
        this.#quietly(this.#options.alerts.clear('broker_lost'));
      }),
    );
  }

  /** Publishes now. */
  async beat(): Promise<void> {
    const health = await this.#options.health?.(this.#options.signal);
    if (health !== undefined) this.#tell(health);
  }

  /** Publishes now when a component or the whole has changed its state. */
  async changed(): Promise<void> {
    const health = await this.#options.health?.(this.#options.signal);
    if (health !== undefined && stateKey(health) !== this.#last) this.#tell(health);
  }

  stop(): void {
    for (const timer of this.#timers) clearInterval(timer);
    clearTimeout(this.#brokerTimer);
    for (const end of this.#ends) end();
  }

  #tell(health: SystemHealth): void {
    this.#last = stateKey(health);
    this.#options.events.emit('health', health);
  }

  #every(ms: number, work: () => Promise<void>): void {
    this.#quietly(work());
    const timer = setInterval(() => this.#quietly(work()), ms);
    timer.unref();
    this.#timers.push(timer);
  }

  #quietly(work: Promise<void>): void {
    work.catch((error: unknown) => {
      if (!this.#options.signal.aborted) this.#options.log.warn({ err: error }, 'health could not be told');
    });
  }

  async #brokerIsAway(): Promise<void> {
    await this.#options.alerts.raise({
      severity: 'error',
      kind: 'broker_lost',
      message: 'The hub has lost the message bus',
      hint: 'See the log of nats-server',
    });
  }

  async #checkDisk(): Promise<void> {
    const space = await this.#options.disk?.();
    if (space === undefined) return;
    const limit = Math.min(space.totalBytes * lowShare, lowBytes);
    if (space.freeBytes < limit) {
      const message = `Only ${Math.round(space.freeBytes / 1024 ** 2)} MiB are free where journals and database are kept`;
      await this.#options.alerts.raise({ severity: 'error', kind: 'disk_low', message, hint: 'Make room, or move data_dir to a larger disk' });
    } else if (space.freeBytes > limit * relief) {
      await this.#options.alerts.clear('disk_low');
    }
  }
}

function stateKey(health: SystemHealth): string {
  return JSON.stringify([health.status, health.components.map((component) => [component.name, component.status])]);
}
