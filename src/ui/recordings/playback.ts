/** Plays recordings: a window of some time at once as HLS, from any moment, over as many files as it takes. */
import { signal } from '@preact/signals';
import type HlsType from 'hls.js/light';
import { urlOf } from '../core/api.js';
import type { Span } from './geometry.js';
import { type MediaPiece, positionOf, timeOf } from './media-map.js';

export type PlaybackState = 'idle' | 'loading' | 'ready' | 'failed';

/** Seconds before the wanted moment that are loaded too, so that a step back needs no new window. */
const leadMs = 60_000;
const windowMs = 3_600_000;

/** One video element that shows what was recorded of one stream. */
export class Playback {
  readonly state = signal<PlaybackState>('idle');
  readonly playing = signal(false);
  readonly error = signal<string | undefined>(undefined);
  readonly #video: HTMLVideoElement;
  readonly #streamId: string;
  readonly #onTime: (time: number) => void;
  readonly #onEnd: () => void;
  readonly #ended = new AbortController();
  #hls: HlsType | undefined;
  #pieces: readonly MediaPiece[] = [];
  #window: Span | undefined;
  #wanted: number | undefined;
  #turn = 0;

  constructor(streamId: string, video: HTMLVideoElement, on: { time: (time: number) => void; end: () => void }) {
    this.#streamId = streamId;
    this.#video = video;
    this.#onTime = on.time;
    this.#onEnd = on.end;
    const options = { signal: this.#ended.signal };
    video.addEventListener('play', () => (this.playing.value = true), options);
    video.addEventListener('pause', () => (this.playing.value = false), options);
    video.addEventListener('ended', () => void this.#goOn(), options);
    video.addEventListener('timeupdate', () => this.#tell(), options);
    video.addEventListener('seeked', () => this.#tell(), options);
    video.addEventListener('loadeddata', () => (this.state.value = 'ready'), options);
    const frame = () => {
      if (this.#ended.signal.aborted) return;
      if (this.playing.peek()) this.#tell();
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  }

  /** Shows `time`; `until` is the end of what may be asked for (the day, or now). */
  async seek(time: number, until: number, play = this.playing.peek()): Promise<void> {
    this.error.value = undefined;
    const inside = this.#window !== undefined && time >= this.#window.from && time < this.#window.to - 500;
    const position = inside ? positionOf(this.#pieces, time) : undefined;
    if (position !== undefined && this.state.peek() !== 'failed') {
      this.#video.currentTime = position;
      if (play) await this.#play();
      return;
    }
    await this.#load(time, until, play);
  }

  async toggle(): Promise<void> {
    if (this.playing.peek()) this.#video.pause();
    else await this.#play();
  }

  pause(): void {
    this.#video.pause();
  }

  /** Speed of playing; kept over seeks. */
  setRate(rate: number): void {
    this.#video.defaultPlaybackRate = rate;
    this.#video.playbackRate = rate;
  }

  /** Stops for good and frees the element. */
  stop(): void {
    this.#turn += 1;
    this.#ended.abort();
    this.#release();
  }

  async #play(): Promise<void> {
    await this.#video.play().catch(() => undefined);
  }

  #tell(): void {
    if (this.state.peek() !== 'ready' || this.#video.seeking) return;
    const time = timeOf(this.#pieces, this.#video.currentTime);
    if (time !== undefined) this.#onTime(time);
  }

  async #load(time: number, until: number, play: boolean): Promise<void> {
    this.#turn += 1;
    const turn = this.#turn;
    const window = { from: time - leadMs, to: Math.max(time + 1000, Math.min(time + windowMs, until)) };
    this.#release();
    this.#window = window;
    this.#wanted = time;
    this.state.value = 'loading';
    const query = { from: new Date(window.from).toISOString(), to: new Date(window.to).toISOString() };
    const url = urlOf('playback', { stream_id: this.#streamId }, query);
    const Hls = await import('hls.js/light').then(
      (module) => module.default,
      () => undefined,
    );
    if (turn !== this.#turn) return;
    if (Hls?.isSupported() !== true) {
      this.#playNative(url, window.from, play);
      return;
    }
    const hls = new Hls({ enableWorker: false, startPosition: 0, maxBufferLength: 20, backBufferLength: 60, maxBufferHole: 0.5 });
    this.#hls = hls;
    hls.on(Hls.Events.LEVEL_LOADED, (_event, { details }) => {
      const known = details.fragments.filter((fragment) => fragment.programDateTime !== null);
      this.#pieces = known.map((fragment) => ({ at: fragment.programDateTime ?? 0, start: fragment.start, duration: fragment.duration }));
      const position = positionOf(this.#pieces, this.#wanted ?? time);
      if (position === undefined) {
        this.#fail('Nothing was recorded from here on');
        return;
      }
      this.#video.currentTime = position;
      if (play) void this.#play();
    });
    hls.on(Hls.Events.ERROR, (_event, data) => {
      if (!data.fatal) return;
      if (data.type === Hls.ErrorTypes.MEDIA_ERROR) hls.recoverMediaError();
      else this.#fail(data.response?.code === 404 ? 'Nothing is recorded at this time' : 'The recording cannot be read');
    });
    hls.loadSource(url);
    hls.attachMedia(this.#video);
  }

  /** The browser's own HLS tells the wall clock itself. */
  #playNative(url: string, from: number, play: boolean): void {
    const video = this.#video as HTMLVideoElement & { getStartDate?: () => Date };
    if (video.canPlayType('application/vnd.apple.mpegurl') === '') {
      this.#fail('This browser cannot play recordings');
      return;
    }
    video.addEventListener(
      'loadedmetadata',
      () => {
        const start = video.getStartDate?.().getTime() ?? Number.NaN;
        this.#pieces = [{ at: Number.isNaN(start) ? from : start, start: 0, duration: video.duration }];
        video.currentTime = positionOf(this.#pieces, this.#wanted ?? from) ?? 0;
        if (play) void this.#play();
      },
      { once: true, signal: this.#ended.signal },
    );
    video.src = url;
  }

  #fail(message: string): void {
    this.error.value = message;
    this.state.value = 'failed';
  }

  /** The window is over: the page decides whether there is another. */
  async #goOn(): Promise<void> {
    this.playing.value = false;
    this.#onEnd();
  }

  #release(): void {
    this.#hls?.destroy();
    this.#hls = undefined;
    this.#pieces = [];
    this.#video.removeAttribute('src');
    this.#video.load();
  }
}
