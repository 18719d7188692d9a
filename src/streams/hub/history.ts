/** Past metrics, log lines and status changes of one stream, read back from the journals in bounded steps. */

import type { NatsConnection } from '@nats-io/nats-core';
import { type BusServer, type JournalMessage, readJournal } from '../../bus/index.js';
import { type HistoryReply, type HistoryRequest, journals, logLevels, publishSubject, type Roots, WeirError } from '../../contracts/index.js';
import type { Definitions } from './definitions.js';
import { nextOf } from './journal-seek.js';
import type { HubParts } from './needs.js';
import { streamIdOf } from './observations.js';

const defaultLimit = 1000;
/** Messages one request may read to find what it looks for. */
const maxScanned = 20_000;
const scanPage = 2000;
/** Answers stay below what every broker takes in one message. */
const maxReplyBytes = 900_000;

const subjectChannels = { metrics: 'stream_metrics', log: 'stream_log', status: 'stream_status' } as const;

export interface HistoryPlace {
  readonly connection: NatsConnection;
  readonly roots: Roots;
}

/** Answers `stream_history` on the bus. Who may ask is bound by the subject the broker lets it publish to. */
export function serveHistory(parts: HubParts, definitions: Definitions): BusServer {
  const place = { connection: parts.bus.connection, roots: parts.roots };
  return parts.bus.serve(
    'stream_history',
    {},
    (request, meta, signal) => {
      definitions.need(streamIdOf(meta));
      return readHistory(place, streamIdOf(meta), request, signal);
    },
    { queue: 'hub', concurrency: 4, limit: 128, signal: parts.signal },
  );
}

/**
 * The items asked for, oldest first. One request reads a bounded number of messages: `more` is true when it stopped before the
 * end, and `last` goes on from there. Throws `unavailable` while the journal is not there.
 */
export async function readHistory(place: HistoryPlace, streamId: string, request: HistoryRequest, signal: AbortSignal): Promise<HistoryReply> {
  const source: Source = {
    ...place,
    journal: journals[request.kind].name,
    subject: publishSubject(subjectChannels[request.kind], { stream_id: streamId }, place.roots),
  };
  try {
    return await read(source, request, signal);
  } catch (error) {
    const known = WeirError.from(error);
    if (known.code !== 'not_found') throw known;
    throw new WeirError('unavailable', `The journal of ${request.kind} is not there yet`, { cause: known });
  }
}

interface Source extends HistoryPlace {
  readonly journal: string;
  readonly subject: string;
}

function read(source: Source, request: HistoryRequest, signal: AbortSignal): Promise<HistoryReply> {
  if (request.step_s !== undefined) return readThinned(source, request, request.step_s, signal);
  if (request.text !== undefined || request.level !== undefined) return readMatching(source, request, signal);
  return readPlain(source, request, signal);
}

async function readPlain(source: Source, request: HistoryRequest, signal: AbortSignal): Promise<HistoryReply> {
  const page = await readJournal(source.connection, source.journal, {
    subject: source.subject,
    ...times(request),
    ...(request.after === undefined ? {} : { after: request.after }),
    limit: request.limit ?? defaultLimit,
    signal,
  });
  return fit(page.items, page.last, page.more, request.after === undefined ? 'newest' : 'oldest');
}

/** Reads forward in pages and keeps what matches; without `after` the newest matches of what was read. */
async function readMatching(source: Source, request: HistoryRequest, signal: AbortSignal): Promise<HistoryReply> {
  const limit = request.limit ?? defaultLimit;
  const found: JournalMessage[] = [];
  let after = request.after;
  let scanned = 0;
  let more = true;
  // Without a place to start at, the newest part of the journal is searched.
  if (after === undefined && request.since === undefined) {
    const page = await readJournal(source.connection, source.journal, { subject: source.subject, ...times(request), limit: maxScanned, signal });
    const matches = page.items.filter((item) => isMatch(item, request));
    return fit(matches.slice(-limit), page.last, page.more || matches.length > limit, 'newest');
  }
  while (more && scanned < maxScanned && found.length < limit) {
    const page = await readJournal(source.connection, source.journal, {
      subject: source.subject,
      ...times(request),
      after: after ?? 0,
      limit: scanPage,
      signal,
    });
    scanned += page.items.length;
    more = page.more;
    after = page.last;
    for (const item of page.items) {
      if (!isMatch(item, request)) continue;
      if (found.length >= limit) {
        more = true;
        break;
      }
      found.push(item);
      after = item.sequence;
    }
    if (found.length < limit) after = page.last;
    if (page.items.length === 0) break;
  }
  return fit(found, after ?? 0, more, 'oldest');
}

/** So many seconds of metrics are read whole (5 a second): faster than to jump, where little lies between two points. */
const wholeSpanS = 2400;

function readThinned(source: Source, request: HistoryRequest, stepS: number, signal: AbortSignal): Promise<HistoryReply> {
  const sinceMs = request.since === undefined ? undefined : Date.parse(request.since);
  const untilMs = request.until === undefined ? Date.now() : Date.parse(request.until);
  const isShort = sinceMs !== undefined && untilMs - sinceMs <= wholeSpanS * 1000;
  return isShort ? readAndThin(source, request, stepS * 1000, signal) : jumpThrough(source, request, stepS, signal);
}

