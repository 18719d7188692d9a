/** Streams of others: found by scans or named by hand, kept until removed. */
import { mayView } from '../../access/index.js';
import { type Config, type ExternalScan, type ExternalStream, type Operation, type Session, WeirError } from '../../contracts/index.js';
import { readAddress, showAddress } from '../registry/address.js';
import type { Actor } from '../registry/needs.js';
import type { CameraParts } from '../registry/parts.js';
import { needAll } from '../registry/rights.js';
import { Turns } from '../registry/turns.js';
import { openRtsp } from './rtsp-probe.js';
import { capabilitiesOf, type ScanReport, type ScanWish, type SeenStream, scan } from './scan.js';

/** The operations on streams of others, named as their routes. */
export interface ExternalOperations {
  readonly list_external_streams: Operation<'list_external_streams'>;
  readonly scan_external_streams: Operation<'scan_external_streams'>;
  readonly add_external_stream: Operation<'add_external_stream'>;
  readonly remove_external_stream: Operation<'remove_external_stream'>;
  readonly set_scan_interval: Operation<'set_scan_interval'>;
}

/** How the list makes and removes cameras. */
export interface CamerasOfExternals {
  /** Adds a camera of kind `external`; its id. Throws what `add_camera` throws. */
  add(camera: { url: string; name: string }, actor: Actor): Promise<string>;
  /** Nothing happens when there is none. */
  remove(cameraId: string, actor: Actor): Promise<void>;
  /** The camera an address is already, whatever its credentials. */
  idOf(url: string): string | undefined;
}

interface FinishedScan {
  readonly key: string;
  readonly report: ScanReport;
  readonly atMs: number;
}

const intervalKey = 'external_scan_interval';
/** Found streams that nobody made a camera of; the ones seen longest ago give way. */
const maxKept = 1000;
/** Another scan for the same within this time gets the same answer, unless it insists. */
const freshMs = 3000;
const describeMs = 2000;

