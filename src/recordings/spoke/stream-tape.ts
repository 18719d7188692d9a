/** The recorder of one stream: keeps what comes in order and in bounds, and lets the writer take it one after the other. */
import type { PreRoll, StoredFragment } from '../../bus/index.js';
import type { RecordingOrder, StreamReason } from '../../contracts/index.js';
import type { Note } from './note.js';
import { causeOf, isDue, onReceipt } from './orders.js';
import { ShowingGate } from './showing-gate.js';
import { bringsPictures, type SourceState, type TapeEvent } from './tape-event.js';
import type { TapeOptions } from './tape-file.js';
import { TapeWriter } from './tape-writer.js';

export interface StreamTapeOptions extends TapeOptions {
  /** Bytes that may wait for the disk. */
  readonly queueBytes: number;
  onOverflow(): void;
}

export class StreamTape {
  readonly #options: StreamTapeOptions;
  readonly #writer: TapeWriter;
  #queue: TapeEvent[] = [];
  #queuedBytes = 0;
  highestBytes = 0;
  #isOverflowing = false;
  /** Fragments of the present or last overflow that were given up. */
  #lost = 0;
  #touching: Promise<void> | undefined;
  /** While it is false, pictures are not even queued: what is in memory is enough to begin with. */
  #isOn = false;
  #source: SourceState = { is: 'off', cause: 'starting' };
  #wanted: readonly RecordingOrder[];
  #preRoll: () => readonly PreRoll[] = () => [];
  #running: Promise<void> | undefined;
  readonly #showing = new ShowingGate();

  constructor(options: StreamTapeOptions, before?: { readonly note: Note; readonly aliveMs: number }) {
    this.#options = options;
    this.#writer = new TapeWriter(options, before);
    this.#wanted = this.#writer.book.wanted;
    this.tick();
  }

  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  open(preRoll: () => readonly PreRoll[]): void {
    this.#preRoll = preRoll;
  }

  order(received: readonly RecordingOrder[]): void {
    const orders = onReceipt(received, this.#wanted, this.#options.now());
    if (JSON.stringify(orders) === JSON.stringify(this.#wanted)) return;
    this.#wanted = orders;
    // What begins now begins with what is in memory, so it must be on before.
    this.tick();
    this.#enqueue({ is: 'orders', orders, atMs: this.#options.now() });
  }

  begin(epoch: string, init: Uint8Array): void {
    this.#setSource({ is: 'on', epoch, init });
  }

  /** As `OpenedRecorder.push`. */
  push(fragment: StoredFragment): Promise<void> | undefined {
    if (!this.#isOn) return undefined;
    const bytes = fragment.data.length;
    if (this.#isOverflowing) {
      this.#isOverflowing = fragment.kind !== 'key' || this.#queuedBytes > this.#options.queueBytes / 2;
      if (!this.#isOverflowing) this.#enqueue({ is: 'overflow_over', lost: this.#lost });
    } else if (this.#queuedBytes + bytes > this.#options.queueBytes) {
      this.#isOverflowing = true;
      this.#lost = 0;
      this.#enqueue({ is: 'overflow' });
    }
    if (this.#isOverflowing) {
      this.#lost += 1;
      this.#writer.gaveUp();
      this.#options.onOverflow();
      return undefined;
    }
    this.#queuedBytes += bytes;
    this.highestBytes = Math.max(this.highestBytes, this.#queuedBytes);
    const mayShow = this.#showing.mayShow();
    this.#enqueue({ is: 'fragment', fragment, arrivedMs: this.#options.now() });
    return mayShow;
  }

  lost(reason: StreamReason | 'configured', message?: string): void {
    const cause = causeOf(reason);
    if (this.#source.is === 'off' && this.#source.cause === cause) return;
    this.#setSource({ is: 'off', cause, detail: message });
  }

  jump(byMs: number): void {
    this.#enqueue({ is: 'jump', byMs });
  }

  /** Looks whether orders or the disk want something else; call it a few times a second. */
  tick(): void {
    if (this.#isOn) {
      // One look is enough, however slow the disk is.
      if (this.#queue.at(-1)?.is !== 'look') this.#enqueue({ is: 'look', atMs: this.#options.now() });
    } else if (this.#isWanted()) {
      this.#isOn = true;
      const preRoll = this.#preRoll();
      const newest = preRoll.at(-1)?.fragments.at(-1);
      const ageMs = newest === undefined ? 0 : Math.max(0, this.#options.systemNow() - newest.publishedAt);
      this.#enqueue({ is: 'on', orders: this.#wanted, source: this.#source, preRoll, ageMs, atMs: this.#options.now() });
    }
  }

  /** The state of each recording, again. */
  tell(): void {
    if (this.#isOn) this.#writer.tell();
    // A disk that hangs is touched once, not once more every second.
    this.#touching ??= this.#writer.touch().finally(() => {
      this.#touching = undefined;
    });
  }

  check(): void {
    this.#options.ledger.retry();
    if (this.#isOn && this.#queue.length < 100) this.#enqueue({ is: 'check' });
  }

  /** Resolves when everything that came before is on the disk, and finished files have their names. */
  async settled(): Promise<void> {
    await this.#running;
    await this.#options.ledger.run(async () => undefined);
  }

  /** The process ends: leaves a finished file and a note for the next one. */
  async end(): Promise<void> {
    this.#enqueue({ is: 'end' });
    await this.settled();
  }

  #isWanted(): boolean {
    const nowMs = this.#options.now();
    return this.#writer.book.begun.length > 0 || this.#wanted.some((order) => isDue(order, nowMs));
  }

  #setSource(source: SourceState): void {
    this.#source = source;
    if (this.#isOn) this.#enqueue({ is: 'source', source });
  }

  #enqueue(event: TapeEvent): void {
    this.#queue.push(event);
    if (bringsPictures(event)) this.#showing.taken();
    this.#running ??= this.#run();
  }

  async #run(): Promise<void> {
    // Fragments that come in one go are written in one go.
    await Promise.resolve();
    do {
      const events = this.#queue;
      this.#queue = [];
      for (const event of events) await this.#take(event);
      await this.#writer.flush();
      for (const event of events) if (event.is === 'fragment') this.#queuedBytes -= event.fragment.data.length;
      this.#showing.written(events.filter(bringsPictures).length);
    } while (this.#queue.length > 0);
    if (this.#writer.isIdle && !this.#isWanted()) this.#isOn = false;
    // In the same breath as the last look at the queue, so that nothing is left in it.
    this.#running = undefined;
  }

  async #take(event: TapeEvent): Promise<void> {
    try {
      await this.#writer.take(event);
    } catch (error) {
      const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
      this.#options.onTrouble('an event could not be recorded', { stream_id: this.#options.streamId, event: event.is, reason });
    }
  }
}
