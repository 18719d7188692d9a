/** Alerts of the hub side of recordings: told once when they begin and once when they end. */
import type { RecordingsParts } from './needs.js';

export interface RecordingAlert {
  readonly severity: 'error' | 'warning';
  readonly kind: 'recording_gap' | 'storage_low' | 'storage_blocked';
  readonly message: string;
  readonly hint?: string;
  readonly stream_id?: string;
}

const kinds: readonly string[] = ['recording_gap', 'storage_low', 'storage_blocked'] satisfies RecordingAlert['kind'][];

interface ToldAlert {
  readonly severity: 'error' | 'warning';
  readonly message: {
    readonly kind: string;
    readonly message: string;
    readonly hint?: string;
    readonly stream_id?: string;
    readonly cleared?: boolean;
  };
}

/** Owns which of these conditions are open. */
export class RecordingAlerts {
  readonly #parts: RecordingsParts;
  readonly #open = new Map<string, 'error' | 'warning'>();
  /** What was told last and is not seen to be kept yet: nobody may have listened, as while the hub or the broker starts. */
  readonly #unsure = new Map<string, ToldAlert>();

  constructor(parts: RecordingsParts) {
    this.#parts = parts;
  }

  /** Takes up what was open before the hub started, so that it is closed when it is over. */
  async start(): Promise<void> {
    for (const alert of await this.#parts.store.alerts.open())
      if (kinds.includes(alert.kind)) this.#open.set(keyOf(alert.kind, alert.stream_id ?? undefined), alert.severity);
  }

  raise(alert: RecordingAlert): void {
    const key = keyOf(alert.kind, alert.stream_id);
    if (this.#open.has(key)) {
      this.#confirm(key);
      return;
    }
    this.#open.set(key, alert.severity);
    const { severity, ...message } = alert;
    this.#tell(key, { severity, message });
  }

  clear(kind: RecordingAlert['kind'], streamId?: string): void {
    const key = keyOf(kind, streamId);
    const severity = this.#open.get(key);
    if (severity === undefined) {
      this.#confirm(key);
      return;
    }
    this.#open.delete(key);
    const message = { kind, message: 'It is over', cleared: true, ...(streamId === undefined ? {} : { stream_id: streamId }) };
    this.#tell(key, { severity, message });
  }

  /** Streams with an open alert of this kind. */
  streamsOf(kind: RecordingAlert['kind']): string[] {
    const head = `${kind}\n`;
    return [...this.#open.keys()].filter((key) => key.startsWith(head)).map((key) => key.slice(head.length));
  }

  /** Tells it again when what is kept says otherwise. */
  #confirm(key: string): void {
    const told = this.#unsure.get(key);
    if (told === undefined) return;
    const { store, log } = this.#parts;
    store.alerts
      .open()
      .then((open) => {
        if (this.#unsure.get(key) !== told) return;
        const isOpen = open.some((alert) => keyOf(alert.kind, alert.stream_id ?? undefined) === key);
        if (isOpen === (told.message.cleared !== true)) this.#unsure.delete(key);
        else this.#tell(key, told);
      })
      .catch((error: unknown) => log.warn({ err: error, kind: told.message.kind }, 'it is not known whether an alert was kept'));
  }

  #tell(key: string, told: ToldAlert): void {
    const { bus, log } = this.#parts;
    const { severity, message } = told;
    this.#unsure.set(key, told);
    try {
      bus.publish(severity === 'error' ? 'alert_error' : 'alert_warning', {}, { ...message, timestamp: new Date().toISOString() });
    } catch (error) {
      log.warn({ err: error, kind: message.kind }, 'an alert could not be told');
    }
  }
}

function keyOf(kind: string, streamId: string | undefined): string {
  return `${kind}\n${streamId ?? ''}`;
}
