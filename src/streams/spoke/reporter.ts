/** What one stream says on the bus. Nothing waits for the bus: while it is away only what must not be lost is kept. */
import type { Bus } from '../../bus/index.js';
import type { AlertMessage } from '../../contracts/alert.js';
import type { StreamLog, StreamMetrics, StreamProgress, StreamStatus } from '../../contracts/stream.js';
import { AlertLedger } from './alerts.js';
import type { Log } from './log.js';
import { LogGate } from './log-gate.js';

export interface ReporterOptions {
  readonly bus: Bus;
  readonly streamId: string;
  /** False while the broker is away: a client library would collect messages without bound. */
  isConnected(): boolean;
  readonly log: Log;
}

export type LogLevel = StreamLog['level'];

export class StreamReporter {
  readonly alerts: AlertLedger;
  readonly #options: ReporterOptions;
  readonly #gate = new LogGate();
  #unheard = 0;

  constructor(options: ReporterOptions) {
    this.#options = options;
    this.alerts = new AlertLedger(options.streamId, (severity, message) => this.#alert(severity, message));
  }

  status(status: StreamStatus): void {
    this.#send(() => this.#options.bus.publish('stream_status', this.#params, status));
  }

  progress(progress: StreamProgress): void {
    this.#send(() => this.#options.bus.publish('stream_progress', this.#params, progress));
  }

  metrics(metrics: StreamMetrics): void {
    this.#send(() => this.#options.bus.publish('stream_metrics', this.#params, metrics));
  }

  /** One log line, if the rate allows; `message` must be free of secrets. */
  line(origin: 'ffmpeg' | 'spoke', level: LogLevel, message: string, atMs: number): void {
    if (this.#gate.admit(atMs)) this.#line(origin, level, message);
  }

  /** Tells how many lines were kept back, these `further` ones included; call it once per second. */
  tellSuppressed(further: number): void {
    const count = this.#gate.takeSuppressed() + further + this.#unheard;
    if (count === 0 || !this.#options.isConnected()) return;
    this.#unheard = 0;
    this.#line('spoke', 'warning', `${count} ${count === 1 ? 'line' : 'lines'} suppressed`);
  }

  #line(origin: 'ffmpeg' | 'spoke', level: LogLevel, message: string): void {
    const line: StreamLog = {
      stream_id: this.#options.streamId,
      level,
      origin,
      message: message.slice(0, 4096),
      timestamp: new Date().toISOString(),
    };
    if (!this.#send(() => this.#options.bus.publish('stream_log', this.#params, line))) this.#unheard += 1;
  }

  #alert(severity: 'error' | 'warning', message: AlertMessage): boolean {
    return this.#send(() => this.#options.bus.publish(severity === 'error' ? 'alert_error' : 'alert_warning', {}, message));
  }

  #send(publish: () => void): boolean {
    if (!this.#options.isConnected()) return false;
    try {
      publish();
      return true;
    } catch (error) {
      this.#options.log.debug({ err: error, stream_id: this.#options.streamId }, 'the bus did not take a message');
      return false;
    }
  }

  get #params(): { stream_id: string } {
    return { stream_id: this.#options.streamId };
  }
}
