/** Publishing media into a journal that may be away, late, or made anew. */
import { headers, type Msg, type MsgHdrs, nuid, PermissionViolationError } from '@nats-io/nats-core';
import { defaultRoots, type ErrorCode, mediaHeaders, publishSubject, WeirError } from '../contracts/index.js';
import { connectionEvents } from './connection-events.js';
import { connectionInbox } from './inbox.js';
import type { PubAck } from './jetstream-api.js';
import type { MediaPublisher, MediaPublisherCounters, MediaPublisherOptions, StoredFragment } from './media-publisher.js';
import { createMediaRing, type RingEntry, type RingEpoch } from './media-ring.js';
import { fromJetStream, fromNatsError, type JetStreamFailure } from './nats-error.js';

const tickMs = 100;
const reportEveryMs = 1000;
/** Room for the headers of a fragment in the server's limit. */
const headerBytes = 512;

/**
 * `away`: no connection. `probing`: an init segment is on its way, and its acknowledgement will tell whether the journal is
 * the one of before. `flowing`: fragments are sent.
 */
type Flow = 'idle' | 'away' | 'probing' | 'flowing';

/**
 * Opens the outlet of one stream's media. Works while the bus or the journal is away: the newest media wait in memory, and
 * what was not acknowledged is sent again, in order. `Nats-Msg-Id` makes that harmless.
 */
