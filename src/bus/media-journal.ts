/** Hub side of the picture on the bus: the journal of one stream and the reading places in it. */
import type { NatsConnection } from '@nats-io/nats-core';
import {
  checkToken,
  defaultRoots,
  mediaHeaders,
  mediaJournalName,
  publishSubject,
  type Roots,
  type WatchReply,
  WeirError,
} from '../contracts/index.js';
import {
  absent,
  type ConsumerInfo,
  type ConsumerSettings,
  callJetStream,
  createConsumer,
  deleteConsumer,
  type KeptMessage,
  lastMessage,
  streamInfo,
  toNanos,
} from './jetstream-api.js';
import { type EnsuredJournal, ensureJournal, findJournal, type JournalSpec } from './journal.js';

export interface MediaJournalLimits {
  /** Default 60 000. */
  maxAgeMs?: number;
  /** Default 64 MiB. */
  maxBytes?: number;
}

export interface WatchPlaceOptions {
  connection: NatsConnection;
  streamId: string;
  viewer: string;
  /** Journal sequence of the last message received. */
  after?: number;
  /** Journal that `after` belongs to. */
  journalId?: string;
  roots?: Roots;
  /** When given, a missing journal is made with these limits; else it is `not_found`. */
  limits?: MediaJournalLimits;
  signal?: AbortSignal;
}

/** The part of a watch answer that the journal knows; the hub adds id, state and reason. */
export type WatchPlace = Omit<WatchReply, 'stream_id' | 'state' | 'reason'>;

const readTogether = 256;
const maxPages = 64;
const placeIdleMs = 30_000;
const activeMs = 5000;
const youngMs = 30_000;
const placeAttempts = 4;

/** Makes the memory journal of a stream, or brings its limits to these. */
export function ensureMediaJournal(
  connection: NatsConnection,
  streamId: string,
  limits: MediaJournalLimits = {},
  roots: Roots = defaultRoots,
  signal?: AbortSignal,
): Promise<EnsuredJournal> {
  const spec: JournalSpec = {
    name: mediaJournalName(streamId),
    subjects: Object.values(mediaSubjects(streamId, roots)),
    storage: 'memory',
    maxAgeMs: limits.maxAgeMs ?? 60_000,
    maxBytes: limits.maxBytes ?? 64 * 1024 ** 2,
    duplicateWindowMs: 30_000,
  };
  return ensureJournal(connection, spec, signal);
}

/**
 * Makes the place {viewer} in the media journal: right after `after` when that is still kept, else at the newest keyframe,
 * else at whatever comes next. A place of the same name is taken away first: a viewer reads a stream once.
 */
export async function openWatchPlace(options: WatchPlaceOptions): Promise<WatchPlace> {
  if (options.limits !== undefined) {
    const present = await findJournal(options.connection, mediaJournalName(options.streamId), options.signal);
    if (present === undefined) await ensureMediaJournal(options.connection, options.streamId, options.limits, options.roots, options.signal);
  }
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await makePlace(options);
    } catch (error) {
      // Two requests of the same viewer at the same time: the later one wins.
      const isTaken = error instanceof WeirError && (error.code === 'already_exists' || error.code === 'invalid_argument');
      if (!isTaken || attempt === placeAttempts) throw error;
    }
  }
}

