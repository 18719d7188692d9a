/**
 * One live picture in one video element: reads the media journal over the bus, feeds it to the browser, holds the live
 * edge, and gets over everything on the way: no signal, new resolution, lost connection, hidden page, decoder errors.
 */
import { type Signal, signal } from '@preact/signals';
import type { MediaReader, MediaReaderState, ReadFragment, ReadInit } from '../../bus/media-reader.js';
import { openMediaReader } from '../../bus/open-media-reader.js';
import { linkState } from '../core/link.js';
import { type Live, live } from '../core/live.js';
import { edgeLimits, nextTarget } from './edge.js';
import type { HlsPlayback } from './hls-fallback.js';
import { holdEdge, MediaSink, mediaSourceType } from './sink.js';
import { blankSnapshot, markElement, type PlayerSnapshot } from './snapshot.js';

const tickMs = 100;
const restAfterMs = 4000;
const fallbackAfterMs = 8000;
const rebuildsPerMinute = 6;
const farPatienceMs = 1500;
const silentAfterMs = 1500;
const settleMs = 400;

export class LivePlayer {
  readonly streamId: string;
  readonly snapshot: Signal<PlayerSnapshot> = signal(blankSnapshot);
  readonly #video: HTMLVideoElement;
  readonly #freeze: HTMLCanvasElement;
  readonly #ended = new AbortController();
  #sink: MediaSink | undefined;
  #reader: MediaReader | undefined;
  #facts: PlayerSnapshot = { ...blankSnapshot };
  #target: number = edgeLimits.leastTargetS;
  #joining = true;
  #expectJump = true;
  #bytes = 0;
  #meter = { at: performance.now(), bytes: 0, frames: 0 };
  #transitMs = 0;
  /** Seconds one fragment lasts. */
  #frameS = 0;
  /** When the player last jumped or starved. */
  #unsteadyAt = 0;
  #fragmentAt = 0;
  /** Since when we have been further behind than catching up by speed is worth. */
  #farSince: number | undefined;
  #rebuildTimes: number[] = [];
  #restTimer: ReturnType<typeof setTimeout> | undefined;
  #hls: HlsPlayback | undefined;

