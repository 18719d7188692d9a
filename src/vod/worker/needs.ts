/** What the parts of the worker are given. */
import type { NatsConnection } from '@nats-io/nats-core';
import type { Bus } from '../../bus/index.js';
import type { Roots } from '../../contracts/index.js';
import type { EncodingMachine, SandboxTools } from '../../media/index.js';
import type { Logger } from '../../telemetry/index.js';
import type { TailMemory } from './work-estimate.js';

export interface VideoFolders {
  readonly sources: readonly string[];
  readonly outputs: readonly string[];
}

export interface WorkerParts {
  readonly bus: Bus;
  /** Tickets and pieces are taken with it. */
  readonly connection: NatsConnection;
  readonly roots: Roots;
  /** Part of its subjects. */
  readonly workerId: string;
  readonly machine: EncodingMachine;
  readonly sandbox: SandboxTools;
  /** Sources are read from, and results written to, these folders only. */
  readonly folders: VideoFolders;
  /** Notes of running FFmpegs, to sweep those that a killed worker left. */
  readonly pidFolder: string;
  readonly log: Logger;
  readonly timing: WorkerTiming;
  /** Of its earlier jobs. */
  readonly tails: TailMemory;
}

/** Milliseconds; tests shorten some. */
export interface WorkerTiming {
  /** Between two signs of life to the hub. */
  readonly renewMs: number;
  /** Between two reports of progress. */
  readonly progressMs: number;
  /** Between two looks at what can be played already. */
  readonly growMs: number;
  /** Before a request that the hub did not answer is made again. */
  readonly askAgainMs: number;
  /** A piece of which nothing was heard for so long is handed out again. */
  readonly pieceLostMs: number;
}

export const defaultTiming: WorkerTiming = { renewMs: 3000, progressMs: 800, growMs: 2000, askAgainMs: 1000, pieceLostMs: 60_000 };