/** Owns the list and the clock of scans. */
export class Externals {
  readonly operations: ExternalOperations;
  readonly #parts: CameraParts;
  readonly #cameras: CamerasOfExternals;
  readonly #turns = new Turns();
  #running: { key: string; scan: Promise<FinishedScan> } | undefined;
  #last: FinishedScan | undefined;
  #intervalS = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: CameraParts, cameras: CamerasOfExternals) {
    this.#parts = parts;
    this.#cameras = cameras;
    this.operations = this.#createOperations();
  }

  /** Begins to scan by the clock, if that is wanted. */
  async start(): Promise<void> {
    const { store } = this.#parts;
    const { external } = this.#parts.current();
    const kept = await store.settings.get(intervalKey);
    this.#intervalS = typeof kept === 'number' ? kept : external.scan_interval;
    if (external.enabled && external.startup_scan) this.#scanQuietly();
    else this.#schedule();
  }

  /** The configuration has changed: the clock of scans follows. An interval in it that is new takes the place of one that was set by a call. */
  configured(before: Config['external_discovery']): void {
    const { external } = this.#parts.current();
    // What an earlier scan found answers for other settings.
    this.#last = undefined;
    if (external.scan_interval !== before.scan_interval) {
      this.#intervalS = external.scan_interval;
      this.#parts.store.settings.set(intervalKey, null).catch((error: unknown) => this.#complain(error, 'the interval of scans could not be kept'));
    }
    const ways = ({ enabled, scan_interval }: Config['external_discovery']) => `${enabled} ${scan_interval}`;
    if (ways(external) !== ways(before)) this.#schedule();
  }

  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    await Promise.allSettled([this.#running?.scan, this.#turns.idle()]);
  }

  /** A camera was forgotten: the stream it was made of is nobody's again. */
  async cameraRemoved(cameraId: string): Promise<void> {
    const { external_streams } = this.#parts.store;
    for (const stream of await external_streams.all()) {
      if (stream.camera_id === cameraId) await external_streams.put({ ...stream, camera_id: null });
    }
  }

  #createOperations(): ExternalOperations {
    return {
      list_external_streams: async (session) => ({
        items: (await this.#all()).filter((stream) => maySee(session, stream)),
        scan_interval: this.#intervalS,
      }),
      scan_external_streams: async (session, { body }, { signal }) => {
        needAll(session, 'scan the network');
        this.#needEnabled();
        const options = {
          skydio_enabled: body?.skydio_enabled ?? true,
          generic_enabled: body?.generic_enabled ?? false,
          force_rescan: body?.force_rescan ?? false,
          include_offline: body?.include_offline ?? false,
        };
        return this.#scanFor(options, signal);
      },
      add_external_stream: async (session, { body }, { signal }) => {
        needAll(session, 'add streams of others');
        this.#needEnabled();
        return this.#turns.run(() => this.#add(body, session, signal));
      },
      remove_external_stream: async (session, { query }) => {
        needAll(session, 'remove streams of others');
        await this.#turns.run(() => this.#remove(query.stream_url, session));
        return undefined;
      },
      set_scan_interval: async (_session, { body }) => {
        await this.#parts.store.settings.set(intervalKey, body.scan_interval);
        this.#intervalS = body.scan_interval;
        this.#schedule();
        return { scan_interval: this.#intervalS };
      },
    };
  }

  #needEnabled(): void {
    if (this.#parts.current().external.enabled) return;
    throw new WeirError('unsupported', 'Streams of others are not looked for here', {
      hint: 'Set external_discovery.enabled in the configuration',
      facts: { feature: 'external_discovery' },
    });
  }

  /** Cameras may have been added by their address alone: whether one was is asked anew each time. */
  async #all(): Promise<ExternalStream[]> {
    const streams = await this.#parts.store.external_streams.all();
    return streams.map((stream) => ({ ...stream, camera_id: stream.camera_id ?? this.#cameras.idOf(stream.url) ?? null }));
  }

  async #scanFor(options: ExternalScan['discovery_options'], signal: AbortSignal): Promise<ExternalScan> {
    const wish = { skydio: options.skydio_enabled, generic: options.generic_enabled };
    const { report, atMs } = await withSignal(this.#scan(wish, options.force_rescan), signal);
    const wanted = (stream: ExternalStream) => (stream.type === 'skydio_stanag4609' ? wish.skydio : wish.generic);
    const found = new Set(report.found.map((stream) => stream.url));
    const all = (await this.#all()).filter((stream) => found.has(stream.url) || (options.include_offline && wanted(stream)));
    return {
      discovered_streams: all,
      skydio_streams: all.filter((stream) => stream.type === 'skydio_stanag4609'),
      generic_streams: all.filter((stream) => stream.type === 'generic_rtsp'),
      scan_timestamp: new Date(atMs).toISOString(),
      total_found: all.length,
      discovery_options: options,
      scan_duration: `${(report.tookMs / 1000).toFixed(1)}s`,
      errors: report.errors,
    };
  }

  /** One scan at a time; who asks for what one does already waits for that. */
  async #scan(wish: ScanWish, isForced: boolean): Promise<FinishedScan> {
    const key = `${wish.skydio} ${wish.generic}`;
    for (let running = this.#running; running !== undefined; running = this.#running) {
      if (running.key === key && !isForced) return running.scan;
      await running.scan.catch(() => undefined);
    }
    const last = this.#last;
    if (!isForced && last?.key === key && Date.now() - last.atMs < freshMs) return last;
    const work = this.#runScan(key, wish).finally(() => {
      this.#running = undefined;
      this.#schedule();
    });
    this.#running = { key, scan: work };
    return work;
  }

  async #runScan(key: string, wish: ScanWish): Promise<FinishedScan> {
    const { signal } = this.#parts;
    const { external } = this.#parts.current();
    clearTimeout(this.#timer);
    const report = await scan(external, wish, signal);
    if (!signal.aborted) await this.#turns.run(() => this.#keep(report, wish));
    const finished = { key, report, atMs: Date.now() };
    this.#last = finished;
    return finished;
  }

  async #keep(report: ScanReport, wish: ScanWish): Promise<void> {
    const { external_streams } = this.#parts.store;
    const now = new Date().toISOString();
    const known = new Map((await external_streams.all()).map((stream) => [stream.url, stream]));
    for (const seen of report.found) await external_streams.put(merge(seen, known.get(seen.url), now));
    const found = new Set(report.found.map((stream) => stream.url));
    for (const stream of known.values()) {
      const isCovered = (stream.type === 'skydio_stanag4609' ? wish.skydio : wish.generic) && report.hasLookedAt(new URL(stream.url).hostname);
      if (isCovered && !found.has(stream.url) && stream.status !== 'ERROR') await external_streams.put({ ...stream, status: 'ERROR' });
    }
    await this.#makeRoom();
  }

  async #makeRoom(): Promise<void> {
    const loose = (await this.#all()).filter((stream) => stream.camera_id === null).sort((a, b) => (a.last_seen < b.last_seen ? -1 : 1));
    for (const stream of loose.slice(0, Math.max(0, loose.length - maxKept))) await this.#parts.store.external_streams.delete(stream.url);
  }

  async #add(
    {
      stream_url,
      stream_name: name,
      stream_type: type = 'generic_rtsp',
    }: { stream_url: string; stream_name: string; stream_type?: ExternalStream['type'] | undefined },
    session: Session,
    signal: AbortSignal,
  ): Promise<ExternalStream> {
    const address = needRtsp(stream_url, this.#parts);
    const camera_id = await this.#cameras.add({ url: stream_url, name }, session);
    const looked = await this.#describe(address.shown, signal);
    const known = await this.#parts.store.external_streams.get(address.shown);
    const now = new Date().toISOString();
    const stream: ExternalStream = {
      url: address.shown,
      type,
      name,
      status: looked === undefined ? 'ERROR' : 'DISCOVERED',
      discovered_at: known?.discovered_at ?? now,
      last_seen: looked === undefined ? (known?.last_seen ?? now) : now,
      camera_id,
      capabilities: { ...known?.capabilities, protocol: 'rtsp', ...looked },
    };
    await this.#parts.store.external_streams.put(stream);
    return stream;
  }

  /** Undefined when it does not answer now. */
  async #describe(shown: string, signal: AbortSignal): Promise<SeenStream['capabilities'] | undefined> {
    const url = new URL(shown);
    if (url.protocol !== 'rtsp:') return { protocol: 'rtsp', stream_path: url.pathname };
    const port = url.port === '' ? 554 : Number(url.port);
    const ended = AbortSignal.any([signal, this.#parts.signal]);
    const rtsp = await openRtsp({ host: url.hostname.replace(/^\[|\]$/g, ''), port }, { connectMs: describeMs, answerMs: describeMs, signal: ended });
    if (rtsp === undefined) return undefined;
    try {
      const description = await rtsp.describe(url.pathname + url.search);
      return description.status === 200 || description.status === 401 ? capabilitiesOf(port, url.pathname, description) : undefined;
    } finally {
      rtsp.close();
    }
  }

  async #remove(given: string, session: Session): Promise<void> {
    const url = URL.canParse(given) ? showAddress(given) : given;
    const stream = (await this.#all()).find((one) => one.url === url);
    if (stream === undefined)
      throw new WeirError('not_found', 'There is no such stream of others', {
        field: 'stream_url',
        received: url.slice(0, 120),
        facts: { resource: 'external_stream', id: url },
      });
    await this.#parts.store.external_streams.delete(stream.url);
    if (stream.camera_id !== null) await this.#cameras.remove(stream.camera_id, session);
  }

  #scanQuietly(): void {
    const { external } = this.#parts.current();
    const wish = { skydio: true, generic: external.generic_ranges.length + external.generic_known_hosts.length > 0 };
    this.#scan(wish, true).catch((error: unknown) => this.#complain(error, 'a scan for streams of others failed'));
  }

  #complain(error: unknown, message: string): void {
    const { log, signal } = this.#parts;
    if (!signal.aborted) log.warn({ err: error }, message);
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    const { signal } = this.#parts;
    const { external } = this.#parts.current();
    if (!external.enabled || this.#intervalS === 0 || signal.aborted) return;
    this.#timer = setTimeout(() => this.#scanQuietly(), this.#intervalS * 1000);
    this.#timer.unref();
  }
}