async function readAndThin(source: Source, request: HistoryRequest, stepMs: number, signal: AbortSignal): Promise<HistoryReply> {
  const limit = request.limit ?? defaultLimit;
  const kept: JournalMessage[] = [];
  let after = request.after ?? 0;
  let more = true;
  for (let scanned = 0; more && scanned < maxScanned && kept.length < limit; ) {
    const page = await readJournal(source.connection, source.journal, { subject: source.subject, ...times(request), after, limit: scanPage, signal });
    more = page.more;
    after = Math.max(after, page.last);
    scanned += page.items.length;
    if (page.items.length === 0) break;
    for (const item of page.items) {
      const newest = kept.at(-1);
      // A report that comes a little early still stands for its step.
      if (newest !== undefined && item.time - newest.time < stepMs * 0.9) continue;
      if (kept.length === limit) return fit(kept, newest?.sequence ?? after, true, 'oldest');
      kept.push(item);
    }
  }
  return fit(
    kept.filter((item) => isMatch(item, request)),
    after,
    more,
    'oldest',
  );
}

/** Jumps from point to point instead of reading what lies between: a day of metrics is 400,000 messages, a chart a thousand points. */
async function jumpThrough(source: Source, request: HistoryRequest, stepS: number, signal: AbortSignal): Promise<HistoryReply> {
  const limit = request.limit ?? defaultLimit;
  const stepMs = stepS * 1000;
  const untilMs = request.until === undefined ? Number.POSITIVE_INFINITY : Date.parse(request.until);
  const sinceMs = request.since !== undefined ? Date.parse(request.since) : request.after !== undefined ? 0 : Date.now() - limit * stepMs;
  const first = (
    await readJournal(source.connection, source.journal, { subject: source.subject, after: request.after ?? 0, since: sinceMs, limit: 1, signal })
  ).items[0];
  const items: JournalMessage[] = [];
  let current: JournalMessage | undefined = first;
  let strideSequences = 1;
  let last = request.after ?? 0;
  while (current !== undefined && current.time < untilMs && items.length < limit) {
    items.push(current);
    last = current.sequence;
    const jump = await nextAfter(source, current, stepMs, strideSequences, signal);
    strideSequences = jump.strideSequences;
    current = jump.message;
  }
  // A page that is full ends before the present; one that ran out has everything.
  return fit(
    items.filter((item) => isMatch(item, request)),
    last,
    current !== undefined && current.time < untilMs,
    'oldest',
  );
}

/** First message at least `stepMs` after `from`, found by guessing how many sequences that is and correcting the guess. */
async function nextAfter(
  source: Source,
  from: JournalMessage,
  stepMs: number,
  guess: number,
  signal: AbortSignal,
): Promise<{ message: JournalMessage | undefined; strideSequences: number }> {
  let low = from.sequence;
  let stride = Math.max(1, guess);
  let best: JournalMessage | undefined;
  for (let tries = 0; tries < 24; tries += 1) {
    signal.throwIfAborted();
    const message = await nextOf(source.connection, source.journal, source.subject, low + stride, signal);
    const elapsedMs = message === undefined ? Number.POSITIVE_INFINITY : message.time - from.time;
    if (message !== undefined && elapsedMs < stepMs) {
      low = message.sequence;
      stride = Math.max(1, Math.ceil(((stepMs - elapsedMs) / Math.max(1, elapsedMs)) * (message.sequence - from.sequence)));
      continue;
    }
    if (message !== undefined) best = message;
    // Close enough, or nothing lies between: a chart does not show a tenth of a step.
    if (stride === 1 || (message !== undefined && elapsedMs <= stepMs * 1.1)) break;
    stride = Math.max(1, Math.floor(stride / 2));
  }
  return { message: best, strideSequences: best === undefined ? 1 : Math.max(1, best.sequence - from.sequence) };
}

function times(request: HistoryRequest): { since?: number; until?: number } {
  return {
    ...(request.since === undefined ? {} : { since: Date.parse(request.since) }),
    ...(request.until === undefined ? {} : { until: Date.parse(request.until) }),
  };
}

function isMatch(item: JournalMessage, request: HistoryRequest): boolean {
  if (request.kind !== 'log' || (request.text === undefined && request.level === undefined)) return true;
  const line = parse(item);
  if (line === undefined) return false;
  if (request.level !== undefined && logLevels.indexOf(line.level as never) < logLevels.indexOf(request.level)) return false;
  return (
    request.text === undefined ||
    String(line.message ?? '')
      .toLowerCase()
      .includes(request.text.toLowerCase())
  );
}

function parse(item: JournalMessage): Record<string, unknown> | undefined {
  try {
    const value = item.json();
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
  } catch {
    // Anybody with the right to publish can put anything there.
    return undefined;
  }
}

/** Keeps the answer below the size of a bus message: from the start for who goes on, the newest for who wants the newest. */
function fit(messages: readonly JournalMessage[], last: number, more: boolean, keep: 'oldest' | 'newest'): HistoryReply {
  const ordered = keep === 'newest' ? [...messages].reverse() : messages;
  const items: HistoryReply['items'] = [];
  let bytes = 0;
  let cut: JournalMessage | undefined;
  for (const message of ordered) {
    bytes += message.data.length + 32;
    if (bytes > maxReplyBytes) {
      cut = message;
      break;
    }
    const value = parse(message);
    if (value !== undefined) items.push({ sequence: message.sequence, message: value });
  }
  if (keep === 'newest') items.reverse();
  if (cut === undefined) return { items, last, more };
  return { items, last: keep === 'newest' ? last : (items.at(-1)?.sequence ?? last), more: true };
}
