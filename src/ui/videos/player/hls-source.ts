/** A video element fed by hls.js, or by the browser's own HLS where it has no Media Source Extensions. */
import { type Signal, signal } from '@preact/signals';
import type Hls from 'hls.js';
import type { ErrorData } from 'hls.js';

export interface Quality {
  index: number;
  label: string;
  height: number;
}

export interface SourceTrack {
  index: number;
  label: string;
}

export interface PlayerFailure {
  title: string;
  advice: string;
}

/** What can be chosen, and what is played. -1 stands for automatic quality, and for no captions. */
export interface HlsSource {
  readonly qualities: Signal<readonly Quality[]>;
  readonly chosenQuality: Signal<number>;
  /** The one on the screen. */
  readonly playedQuality: Signal<number>;
  readonly captions: Signal<readonly SourceTrack[]>;
  readonly chosenCaptions: Signal<number>;
  readonly sounds: Signal<readonly SourceTrack[]>;
  readonly chosenSound: Signal<number>;
  readonly failure: Signal<PlayerFailure | undefined>;
  chooseQuality(index: number): void;
  chooseCaptions(index: number): void;
  chooseSound(index: number): void;
  /** What was chosen, by its name: for the next source of the same video. */
  wishes(): Wishes;
  stop(): void;
}

/** Names of what somebody chose; undefined: left to the player. */
export interface Wishes {
  readonly quality: string | undefined;
  readonly captions: string | undefined;
  readonly sound: string | undefined;
}

export interface OpenOptions {
  readonly startAt: number;
  /** The playlist still grows: it is begun at its start, not at its end. */
  readonly isGrowing: boolean;
  /** Chosen again where there is something of that name. */
  readonly wishes?: Wishes;
  /** Told once, when a file of it is not there (any more), with its address: nothing more is loaded then. Without it that is a failure. */
  readonly onGone?: (file: string) => void;
}

/** Seconds loaded ahead: before anybody plays only as much as a quick start needs. */
const before = { maxBufferLength: 2, maxMaxBufferLength: 4 };
const whilePlaying = { maxBufferLength: 30, maxMaxBufferLength: 60 };
const maxMediaErrors = 3;
const maxNetworkErrors = 6;

/** Starts loading at once. Every failure that playing cannot go on after ends in `failure`. */
export function openHls(video: HTMLVideoElement, url: string, options: OpenOptions): HlsSource {
  const made = createSource();
  const wished = { ...options.wishes };
  const ended = new AbortController();
  let hls: Hls | undefined;
  void import('hls.js').then(
    ({ default: HlsClass }) => {
      if (ended.signal.aborted) return;
      if (HlsClass.isSupported()) hls = startHls(HlsClass, video, url, options, made);
      else if (video.canPlayType('application/vnd.apple.mpegurl') !== '') playNatively(video, url, options, made, ended.signal);
      else made.failure.value = { title: 'This browser cannot play it', advice: 'It has neither Media Source Extensions nor HLS of its own.' };
    },
    () => {
      made.failure.value = { title: 'The player could not be loaded', advice: 'Perhaps Weir was updated meanwhile. Load the page anew.' };
    },
  );
  return {
    ...made,
    chooseQuality(index) {
      made.chosenQuality.value = index;
      if (hls !== undefined) hls.nextLevel = index;
    },
    chooseCaptions(index) {
      made.chosenCaptions.value = index;
      if (hls === undefined) showNativeCaptions(video, index);
      else hls.subtitleTrack = index;
    },
    chooseSound(index) {
      made.chosenSound.value = index;
      wished.sound = made.sounds.peek()[index]?.label;
      if (hls !== undefined) hls.audioTrack = index;
    },
    wishes: () => ({
      quality: made.qualities.peek().find(({ index }) => index === made.chosenQuality.peek())?.label,
      captions: made.captions.peek().find(({ index }) => index === made.chosenCaptions.peek())?.label,
      sound: wished.sound,
    }),
    stop() {
      ended.abort();
      if (hls !== undefined) hls.destroy();
      else video.removeAttribute('src');
    },
  };
}

function createSource() {
  return {
    qualities: signal<readonly Quality[]>([]),
    chosenQuality: signal(-1),
    playedQuality: signal(-1),
    captions: signal<readonly SourceTrack[]>([]),
    chosenCaptions: signal(-1),
    sounds: signal<readonly SourceTrack[]>([]),
    chosenSound: signal(-1),
    failure: signal<PlayerFailure | undefined>(undefined),
  };
}

type Made = ReturnType<typeof createSource>;

