/** Key-value buckets with compare-and-set; readable by every NATS client. */
import type { NatsConnection } from '@nats-io/nats-core';
import { checkToken, WeirError } from '../contracts/index.js';
import { followJournal } from './follow-journal.js';
import { lastMessage, type StreamSettings, storeMessage, toNanos } from './jetstream-api.js';
import { ensureStream } from './journal.js';
import { checkSize } from './outlet.js';

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

const keyPattern = /^[-/_=.a-zA-Z0-9]+$/;
const encoder = new TextEncoder();
const operationHeader = 'KV-Operation';
const expectHeader = 'Nats-Expected-Last-Subject-Sequence';

/** Makes the bucket when it is missing, brings its settings to the declared ones, and opens it. */
export async function keyValue(connection: NatsConnection, spec: BucketSpec, signal?: AbortSignal): Promise<KeyValue> {
  const journal = `KV_${checkToken('bucket', spec.bucket)}`;
  await ensureStream(connection, settingsOf(journal, spec), signal);
  const subjectOf = (key: string) => `$KV.${spec.bucket}.${checkKey(key)}`;

  async function write(key: string, value: Uint8Array | string, headers: Record<string, string>): Promise<number> {
    const bytes = typeof value === 'string' ? encoder.encode(value) : value;
    const subject = subjectOf(key);
    checkSize(connection, subject, bytes.length);
    return (await storeMessage(connection, subject, bytes, headers)).seq;
  }

  async function newest(key: string, until?: AbortSignal): Promise<Entry | undefined> {
    const kept = await lastMessage(connection, journal, subjectOf(key), until);
    if (kept === undefined) return undefined;
    const gone = (kept.headers?.get(operationHeader) ?? '') !== '';
    return { key, value: gone ? undefined : kept.data, revision: kept.sequence, time: kept.time };
  }

  const bucket: KeyValue = {
    async get(key, until) {
      const entry = await newest(key, until);
      return entry?.value === undefined ? undefined : entry;
    },
    put: (key, value) => write(key, value, {}),
    async create(key, value) {
      try {
        return await write(key, value, { [expectHeader]: '0' });
      } catch (error) {
        if (!isConflict(error)) throw error;
        const present = await newest(key);
        // A deleted key leaves a mark, which may be written over.
        if (present !== undefined && present.value === undefined) return bucket.update(key, value, present.revision);
        throw new WeirError('already_exists', `${spec.bucket} has the key ${key} already`, { cause: error });
      }
    },
    update: (key, value, revision) => write(key, value, { [expectHeader]: String(revision) }),
    async delete(key, revision) {
      await write(key, '', { [operationHeader]: 'DEL', ...(revision === undefined ? {} : { [expectHeader]: String(revision) }) });
    },
    async keys(until) {
      const found = new Set<string>();
      await new Promise<void>((resolve, reject) => {
        const watch = bucket.watch((entry) => void (entry.value === undefined ? found.delete(entry.key) : found.add(entry.key)), {
          ...(until === undefined ? {} : { signal: until }),
          onCurrent: () => void watch.stop().then(resolve),
        });
        watch.ready.catch(reject);
      });
      return [...found].sort();
    },
    watch(receiver, options = {}) {
      const prefix = `$KV.${spec.bucket}.`;
      return followJournal(
        connection,
        journal,
        (message) => {
          const gone = message.header(operationHeader) !== undefined;
          const value = gone ? undefined : message.data;
          return receiver({ key: message.subject.slice(prefix.length), value, revision: message.sequence, time: message.time });
        },
        {
          subject: `${prefix}${options.key ?? '>'}`,
          from: 'last_per_subject',
          ...(options.signal === undefined ? {} : { signal: options.signal }),
          ...(options.onCurrent === undefined ? {} : { onCurrent: options.onCurrent }),
        },
      );
    },
  };
  return bucket;
}

function settingsOf(journal: string, spec: BucketSpec): StreamSettings {
  const maxAge = toNanos(spec.ttlMs ?? 0);
  const window = toNanos(120_000);
  return {
    name: journal,
    subjects: [`$KV.${spec.bucket}.>`],
    storage: spec.storage ?? 'file',
    retention: 'limits',
    discard: 'new',
    max_age: maxAge,
    max_bytes: spec.maxBytes ?? -1,
    max_msgs: -1,
    max_msgs_per_subject: spec.history ?? 1,
    max_msg_size: -1,
    max_consumers: -1,
    duplicate_window: maxAge > 0 ? Math.min(window, maxAge) : window,
    num_replicas: spec.replicas ?? 1,
    allow_direct: true,
    deny_delete: true,
    allow_rollup_hdrs: true,
  };
}

function checkKey(key: string): string {
  if (keyPattern.test(key) && !key.startsWith('.') && !key.endsWith('.') && !key.includes('..')) return key;
  throw new WeirError('invalid_argument', 'A key is made of letters, digits, "-", "_", "/", "=" and single dots', { field: 'key', received: key });
}

function isConflict(error: unknown): boolean {
  return error instanceof WeirError && error.code === 'failed_precondition';
}
