/** Cuts a stream of fragmented MP4 into its initialisation segment and fragments, whatever the borders of the chunks. */
import { WeirError } from '../../contracts/errors.js';
import { boxHeaderBytes, fourCc, largeBoxHeaderBytes, malformed, typeName, viewOf } from './boxes.js';
import { readTrackFacts, type TrackFacts } from './codecs.js';
import type { Fragment, InitSegment } from './fragment.js';
import { readFragment } from './fragment-facts.js';
import { concatBytes } from './group.js';

export interface CutterOptions {
  onInit(init: InitSegment): void;
  onFragment(fragment: Fragment): void;
  /** A larger box, or init segment or fragment, is refused. Default 16 MiB. */
  readonly maxBoxBytes?: number;
}

export interface FragmentCutter {
  /**
   * Takes the next bytes. Fragments may refer to `chunk` without a copy, so the caller must not reuse its memory.
   * Throws `invalid_argument` when this is no fragmented MP4 (within the first 16 bytes of the faulty box),
   * `payload_too_large` beyond `maxBoxBytes`; after that every call throws the same error.
   */
  push(chunk: Uint8Array): void;
  /** Bytes held of a fragment that is not complete yet. */
  readonly pendingBytes: number;
  /** Bytes of trailing index boxes (`mfra`) that were left out. */
  readonly skippedBytes: number;
}

type Role = 'init' | 'moov' | 'lead' | 'moof' | 'mdat' | 'skip';

/** What a top-level box means for the cut. Any other type is garbage: FFmpeg writes none, and guessing would only delay the error. */
const roles: ReadonlyMap<number, Role> = new Map([
  [fourCc('ftyp'), 'init'],
  [fourCc('moov'), 'moov'],
  [fourCc('styp'), 'lead'],
  [fourCc('sidx'), 'lead'],
  [fourCc('ssix'), 'lead'],
  [fourCc('emsg'), 'lead'],
  [fourCc('prft'), 'lead'],
  [fourCc('free'), 'lead'],
  [fourCc('uuid'), 'lead'],
  [fourCc('moof'), 'moof'],
  [fourCc('mdat'), 'mdat'],
  [fourCc('mfra'), 'skip'],
] as const);

/** Where the cutter stands between boxes. `fragment`: the moof has come, its mdat has not. */
type Stage = 'start' | 'init' | 'between' | 'fragment';

/** A cutter for one run of FFmpeg. */
export function createFragmentCutter(options: CutterOptions): FragmentCutter {
  const cutter = new Cutter(options);
  return {
    push: (chunk) => cutter.push(chunk),
    get pendingBytes() {
      return cutter.pendingBytes;
    },
    get skippedBytes() {
      return cutter.skippedBytes;
    },
  };
}

class Cutter {
  pendingBytes = 0;
  skippedBytes = 0;
  readonly #options: CutterOptions;
  readonly #maxBytes: number;
  /** Pieces of the unit (init segment or fragment) that earlier chunks brought. */
  #parts: Uint8Array[] = [];
  /** Bytes of the boxes of the unit so far, the current one in full. */
  #unitBytes = 0;
  /** Offset of `moof` in the unit. */
  #moofAt = 0;
  #stage: Stage = 'start';
  #role: Role = 'init';
  /** Bytes of the current box that have not come yet; 0: a header is next. */
  #remaining = 0;
  readonly #header = new Uint8Array(largeBoxHeaderBytes);
  readonly #headerView = viewOf(this.#header);
  #headerLength = 0;
  #facts: TrackFacts | undefined;
  #error: WeirError | undefined;

  constructor(options: CutterOptions) {
    this.#options = options;
    this.#maxBytes = options.maxBoxBytes ?? 16 * 1024 * 1024;
  }

  push(chunk: Uint8Array): void {
    if (this.#error !== undefined) throw this.#error;
    try {
      this.#take(chunk);
    } catch (error) {
      if (error instanceof WeirError) this.#error = error;
      throw error;
    }
  }

  #take(chunk: Uint8Array): void {
    let unitStart = 0;
    let at = 0;
    while (at < chunk.length) {
      if (this.#remaining === 0) {
        at = this.#readHeader(chunk, at);
        if (this.#headerLength > 0) break;
      }
      const taken = Math.min(this.#remaining, chunk.length - at);
      this.#remaining -= taken;
      at += taken;
      if (this.#remaining === 0 && this.#endsUnit()) {
        this.#finish(chunk.subarray(unitStart, at));
        unitStart = at;
      }
    }
    if (unitStart === chunk.length) return;
    this.#parts.push(chunk.subarray(unitStart));
    this.pendingBytes += chunk.length - unitStart;
  }

  /** Collects header bytes over chunk borders; gives the offset behind what it took. */
  #readHeader(chunk: Uint8Array, from: number): number {
    let at = from;
    const wanted = () => (this.#headerLength >= boxHeaderBytes && this.#headerView.getUint32(0) === 1 ? largeBoxHeaderBytes : boxHeaderBytes);
    while (at < chunk.length && this.#headerLength < wanted()) {
      this.#header[this.#headerLength] = chunk[at] ?? 0;
      this.#headerLength += 1;
      at += 1;
    }
    if (this.#headerLength === wanted()) this.#enterBox();
    return at;
  }

  #enterBox(): void {
    const headerLength = this.#headerLength;
    const code = this.#headerView.getUint32(4);
    const size = headerLength === largeBoxHeaderBytes ? Number(this.#headerView.getBigUint64(8)) : this.#headerView.getUint32(0);
    const role = roles.get(code);
    if (role === undefined) throw malformed(`unknown box ${JSON.stringify(typeName(code))}`);
    if (size < headerLength) throw malformed(`${typeName(code)} of ${size} bytes`);
    this.#stage = nextStage(this.#stage, role, typeName(code));
    if (this.#unitBytes + size > this.#maxBytes) {
      throw new WeirError('payload_too_large', `${typeName(code)} of ${size} bytes passes the limit of ${this.#maxBytes} bytes`);
    }
    if (role === 'moof') this.#moofAt = this.#unitBytes;
    this.#role = role;
    this.#remaining = size - headerLength;
    this.#headerLength = 0;
    this.#unitBytes += size;
  }

  #endsUnit(): boolean {
    return this.#role === 'moov' || this.#role === 'mdat' || this.#role === 'skip';
  }

  #finish(last: Uint8Array): void {
    const bytes = this.#parts.length === 0 ? last : concatBytes([...this.#parts, last]);
    this.#parts = [];
    this.pendingBytes = 0;
    this.#unitBytes = 0;
    this.#stage = 'between';
    if (this.#role === 'skip') {
      this.skippedBytes += bytes.length;
    } else if (this.#role === 'moov') {
      this.#facts = readTrackFacts(bytes);
      this.#options.onInit({ bytes, facts: this.#facts });
    } else if (this.#facts !== undefined) {
      this.#options.onFragment({ bytes, ...readFragment(bytes, this.#moofAt, this.#facts) });
    }
  }
}

function nextStage(stage: Stage, role: Role, name: string): Stage {
  switch (stage) {
    case 'start':
      if (role === 'init') return 'init';
      break;
    case 'init':
      if (role === 'moov' || role === 'lead') return 'init';
      break;
    case 'between':
      if (role === 'moof') return 'fragment';
      if (role === 'init') return 'init';
      if (role === 'lead' || role === 'skip') return 'between';
      break;
    case 'fragment':
      if (role === 'mdat' || role === 'lead') return 'fragment';
      break;
  }
  throw malformed(`${name} does not belong here (${stage})`);
}
