/**
 * Feeds fragments to Media Source Extensions. One player session lives through new epochs: each continues the player's own
 * time line where the last one ended, and the codec is changed in place.
 */
import { decideEdge } from './edge.js';

export interface SinkEvents {
  /** The sink can go no further: the picture must be taken up anew with another one. */
  onBroken: (message: string) => void;
  /** This browser does not play the codecs. */
  onUnsupported: (mime: string) => void;
}

type Step = { kind: 'init'; mime: string; data: Uint8Array } | { kind: 'media'; data: Uint8Array; timeS: number };

interface MediaSourceType {
  new (): MediaSource;
  isTypeSupported(mime: string): boolean;
}

/** The browser's MSE, also in the form iPhones have it; undefined when there is none. */
export function mediaSourceType(): MediaSourceType | undefined {
  const scope = globalThis as { ManagedMediaSource?: MediaSourceType; MediaSource?: MediaSourceType };
  return scope.MediaSource ?? scope.ManagedMediaSource;
}

const waitingLimit = 240;
const appendBytes = 1 << 20;
const keepBehindS = 8;

export class MediaSink {
  readonly #video: HTMLVideoElement;
  readonly #events: SinkEvents;
  readonly #source: MediaSource;
  readonly #url: string;
  #buffer: SourceBuffer | undefined;
  #mime = '';
  #steps: Step[] = [];
  #drained: (() => void)[] = [];
  /** The next fragment begins an epoch, so its time is placed anew. */
  #placeNext = false;
  #closed = false;
  /** Appended and dropped bytes, for the stats overlay. */
  quotaTrims = 0;

  constructor(video: HTMLVideoElement, events: SinkEvents) {
    const type = mediaSourceType();
    if (type === undefined) throw new Error('no Media Source Extensions');
    this.#video = video;
    this.#events = events;
    this.#source = new type();
    this.#url = URL.createObjectURL(this.#source);
    this.#source.addEventListener('sourceopen', () => this.#pump());
    video.disableRemotePlayback = true;
    video.src = this.#url;
  }

  /** Begins an epoch. False when the tracks differ so much that a new sink is needed. */
  takeInit(data: Uint8Array, codecs: string): boolean {
    const mime = `video/mp4; codecs="${codecs}"`;
    const before = this.#lastMime();
    if (before !== '' && hasAudio(before) !== hasAudio(mime)) return false;
    this.#steps.push({ kind: 'init', mime, data: data.slice() });
    this.#pump();
    return true;
  }