function needRtsp(url: string, { policy }: CameraParts): { shown: string } {
  if (!/^rtsps?:\/\//i.test(url)) {
    throw new WeirError('invalid_argument', 'stream_url must begin with rtsp:// or rtsps://', {
      field: 'stream_url',
      received: showAddress(url).slice(0, 120),
    });
  }
  return readAddress(url, {}, policy, 'stream_url');
}

function merge(seen: SeenStream, known: ExternalStream | undefined, now: string): ExternalStream {
  return {
    ...seen,
    // A name that a person gave stays.
    name: known?.name ?? seen.name,
    type: known?.type ?? seen.type,
    capabilities: { ...known?.capabilities, ...seen.capabilities },
    status: 'DISCOVERED',
    discovered_at: known?.discovered_at ?? now,
    last_seen: now,
    camera_id: known?.camera_id ?? null,
  };
}

/** Who is bound to some streams sees those of the cameras among them. */
function maySee(session: Session, stream: ExternalStream): boolean {
  return session.streams === null || (stream.camera_id !== null && mayView(session, stream.camera_id));
}

/** The caller need not wait on; the work goes on for the others. */
function withSignal<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = () => reject(new WeirError('cancelled', 'The operation was cancelled'));
    if (signal.aborted) return cancel();
    signal.addEventListener('abort', cancel, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', cancel));
  });
}
