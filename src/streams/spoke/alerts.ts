/** The alerts of one stream that are open: each is raised once and cleared once. */
import type { AlertMessage } from '../../contracts/alert.js';

export type AlertSeverity = 'error' | 'warning';

export interface AlertText {
  readonly kind: string;
  readonly message: string;
  readonly hint?: string | undefined;
}

interface Entry {
  readonly severity: AlertSeverity;
  readonly message: AlertMessage;
  readonly isOpen: boolean;
  /** The bus has taken it; what happened while the bus was away is told later. */
  isTold: boolean;
}

export class AlertLedger {
  readonly #streamId: string;
  readonly #send: (severity: AlertSeverity, message: AlertMessage) => boolean;
  readonly #entries = new Map<string, Entry>();

  /** `send` answers whether the bus took the message. */
  constructor(streamId: string, send: (severity: AlertSeverity, message: AlertMessage) => boolean) {
    this.#streamId = streamId;
    this.#send = send;
  }

  raise(severity: AlertSeverity, { kind, message, hint }: AlertText): void {
    if (this.#entries.get(kind)?.isOpen === true) return;
    const text = { kind, message: message.slice(0, 1024), ...(hint === undefined ? {} : { hint: hint.slice(0, 1024) }) };
    this.#tell(kind, { severity, isOpen: true, isTold: false, message: { ...text, ...this.#common() } });
  }

  clear(kind: string, message = 'This is over'): void {
    const before = this.#entries.get(kind);
    if (before?.isOpen !== true) return;
    // Nobody heard of it, so nobody needs to hear of its end.
    if (!before.isTold) this.#entries.delete(kind);
    else this.#tell(kind, { severity: before.severity, isOpen: false, isTold: false, message: { kind, message, cleared: true, ...this.#common() } });
  }

  clearAll(severity: AlertSeverity): void {
    for (const [kind, entry] of [...this.#entries]) if (entry.severity === severity) this.clear(kind);
  }

  /** Sends what the bus has not taken yet; call it after a reconnect. */
  flush(): void {
    for (const [kind, entry] of [...this.#entries]) if (!entry.isTold) this.#tell(kind, entry);
  }

  has(severity: AlertSeverity): boolean {
    return [...this.#entries.values()].some((entry) => entry.isOpen && entry.severity === severity);
  }

  /** Kinds of the open warnings, oldest first. */
  warnings(): string[] {
    return [...this.#entries].filter(([, entry]) => entry.isOpen && entry.severity === 'warning').map(([kind]) => kind);
  }

  #tell(kind: string, entry: Entry): void {
    entry.isTold = this.#send(entry.severity, entry.message);
    if (entry.isTold && !entry.isOpen) this.#entries.delete(kind);
    else this.#entries.set(kind, entry);
  }

  #common(): { stream_id: string; timestamp: string } {
    return { stream_id: this.#streamId, timestamp: new Date().toISOString() };
  }
}
