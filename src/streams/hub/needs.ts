/** What the hub side of streams is given; `apps` passes the big objects. */
import type { Bus } from '../../bus/index.js';
import type { Config, RecordingOrder, Roots, StorageLimits, SystemHealth } from '../../contracts/index.js';
import type { MachineFacts } from '../../media/index.js';
import type { Store } from '../../store/index.js';

/** The part of the store that streams use. */
export type HubStore = Pick<Store, 'transaction' | 'streams' | 'alerts' | 'spokes' | 'settings' | 'outbox' | 'onOutbox' | 'exclusive'>;

/** Structured log; pino fits. */
export interface HubLog {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** Rights on the bus, kept elsewhere. */
export interface HubAccess {
  /** True when the reading place `viewer` belongs to a live login that may see the stream. */
  mayWatch(viewer: string, streamId: string): boolean | Promise<boolean>;
  /** Lets a spoke publish and hear exactly these streams; resolves once the broker obeys. Left out: the broker has no such bounds. */
  bindSpoke?(spokeId: string, streamIds: readonly string[], signal: AbortSignal): Promise<void>;
}

/** Free space of the disk that holds journals and database. */
export interface DiskSpace {
  readonly freeBytes: number;
  readonly totalBytes: number;
}

export type StreamSettings = Pick<Config['streams'], 'media_folders' | 'source_hosts' | 'media_max_age_s' | 'media_max_bytes' | 'linger_s'>;

/** Times that only tests shorten. */
export interface HubTiming {
  /** Silence after which a spoke is lost. */
  readonly spokeLostMs: number;
  /** A lost spoke keeps its streams for so long before they move. */
  readonly graceMs: number;
  /** A full look at everything, even when nothing seems to have changed. */
  readonly reconcileMs: number;
  /** Whole assignments are sent again after so long, changed or not. */
  readonly reassignMs: number;
  /** How often readers are counted. */
  readonly viewersMs: number;
  readonly healthMs: number;
  /** No report of a foreign stream for so long: its spoke is asked, and lost when it does not answer. */
  readonly foreignSilenceMs: number;
}

export const defaultTiming: HubTiming = {
  spokeLostMs: 6500,
  graceMs: 10_000,
  reconcileMs: 5000,
  reassignMs: 60_000,
  viewersMs: 2000,
  healthMs: 5000,
  foreignSilenceMs: 15_000,
};

/** What shall be recorded, kept elsewhere. */
export interface WantedRecordings {
  /** Orders for now and later; they go into the assignment of the stream's spoke. */
  ordersOf(streamId: string): readonly RecordingOrder[];
  /** True while a stream must run for a recording, although nobody watches or wants it otherwise. */
  isWanted(streamId: string): boolean;
  /** When spokes may not record; goes into every assignment. Left out: what each spoke was started with. */
  limits?(): StorageLimits;
  /** A stream is about to be deleted: ends its recordings while its spoke may still speak of it. Resolves when that is done, or takes too long. */
  forgetStream?(streamId: string): Promise<void>;
}

export interface StreamsHubOptions {
  /** Connected with the rights of the hub; remains the caller's to close. */
  readonly bus: Bus;
  readonly store: HubStore;
  readonly log: HubLog;
  readonly access: HubAccess;
  readonly settings: StreamSettings;
  /** FFmpeg of this machine, for stills and command previews; without it these answer `unavailable`. */
  readonly facts?: MachineFacts | undefined;
  /** Asked at every look at what is wanted. It must know the orders of before the hub's start, else spokes would end them. Left out: none. */
  readonly recordings?: WantedRecordings | undefined;
  /** True when hub and spokes share a disk, so that a missing file is refused at once. Default false. */
  readonly checkFiles?: boolean;
  /** Health of the whole, published every 5 s and whenever `healthChanged` is called. Left out: not published. */
  readonly health?: ((signal: AbortSignal) => SystemHealth | Promise<SystemHealth>) | undefined;
  /** Looked at every minute for the alert `disk_low`. */
  readonly disk?: (() => Promise<DiskSpace>) | undefined;
  readonly timing?: Partial<HubTiming>;
}

/** What most nouns of the hub need. */
export interface HubParts {
  readonly bus: Bus;
  readonly roots: Roots;
  readonly store: HubStore;
  readonly log: HubLog;
  readonly timing: HubTiming;
  readonly settings: StreamSettings;
  /** Seconds that an on-demand stream runs on after its last viewer, as of now. */
  readonly lingerS: () => number;
  /** Aborts when the hub stops. */
  readonly signal: AbortSignal;
}
