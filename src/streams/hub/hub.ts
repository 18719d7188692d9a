/** The hub side of live streams: makes the nouns, ties them together, starts and stops them in order. */

import { setMaxListeners } from 'node:events';
import { type ComponentHealth, type Stream, WeirError } from '../../contracts/index.js';
import type { Snapshot } from '../../media/index.js';
import { AlertBook } from './alert-book.js';
import { Definitions } from './definitions.js';
import { Feed } from './event-feed.js';
import { untilShown } from './first-picture.js';
import { ForeignStreams } from './foreign-streams.js';
import { HealthBeat } from './health-beat.js';
import { serveHistory } from './history.js';
import { Hls } from './hls.js';
import { Journals } from './journals.js';
import { openLiveMp4 } from './live-mp4.js';
import { bridgeToBus, LocalEventBus } from './local-events.js';
import { defaultTiming, type HubParts, type StreamSettings, type StreamsHubOptions } from './needs.js';
import { createOrigin, Observations, type Observed } from './observations.js';
import type { StreamsOperations } from './operations.js';
import { startOutbox } from './outbox.js';
import { createOwnedStreams, type OwnedStreams } from './owned-streams.js';
import { PlainCommands } from './plain-commands.js';
import { Reconciler } from './reconciler.js';
import { Roster } from './roster.js';
import { Standings } from './standings.js';
import { Stills } from './still.js';
import { createStreamOperations, needView } from './stream-operations.js';
import { Watching } from './watching.js';

/** Each part of the hub may take so long to end. */
const stopPartMs = 6000;
/** Readers share the hub's signal; more of them than ten at a time are no leak. */
const manyListeners = 0;

/** The running hub side of streams. */
export interface StreamsHub {
  /** One operation per route; names and types are those of the route table. */
  readonly operations: StreamsOperations;
  /** Streams that other parts of the hub define and keep. */
  readonly owned: OwnedStreams;
  /** Every stream as it is shown, for callers inside the process. */
  streams(): Stream[];
  /** True for a stream that is defined now. */
  exists(streamId: string): boolean;
  /** Something that is asked for at every look has changed, for example the orders to record: look soon. */
  kick(): void;
  /** Somebody wants to see it: an on-demand stream that may run is started, and runs on for `linger_s` after its last viewer. */
  want(streamId: string): void;
  /**
   * A picture of the source as it is now, from its newest keyframe; starts the stream when it does not run.
   * Throws `not_found`, and `unavailable` when the stream cannot run, or no picture comes within ten seconds.
   */
  picture(streamId: string, snapshot: Snapshot, signal: AbortSignal): Promise<{ body: Uint8Array; takenAtMs: number }>;
  /** Changes what can be changed while streams run; used from now on. */
  configure(settings: Pick<StreamSettings, 'linger_s'>): void;
  /** Components `spokes` and `journals` for the health of the whole. */
  health(): ComponentHealth[];
  /** The health of the whole has changed: publish it now when a state differs. */
  healthChanged(): void;
  /** Ends intake, then what runs. Streams, spokes and pictures go on without the hub. */
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Resolves when commands, watch requests and reports are heard and all journals exist. Fails when the bus has no JetStream. */
export async function startStreamsHub(options: StreamsHubOptions): Promise<StreamsHub> {
  const abort = new AbortController();
  setMaxListeners(manyListeners, abort.signal);
  const hub = new HubNouns(options, abort);
  try {
    await hub.start();
  } catch (error) {
    await hub.stop();
    throw WeirError.from(error);
  }
  return hub;
}

class HubNouns implements StreamsHub {
  readonly operations: StreamsOperations;
  readonly owned: OwnedStreams;
  readonly #tellOwners: (streamId: string) => void;
  readonly #abort: AbortController;
  readonly #parts: HubParts;
  readonly #origin = createOrigin();
  readonly #events: LocalEventBus;
  readonly #definitions: Definitions;
  readonly #alerts: AlertBook;
  readonly #observations: Observations;
  readonly #roster: Roster;
  readonly #watching: Watching;
  readonly #journals: Journals;
  readonly #reconciler: Reconciler;
  readonly #foreign: ForeignStreams;
  readonly #standings: Standings;
  readonly #plain: PlainCommands;
  readonly #hls: Hls;
  readonly #stills: Stills;
  readonly #feed: Feed;
  readonly #beat: HealthBeat;
  readonly #ends: (() => void | Promise<void>)[] = [];
  #lingerS: number;
  #stopping: Promise<void> | undefined;
  #lastPruneAt = 0;