  constructor(streamId: string, video: HTMLVideoElement, freeze: HTMLCanvasElement) {
    this.streamId = streamId;
    this.#video = video;
    this.#freeze = freeze;
    window.weirPlayers ??= new Map();
    window.weirPlayers.set(streamId, { snapshot: () => ({ ...this.#facts }), video });
    this.#listen();
    if (mediaSourceType() === undefined) this.#fallBack();
    else
      this.#ended.signal.addEventListener(
        'abort',
        live.subscribe((current) => this.#onLive(current)),
      );
  }

  /** Stops reading and lets the video go. */
  stop(): void {
    this.#ended.abort();
    clearTimeout(this.#restTimer);
    this.#stopReading();
    this.#sink?.close();
    this.#hls?.stop();
    this.#video.removeAttribute('src');
    this.#video.load();
    if (window.weirPlayers?.get(this.streamId)?.video === this.#video) window.weirPlayers.delete(this.streamId);
  }

  /** Starts over: what a reader presses after a failure. */
  retry(): void {
    this.#rebuildTimes = [];
    this.#rebuild();
  }

  #listen(): void {
    const { signal: ended } = this.#ended;
    const video = this.#video;
    video.addEventListener('error', () => video.error !== null && this.#sink !== undefined && this.#onBroken(video.error.message), { signal: ended });
    video.addEventListener('waiting', () => this.#onWaiting(), { signal: ended });
    video.addEventListener('resize', () => this.#update({ width: video.videoWidth, height: video.videoHeight }), { signal: ended });
    document.addEventListener('visibilitychange', () => this.#onVisibility(), { signal: ended });
    const tick = setInterval(() => this.#tick(), tickMs);
    const fallback = setTimeout(() => {
      // A proxy that lets no WebSocket through still lets HTTP through.
      if (live.peek() === undefined && !this.#facts.hasPicture && linkState.peek().kind !== 'up') this.#fallBack();
    }, fallbackAfterMs);
    ended.addEventListener('abort', () => {
      clearInterval(tick);
      clearTimeout(fallback);
    });
    this.#awaitFrame();
  }

  #awaitFrame(): void {
    const shown = () => {
      if (this.#ended.signal.aborted) return;
      const first = this.#facts.firstPictureMs ?? performance.now() - (performance.getEntriesByName('weir-start')[0]?.startTime ?? 0);
      this.#freeze.hidden = true;
      if (this.#facts.firstPictureMs === undefined) document.dispatchEvent(new CustomEvent('weir:first-picture'));
      this.#update({ hasPicture: true, firstPictureMs: first });
    };
    if ('requestVideoFrameCallback' in this.#video) this.#video.requestVideoFrameCallback(shown);
    else (this.#video as HTMLVideoElement).addEventListener('loadeddata', shown, { once: true });
  }

  #onLive(current: Live | undefined): void {
    this.#stopReading();
    if (current === undefined) return;
    this.#hls?.stop();
    this.#hls = undefined;
    if (document.visibilityState === 'hidden') this.#update({ phase: 'resting' });
    else this.#read(current);
  }

  #read(current: Live): void {
    this.#expectJump = true;
    this.#reader = openMediaReader({
      connection: current.bus.connection,
      streamId: this.streamId,
      viewer: current.viewer,
      watch: (request, signal) => current.bus.request('stream_watch', { stream_id: this.streamId }, request, { signal }),
      onInit: (init) => this.#onInit(init),
      onFragment: (fragment) => this.#onFragment(fragment),
      onGap: (gap) => this.#onGap(gap.reason),
      onState: (state) => this.#onState(state),
      signal: this.#ended.signal,
    });
  }

  #stopReading(): void {
    const reader = this.#reader;
    this.#reader = undefined;
    void reader?.stop().catch(() => undefined);
  }

  #onState(state: MediaReaderState): void {
    if (state.state === 'opening') this.#update(this.#facts.hasPicture ? {} : { phase: 'opening' });
    else if (state.state === 'waiting') {
      this.#update({ phase: 'waiting', state: state.reply?.state, reason: state.reply?.reason, error: state.error?.message });
    } else if (state.state === 'playing') this.#update({ phase: 'playing', state: state.reply.state, reason: state.reply.reason, error: undefined });
    else if (state.error !== undefined) this.#update({ phase: 'failed', error: state.error.message });
  }

  #onInit(init: ReadInit): void {
    const codecs = init.codecs ?? 'avc1.640028';
    const isNew = init.epoch !== this.#facts.epoch;
    this.#sink ??= this.#openSink();
    if (!this.#sink.takeInit(init.data, codecs)) {
      this.#replaceSink();
      this.#sink.takeInit(init.data, codecs);
    }
    this.#update({
      codecs,
      picture: init.picture,
      epoch: init.epoch,
      epochs: this.#facts.epochs + (isNew ? 1 : 0),
      sequence: isNew ? -1 : this.#facts.sequence,
    });
    if (isNew) this.#expectJump = true;
  }

  #onFragment(fragment: ReadFragment): Promise<void> | undefined {
    const last = this.#facts.sequence;
    const isHole = last >= 0 && fragment.sequence !== last + 1 && !this.#expectJump;
    this.#expectJump = false;
    this.#facts.sequence = fragment.sequence;
    if (isHole) this.#facts.gaps += 1;
    this.#bytes += fragment.data.length;
    this.#fragmentAt = performance.now();
    this.#frameS = Math.max(fragment.durationMs / 1000, this.#frameS * 0.98);
    this.#target = Math.max(this.#target, Math.min(edgeLimits.mostTargetS, this.#frameS * 2.5));
    if (!this.#facts.isFlowing) this.#update({ isFlowing: true });
    const transit = Date.now() - fragment.publishedAt;
    // Clocks of spoke and browser may differ: what cannot be true is left out.
    if (transit >= 0 && transit < 30_000) this.#transitMs += (transit - this.#transitMs) * 0.1;
    const room = this.#sink?.takeFragment(fragment.data, fragment.timeMs);
    if (this.#video.paused) void this.#video.play().catch(() => undefined);
    return room;
  }

  #onGap(reason: 'lag' | 'lost'): void {
    this.#expectJump = true;
    if (reason === 'lag') this.#facts.jumps += 1;
    else this.#facts.gaps += 1;
  }

  #openSink(): MediaSink {
    return new MediaSink(this.#video, {
      onBroken: (message) => this.#onBroken(message),
      onUnsupported: (mime) => {
        if (this.#video.canPlayType('application/vnd.apple.mpegurl') !== '') this.#fallBack();
        else this.#update({ phase: 'unsupported', error: mime });
      },
    });
  }

  /** Keeps the last frame in view while the browser's player is exchanged. */
  #replaceSink(): MediaSink {
    this.#hold();
    this.#sink?.close();
    this.#joining = true;
    this.#sink = this.#openSink();
    this.#awaitFrame();
    this.#facts.rebuilds += 1;
    return this.#sink;
  }

  #hold(): void {
    const { videoWidth, videoHeight } = this.#video;
    if (videoWidth === 0 || !this.#facts.hasPicture) return;
    this.#freeze.width = videoWidth;
    this.#freeze.height = videoHeight;
    this.#freeze.getContext('2d')?.drawImage(this.#video, 0, 0);
    this.#freeze.hidden = false;
  }

  #onBroken(message: string): void {
    const now = performance.now();
    this.#rebuildTimes = [...this.#rebuildTimes.filter((at) => now - at < 60_000), now];
    if (this.#rebuildTimes.length > rebuildsPerMinute) {
      this.#stopReading();
      this.#sink?.close();
      this.#sink = undefined;
      this.#update({ phase: 'failed', error: message });
      return;
    }
    this.#rebuild();
  }

  #rebuild(): void {
    const current = live.peek();
    this.#stopReading();
    this.#replaceSink();
    this.#facts.epoch = '';
    if (current !== undefined) this.#read(current);
  }

  #onWaiting(): void {
    const now = performance.now();
    // A jump makes the player wait as well, and one starved moment tells it several times.
    if (!this.#facts.hasPicture || this.#joining || this.#video.seeking || now - this.#unsteadyAt < settleMs) return;
    if (this.#facts.phase !== 'playing' || !this.#facts.isFlowing) return;
    this.#unsteadyAt = now;
    this.#facts.stalls += 1;
    this.#target = nextTarget(this.#target, 'stall', this.#frameS);
  }

  #onVisibility(): void {
    clearTimeout(this.#restTimer);
    if (document.visibilityState === 'hidden') {
      this.#restTimer = setTimeout(() => {
        if (document.pictureInPictureElement === this.#video || this.#hls !== undefined) return;
        this.#stopReading();
        this.#update({ phase: 'resting' });
      }, restAfterMs);
      return;
    }
    const current = live.peek();
    if (this.#reader === undefined && current !== undefined && this.#facts.phase === 'resting') {
      this.#joining = true;
      this.#read(current);
    }
  }

  #fallBack(): void {
    if (this.#hls !== undefined || this.#ended.signal.aborted) return;
    this.#sink?.close();
    this.#sink = undefined;
    this.#update({ phase: 'fallback' });
    void import('./hls-fallback.js').then(({ playHls }) => {
      if (this.#ended.signal.aborted || this.#facts.phase !== 'fallback') return;
      this.#hls = playHls(this.#video, this.streamId, (message) => this.#update({ phase: 'failed', error: message }));
    });
  }

  #tick(): void {
    const sink = this.#sink;
    if (sink !== undefined) {
      const { lag, jumped } = holdEdge(this.#video, sink, this.#target, this.#joining);
      if (jumped) this.#unsteadyAt = performance.now();
      if (jumped && !this.#joining) this.#facts.jumps += 1;
      if (this.#facts.hasPicture && (jumped || lag < Math.max(edgeLimits.joinBehindS, this.#target + 0.3))) this.#joining = false;
      this.#judgeLag(lag);
      this.#facts.bufferMs = Math.max(0, lag * 1000);
      this.#facts.latencyMs = this.#facts.bufferMs + this.#transitMs;
    }
    const now = performance.now();
    if (now - this.#meter.at < 1000) return;
    sink?.trim();
    this.#target = nextTarget(this.#target, 'calm', this.#frameS);
    this.#measure(now);
  }

  /** A distance that lasts, for example after an encoder started with a burst, is taken in one jump. */
  #judgeLag(lag: number): void {
    if (lag < Math.max(edgeLimits.tooFarS, this.#target * 2)) this.#farSince = undefined;
    else this.#farSince ??= performance.now();
    if (this.#farSince === undefined || performance.now() - this.#farSince < farPatienceMs) return;
    this.#farSince = undefined;
    this.#joining = true;
  }

  #measure(now: number): void {
    const seconds = (now - this.#meter.at) / 1000;
    const quality = this.#video.getVideoPlaybackQuality();
    const frames = quality.totalVideoFrames - quality.droppedVideoFrames;
    const shown = Math.max(0, frames - this.#meter.frames);
    const kbps = ((this.#bytes - this.#meter.bytes) * 8) / 1000 / seconds;
    this.#meter = { at: now, bytes: this.#bytes, frames };
    const isFlowing = now - this.#fragmentAt < silentAfterMs;
    this.#update({
      isFlowing,
      fps: shown / seconds,
      bitrateKbps: kbps,
      framesDecoded: quality.totalVideoFrames,
      framesDropped: quality.droppedVideoFrames,
    });
  }

  #update(change: Partial<PlayerSnapshot>): void {
    this.#facts = { ...this.#facts, ...change };
    this.snapshot.value = this.#facts;
    markElement(this.#video, this.streamId, this.#facts);
  }
}
