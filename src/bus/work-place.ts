/** The durable consumer of a queue: declared by whoever owns the queue, used by those who work. */
import type { NatsConnection } from '@nats-io/nats-core';
import { WeirError } from '../contracts/index.js';
import { absent, type ConsumerInfo, type ConsumerSettings, consumerInfo, createConsumer, toNanos } from './jetstream-api.js';

export interface WorkPlaceSpec {
  /** Journal that holds the items. */
  journal: string;
  /** Name of the durable consumer that all workers share. */
  durable: string;
  /** Only this subject; default: all of the journal. */
  filter?: string;
  ackWaitMs: number;
  maxDeliver: number;
  /** Items given out at the same time, over all workers; default 1000. */
  maxPending?: number;
}

export interface WorkPlaceFacts {
  /** Items that no worker has been given yet. */
  waiting: number;
  /** Items that workers hold, or gave back for later. */
  held: number;
  /** Highest sequence given out; 0: none. */
  delivered: number;
  /** Every item up to this sequence is done or given up. */
  finished: number;
}

export interface EnsuredWorkPlace extends WorkPlaceFacts {
  /** Settings that the server keeps differently, one sentence each. */
  warnings: string[];
}

/**
 * Makes the consumer or brings it to these settings, then compares what the server has. A consumer that somebody made before with settings
 * that cannot be changed is kept as it is, and said so in `warnings`. Throws `not_found` without the journal.
 */
export async function ensureWorkPlace(connection: NatsConnection, spec: WorkPlaceSpec, signal?: AbortSignal): Promise<EnsuredWorkPlace> {
  const wanted = settingsOf(spec);
  const present = await consumerInfo(connection, spec.journal, spec.durable, signal).catch((error: unknown) => absent(error, undefined));
  if (present !== undefined && differences(present.config, wanted).length === 0) return { ...factsOf(present), warnings: [] };
  try {
    const made = await createConsumer(connection, spec.journal, wanted, signal);
    return { ...factsOf(made), warnings: sentences(spec, made.config, wanted) };
  } catch (error) {
    if (present === undefined || !(error instanceof WeirError) || error.code === 'unavailable') throw error;
    return { ...factsOf(present), warnings: sentences(spec, present.config, wanted) };
  }
}

/** How far the workers are; undefined when there is no such consumer. */
export async function findWorkPlace(
  connection: NatsConnection,
  journal: string,
  durable: string,
  signal?: AbortSignal,
): Promise<WorkPlaceFacts | undefined> {
  const info = await consumerInfo(connection, journal, durable, signal).catch((error: unknown) => absent(error, undefined));
  return info === undefined ? undefined : factsOf(info);
}

function settingsOf(spec: WorkPlaceSpec): ConsumerSettings {
  return {
    durable_name: spec.durable,
    ack_policy: 'explicit',
    deliver_policy: 'all',
    replay_policy: 'instant',
    ack_wait: toNanos(spec.ackWaitMs),
    max_deliver: spec.maxDeliver,
    max_ack_pending: spec.maxPending ?? 1000,
    ...(spec.filter === undefined ? {} : { filter_subject: spec.filter }),
  };
}

function differences(current: ConsumerSettings, wanted: ConsumerSettings): (keyof ConsumerSettings)[] {
  return (Object.keys(wanted) as (keyof ConsumerSettings)[]).filter((field) => current[field] !== wanted[field]);
}

function sentences(spec: WorkPlaceSpec, current: ConsumerSettings, wanted: ConsumerSettings): string[] {
  return differences(current, wanted).map(
    (field) =>
      `consumer ${spec.durable} of ${spec.journal}: the server keeps ${field} ${JSON.stringify(current[field] ?? null)} instead of ${JSON.stringify(wanted[field])}`,
  );
}

function factsOf(info: ConsumerInfo): WorkPlaceFacts {
  return {
    waiting: info.num_pending,
    held: info.num_ack_pending,
    delivered: info.delivered?.stream_seq ?? 0,
    finished: info.ack_floor?.stream_seq ?? 0,
  };
}