  constructor(options: StreamsHubOptions, abort: AbortController) {
    this.#abort = abort;
    const timing = { ...defaultTiming, ...options.timing };
    const { bus, store, log, settings, access } = options;
    const parts: HubParts = { bus, roots: bus.roots, store, log, timing, settings, lingerS: () => this.#lingerS, signal: abort.signal };
    this.#lingerS = settings.linger_s;
    const policy = { mediaFolders: settings.media_folders, sourceHosts: settings.source_hosts, checkFiles: options.checkFiles ?? false };
    this.#parts = parts;
    this.#events = new LocalEventBus((error) => log.warn({ err: error }, 'a listener of a local event failed'));
    this.#definitions = new Definitions({
      store,
      policy,
      onChange: (streamId) => {
        this.#reconciler.kick();
        this.#tellOwners(streamId);
      },
      waitsForUs: (streamId) => this.#roster.hasFixed(streamId),
    });
    this.#alerts = new AlertBook(parts, this.#events, this.#origin, (streamId) => this.#definitions.isJustDeleted(streamId));
    this.#observations = new Observations({
      bus,
      origin: this.#origin,
      onReport: (streamId, observed, isNews) => this.#onReport(streamId, observed, isNews),
    });
    this.#roster = new Roster({ bus, store, log, lostAfterMs: timing.spokeLostMs, signal: abort.signal, onChange: () => this.#reconciler.kick() });
    const definitions = this.#definitions;
    const statusOf = (streamId: string) => this.#standings.status(streamId);
    this.#watching = new Watching({ ...parts, definitions, access, statusOf, onDemandChange: () => this.#reconciler.kick() });
    this.#journals = new Journals(parts, definitions, this.#watching.limits);
    this.#reconciler = new Reconciler({
      ...parts,
      definitions,
      access,
      observations: this.#observations,
      roster: this.#roster,
      alerts: this.#alerts,
      isWatched: (streamId) => this.#watching.isWatched(streamId),
      recordings: options.recordings,
      onPass: () => this.#afterPass(),
    });
    const isSettled = () => this.#reconciler.isSettled;
    this.#foreign = new ForeignStreams({
      ...parts,
      definitions,
      observations: this.#observations,
      roster: this.#roster,
      alerts: this.#alerts,
      isSettled,
    });
    this.#standings = new Standings({
      definitions,
      observations: this.#observations,
      watching: this.#watching,
      isRecorded: (streamId) => options.recordings?.isWanted(streamId) === true,
      reconciler: this.#reconciler,
      roster: this.#roster,
      foreign: this.#foreign,
      events: this.#events,
      alerts: this.#alerts,
    });
    const { owned, tell } = createOwnedStreams({
      definitions,
      standings: this.#standings,
      roster: this.#roster,
      prepare: (streamId) => this.#prepare(streamId),
      endRecordings: async (streamId) => options.recordings?.forgetStream?.(streamId),
      forget: (streamId) => this.#forget(streamId),
      onFailure: (error) => log.warn({ err: error }, 'a listener of a stream failed'),
    });
    this.owned = owned;
    this.#tellOwners = tell;
    this.#plain = new PlainCommands({
      ...parts,
      definitions,
      isServed: (streamId) => this.#isServed(streamId),
      settle: (signal) => this.#reconciler.settle(signal),
      stateOf: (streamId) => statusOf(streamId)?.state,
    });
    this.#hls = new Hls(parts, this.#watching);
    this.#stills = new Stills(parts, this.#watching, options.facts);
    this.#feed = new Feed(parts, this.#events);
    this.#beat = new HealthBeat({ ...parts, events: this.#events, alerts: this.#alerts, health: options.health, disk: options.disk });
    const json = createStreamOperations({
      parts,
      definitions,
      policy,
      reconciler: this.#reconciler,
      plain: this.#plain,
      standings: this.#standings,
      foreign: this.#foreign,
      roster: this.#roster,
      facts: options.facts,
      prepare: (streamId) => this.#prepare(streamId),
      want: (streamId) => this.#watching.want(streamId),
      release: (streamId) => this.#watching.release(streamId),
      onChange: owned.onChange,
      endRecordings: async (streamId) => options.recordings?.forgetStream?.(streamId),
      forget: (streamId) => this.#forget(streamId),
    });
    this.operations = { ...json, ...this.#mediaOperations() };
  }

  async start(): Promise<void> {
    const { bus, store, log, signal } = this.#parts;
    await this.#definitions.load();
    await this.#alerts.start();
    this.#ends.push(
      bridgeToBus(this.#events, bus, this.#origin),
      this.#events.on('status', (status) => this.#tellOwners(status.stream_id)),
    );
    await this.#journals.start();
    await Promise.all([this.#observations.ready(), this.#roster.start(), this.#watching.start()]);
    const history = serveHistory(this.#parts, this.#definitions);
    this.#ends.push(() => history.stop());
    await history.ready;
    this.#plain.start();
    this.#feed.start();
    const outbox = startOutbox({ bus, store, log, signal });
    this.#ends.push(() => outbox.stop());
    this.#beat.start();
    await bus.flush(signal);
    this.#reconciler.kick();
    this.#askAll().catch((error: unknown) => log.debug({ err: error }, 'states could not be asked'));
  }

  streams(): Stream[] {
    return this.#definitions.all().map((record) => this.#standings.show(record));
  }

  exists(streamId: string): boolean {
    return this.#definitions.get(streamId) !== undefined;
  }

  kick(): void {
    this.#reconciler.kick();
  }

  want(streamId: string): void {
    if (this.#definitions.get(streamId) !== undefined) this.#watching.want(streamId);
  }

  async picture(streamId: string, snapshot: Snapshot, signal: AbortSignal): Promise<{ body: Uint8Array; takenAtMs: number }> {
    this.#definitions.need(streamId);
    const status = this.#standings.status(streamId);
    const isRunning = status?.state === 'running' && status.no_signal !== true;
    // A stream that cannot run says why long before the wait for a picture ends.
    const over = new AbortController();
    const until = AbortSignal.any([signal, over.signal]);
    const picture = this.#stills.picture(streamId, snapshot, isRunning, until);
    if (isRunning) return picture;
    const shown = untilShown({ status: (id) => this.#standings.status(id), onChange: this.owned.onChange }, streamId, until);
    picture.catch(() => undefined);
    shown.catch(() => undefined);
    try {
      return await Promise.race([picture, shown.then(() => picture)]);
    } finally {
      over.abort();
    }
  }

  configure({ linger_s }: Pick<StreamSettings, 'linger_s'>): void {
    this.#lingerS = linger_s;
  }

  health(): ComponentHealth[] {
    const spokes = this.#roster.list(() => []);
    const online = spokes.filter((spoke) => spoke.state === 'online').length;
    const isNeeded = this.#definitions.all().some((record) => record.managed && record.desired === 'running');
    const streams = this.streams();
    const failing = streams.filter((stream) => stream.desired === 'running' && stream.status?.state === 'error').length;
    return [
      {
        name: 'spokes',
        status: online > 0 || !isNeeded ? 'healthy' : 'unhealthy',
        ...(online > 0 || !isNeeded ? {} : { message: 'no spoke is online' }),
        details: { online, known: spokes.length },
      },
      {
        name: 'streams',
        status: failing === 0 ? 'healthy' : 'degraded',
        ...(failing === 0 ? {} : { message: `${failing} of ${streams.length} streams have no picture` }),
        details: { defined: streams.length, running: streams.filter((stream) => stream.status?.state === 'running').length, failing },
      },
    ];
  }

  healthChanged(): void {
    this.#beat.changed().catch((error: unknown) => this.#parts.log.warn({ err: error }, 'health could not be told'));
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#end();
    return this.#stopping;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #end(): Promise<void> {
    // Intake first: commands and watch requests under way are still finished.
    await this.#endOf('intake', Promise.all([this.#plain.stop(), this.#watching.stop()]));
    this.#beat.stop();
    await this.#endOf('readers', Promise.all([this.#feed.stop(), this.#hls.stop(), this.#stills.stop()]));
    this.#abort.abort();
    this.#journals.stop();
    this.#observations.stop();
    this.#alerts.stop();
    this.#roster.stop();
    await this.#endOf('placement', this.#reconciler.ended());
    await this.#endOf('outbox', Promise.all(this.#ends.reverse().map((end) => end())));
  }

  /** Waits for one part to end, but no longer than a stop may take; what did not end in time is told. */
  async #endOf(part: string, ending: Promise<unknown>): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<true>((resolve) => {
      timer = setTimeout(() => resolve(true), stopPartMs);
    });
    try {
      if ((await Promise.race([ending, late])) === true) this.#parts.log.warn({ part }, 'a part of the hub did not end in time');
    } catch (error) {
      this.#parts.log.warn({ err: error, part }, 'a part of the hub did not end well');
    } finally {
      clearTimeout(timer);
    }
  }

  #mediaOperations() {
    const see = (session: Parameters<typeof needView>[0], streamId: string) => {
      needView(session, streamId);
      this.#definitions.need(streamId);
    };
    return {
      stream_still: async (session, { params, query }, { signal }) => {
        see(session, params.stream_id);
        return this.#stills.still(params.stream_id, query.width, signal);
      },
      stream_live_mp4: async (session, { params }, { signal }) => {
        see(session, params.stream_id);
        return openLiveMp4(this.#parts, this.#watching, params.stream_id, signal);
      },
      stream_hls: async (session, { params }, { signal }) => {
        see(session, params.stream_id);
        return this.#hls.playlist(params.stream_id, signal);
      },
      stream_hls_part: async (session, { params }, { signal }) => {
        see(session, params.stream_id);
        return this.#hls.part(params.stream_id, params.part, signal);
      },
      events: async (session, { query }, { signal, lastEventId }) => {
        if (query.stream_id !== undefined) needView(session, query.stream_id);
        return this.#feed.open({ session, streamId: query.stream_id, types: query.types, lastEventId, signal });
      },
    } satisfies Partial<StreamsOperations>;
  }

  #onReport(streamId: string, observed: Observed, isNews: boolean): void {
    if (observed.progress !== undefined) this.#feed.progress(streamId, observed.progress);
    if (observed.metrics !== undefined) this.#feed.metrics(streamId, observed.metrics);
    if (isNews) this.#tellOwners(streamId);
    const record = this.#definitions.get(streamId);
    if (record === undefined) {
      if (this.#definitions.isJustDeleted(streamId)) this.#observations.forget(streamId);
      else this.#foreign.consider(streamId, observed);
      return;
    }
    this.#quietly(this.#foreign.heard(streamId), 'a foreign stream could not be noted');
    // A stream that its spoke tells of for the first time may have to be placed where it is.
    if (isNews && record.managed && this.#reconciler.spokeOf(streamId) === undefined) this.#reconciler.kick();
  }

  #isServed(streamId: string): boolean {
    const record = this.#definitions.get(streamId);
    if (record === undefined || record.managed) return record !== undefined && this.#reconciler.isServed(streamId);
    // A spoke of ours with fixed streams answers; a plain one may not, and then nobody does.
    return this.#foreign.lostSince(streamId) === undefined;
  }

  async #prepare(streamId: string): Promise<void> {
    try {
      await this.#journals.ensureMedia(streamId);
    } catch (error) {
      // The definition stands; the journal is made with the next pass, as soon as the broker is back.
      this.#parts.log.warn({ err: error, stream_id: streamId }, 'the media journal could not be made yet');
    }
  }

  async #forget(streamId: string): Promise<void> {
    this.#alerts.forgetStream(streamId);
    this.#watching.forget(streamId);
    this.#stills.forget(streamId);
    this.#foreign.forget(streamId);
    await this.#reconciler.settle(AbortSignal.any([this.#parts.signal, AbortSignal.timeout(5000)])).catch(() => undefined);
    this.#observations.forget(streamId);
    await this.#journals
      .removeMedia(streamId)
      .catch((error: unknown) => this.#parts.log.debug({ err: error, stream_id: streamId }, 'the media journal stays'));
  }

  #afterPass(): void {
    this.#quietly(this.#standings.speak(), 'states could not be told');
    this.#quietly(this.#foreign.check(), 'foreign streams could not be asked');
    for (const record of this.#definitions.all()) this.#quietly(this.#prepare(record.stream_id), 'a journal could not be made');
    const isUsed = (spokeId: string) => this.#reconciler.streamsOf(spokeId).length > 0;
    this.#quietly(this.#roster.finishDrains(isUsed), 'a spoke could not be drained');
    if (Date.now() - this.#lastPruneAt < 3600_000) return;
    this.#lastPruneAt = Date.now();
    this.#quietly(this.#roster.forgetOld(isUsed), 'old spokes could not be forgotten');
    this.#quietly(this.#alerts.prune(), 'old alerts could not be forgotten');
  }

  /** Learns at once what runs already; else it would be known with the next status, up to ten seconds later. */
  async #askAll(): Promise<void> {
    const records = this.#definitions.all();
    for (let at = 0; at < records.length; at += 16) {
      await Promise.all(
        records.slice(at, at + 16).map(async ({ stream_id: streamId }) => {
          const status = await this.#foreign.ask(streamId, 1000);
          if (status?.stream_id === streamId) this.#observations.take(status);
        }),
      );
    }
  }

  #quietly(work: Promise<unknown>, message: string): void {
    work.catch((error: unknown) => {
      if (!this.#parts.signal.aborted) this.#parts.log.warn({ err: error }, message);
    });
  }
}
