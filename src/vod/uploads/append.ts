/** Takes a body into a file at its own pace: what comes while a write is under way is collected and written in one go afterwards. */
import type { Hash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import type { Readable } from 'node:stream';

/** Most bytes that wait for the disk; then the sender waits. */
const highWaterBytes = 4 * 1024 * 1024;

export interface AppendOptions {
  /** Where the first byte goes. */
  readonly position: number;
  /** No more than so many bytes are taken. */
  readonly maxBytes: number;
  /** Ends the taking; what came until then is written. */
  readonly signal: AbortSignal;
  /** Called after each write with its number of bytes; a promise holds up the next write, a failure ends the whole. */
  readonly onWritten: (bytes: number) => Promise<void> | undefined;
  /** Fed with every byte before it is written. */
  readonly hash?: Hash | undefined;
}

export interface Appended {
  /** Bytes that are in the file now, of this body. */
  readonly bytes: number;
  /** `whole`: the body ended as it should; `broken`: its sender went away; `stopped`: the signal; `too_long`: more than `maxBytes` came. */
  readonly end: 'whole' | 'broken' | 'stopped' | 'too_long';
}

/** Writes the body to the file. Fails with what the file system or `onWritten` says; the body is left paused then. */
export async function appendFrom(source: Readable, file: FileHandle, options: AppendOptions): Promise<Appended> {
  const intake = new Intake(source, options);
  let bytes = 0;
  try {
    for (;;) {
      const batch = await intake.take();
      if (batch.length === 0) return { bytes, end: intake.end ?? 'broken' };
      await writeAll(file, batch, options.position + bytes);
      const written = batch.reduce((sum, chunk) => sum + chunk.length, 0);
      bytes += written;
      await options.onWritten(written);
    }
  } finally {
    intake.leave();
  }
}

/** What has come and was not written yet. */
class Intake {
  end: Appended['end'] | undefined;
  readonly #source: Readable;
  readonly #options: AppendOptions;
  #chunks: Buffer[] = [];
  #waitingBytes = 0;
  #taken = 0;
  #wake: (() => void) | undefined;

  constructor(source: Readable, options: AppendOptions) {
    this.#source = source;
    this.#options = options;
    source.on('error', this.#onBreak).on('close', this.#onBreak).on('end', this.#onEnd);
    options.signal.addEventListener('abort', this.#onStop, { once: true });
    if (options.signal.aborted) this.#onStop();
    else if (source.readableEnded) this.#onEnd();
    else if (source.destroyed) this.#onBreak();
    else source.on('data', this.#onData).resume();
  }

  /** Everything that waits; empty once the body has ended. */
  async take(): Promise<Buffer[]> {
    while (this.#chunks.length === 0 && this.end === undefined) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const batch = this.#chunks;
    this.#chunks = [];
    this.#waitingBytes = 0;
    if (this.end === undefined && this.#source.isPaused()) this.#source.resume();
    return batch;
  }

  leave(): void {
    this.#source.off('data', this.#onData).off('close', this.#onBreak).off('end', this.#onEnd).pause();
    // The listener for errors stays: a connection that breaks afterwards concerns nobody.
    this.#options.signal.removeEventListener('abort', this.#onStop);
  }

  readonly #onData = (chunk: Buffer) => {
    if (this.end !== undefined) return;
    const room = this.#options.maxBytes - this.#taken;
    const fits = chunk.length <= room ? chunk : chunk.subarray(0, room);
    if (fits.length > 0) {
      this.#options.hash?.update(fits);
      this.#chunks.push(fits);
      this.#taken += fits.length;
      this.#waitingBytes += fits.length;
    }
    if (fits.length < chunk.length) this.#finish('too_long');
    else {
      if (this.#waitingBytes >= highWaterBytes) this.#source.pause();
      this.#wakeUp();
    }
  };
  readonly #onEnd = () => this.#finish('whole');
  readonly #onBreak = () => this.#finish('broken');
  readonly #onStop = () => this.#finish('stopped');

  #finish(end: Appended['end']): void {
    this.end ??= end;
    this.#source.pause();
    this.#wakeUp();
  }

  #wakeUp(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}

/** A write may take less than it was given. */
async function writeAll(file: FileHandle, chunks: readonly Buffer[], position: number): Promise<void> {
  let rest = [...chunks];
  let at = position;
  while (rest.length > 0) {
    const { bytesWritten } = await file.writev(rest, at);
    at += bytesWritten;
    rest = without(rest, bytesWritten);
  }
}

function without(chunks: Buffer[], bytes: number): Buffer[] {
  let left = bytes;
  let index = 0;
  for (; index < chunks.length; index++) {
    const length = chunks[index]?.length ?? 0;
    if (left < length) break;
    left -= length;
  }
  const [first, ...others] = chunks.slice(index);
  return first === undefined ? [] : [first.subarray(left), ...others];
}
