/** Live HLS over the fragments of the bus: playlists from an index of the journal, parts by reading the journal. */
import { findJournal, type JournalMessage, type KeyValue, keyValue, readJournal } from '../../bus/index.js';
import { mediaJournalName, publishSubject, WeirError } from '../../contracts/index.js';
import { concatBytes } from '../../media/index.js';
import { formatPlaylist, type HlsAnchor, HlsIndex, type HlsSegment, initPartName, parsePartName } from './hls-index.js';
import { newestOf } from './journal-seek.js';
import { type MarkReader, openMarkReader } from './mark-reader.js';
import type { HubParts } from './needs.js';
import type { MediaFile } from './operations.js';
import type { Watching } from './watching.js';

/** Segments of this age are still listed; the journal keeps them at least as long again for clients that fetch late. */
const windowMs = 20_000;
const minListed = 3;
const maxRemembered = 120;
/** An index that nobody asked for so long is let go. */
const idleMs = 15_000;
/** The first playlist of a stream that just starts waits for its first segment, at most so long. */
const firstSegmentMs = 10_000;
/** Messages of one part at most: a minute of 120 fragments a second. */
const maxPartMessages = 7200;
const anchorBucket = 'HLS_ANCHORS';

/** An anchor as it is shared: sequences mean something only within one journal. */
interface KeptAnchor extends HlsAnchor {
  readonly journal: string;
}

interface Reading {
  readonly index: HlsIndex;
  readonly journalId: string;
  reader: MarkReader | undefined;
  lastAskedAt: number;
  isEnded: boolean;
  /** Calls back at each finished segment. */
  readonly waiting: Set<() => void>;
}

/** Owns an index per stream that is being watched through HLS. */
export class Hls {
  readonly #parts: HubParts;
  readonly #watching: Watching;
  readonly #readings = new Map<string, Promise<Reading>>();
  readonly #timer: NodeJS.Timeout;
  #anchors: Promise<KeyValue> | undefined;

  constructor(parts: HubParts, watching: Watching) {
    this.#parts = parts;
    this.#watching = watching;
    this.#timer = setInterval(() => void this.#letGo(), 5000);
    this.#timer.unref();
  }

  /** The playlist as of now. Throws `unavailable` when no segment came within ten seconds. */
  async playlist(streamId: string, signal: AbortSignal): Promise<MediaFile> {
    this.#watching.want(streamId);
    const reading = await this.#reading(streamId);
    reading.lastAskedAt = performance.now();
    if (reading.index.segments.length === 0) await firstSegment(reading, AbortSignal.any([signal, AbortSignal.timeout(firstSegmentMs)]));
    const facts = await findJournal(this.#parts.bus.connection, mediaJournalName(streamId), signal);
    reading.index.forgetBefore(facts?.firstSequence ?? 0);
    const listed = listedOf(reading.index.segments);
    if (listed.length === 0) {
      signal.throwIfAborted();
      throw new WeirError('unavailable', `${streamId} has no picture yet`, { hint: 'Try again in a few seconds' });
    }
    return { contentType: 'application/vnd.apple.mpegurl', body: formatPlaylist(listed, reading.index.targetDurationS), maxAgeS: 0 };
  }

  /** An init or media segment named in a playlist. Throws `not_found` when the journal no longer has it. */
  async part(streamId: string, name: string, signal: AbortSignal): Promise<MediaFile> {
    const part = parsePartName(name);
    if (part === undefined) throw new WeirError('not_found', `There is no part ${name}`);
    this.#watching.want(streamId);
    const body = part.kind === 'init' ? await this.#init(streamId, name, signal) : await this.#segment(streamId, part.first, part.last, signal);
    // Not cached: after a restart of the broker the journal counts from one again.
    return { contentType: 'video/mp4', body, maxAgeS: 0 };
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    for (const reading of this.#readings.values()) await reading.then((one) => one.reader?.stop()).catch(() => undefined);
    this.#readings.clear();
  }

  async #segment(streamId: string, first: number, last: number, signal: AbortSignal): Promise<Uint8Array> {
    if (last - first >= maxPartMessages) throw new WeirError('not_found', 'There is no such segment');
    const { bus, roots } = this.#parts;
    const page = await readJournal(bus.connection, mediaJournalName(streamId), { after: first - 1, limit: last - first + 1, signal });
    const init = publishSubject('stream_media_init', { stream_id: streamId }, roots);
    const fragments = page.items.filter((item) => item.sequence <= last && item.subject !== init);
    const epoch = fragments[0]?.header('Weir-Epoch');
    const isWhole = fragments[0]?.sequence === first && fragments.at(-1)?.sequence === last;
    if (!isWhole) throw new WeirError('not_found', 'This segment is no longer kept', { hint: 'Load the playlist again' });
    // A word of an encoder that was replaced may stand between those of its successor.
    return concatBytes(fragments.filter((item) => item.header('Weir-Epoch') === epoch).map((item) => item.data));
  }

  async #init(streamId: string, name: string, signal: AbortSignal): Promise<Uint8Array> {
    const { bus, roots } = this.#parts;
    const subject = publishSubject('stream_media_init', { stream_id: streamId }, roots);
    const newest = await newestOf(bus.connection, mediaJournalName(streamId), subject, signal);
    if (newest !== undefined && isNamed(newest, name)) return newest.data;
    const page = await readJournal(bus.connection, mediaJournalName(streamId), { subject, limit: 50, signal });
    const found = page.items.findLast((item) => isNamed(item, name));
    if (found === undefined) throw new WeirError('not_found', 'This init segment is no longer kept', { hint: 'Load the playlist again' });
    return found.data;
  }

