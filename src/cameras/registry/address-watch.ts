/** Cameras with an address: looks whether they are there, learns from their pictures what they deliver. */
import type { CameraCapabilities, StreamStatus } from '../../contracts/index.js';
import { doorOfDevice } from './address.js';
import type { CameraEntry } from './camera-book.js';
import type { CameraParts } from './parts.js';
import { isReachable } from './reach.js';
import type { CameraStandings } from './standings.js';

/** Cameras looked at, and sources probed, at the same time. */
const looksAtOnce = 8;
const probesAtOnce = 2;
/** Those that a person waits for come on top. */
const urgentProbesAtOnce = 8;
const probeMs = 15_000;
/** Cameras lock users out who try a wrong password too often. */
const longestPause = 64;

/** Owns what looks from here have told. */
export class AddressWatch {
  readonly #parts: CameraParts;
  readonly #standings: CameraStandings;
  readonly #onWork: (work: Promise<unknown>, message: string) => void;
  /** Camera and address, so that a new address is looked at while the look at the old one goes on. */
  readonly #probing = new Set<string>();
  /** Rounds to let pass before the next look into media that was wrong; twice as many after each. */
  readonly #patience = new WeakMap<CameraEntry, { pause: number; left: number }>();
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: CameraParts, standings: CameraStandings, onWork: (work: Promise<unknown>, message: string) => void) {
    this.#parts = parts;
    this.#standings = standings;
    this.#onWork = onWork;
  }

  start(): void {
    this.#schedule(0);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  /** Looks at one camera now. Never throws. */
  async look(entry: CameraEntry): Promise<void> {
    const { timing, signal, streams, policy } = this.#parts;
    const door = doorOfDevice(streams.stored(entry.record.camera_id)?.config.device, policy);
    const isThere = await isReachable(door, { timeoutMs: timing.checkTimeoutMs, signal });
    if (signal.aborted || this.#parts.book.get(entry.record.camera_id) !== entry) return;
    if (isThere === undefined) return this.#standings.judge(entry);
    // A camera whose picture comes while no door opens here is on a network that only its spoke sees.
    if (isThere || this.#isPlaying(entry)) entry.isBeyondSight = !isThere;
    entry.reach = isThere ? 'reachable' : 'unreachable';
    if (isThere) this.#standings.seen(entry);
    this.#standings.judge(entry);
  }

  /**
   * Has a spoke look into the media once, to know size and rate before anybody watches; resolves when it has, or could not, and never
   * rejects. What could not be looked at now is with one of the next rounds.
   */
  async probe(entry: CameraEntry, atMost = probesAtOnce): Promise<void> {
    const { camera_id: cameraId, kind } = entry.record;
    if (kind === 'test') return;
    const device = this.#parts.streams.stored(cameraId)?.config.device;
    const key = `${cameraId} ${device}`;
    if (device === undefined || this.#probing.has(key) || this.#probing.size >= atMost) return;
    this.#probing.add(key);
    const work = this.#probe(entry, device).finally(() => this.#probing.delete(key));
    this.#onWork(work, 'a camera could not be probed');
    await work.catch(() => undefined);
  }

  /** A person waits for what there is to learn of a camera: looks at once, at address and media. Never rejects. */
  async lookClosely(entry: CameraEntry): Promise<void> {
    await Promise.all([this.look(entry), this.probe(entry, urgentProbesAtOnce)]);
  }

  /** The camera has another address or login: what was wrong with the old says nothing of it. Looks anew at once; never throws. */
  async renew(entry: CameraEntry): Promise<void> {
    this.#patience.delete(entry);
    entry.mediaError = undefined;
    entry.definitionError = undefined;
    entry.isBeyondSight = false;
    entry.isSeen = false;
    await this.lookClosely(entry);
  }

  /** The state of its stream may have changed: what runs tells what the camera delivers. */
  learn(entry: CameraEntry): void {
    if (entry.record.kind === 'v4l2') return;
    const status = this.#parts.streams.shown(entry.record.camera_id)?.status ?? undefined;
    if (status?.state === 'error' && status.reason === 'source_unreachable') {
      entry.isBeyondSight = false;
      if (entry.reach === 'reachable') entry.reach = 'unreachable';
    }
    if (!isPlaying(status)) return;
    entry.mediaError = undefined;
    entry.isSeen = true;
    // A stream that ran is proof enough where no door can be tried.
    if (entry.reach === 'unknown') entry.reach = 'reachable';
    this.#standings.seen(entry);
    if (status?.video !== undefined && status.mode !== 'encode') this.#remember(entry, status.video, 0);
  }

  async #probe(entry: CameraEntry, device: string): Promise<void> {
    const { streams, signal, log } = this.#parts;
    const found = await streams.probe(device, null, AbortSignal.any([signal, AbortSignal.timeout(probeMs)])).catch((error: unknown) => {
      // No spoke to ask, or it is busy: the camera is no worse for it.
      if (!signal.aborted) log.debug({ err: error, camera_id: entry.record.camera_id }, 'nobody could look at a camera');
      return undefined;
    });
    if (signal.aborted || this.#parts.book.get(entry.record.camera_id) !== entry) return;
    if (streams.stored(entry.record.camera_id)?.config.device !== device) return;
    entry.isSeen = true;
    if (found === undefined) return this.#standings.judge(entry);
    const before = entry.mediaError;
    entry.mediaError = found.error?.detail ?? (found.reachable ? undefined : 'It does not answer');
    const pause = Math.min(longestPause, 2 * (this.#patience.get(entry)?.pause ?? 1));
    if (entry.mediaError === undefined) this.#patience.delete(entry);
    else this.#patience.set(entry, { pause, left: pause });
    if (found.video !== undefined) this.#remember(entry, found.video, found.took_ms);
    if (found.reachable) this.#standings.seen(entry);
    // A spoke that reaches it knows better than a look from here.
    if (found.reachable && entry.reach !== 'reachable') entry.isBeyondSight = true;
    this.#standings.judge(entry);
    if (entry.mediaError === undefined || entry.mediaError === before) return;
    this.#standings.tell({ type: 'capability_error', camera: this.#standings.show(entry), error: entry.mediaError });
  }

  #remember(entry: CameraEntry, video: NonNullable<StreamStatus['video']>, tookMs: number): void {
    const size = { width: video.width, height: video.height, frame_rates: video.frame_rate === undefined ? [] : [video.frame_rate] };
    const before = entry.record.capabilities?.formats.find((format) => format.pixel_format === video.codec && isSame(format.sizes[0], size));
    // A running stream does not tell of them: what a look into the source told stays true for the same picture.
    const bFrames = video.b_frames ?? before?.b_frames;
    // Profiles that ONVIF named stay, after the one that is delivered.
    const others = (entry.record.capabilities?.formats ?? []).filter(
      (format) => format.pixel_format !== video.codec || format.sizes.some((one) => one.width !== size.width || one.height !== size.height),
    );
    const isKnown = before !== undefined && before === entry.record.capabilities?.formats[0] && before.b_frames === bFrames;
    if (isKnown) return;
    const keep = entry.record.kind === 'onvif' ? others : [];
    const capabilities: CameraCapabilities = {
      formats: [{ pixel_format: video.codec, sizes: [size], ...(bFrames === undefined ? {} : { b_frames: bFrames }) }, ...keep],
      controls: [],
      probed_at: new Date().toISOString(),
      took_ms: Math.max(0, tookMs),
    };
    const work = this.#parts.book.change(entry, { capabilities }).then(() => {
      this.#standings.tell({ type: 'capability_detected', camera: this.#standings.show(entry) });
    });
    this.#onWork(work, 'what a camera delivers could not be stored');
  }

  /** Nobody has looked into its media yet, or what was seen there was wrong and may be better now. */
  #isUnclear(entry: CameraEntry): boolean {
    const isUnknown = entry.record.capabilities === null || entry.mediaError !== undefined || !entry.isSeen;
    return isUnknown && !this.#isPlaying(entry);
  }

  #isDue(entry: CameraEntry): boolean {
    const patience = this.#patience.get(entry);
    if (patience === undefined) return true;
    patience.left -= 1;
    return patience.left <= 0;
  }

  #isPlaying(entry: CameraEntry): boolean {
    return isPlaying(this.#parts.streams.shown(entry.record.camera_id)?.status ?? undefined);
  }

  #schedule(delayMs: number): void {
    this.#timer = setTimeout(() => {
      this.#lookAtAll()
        .catch((error: unknown) => this.#parts.log.warn({ err: error }, 'cameras could not be looked at'))
        .finally(() => {
          if (!this.#parts.signal.aborted) this.#schedule(this.#parts.timing.checkMs);
        });
    }, delayMs);
    this.#timer.unref();
  }

  async #lookAtAll(): Promise<void> {
    const waiting = this.#parts.book.all().filter((entry) => entry.record.kind !== 'v4l2');
    const lane = async () => {
      for (let entry = waiting.shift(); entry !== undefined && !this.#parts.signal.aborted; entry = waiting.shift()) {
        await this.look(entry);
        if (entry.reach === 'reachable' && this.#isUnclear(entry) && this.#isDue(entry)) void this.probe(entry);
      }
    };
    await Promise.all(Array.from({ length: looksAtOnce }, lane));
  }
}

function isPlaying(status: StreamStatus | undefined): boolean {
  return status?.state === 'running' && status.no_signal !== true;
}

function isSame(
  a: { width: number; height: number; frame_rates: number[] } | undefined,
  b: { width: number; height: number; frame_rates: number[] },
): boolean {
  const rate = (size: { frame_rates: number[] }) => Math.round(size.frame_rates[0] ?? 0);
  return a !== undefined && a.width === b.width && a.height === b.height && rate(a) === rate(b);
}