async function makePlace({ connection, streamId, viewer, after, journalId, roots, signal }: WatchPlaceOptions): Promise<WatchPlace> {
  const journal = mediaJournalName(streamId);
  const subjects = mediaSubjects(streamId, roots ?? defaultRoots);
  const [info, key] = await Promise.all([
    streamInfo(connection, journal, signal),
    lastMessage(connection, journal, subjects.key, signal),
    deleteConsumer(connection, journal, checkToken('viewer', viewer), signal),
  ]);
  // Read after the keyframe, so that it is of the keyframe's epoch or of a newer one, also while the stream begins.
  const init = await lastMessage(connection, journal, subjects.init, signal);
  const isSame = journalId !== undefined && journalId === info.created;
  const resumed = isSame && after !== undefined && after <= info.state.last_seq && after + 1 >= info.state.first_seq;
  // A journal that was made anew while the viewer read: all of it is new, or known to the viewer by its numbers.
  const isYoung = journalId !== undefined && !isSame && Date.now() - Date.parse(info.created) < youngMs;
  const start =
    resumed && after !== undefined ? after + 1 : isYoung ? Math.max(1, info.state.first_seq) : newestStart(init, key, info.state.last_seq);
  const settings: ConsumerSettings = {
    name: viewer,
    ack_policy: 'none',
    deliver_policy: 'by_start_sequence',
    opt_start_seq: start,
    inactive_threshold: toNanos(placeIdleMs),
    mem_storage: true,
    num_replicas: 1,
  };
  await createConsumer(connection, journal, settings, signal);
  return { journal, journal_id: info.created, consumer: viewer, resumed, ...initFacts(init) };
}

/** A keyframe of an older epoch than the newest init segment is over: then the new epoch begins at its init segment. */
function newestStart(init: KeptMessage | undefined, key: KeptMessage | undefined, last: number): number {
  if (key === undefined) return init?.sequence ?? last + 1;
  if (init === undefined || epochOf(init) === epochOf(key)) return key.sequence;
  return Math.max(init.sequence, key.sequence);
}

function epochOf(message: KeptMessage): string | undefined {
  return message.headers?.get(mediaHeaders.epoch);
}

function initFacts(init: KeptMessage | undefined): Pick<WatchPlace, 'init' | 'epoch' | 'codecs' | 'picture'> {
  if (init === undefined) return {};
  const epoch = init.headers?.get(mediaHeaders.epoch);
  const codecs = init.headers?.get(mediaHeaders.codecs);
  const picture = init.headers?.get(mediaHeaders.picture);
  return {
    init: toBase64(init.data),
    ...(epoch ? { epoch } : {}),
    ...(codecs ? { codecs } : {}),
    ...(picture === 'source' || picture === 'no-signal' ? { picture } : {}),
  };
}

/** How many read the stream now: places with an open pull, or that were read from within the last five seconds. */
export async function countViewers(connection: NatsConnection, streamId: string, signal?: AbortSignal): Promise<number> {
  const journal = mediaJournalName(streamId);
  let viewers = 0;
  for (let page = 0, seen = 0; page < maxPages; page += 1) {
    const list = await consumerPage(connection, journal, seen, signal);
    for (const one of list.consumers) {
      const activeAt = one.delivered?.last_active === undefined ? 0 : Date.parse(one.delivered.last_active);
      if (one.num_waiting > 0 || Date.now() - activeAt < activeMs) viewers += 1;
    }
    seen += list.consumers.length;
    if (list.consumers.length < readTogether || seen >= list.total) break;
  }
  return viewers;
}

interface ConsumerPage {
  total: number;
  consumers: (ConsumerInfo & { delivered?: { last_active?: string } })[];
}

async function consumerPage(connection: NatsConnection, journal: string, offset: number, signal?: AbortSignal): Promise<ConsumerPage> {
  const none: ConsumerPage = { total: 0, consumers: [] };
  try {
    const page = await callJetStream<Partial<ConsumerPage>>(connection, `CONSUMER.LIST.${journal}`, { offset }, `Viewers of ${journal}`, signal);
    return { total: page.total ?? 0, consumers: page.consumers ?? [] };
  } catch (error) {
    return absent(error, none);
  }
}

/** Takes a place away, for example when the viewer's login has ended; false when there was none. */
export function closeWatchPlace(connection: NatsConnection, streamId: string, viewer: string, signal?: AbortSignal): Promise<boolean> {
  return deleteConsumer(connection, mediaJournalName(streamId), checkToken('viewer', viewer), signal);
}

function mediaSubjects(streamId: string, roots: Roots): { init: string; key: string; delta: string } {
  const params = { stream_id: streamId };
  return {
    init: publishSubject('stream_media_init', params, roots),
    key: publishSubject('stream_media_key', params, roots),
    delta: publishSubject('stream_media_delta', params, roots),
  };
}

function toBase64(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}