  #reading(streamId: string): Promise<Reading> {
    const known = this.#readings.get(streamId);
    if (known !== undefined) return known;
    const opening = this.#open(streamId);
    this.#readings.set(streamId, opening);
    opening.catch(() => this.#readings.delete(streamId));
    return opening;
  }

  async #open(streamId: string): Promise<Reading> {
    const facts = await findJournal(this.#parts.bus.connection, mediaJournalName(streamId), this.#parts.signal);
    if (facts === undefined) throw new WeirError('unavailable', `${streamId} has no picture yet`, { hint: 'Try again in a few seconds' });
    const kept = await this.#readAnchor(streamId);
    const anchor = kept?.journal === facts.journalId && kept.sequence >= facts.firstSequence ? kept : undefined;
    const reading: Reading = {
      index: new HlsIndex({ limit: maxRemembered, anchor }),
      journalId: facts.journalId,
      reader: undefined,
      lastAskedAt: performance.now(),
      isEnded: false,
      waiting: new Set(),
    };
    reading.reader = await openMarkReader({
      connection: this.#parts.bus.connection,
      streamId,
      onMark: (mark) => {
        if (!reading.index.add(mark)) return;
        for (const wake of reading.waiting) wake();
      },
      onEnd: () => {
        reading.isEnded = true;
        this.#readings.delete(streamId);
        for (const wake of reading.waiting) wake();
        void reading.reader?.stop().catch(() => undefined);
      },
    });
    await reading.reader.caughtUp;
    await this.#writeAnchor(streamId, reading);
    return reading;
  }

  /** Where any hub counted last: while that key is still kept, everybody goes on from there and so counts alike. */
  async #readAnchor(streamId: string): Promise<KeptAnchor | undefined> {
    try {
      const entry = await (await this.#bucket()).get(streamId);
      if (entry?.value === undefined) return undefined;
      const anchor = JSON.parse(new TextDecoder().decode(entry.value)) as KeptAnchor;
      return Number.isSafeInteger(anchor.sequence) && Number.isSafeInteger(anchor.number) ? anchor : undefined;
    } catch (error) {
      this.#parts.log.debug({ err: error, stream_id: streamId }, 'no HLS anchor could be read');
      return undefined;
    }
  }

  async #writeAnchor(streamId: string, { index, journalId }: Reading): Promise<void> {
    const { anchor } = index;
    if (anchor === undefined) return;
    try {
      await (await this.#bucket()).put(streamId, JSON.stringify({ ...anchor, journal: journalId } satisfies KeptAnchor));
    } catch (error) {
      this.#parts.log.debug({ err: error, stream_id: streamId }, 'the HLS anchor could not be kept');
    }
  }

  #bucket(): Promise<KeyValue> {
    if (this.#anchors === undefined) {
      // In memory and short-lived, like the media it points into.
      this.#anchors = keyValue(this.#parts.bus.connection, { bucket: anchorBucket, storage: 'memory', ttlMs: 120_000 });
      this.#anchors.catch(() => {
        this.#anchors = undefined;
      });
    }
    return this.#anchors;
  }

  async #letGo(): Promise<void> {
    for (const [streamId, opening] of [...this.#readings]) {
      const reading = await opening.catch(() => undefined);
      if (reading === undefined) continue;
      if (performance.now() - reading.lastAskedAt < idleMs) {
        await this.#writeAnchor(streamId, reading);
        continue;
      }
      this.#readings.delete(streamId);
      await reading.reader?.stop();
    }
  }
}

function isNamed(init: JournalMessage, name: string): boolean {
  return initPartName(init.header('Weir-Epoch') ?? '') === name;
}

/** The newest segments that together last `windowMs`, and at least three when there are. */
function listedOf(segments: readonly HlsSegment[]): readonly HlsSegment[] {
  let lengthMs = 0;
  let from = segments.length;
  while (from > 0 && (lengthMs < windowMs || segments.length - from < minListed)) {
    from -= 1;
    lengthMs += segments[from]?.durationMs ?? 0;
  }
  return segments.slice(from);
}

async function firstSegment(reading: Reading, signal: AbortSignal): Promise<void> {
  if (reading.isEnded || signal.aborted) return;
  await new Promise<void>((resolve) => {
    const done = () => {
      reading.waiting.delete(done);
      signal.removeEventListener('abort', done);
      resolve();
    };
    reading.waiting.add(done);
    signal.addEventListener('abort', done, { once: true });
  });
}