export function createMediaPublisher(options: MediaPublisherOptions): MediaPublisher {
  const { connection, streamId } = options;
  const roots = options.roots ?? defaultRoots;
  const limits = {
    preRollS: 10,
    preRollBytes: 32 * 1024 ** 2,
    windowBytes: 8 * 1024 ** 2,
    ackTimeoutMs: 2000,
    initEveryMs: 20_000,
    initEveryBytes: 16 * 1024 ** 2,
    rewindMs: 2000,
    ...options.limits,
  };
  const subjects = {
    init: publishSubject('stream_media_init', { stream_id: streamId }, roots),
    key: publishSubject('stream_media_key', { stream_id: streamId }, roots),
    delta: publishSubject('stream_media_delta', { stream_id: streamId }, roots),
  };
  const counters: MediaPublisherCounters = { published: 0, acked: 0, republished: 0, dropped: 0, queue_bytes: 0, flowing: false };
  const ring = createMediaRing(limits.preRollS * 1000, limits.preRollBytes);
  const events = connectionEvents(connection);
  let flow: Flow = 'idle';
  let epoch: RingEpoch | undefined;
  let sequence = 0;
  /** Number of the next entry to send. */
  let next = 0;
  /** Sizes by number of what is on its way; fragments that left the ring meanwhile still count until they are answered. */
  const inFlight = new Map<number, number>();
  let inFlightBytes = 0;
  /** Monotonic milliseconds of the last answer, or of the first send after none was awaited. */
  let landedAt = 0;
  /** Highest journal sequence seen: a lower one afterwards means another journal. */
  let journalSequence = 0;
  let probe = { number: 0, sentAt: 0, retryAt: 0, rewindTo: 0 };
  let initCounter = 0;
  let sentInit = { epoch: '', at: 0, bytes: 0 };
  let reportedAt = 0;
  let drained: (() => void) | undefined;

  function report(error: WeirError): void {
    const now = performance.now();
    if (reportedAt > 0 && now - reportedAt < reportEveryMs) return;
    reportedAt = now;
    options.onProblem?.(error);
  }

  function setFlow(to: Flow): void {
    flow = to;
    counters.flowing = to === 'flowing';
  }

  function sendInit(of: RingEpoch, before: number, reply: string): void {
    initCounter += 1;
    const made = headers();
    made.set(mediaHeaders.messageId, `${streamId}.${of.epoch}.init.${initCounter}`);
    made.set(mediaHeaders.epoch, of.epoch);
    made.set(mediaHeaders.sequence, String(before));
    made.set(mediaHeaders.published, String(Date.now()));
    made.set(mediaHeaders.codecs, of.codecs);
    made.set(mediaHeaders.picture, of.picture);
    sentInit = { epoch: of.epoch, at: performance.now(), bytes: 0 };
    send(subjects.init, of.init, made, reply);
  }

  function sendFragment(entry: RingEntry, number: number): void {
    const { fragment } = entry;
    const made = headers();
    made.set(mediaHeaders.messageId, `${streamId}.${fragment.epoch}.${fragment.sequence}`);
    made.set(mediaHeaders.epoch, fragment.epoch);
    made.set(mediaHeaders.sequence, String(fragment.sequence));
    made.set(mediaHeaders.published, String(fragment.publishedAt));
    made.set(mediaHeaders.time, String(fragment.timeMs));
    made.set(mediaHeaders.duration, String(fragment.durationMs));
    send(subjects[fragment.kind], fragment.data, made, String(number));
    if (entry.sends === 0) counters.published += 1;
    else counters.republished += 1;
    entry.sends += 1;
    entry.sentAt = performance.now();
    ring.setState(entry, 'sent');
    if (inFlight.size === 0) landedAt = entry.sentAt;
    inFlight.set(number, fragment.data.length);
    inFlightBytes += fragment.data.length;
    sentInit.bytes += fragment.data.length;
  }

  function send(subject: string, payload: Uint8Array, withHeaders: MsgHdrs, reply: string): void {
    try {
      connection.publish(subject, payload, { headers: withHeaders, reply: `${address.subject}.${reply}` });
    } catch (error) {
      // The connection is being closed; media wait in memory until their own end.
      setFlow('away');
      report(fromNatsError(error, subject));
    }
  }

  /** Sends what the window takes, up to the first that is held. */
  function pump(): void {
    if (flow !== 'flowing') return;
    next = Math.max(next, ring.first);
    for (let entry = ring.at(next); flow === 'flowing' && entry !== undefined && inFlightBytes < limits.windowBytes; entry = ring.at(next)) {
      if (entry.isHeld) break;
      if (entry.state === 'waiting' && fits(entry)) {
        if (isInitDue(entry)) sendInit(entry.epoch, entry.fragment.sequence, 'init');
        sendFragment(entry, next);
      }
      next += 1;
    }
    counters.queue_bytes = ring.openBytes;
  }

  /** Keeps the newest entry, and with it whatever comes after, from being sent until then. */
  function holdNewest(until: Promise<void>): void {
    const entry = ring.at(ring.end - 1);
    if (entry === undefined) return;
    entry.isHeld = true;
    const letGo = () => {
      entry.isHeld = false;
      pump();
    };
    until.then(letGo, letGo);
  }

  function isInitDue(entry: RingEntry): boolean {
    if (sentInit.epoch !== entry.epoch.epoch || sentInit.bytes > limits.initEveryBytes) return true;
    return performance.now() - sentInit.at > limits.initEveryMs;
  }

  function fits(entry: RingEntry): boolean {
    const allowed = (connection.info?.max_payload ?? Number.POSITIVE_INFINITY) - headerBytes;
    const size = entry.fragment.data.length;
    if (size <= allowed) return true;
    giveUp(entry, new WeirError('payload_too_large', `A fragment of ${size} bytes of ${streamId} does not fit: the bus takes ${allowed}`));
    return false;
  }

  function giveUp(entry: RingEntry, error: WeirError): void {
    counters.dropped += 1;
    ring.setState(entry, 'acked');
    report(error);
  }

  /** Stops sending and asks the journal with an init segment where it stands. */
  function startProbing(afterMs = 0): void {
    if (epoch === undefined) {
      setFlow('idle');
      return;
    }
    inFlight.clear();
    inFlightBytes = 0;
    for (let number = ring.firstOpen(); number < next; number += 1) {
      const entry = ring.at(number);
      if (entry?.state === 'sent') ring.setState(entry, 'waiting');
    }
    probe = { number: probe.number + 1, sentAt: 0, retryAt: performance.now() + afterMs, rewindTo: 0 };
    setFlow(events.connected ? 'probing' : 'away');
    if (flow === 'probing' && afterMs === 0) sendProbe();
  }

  function sendProbe(): void {
    const rewindTo = ring.keyBefore(ring.firstOpen(), limits.rewindMs);
    // The journal must not see an epoch before those that will be sent again.
    const entry = ring.at(rewindTo);
    const of = entry?.epoch ?? epoch;
    if (of === undefined) return;
    probe = { number: probe.number + 1, sentAt: performance.now(), retryAt: 0, rewindTo };
    sendInit(of, entry?.fragment.sequence ?? sequence, `p${probe.number}`);
  }

  function endProbing(ack: PubAck): void {
    const isSame = ack.seq > journalSequence;
    journalSequence = ack.seq;
    next = ring.firstOpen();
    if (!isSame) {
      next = Math.max(ring.first, Math.min(probe.rewindTo, next));
      ring.reopenFrom(next);
    }
    setFlow('flowing');
    pump();
  }

  function takeAck(msg: Msg): void {
    const token = msg.subject.slice(address.subject.length + 1);
    if (token.startsWith('p') && Number(token.slice(1)) !== probe.number) return;
    if (msg.data.length === 0) {
      // Nobody keeps this subject: the journal is not made yet, or was deleted.
      if (flow === 'flowing' || (flow === 'probing' && token.startsWith('p'))) startProbing(tickMs);
      return;
    }
    const ack = msg.json<PubAck & { error?: JetStreamFailure }>();
    if (ack.error !== undefined) takeFailure(token, fromJetStream(ack.error, `Media of ${streamId}`));
    else if (token.startsWith('p')) endProbing(ack);
    else takeStored(token, ack);
  }

  function takeFailure(token: string, error: WeirError): void {
    const entry = ring.at(Number(token));
    const hopeless: ErrorCode[] = ['payload_too_large', 'invalid_argument'];
    landed(Number(token));
    if (entry?.state === 'sent' && hopeless.includes(error.code)) {
      giveUp(entry, error);
      return;
    }
    report(error);
    if (flow === 'flowing' || flow === 'probing') startProbing(5 * tickMs);
  }

  function landed(number: number): void {
    inFlightBytes -= inFlight.get(number) ?? 0;
    inFlight.delete(number);
    landedAt = performance.now();
  }

  function takeStored(token: string, ack: PubAck): void {
    if (ack.seq > journalSequence) {
      journalSequence = ack.seq;
    } else if (ack.duplicate !== true) {
      // Another journal has taken the place of the old one while fragments were flowing.
      journalSequence = ack.seq;
      sentInit.epoch = '';
    }
    landed(Number(token));
    const entry = ring.at(Number(token));
    if (entry !== undefined && entry.state !== 'acked') {
      ring.setState(entry, 'acked');
      counters.acked += 1;
      counters.queue_bytes = ring.openBytes;
    }
    pump();
    if (ring.openBytes === 0) drained?.();
  }

  function tick(): void {
    const now = performance.now();
    if (flow === 'probing') {
      const isDue = probe.sentAt === 0 ? now >= probe.retryAt : now - probe.sentAt > limits.ackTimeoutMs;
      if (isDue) sendProbe();
    } else if (flow === 'flowing') {
      const oldest = ring.at(ring.firstOpen());
      const isOverdue = oldest?.state === 'sent' && now - oldest.sentAt > limits.ackTimeoutMs;
      const isStuck = inFlight.size > 0 && now - landedAt > limits.ackTimeoutMs;
      if (isOverdue || isStuck) startProbing();
    }
  }

  const address = connectionInbox(connection).open(takeAck);
  const timer = setInterval(tick, tickMs);
  const undo = [
    events.onDisconnect(() => startProbing()),
    events.onReconnect(() => startProbing()),
    events.onClose(() => setFlow('away')),
    events.onError((error) => {
      if (!(error instanceof PermissionViolationError) || !Object.values(subjects).includes(error.subject)) return;
      report(fromNatsError(error, error.subject));
      if (flow === 'flowing' || flow === 'probing') startProbing(limits.ackTimeoutMs);
    }),
  ];

  function close(): void {
    clearInterval(timer);
    for (const one of undo) one();
    address.close();
    options.signal?.removeEventListener('abort', close);
    setFlow('idle');
    epoch = undefined;
    drained?.();
  }
  if (options.signal?.aborted) close();
  else options.signal?.addEventListener('abort', close, { once: true });

  return {
    counters,
    begin(facts) {
      epoch = { ...facts, epoch: newEpoch(epoch?.epoch) };
      sequence = 0;
      if (flow === 'idle') startProbing();
      return epoch.epoch;
    },
    push(fragment, keep) {
      if (epoch === undefined) throw new WeirError('failed_precondition', 'Media can be pushed after `begin`, and not after `stop`');
      const stored: StoredFragment = { ...fragment, epoch: epoch.epoch, sequence, publishedAt: Date.now() };
      sequence += 1;
      for (const left of ring.push(stored, epoch)) if (left.state !== 'acked') counters.dropped += 1;
      counters.queue_bytes = ring.openBytes;
      const kept = keep?.(stored);
      if (kept !== undefined) holdNewest(kept);
      pump();
      return stored;
    },
    preRoll: () => ring.snapshot(),
    async stop(drainMs = 500) {
      if (flow === 'flowing' && ring.openBytes > 0) {
        await new Promise<void>((resolve) => {
          const late = setTimeout(resolve, drainMs);
          drained = () => {
            clearTimeout(late);
            resolve();
          };
        });
      }
      close();
    },
  };
}

/** Sorts as text by time, also when two begin within the same millisecond or the clock was set back. */
function newEpoch(last: string | undefined): string {
  const now = Date.now();
  const after = last === undefined ? 0 : Number.parseInt(last.slice(0, 9), 36) + 1;
  return `${Math.max(now, after).toString(36).padStart(9, '0')}-${nuid.next().slice(-6)}`;
}