function startHls(HlsClass: typeof Hls, video: HTMLVideoElement, url: string, options: OpenOptions, made: Made): Hls {
  const { Events } = HlsClass;
  // Each is followed once: what is chosen later counts more.
  const wishes = { ...options.wishes };
  const hls = new HlsClass({
    startPosition: options.isGrowing || options.startAt > 0 ? options.startAt : -1,
    maxBufferLength: before.maxBufferLength,
    maxMaxBufferLength: before.maxMaxBufferLength,
    backBufferLength: 60,
    capLevelToPlayerSize: true,
    // A fast start on a fast network; the first segments correct it.
    abrEwmaDefaultEstimate: 3_000_000,
    renderTextTracksNatively: true,
  });
  hls.subtitleDisplay = false;
  hls.on(Events.MANIFEST_PARSED, () => {
    made.qualities.value = hls.levels
      .map((level, index) => ({ index, height: level.height, label: qualityLabel(level.name, level.width, level.height) }))
      .sort((a, b) => b.height - a.height);
    const quality = indexOf(made.qualities.peek(), wishes.quality);
    if (quality === undefined) return;
    made.chosenQuality.value = quality;
    hls.loadLevel = quality;
  });
  hls.on(Events.LEVEL_SWITCHED, (_event, { level }) => {
    made.playedQuality.value = level;
  });
  hls.on(Events.SUBTITLE_TRACKS_UPDATED, (_event, { subtitleTracks }) => {
    made.captions.value = subtitleTracks.map((track, index) => ({ index, label: track.name || track.lang || `Captions ${index + 1}` }));
    const captions = indexOf(made.captions.peek(), wishes.captions);
    wishes.captions = undefined;
    if (captions !== undefined) hls.subtitleTrack = captions;
  });
  hls.on(Events.SUBTITLE_TRACK_SWITCH, (_event, { id }) => {
    hls.subtitleDisplay = id >= 0;
    made.chosenCaptions.value = id;
  });
  hls.on(Events.AUDIO_TRACKS_UPDATED, (_event, { audioTracks }) => {
    made.sounds.value = audioTracks.map((track, index) => ({ index, label: track.name || track.lang || `Sound ${index + 1}` }));
    const sound = indexOf(made.sounds.peek(), wishes.sound);
    wishes.sound = undefined;
    if (sound !== undefined) hls.audioTrack = sound;
    made.chosenSound.value = hls.audioTrack;
  });
  // The first one is chosen after the list was told.
  hls.on(Events.AUDIO_TRACK_SWITCHING, () => {
    made.chosenSound.value = hls.audioTrack;
  });
  video.addEventListener('playing', () => Object.assign(hls.config, whilePlaying), { once: true });
  hls.on(Events.ERROR, recoverFrom(HlsClass, hls, made, options.onGone));
  hls.loadSource(url);
  hls.attachMedia(video);
  return hls;
}

function indexOf(choices: readonly { index: number; label: string }[], label: string | undefined): number | undefined {
  return label === undefined ? undefined : choices.find((one) => one.label === label)?.index;
}

function recoverFrom(HlsClass: typeof Hls, hls: Hls, made: Made, onGone?: (file: string) => void): (event: unknown, data: ErrorData) => void {
  let mediaErrors = 0;
  let networkErrors = 0;
  let isGone = false;
  return (_event, data) => {
    if (isGone) return;
    const status = data.response?.code ?? 0;
    if (status === 404 && onGone !== undefined) {
      // Nor are the others, or not for long.
      isGone = true;
      hls.stopLoad();
      onGone(data.frag?.url ?? data.url ?? data.context?.url ?? '');
      return;
    }
    if (!data.fatal) return;
    if (data.type === HlsClass.ErrorTypes.MEDIA_ERROR && mediaErrors < maxMediaErrors) {
      mediaErrors += 1;
      hls.recoverMediaError();
    } else if (
      data.type === HlsClass.ErrorTypes.NETWORK_ERROR &&
      status !== 401 &&
      status !== 403 &&
      status !== 404 &&
      networkErrors < maxNetworkErrors
    ) {
      networkErrors += 1;
      const wasManifest = hls.levels.length === 0;
      setTimeout(() => (wasManifest ? hls.loadSource(hls.url ?? '') : hls.startLoad()), 500 * 2 ** networkErrors);
    } else {
      made.failure.value = data.type === HlsClass.ErrorTypes.MEDIA_ERROR ? cannotDecode(data.details) : failureOf(status);
      hls.stopLoad();
    }
  };
}

/** By the status of the answer; 0: there was none. */
export function failureOf(status: number): PlayerFailure {
  if (status === 401 || status === 403) return { title: 'You may not watch this', advice: 'The link is no longer valid, or you are signed out.' };
  if (status === 404) return { title: 'The video is not there any more', advice: 'It was deleted, or is being put in place anew.' };
  return { title: 'The hub does not answer', advice: 'Check the network; then try again.' };
}

function cannotDecode(details: string): PlayerFailure {
  return { title: 'This browser cannot decode the video', advice: `Try another browser, or another quality. (${details})` };
}

function qualityLabel(name: string | undefined, width: number, height: number): string {
  if (height === 0) return 'Sound only';
  return name !== undefined && /^\d+p/.test(name) ? name : `${Math.min(width, height)}p`;
}

function playNatively(video: HTMLVideoElement, url: string, options: OpenOptions, made: Made, ended: AbortSignal): void {
  video.src = url;
  video.addEventListener(
    'loadedmetadata',
    () => {
      if (options.startAt > 0) video.currentTime = options.startAt;
      made.captions.value = [...video.textTracks].map((track, index) => ({ index, label: track.label || track.language || `Captions ${index + 1}` }));
    },
    { signal: ended },
  );
  video.addEventListener(
    'error',
    () => {
      // Its network errors carry no status: whether the files are gone shows when they are asked for.
      if (options.onGone !== undefined && video.error?.code === MediaError.MEDIA_ERR_NETWORK) return options.onGone(url);
      made.failure.value = { title: 'The video cannot be played', advice: video.error?.message ?? 'The browser gives no reason.' };
    },
    { signal: ended },
  );
}

function showNativeCaptions(video: HTMLVideoElement, chosen: number): void {
  for (const [index, track] of [...video.textTracks].entries()) track.mode = index === chosen ? 'showing' : 'disabled';
}
