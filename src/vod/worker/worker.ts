/** A worker on videos: takes tickets, claims jobs, runs FFmpeg, puts results in place. */
import type { NatsConnection } from '@nats-io/nats-core';
import type { Bus } from '../../bus/index.js';
import type { MachineFacts } from '../../media/index.js';
import type { Logger } from '../../telemetry/index.js';

export interface VideoWorkerOptions {
  readonly bus: Bus;
  /** Tickets are pulled from the queue with it. */
  readonly connection: NatsConnection;
  /** Part of its subjects. */
  readonly workerId: string;
  readonly version: string;
  readonly facts: MachineFacts;
  /** Jobs at once; 0: by measured load. */
  readonly slots: number;
  /** Sources are read from, and results written to, these folders only. */
  readonly folders: { readonly sources: readonly string[]; readonly outputs: readonly string[] };
  /** Notes of running FFmpegs, to sweep those that a killed worker left. */
  readonly pidFolder: string;
  readonly log: Logger;
}

export interface VideoWorker {
  /** Jobs it holds. */
  readonly jobs: readonly string[];
  /** Takes nothing new, gives back what runs, stops every FFmpeg. */
  stop(): Promise<void>;
}

/** Announces itself and takes jobs until stopped. */
export async function startVideoWorker(options: VideoWorkerOptions): Promise<VideoWorker> {
  options.log.debug({ worker_id: options.workerId }, 'no work is taken yet');
  return { jobs: [], stop: async () => undefined };
}
