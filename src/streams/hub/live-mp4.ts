/** An endless fragmented MP4 over HTTP from the fragments of the bus. */
import { openMediaReader, type ReadFragment, type ReadInit } from '../../bus/index.js';
import { WeirError } from '../../contracts/index.js';
import { readTrackFacts, type TrackFacts } from '../../media/index.js';
import { moveFragment, type TrackOffsets } from './decode-time.js';
import type { HubParts } from './needs.js';
import type { MediaFlow } from './operations.js';
import type { Watching } from './watching.js';

/** A client this far behind is taken to the newest keyframe. */
const maxLagMs = 3000;
/** Fragments on their way to one client, at most. */
const creditMessages = 64;
const creditBytes = 4 * 1024 ** 2;
/** The answer begins with the picture; without one within this time there is none. */
const firstPictureMs = 10_000;

/**
 * Opens the flow and waits for its first picture; throws `unavailable` when none comes. Nothing is read from the bus before the
 * client has taken what came before. When the encoder changes, the flow goes on if its init segment is the same; else it ends,
 * as a player cannot take a second one: the client simply asks again.
 */
export async function openLiveMp4(parts: HubParts, watching: Watching, streamId: string, signal: AbortSignal): Promise<MediaFlow> {
  const viewer = `hub-${crypto.randomUUID().slice(0, 13)}`;
  const gate = new Gate();
  const timeline = new Timeline();
  const reader = openMediaReader({
    connection: parts.bus.connection,
    streamId,
    viewer,
    watch: (request, watchSignal) => watching.openPlace(streamId, request, watchSignal),
    maxLagMs,
    credit: creditMessages,
    creditBytes,
    onInit: (init) => {
      const first = timeline.begin(init);
      if (first === 'end') gate.end();
      return first === 'same' || first === 'end' ? undefined : gate.give(first);
    },
    onFragment: (fragment) => {
      const bytes = timeline.next(fragment);
      if (bytes !== undefined) return gate.give(bytes);
      gate.end();
      return undefined;
    },
    onGap: () => timeline.skip(),
    onState: (state) => {
      if (state.state === 'closed') gate.end(state.error);
    },
    signal,
  });
  // The reader waits at the gate, so it hears of the end only when that opens.
  const open = () => gate.end();
  signal.addEventListener('abort', open, { once: true });
  const close = async () => {
    signal.removeEventListener('abort', open);
    gate.end();
    await reader.stop();
    await watching.closePlace(streamId, viewer, parts.signal).catch(() => undefined);
  };
  try {
    const first = await gate.take(AbortSignal.any([signal, AbortSignal.timeout(firstPictureMs)]));
    if (first === undefined) throw new WeirError('unavailable', `${streamId} has no picture now`, { hint: 'Try again in a few seconds' });
    return { contentType: 'video/mp4', body: flow(first, gate, signal, close) };
  } catch (error) {
    await close();
    if (signal.aborted || error instanceof WeirError) throw WeirError.from(error);
    throw new WeirError('unavailable', `${streamId} has no picture now`, { cause: error, hint: 'Try again in a few seconds' });
  }
}

async function* flow(first: Uint8Array, gate: Gate, signal: AbortSignal, close: () => Promise<void>): AsyncGenerator<Uint8Array> {
  try {
    yield first;
    for (;;) {
      const bytes = await gate.take(signal).catch(() => undefined);
      if (bytes === undefined) return;
      yield bytes;
    }
  } finally {
    await close();
  }
}

/** One piece at a time from a giver that waits to a taker that waits. */
class Gate {
  #offered: { bytes: Uint8Array; taken: () => void } | undefined;
  #wake: (() => void) | undefined;
  #isEnded = false;
  #error: WeirError | undefined;

  /** Resolves when it was taken, or the gate has ended. */
  give(bytes: Uint8Array): Promise<void> {
    if (this.#isEnded) return Promise.resolve();
    return new Promise((resolve) => {
      this.#offered = { bytes, taken: resolve };
      this.#wake?.();
    });
  }

  /** The next piece; undefined at the end. Throws what ended it before its first piece, or when `signal` aborts. */
  async take(signal: AbortSignal): Promise<Uint8Array | undefined> {
    for (;;) {
      const offered = this.#offered;
      if (offered !== undefined) {
        this.#offered = undefined;
        offered.taken();
        return offered.bytes;
      }
      if (this.#error !== undefined) throw this.#error;
      if (this.#isEnded) return undefined;
      signal.throwIfAborted();
      await this.#change(signal);
    }
  }

  end(error?: WeirError): void {
    this.#isEnded = true;
    this.#error = error;
    this.#offered?.taken();
    this.#wake?.();
  }

  async #change(signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      const wake = () => {
        signal.removeEventListener('abort', wake);
        this.#wake = undefined;
        resolve();
      };
      this.#wake = wake;
      signal.addEventListener('abort', wake, { once: true });
    });
  }
}

/** One continuous timeline out of epochs and jumps: players neither go back nor wait for a hole to pass. */
export class Timeline {
  #init: ReadInit | undefined;
  #facts: TrackFacts | undefined;
  #shiftMs = 0;
  #endMs: number | undefined;
  #isBroken = false;

  /** The init segment to send, `same` when the client has it already, `end` when it cannot go on. */
  begin(init: ReadInit): Uint8Array | 'same' | 'end' {
    const before = this.#init;
    this.#init = init;
    if (before === undefined) {
      this.#facts = readTrackFacts(init.data);
      // Kept for as long as the flow lasts, so it must not hold on to a larger buffer.
      this.#init = { ...init, data: new Uint8Array(init.data) };
      return this.#init.data;
    }
    this.#init = before;
    if (Buffer.compare(before.data, init.data) !== 0) return 'end';
    this.#isBroken = true;
    return 'same';
  }

  /** The next fragment does not follow the last one. */
  skip(): void {
    this.#isBroken = true;
  }

  /** The fragment on the client's timeline; undefined when it cannot be put there. */
  next(fragment: Pick<ReadFragment, 'data' | 'timeMs' | 'durationMs'>): Uint8Array | undefined {
    if (this.#isBroken && this.#endMs !== undefined) this.#shiftMs = this.#endMs - fragment.timeMs;
    this.#isBroken = false;
    this.#endMs = fragment.timeMs + fragment.durationMs + this.#shiftMs;
    return this.#shiftMs === 0 ? fragment.data : moveFragment(fragment.data, this.#offsets());
  }

  #offsets(): TrackOffsets {
    const tracks = [this.#facts?.video, this.#facts?.audio].filter((track) => track !== undefined);
    return new Map(tracks.map((track) => [track.id, BigInt(Math.round((this.#shiftMs * track.timescale) / 1000))]));
  }
}
