/** The streams that a spoke is to record, now or later, on its disk: a spoke that was killed goes on with them before the hub speaks. */
import { readFileSync, rmSync } from 'node:fs';
import { spokeAssignmentSchema } from '../../contracts/agent.js';
import { writeFileAtomic } from '../../supervisor/index.js';
import type { AssignedStream } from './assignments.js';
import type { Log } from './log.js';

const fileSchema = spokeAssignmentSchema.shape.streams;

export class RememberedStreams {
  readonly #file: string;
  readonly #log: Log;
  #written: string | undefined;

  constructor(file: string, log: Log) {
    this.#file = file;
    this.#log = log;
  }

  /** Keeps those that have orders, whether they run now or not. A disk that refuses is told to the log only. */
  write(assigned: readonly AssignedStream[]): void {
    const kept = assigned.filter((one) => (one.recordings?.length ?? 0) > 0);
    const text = JSON.stringify(kept);
    if (this.#written === text) return;
    try {
      if (kept.length === 0) rmSync(this.#file, { force: true });
      else writeFileAtomic(this.#file, text);
      this.#written = text;
    } catch (error) {
      this.#log.warn({ err: error, file: this.#file }, 'the streams being recorded cannot be remembered for the next start');
    }
  }

  /** Those with an order that has not ended; none when there is no such file or it cannot be read. */
  read(nowMs: number): AssignedStream[] {
    try {
      const streams = fileSchema.parse(JSON.parse(readFileSync(this.#file, 'utf8')));
      return streams.filter(({ recordings = [] }) => recordings.some(({ until }) => until === null || Date.parse(until) > nowMs));
    } catch {
      return [];
    }
  }
}
