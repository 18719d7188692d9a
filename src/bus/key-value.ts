/** Key-value buckets with compare-and-set; readable by every NATS client. */
import type { NatsConnection } from '@nats-io/nats-core';

export interface BucketSpec {
  bucket: string;
  storage?: 'file' | 'memory';
  /** Entries vanish after so long; default never. */
  ttlMs?: number;
  /** Revisions kept per key, 1 to 64; default 1. */
  history?: number;
  maxBytes?: number;
  replicas?: number;
}

export interface Entry {
  key: string;
  /** Undefined when the key was deleted. */
  value: Uint8Array | undefined;
  /** Grows with each write in the bucket: usable as a fencing token. */
  revision: number;
  time: number;
}

export interface WatchOptions {
  /** Key or pattern with wildcards; default all. */
  key?: string;
  signal?: AbortSignal;
  /** Called once the present values have been delivered, and again after each recovery. */
  onCurrent?: () => void;
}

export interface BucketWatch {
  readonly ready: Promise<void>;
  stop(): Promise<void>;
}

export interface KeyValue {
  get(key: string, signal?: AbortSignal): Promise<Entry | undefined>;
  /** Writes whatever stands there; resolves to the revision. */
  put(key: string, value: Uint8Array | string): Promise<number>;
  /** Writes only when the key is absent; throws `already_exists`. */
  create(key: string, value: Uint8Array | string): Promise<number>;
  /** Writes only over this revision; throws `failed_precondition`. */
  update(key: string, value: Uint8Array | string, revision: number): Promise<number>;
  /** Deletes, with `revision` only over this one; throws `failed_precondition`. */
  delete(key: string, revision?: number): Promise<void>;
  keys(signal?: AbortSignal): Promise<string[]>;
  /** Present values, then each change, in order; recovers by itself after a broker restart. */
  watch(receiver: (entry: Entry) => void | Promise<void>, options?: WatchOptions): BucketWatch;
}

/** Makes the bucket when it is missing and opens it. */
export declare function keyValue(connection: NatsConnection, spec: BucketSpec, signal?: AbortSignal): Promise<KeyValue>;
