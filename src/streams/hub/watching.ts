/** Who watches: counts readers, starts on-demand streams for the first and stops them some time after the last. */
import { type BusServer, closeWatchPlace, countViewers, type MediaJournalLimits, openWatchPlace } from '../../bus/index.js';
import { type StreamStatus, type WatchReply, type WatchRequest, WeirError } from '../../contracts/index.js';
import type { Definitions } from './definitions.js';
import type { HubAccess, HubParts } from './needs.js';
import { streamIdOf } from './observations.js';

export interface WatchingOptions extends HubParts {
  readonly definitions: Definitions;
  readonly access: HubAccess;
  readonly statusOf: (streamId: string) => StreamStatus | null;
  /** An on-demand stream is wanted now, or no longer. */
  readonly onDemandChange: (streamId: string) => void;
}

interface Audience {
  viewers: number;
  /** When somebody last watched, or asked to; on the clock of `performance.now()`, so that no jump of the wall clock stops or keeps a stream. */
  lastWantedAt: number;
  isWanted: boolean;
}

/** Streams without an on-demand reason to look are counted this many times more rarely. */
const idleFactor = 5;

/** Owns the audience of each stream. */
export class Watching {
  readonly #options: WatchingOptions;
  readonly #audiences = new Map<string, Audience>();
  #server: BusServer | undefined;
  #timer: NodeJS.Timeout | undefined;
  #round = 0;

  constructor(options: WatchingOptions) {
    this.#options = options;
  }

  /** Answers watch requests from now on. The first count has been made when it resolves, so that a picture being watched is known. */
  async start(): Promise<void> {
    const { bus, signal } = this.#options;
    await this.#count();
    this.#server = bus.serve('stream_watch', {}, (request, meta, requestSignal) => this.watchFor(streamIdOf(meta), request, requestSignal), {
      queue: 'hub',
      concurrency: 32,
      limit: 1024,
      signal,
    });
    await this.#server.ready;
    this.#schedule();
  }

  viewers(streamId: string): number {
    return this.#audiences.get(streamId)?.viewers ?? 0;
  }

  /** True while somebody watches, and for `linger_s` after. */
  isWatched(streamId: string): boolean {
    return this.#audiences.get(streamId)?.isWanted === true;
  }

  /** Somebody wants to see it: an on-demand stream is started. */
  want(streamId: string): void {
    const audience = this.#audienceOf(streamId);
    audience.lastWantedAt = performance.now();
    if (audience.isWanted) return;
    audience.isWanted = true;
    if (this.#options.definitions.get(streamId)?.on_demand === true) this.#options.onDemandChange(streamId);
  }

  /** Nobody needs it by name any more: an on-demand stream ends without lingering, unless somebody watches. The next viewer starts it. */
  release(streamId: string): void {
    const audience = this.#audiences.get(streamId);
    if (audience === undefined || audience.viewers > 0) return;
    audience.lastWantedAt = Number.NEGATIVE_INFINITY;
    if (!audience.isWanted) return;
    audience.isWanted = false;
    if (this.#options.definitions.get(streamId)?.on_demand === true) this.#options.onDemandChange(streamId);
  }

  /** A reading place for a viewer of the bus; throws `permission_denied` or `not_found`. */
  async watchFor(streamId: string, request: WatchRequest, signal: AbortSignal): Promise<WatchReply> {
    if (!(await this.#options.access.mayWatch(request.viewer, streamId))) {
      throw new WeirError('permission_denied', `This login may not watch ${streamId}, or has ended`, { hint: 'Ask for bus credentials again' });
    }
    return this.openPlace(streamId, request, signal);
  }

  /** A reading place for somebody whose rights have been checked, the hub's own readers among them. */
  async openPlace(streamId: string, request: WatchRequest, signal: AbortSignal): Promise<WatchReply> {
    const { definitions, bus, roots } = this.#options;
    definitions.need(streamId);
    this.want(streamId);
    const place = await openWatchPlace({
      connection: bus.connection,
      streamId,
      viewer: request.viewer,
      ...(request.after === undefined ? {} : { after: request.after }),
      ...(request.journal === undefined ? {} : { journalId: request.journal }),
      roots,
      limits: this.limits,
      signal,
    });
    const status = this.#options.statusOf(streamId);
    return { stream_id: streamId, ...place, state: status?.state ?? 'stopped', ...(status?.reason === undefined ? {} : { reason: status.reason }) };
  }

  /** Takes a reading place away that is not needed any more. */
  async closePlace(streamId: string, viewer: string, signal: AbortSignal): Promise<void> {
    await closeWatchPlace(this.#options.bus.connection, streamId, viewer, signal);
  }

  /** Limits of every media journal. */
  get limits(): MediaJournalLimits {
    const { settings } = this.#options;
    return { maxAgeMs: settings.media_max_age_s * 1000, maxBytes: settings.media_max_bytes };
  }

  forget(streamId: string): void {
    this.#audiences.delete(streamId);
  }

  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#server?.stop();
  }

  #schedule(): void {
    if (this.#options.signal.aborted) return;
    this.#timer = setTimeout(() => {
      this.#count()
        .catch((error: unknown) => this.#options.log.debug({ err: error }, 'viewers could not be counted'))
        .finally(() => this.#schedule());
    }, this.#options.timing.viewersMs);
    this.#timer.unref();
  }

  async #count(): Promise<void> {
    const isFullRound = this.#round % idleFactor === 0;
    this.#round += 1;
    const due = this.#options.definitions.all().filter((record) => isFullRound || record.on_demand || this.#isLively(record.stream_id));
    // A few at a time: a hundred streams must not become a hundred requests at once.
    for (let at = 0; at < due.length; at += 8) {
      await Promise.all(due.slice(at, at + 8).map((record) => this.#countOne(record.stream_id, record.on_demand)));
    }
  }

  #isLively(streamId: string): boolean {
    const audience = this.#audiences.get(streamId);
    return audience !== undefined && (audience.viewers > 0 || audience.isWanted);
  }

  async #countOne(streamId: string, isOnDemand: boolean): Promise<void> {
    const { bus, lingerS, signal } = this.#options;
    const viewers = await countViewers(bus.connection, streamId, AbortSignal.any([signal, AbortSignal.timeout(5000)])).catch((error: unknown) => {
      // No journal, no viewers; while the broker is away the last count stands.
      if (error instanceof WeirError && error.code === 'not_found') return 0;
      return undefined;
    });
    if (viewers === undefined || (viewers === 0 && !this.#audiences.has(streamId))) return;
    const audience = this.#audienceOf(streamId);
    audience.viewers = viewers;
    if (viewers > 0) audience.lastWantedAt = performance.now();
    const isWanted = performance.now() - audience.lastWantedAt < Math.max(1000, lingerS() * 1000);
    if (isWanted === audience.isWanted) return;
    audience.isWanted = isWanted;
    if (isOnDemand) this.#options.onDemandChange(streamId);
  }

  #audienceOf(streamId: string): Audience {
    const known = this.#audiences.get(streamId);
    if (known !== undefined) return known;
    const audience = { viewers: 0, lastWantedAt: Number.NEGATIVE_INFINITY, isWanted: false };
    this.#audiences.set(streamId, audience);
    return audience;
  }
}