  #lastMime(): string {
    for (let index = this.#steps.length - 1; index >= 0; index -= 1) {
      const step = this.#steps[index];
      if (step?.kind === 'init') return step.mime;
    }
    return this.#mime;
  }

  /** Takes a fragment; the promise, when there is one, resolves once there is room for more. */
  takeFragment(data: Uint8Array, timeMs: number): Promise<void> | undefined {
    if (this.#closed) return undefined;
    this.#steps.push({ kind: 'media', data: data.slice(), timeS: timeMs / 1000 });
    this.#pump();
    if (this.#steps.length < waitingLimit) return undefined;
    return new Promise((resolve) => this.#drained.push(resolve));
  }

  /** Buffered spans of the video. */
  ranges(): [number, number][] {
    const { buffered } = this.#video;
    return Array.from({ length: buffered.length }, (_none, index) => [buffered.start(index), buffered.end(index)]);
  }

  /** Lets go of what was played long ago. */
  trim(): void {
    const buffer = this.#buffer;
    const before = this.#video.currentTime - keepBehindS;
    if (buffer === undefined || buffer.updating || this.#closed || buffer.buffered.length === 0) return;
    if (buffer.buffered.start(0) < before - 4) this.#guard(() => buffer.remove(0, before));
  }

  /** Ends it; the video keeps showing its last frame until it gets another source. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#steps = [];
    this.#release();
    URL.revokeObjectURL(this.#url);
  }

  #release(): void {
    const waiting = this.#drained;
    this.#drained = [];
    for (const resolve of waiting) resolve();
  }

  #pump(): void {
    if (this.#closed || this.#source.readyState !== 'open' || this.#buffer?.updating === true) return;
    const step = this.#steps[0];
    if (step === undefined) return;
    if (step.kind === 'init') this.#appendInit(step);
    else if (this.#buffer === undefined) this.#steps.shift();
    else this.#appendMedia(this.#buffer, step.timeS);
    if (this.#steps.length < waitingLimit / 4) this.#release();
  }

  #appendInit(step: { mime: string; data: Uint8Array }): void {
    this.#steps.shift();
    if (mediaSourceType()?.isTypeSupported(step.mime) !== true) {
      this.#events.onUnsupported(step.mime);
      return;
    }
    this.#guard(() => {
      const buffer = this.#buffer ?? this.#addBuffer(step.mime);
      if (this.#mime !== step.mime) buffer.changeType(step.mime);
      this.#mime = step.mime;
      this.#placeNext = true;
      buffer.appendBuffer(step.data as BufferSource);
    });
  }

  #addBuffer(mime: string): SourceBuffer {
    const buffer = this.#source.addSourceBuffer(mime);
    buffer.mode = 'segments';
    buffer.addEventListener('updateend', () => this.#pump());
    buffer.addEventListener('error', () => this.#break('The browser could not read the media'));
    this.#buffer = buffer;
    this.#mime = mime;
    return buffer;
  }

  #appendMedia(buffer: SourceBuffer, timeS: number): void {
    if (this.#placeNext) {
      this.#placeNext = false;
      // The first epoch starts the player's clock at zero; later ones follow where the buffer ends.
      const end = this.ranges().at(-1)?.[1] ?? 0;
      this.#guard(() => {
        buffer.timestampOffset = Math.max(end, this.#video.currentTime) - timeS;
      });
    }
    const batch = this.#takeBatch();
    try {
      buffer.appendBuffer(batch as BufferSource);
    } catch (thrown) {
      if (thrown instanceof DOMException && thrown.name === 'QuotaExceededError') this.#makeRoom(buffer, batch);
      else this.#break(String(thrown));
    }
  }

  /** Joins what waits into one append; one call per frame would cost far more. */
  #takeBatch(): Uint8Array {
    let count = 0;
    let size = 0;
    for (const step of this.#steps) {
      if (step.kind === 'init' || (count > 0 && size + step.data.length > appendBytes)) break;
      count += 1;
      size += step.data.length;
    }
    const parts = this.#steps.splice(0, count);
    const only = parts[0];
    if (parts.length === 1 && only !== undefined) return only.data;
    const batch = new Uint8Array(size);
    let offset = 0;
    for (const part of parts) {
      batch.set(part.data, offset);
      offset += part.data.length;
    }
    return batch;
  }

  #makeRoom(buffer: SourceBuffer, batch: Uint8Array): void {
    this.quotaTrims += 1;
    const before = this.#video.currentTime - 0.5;
    if (before <= 0 || buffer.buffered.length === 0 || buffer.buffered.start(0) >= before) {
      this.#break('The browser has no room for the media');
      return;
    }
    this.#steps.unshift({ kind: 'media', data: batch, timeS: 0 });
    this.#guard(() => buffer.remove(0, before));
  }

  #guard(work: () => void): void {
    try {
      work();
    } catch (thrown) {
      this.#break(String(thrown));
    }
  }

  #break(message: string): void {
    if (this.#closed) return;
    this.close();
    this.#events.onBroken(message);
  }
}

function hasAudio(mime: string): boolean {
  return /mp4a|opus|ac-3|ec-3|flac/i.test(mime);
}

/** Moves the playing position as `decideEdge` says; returns the seconds behind the newest frame. */
export function holdEdge(video: HTMLVideoElement, sink: MediaSink, target: number, joining: boolean): { lag: number; jumped: boolean } {
  const decision = decideEdge({ position: video.currentTime, ranges: sink.ranges(), target, joining });
  if (decision.seek !== undefined && !video.seeking) video.currentTime = decision.seek;
  if (Math.abs(video.playbackRate - decision.rate) > 0.004) video.playbackRate = decision.rate;
  return { lag: decision.lag, jumped: decision.seek !== undefined };
}
