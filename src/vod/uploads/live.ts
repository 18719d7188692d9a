/** What is known of uploads that move: who holds them, how fast bytes come, the digest that follows. In memory only. */
import { setTimeout as pause } from 'node:timers/promises';
import { WeirError } from '../../contracts/index.js';
import type { ContentHasher, FollowedHash } from './content-hash.js';

/** The right to change one upload; one connection has it at a time. */
export interface Hold {
  /** Aborts when another connection goes on with the upload: write what has come, and free it. */
  readonly signal: AbortSignal;
  free(): void;
}

interface Holder {
  readonly release: AbortController;
  readonly freed: Promise<void>;
}

interface Live {
  received: number;
  lastByteAt: number;
  /** Time and bytes, oldest first, over the last seconds. */
  marks: { at: number; bytes: number }[];
  hash: FollowedHash | undefined;
  holder: Holder | undefined;
}

/** The rate is that of so much time. */
const rateWindowMs = 5000;
const markEveryMs = 250;

export class LiveUploads {
  receivedBytes = 0;
  readonly #hasher: ContentHasher;
  readonly #quietMs: number;
  readonly #handOverMs: number;
  readonly #uploads = new Map<string, Live>();

  constructor(hasher: ContentHasher, timing: { readonly quietMs: number; readonly handOverMs: number }) {
    this.#hasher = hasher;
    this.#quietMs = timing.quietMs;
    this.#handOverMs = timing.handOverMs;
  }

  /** Uploads that some connection or fetch works on. */
  get active(): number {
    return [...this.#uploads.values()].filter((live) => live.holder !== undefined).length;
  }

  /**
   * Takes hold of an upload. While bytes come for another holder it throws `unavailable` with `facts.reason` `locked`; a silent holder, whose
   * client may long be gone, is asked to let go first, and with `urgent` any holder is.
   */
  async hold(uploadId: string, urgent: boolean, signal: AbortSignal): Promise<Hold> {
    const live = this.#get(uploadId);
    const deadline = Date.now() + this.#handOverMs;
    while (live.holder !== undefined) {
      const isMoving = Date.now() - live.lastByteAt < this.#quietMs;
      if ((isMoving && !urgent) || Date.now() >= deadline) throw locked(uploadId);
      const { release, freed } = live.holder;
      release.abort(new WeirError('cancelled', 'Another connection goes on with this upload'));
      await Promise.race([freed, pause(Math.max(1, deadline - Date.now()), undefined, { signal, ref: false })]);
    }
    return this.#take(live);
  }

  /** Whether somebody holds it. */
  isHeld(uploadId: string): boolean {
    return this.#uploads.get(uploadId)?.holder !== undefined;
  }

  /** The file has so many bytes, and they are good. Called at the begin of each connection and whenever some were written. */
  progress(uploadId: string, received: number): void {
    const live = this.#get(uploadId);
    const now = Date.now();
    if (received > live.received) this.receivedBytes += received - live.received;
    live.received = received;
    live.lastByteAt = now;
    if (now - (live.marks.at(-1)?.at ?? 0) < markEveryMs) return;
    live.marks.push({ at: now, bytes: received });
    while (live.marks.length > 2 && now - (live.marks[0]?.at ?? now) > rateWindowMs) live.marks.shift();
  }

  /** Lets the digest follow the file up to here. */
  follow(uploadId: string, path: string, good: number): void {
    const live = this.#get(uploadId);
    live.hash ??= this.#hasher.follow(path);
    live.hash.advance(good);
  }

  /** The digest of the whole file. */
  async digest(uploadId: string, path: string, size: number): Promise<string> {
    const live = this.#get(uploadId);
    const hash = live.hash ?? this.#hasher.follow(path);
    live.hash = undefined;
    return hash.finish(size);
  }

  /** The bytes begin anew: what the digest saw is void. */
  restart(uploadId: string): void {
    const live = this.#get(uploadId);
    live.hash?.drop();
    live.hash = undefined;
    live.received = 0;
    live.marks = [];
  }

  /** Undefined when nothing is known beyond the database. */
  receivedOf(uploadId: string): number | undefined {
    const live = this.#uploads.get(uploadId);
    return live === undefined || live.lastByteAt === 0 ? undefined : live.received;
  }

  /** True when a byte came a moment ago. */
  isMoving(uploadId: string): boolean {
    const live = this.#uploads.get(uploadId);
    return live !== undefined && live.holder !== undefined && Date.now() - live.lastByteAt < this.#quietMs;
  }

  /** Bytes per second over the last seconds; null while nothing moves or too little is known. */
  rateOf(uploadId: string): number | null {
    const live = this.#uploads.get(uploadId);
    const first = live?.marks[0];
    if (live === undefined || first === undefined || !this.isMoving(uploadId)) return null;
    const spanMs = live.lastByteAt - first.at;
    return spanMs < markEveryMs ? null : Math.max(0, ((live.received - first.bytes) / spanMs) * 1000);
  }

  /** The upload has ended. */
  forget(uploadId: string): void {
    const live = this.#uploads.get(uploadId);
    live?.hash?.drop();
    live?.holder?.release.abort(new WeirError('cancelled', 'The upload has ended'));
    this.#uploads.delete(uploadId);
  }

  /** Asks every holder to let go, for the stop. */
  releaseAll(): void {
    for (const live of this.#uploads.values()) live.holder?.release.abort(new WeirError('unavailable', 'The hub is stopping'));
  }

  #take(live: Live): Hold {
    const release = new AbortController();
    let freed = (): void => undefined;
    const holder: Holder = {
      release,
      freed: new Promise((resolve) => {
        freed = resolve;
      }),
    };
    live.holder = holder;
    // A new holder counts as moving, or it would be asked to let go before its first byte.
    live.lastByteAt = Date.now();
    live.marks = [];
    return {
      signal: release.signal,
      free: () => {
        if (live.holder === holder) live.holder = undefined;
        freed();
      },
    };
  }

  #get(uploadId: string): Live {
    let live = this.#uploads.get(uploadId);
    if (live === undefined) {
      live = { received: 0, lastByteAt: 0, marks: [], hash: undefined, holder: undefined };
      this.#uploads.set(uploadId, live);
    }
    return live;
  }
}

function locked(uploadId: string): WeirError {
  return new WeirError('unavailable', 'Another connection is sending to this upload', {
    hint: 'wait until it has ended, then ask where to go on',
    facts: { resource: 'upload', id: uploadId, reason: 'locked' },
    retryAfterS: 2,
  });
}
