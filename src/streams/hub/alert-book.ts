/** Alerts: collects what anybody raises on the bus into SQL, and raises and clears the hub's own. */
import { randomUUID } from 'node:crypto';
import type { BusSubscription } from '../../bus/index.js';
import type { Alert, AlertMessage } from '../../contracts/index.js';
import { type LocalEventBus, originHeader } from './local-events.js';
import type { HubParts } from './needs.js';

/** A condition the hub itself sees. */
export interface HubAlert {
  readonly severity: 'error' | 'warning';
  readonly kind: string;
  readonly message: string;
  readonly hint?: string;
  readonly stream_id?: string;
}

/** Cleared alerts are kept for so long. */
const keepClearedMs = 30 * 86_400_000;

/** Owns the open conditions of the hub and the way of all alerts into SQL. */
export class AlertBook {
  readonly #parts: HubParts;
  readonly #events: LocalEventBus;
  readonly #origin: string;
  readonly #isGone: (streamId: string) => boolean;
  /** Conditions of the hub that are open, so that each is raised and cleared once. */
  readonly #open = new Map<string, string>();
  #subscriptions: BusSubscription[] = [];

  /** `isGone` tells of a stream that was deleted a moment ago: what is still raised of it is of no use to anybody. */
  constructor(parts: HubParts, events: LocalEventBus, origin: string, isGone: (streamId: string) => boolean) {
    this.#parts = parts;
    this.#events = events;
    this.#origin = origin;
    this.#isGone = isGone;
  }

  /** Takes up what was open before the hub started, then listens. */
  async start(): Promise<void> {
    for (const alert of await this.#parts.store.alerts.open()) this.#open.set(keyOf(alert.kind, alert.stream_id), alert.alert_id);
    const { bus, signal } = this.#parts;
    const settings = { limit: 1024, signal };
    this.#subscriptions = [
      bus.subscribe('alert_error', {}, (message, meta) => this.#collect('error', message, meta.header(originHeader)), settings),
      bus.subscribe('alert_warning', {}, (message, meta) => this.#collect('warning', message, meta.header(originHeader)), settings),
    ];
    await Promise.all(this.#subscriptions.map((subscription) => subscription.ready));
  }

  /** Opens the condition; nothing happens while it is open, or when its stream was just deleted. */
  async raise(alert: HubAlert): Promise<void> {
    const key = keyOf(alert.kind, alert.stream_id ?? null);
    if (this.#open.has(key) || this.#isOfGone(alert.stream_id)) return;
    // Before the first wait, so that two raises at the same time open it once.
    this.#open.set(key, '');
    try {
      const raised = await this.#parts.store.alerts.raise({
        severity: alert.severity,
        kind: alert.kind,
        message: alert.message,
        hint: alert.hint ?? null,
        stream_id: alert.stream_id ?? null,
      });
      // Deleted while it was being stored: the deletion closed what there was before.
      if (this.#isOfGone(alert.stream_id)) return await this.#closeAll(alert.stream_id);
      this.#open.set(key, raised.alert.alert_id);
      this.#tell(raised.alert, false);
    } catch (error) {
      this.#open.delete(key);
      throw error;
    }
  }

  /** Closes the condition; nothing happens when it is not open. */
  async clear(kind: string, streamId?: string): Promise<void> {
    const key = keyOf(kind, streamId ?? null);
    if (!this.#open.delete(key)) return;
    const cleared = await this.#parts.store.alerts.clear(kind, streamId ?? null);
    if (cleared !== undefined) this.#tell(cleared, true);
  }

  /** The stream is gone, and with it what was wrong with it. */
  forgetStream(streamId: string): void {
    for (const key of [...this.#open.keys()]) if (key.endsWith(`\n${streamId}`)) this.#open.delete(key);
  }

  /** Forgets alerts that were cleared a month ago. */
  async prune(): Promise<void> {
    await this.#parts.store.alerts.prune(new Date(Date.now() - keepClearedMs).toISOString());
  }

  stop(): void {
    for (const subscription of this.#subscriptions) subscription.stop();
  }

  async #collect(severity: 'error' | 'warning', message: AlertMessage, origin: string | undefined): Promise<void> {
    // Every hub stores its own before it tells others.
    if (origin !== undefined) return;
    const streamId = message.stream_id ?? null;
    const { store, log } = this.#parts;
    if (this.#isOfGone(streamId)) return;
    try {
      if (message.cleared === true) {
        await store.alerts.clear(message.kind, streamId);
        this.#open.delete(keyOf(message.kind, streamId));
        return;
      }
      await store.alerts.raise({
        severity,
        kind: message.kind,
        message: message.message,
        hint: message.hint ?? null,
        stream_id: streamId,
        raised_at: message.timestamp,
        ...(message.alert_id === undefined ? {} : { alert_id: message.alert_id }),
      });
      if (this.#isOfGone(streamId)) await this.#closeAll(streamId);
    } catch (error) {
      log.warn({ err: error, kind: message.kind }, 'an alert could not be stored');
    }
  }

  #isOfGone(streamId: string | null | undefined): streamId is string {
    return typeof streamId === 'string' && this.#isGone(streamId);
  }

  async #closeAll(streamId: string): Promise<void> {
    this.forgetStream(streamId);
    await this.#parts.store.alerts.clearStream(streamId);
  }

  #tell(alert: Alert, isCleared: boolean): void {
    this.#events.emit('alert', {
      severity: alert.severity,
      messageId: `${this.#origin}.${randomUUID()}`,
      message: {
        alert_id: alert.alert_id,
        kind: alert.kind,
        message: alert.message,
        ...(alert.hint === null ? {} : { hint: alert.hint }),
        ...(alert.stream_id === null ? {} : { stream_id: alert.stream_id }),
        ...(isCleared ? { cleared: true } : {}),
        timestamp: new Date().toISOString(),
      },
    });
  }
}

function keyOf(kind: string, streamId: string | null): string {
  return `${kind}\n${streamId ?? ''}`;
}
