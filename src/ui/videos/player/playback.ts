/** One video being played: what the element says, as signals, and what can be done to it. */
import { batch, effect, type Signal, signal } from '@preact/signals';
import { remember, remembered } from '../../core/theme.js';
import { failureOf, type HlsSource, type OpenOptions, openHls } from './hls-source.js';
import { nextSpeed, type PlayerAction } from './keys.js';
import { findNewest } from './newest.js';

export interface Playback {
  readonly video: HTMLVideoElement;
  readonly source: Signal<HlsSource>;
  readonly isPlaying: Signal<boolean>;
  readonly isWaiting: Signal<boolean>;
  readonly isEnded: Signal<boolean>;
  readonly time: Signal<number>;
  readonly duration: Signal<number>;
  /** Seconds until which it is loaded. */
  readonly loadedTo: Signal<number>;
  readonly volume: Signal<number>;
  readonly isMuted: Signal<boolean>;
  readonly speed: Signal<number>;
  /** True for a few seconds after a newer revision took the place of one that is gone. */
  readonly isRenewed: Signal<boolean>;
  /** True once a picture was shown. */
  readonly hasStarted: Signal<boolean>;
  toggle(): void;
  seek(seconds: number): void;
  setVolume(volume: number): void;
  setSpeed(speed: number): void;
  /** Does what a key asks for; full screen and picture in picture are those of the frame around it. */
  act(action: PlayerAction): void;
  /** Opens the address anew at the same place, for example because the video has grown or after a failure. */
  reopen(url: string, options: { isGrowing: boolean }): void;
  stop(): void;
}

const volumeKey = 'weir.video_volume';
const frameS = 1 / 25;
const renewedMs = 6000;
/** A video that is encoded so often while one watches is not the player's to follow. */
const maxRenewals = 10;

/** Starts loading; playing begins by a click, or at once with `autoplay` where the browser allows it. */
export function createPlayback(video: HTMLVideoElement, url: string, options: OpenOptions & { autoplay: boolean }): Playback {
  const state = {
    isPlaying: signal(false),
    isWaiting: signal(false),
    isEnded: signal(false),
    time: signal(options.startAt),
    duration: signal(0),
    loadedTo: signal(0),
    volume: signal(video.volume),
    isMuted: signal(video.muted),
    speed: signal(1),
    isRenewed: signal(false),
    hasStarted: signal(false),
  };
  const ended = new AbortController();
  let renewals = 0;
  const open = (address: string, given: OpenOptions) =>
    openHls(video, address, { ...given, onGone: (file) => void renew({ url: address, file }, given.isGrowing) });
  const source = signal(open(url, options));
  const reopen = (next: string, { isGrowing }: { isGrowing: boolean }) => {
    const wasPlaying = !video.paused;
    const at = video.currentTime;
    const before = source.peek();
    const wishes = before.wishes();
    before.stop();
    source.value = open(next, { startAt: at, isGrowing, wishes });
    if (wasPlaying) void play(video);
  };
  // The revision that is played was deleted, or never got so far: the newest one goes on at the same place.
  const renew = async (gone: { url: string; file: string }, isGrowing: boolean) => {
    const found = await findNewest(gone, ended.signal);
    if (ended.signal.aborted) return;
    renewals += 1;
    if (found.url === undefined || renewals > maxRenewals) {
      source.peek().failure.value = failureOf(found.status);
      return;
    }
    reopen(found.url, { isGrowing });
    if (found.url === gone.url) return;
    state.isRenewed.value = true;
    setTimeout(() => {
      state.isRenewed.value = false;
    }, renewedMs);
  };
  video.volume = Math.min(1, Math.max(0, Number(remembered(volumeKey) ?? '1') || 1));
  follow(video, state, ended.signal);
  if (options.autoplay) void play(video);
  const seek = (seconds: number) => {
    const end = Number.isFinite(video.duration) ? video.duration : state.duration.peek();
    video.currentTime = Math.min(Math.max(0, seconds), Math.max(0, end - 0.05));
    state.time.value = video.currentTime;
  };
  const playback: Playback = {
    video,
    source,
    ...state,
    toggle: () => (video.paused ? void play(video) : video.pause()),
    seek,
    setVolume(volume) {
      video.volume = Math.min(1, Math.max(0, volume));
      video.muted = video.volume === 0;
      remember(volumeKey, String(Math.round(video.volume * 100) / 100));
    },
    setSpeed(speed) {
      video.playbackRate = speed;
      video.defaultPlaybackRate = speed;
    },
    act: (action) => act(playback, action),
    reopen,
    stop() {
      ended.abort();
      source.peek().stop();
    },
  };
  return playback;
}

async function play(video: HTMLVideoElement): Promise<void> {
  try {
    await video.play();
  } catch (thrown) {
    // Without a click before, only silent playing is allowed.
    if ((thrown as DOMException).name !== 'NotAllowedError' || video.muted) return;
    video.muted = true;
    await video.play().catch(() => undefined);
  }
}

type State = Pick<Playback, 'isPlaying' | 'isWaiting' | 'isEnded' | 'time' | 'duration' | 'loadedTo' | 'volume' | 'isMuted' | 'speed' | 'hasStarted'>;

function follow(video: HTMLVideoElement, state: State, ended: AbortSignal): void {
  const read = () =>
    batch(() => {
      state.isPlaying.value = !video.paused && !video.ended;
      state.isEnded.value = video.ended;
      state.time.value = video.currentTime;
      state.duration.value = lengthOf(video);
      state.loadedTo.value = loadedAfter(video);
      state.volume.value = video.volume;
      state.isMuted.value = video.muted;
      state.speed.value = video.playbackRate;
    });
  for (const name of ['play', 'pause', 'ended', 'timeupdate', 'durationchange', 'progress', 'volumechange', 'ratechange', 'seeked', 'seeking']) {
    video.addEventListener(name, read, { signal: ended });
  }
  const setWaiting = (waiting: boolean) => () => {
    state.isWaiting.value = waiting && !video.paused;
  };
  video.addEventListener('waiting', setWaiting(true), { signal: ended });
  for (const name of ['playing', 'canplay', 'pause', 'ended']) video.addEventListener(name, setWaiting(false), { signal: ended });
  video.addEventListener(
    'playing',
    () => {
      state.hasStarted.value = true;
    },
    { signal: ended },
  );
}

/** While a playlist grows, the length is how far it can be sought. */
function lengthOf(video: HTMLVideoElement): number {
  if (Number.isFinite(video.duration)) return video.duration;
  const { seekable } = video;
  return seekable.length === 0 ? 0 : seekable.end(seekable.length - 1);
}

function loadedAfter(video: HTMLVideoElement): number {
  const { buffered, currentTime } = video;
  for (let index = 0; index < buffered.length; index += 1) {
    if (buffered.start(index) <= currentTime + 0.3 && buffered.end(index) >= currentTime) return buffered.end(index);
  }
  return currentTime;
}

function act(playback: Playback, action: PlayerAction): void {
  const { video } = playback;
  const steps: { [K in PlayerAction['kind']]: (action: Extract<PlayerAction, { kind: K }>) => void } = {
    toggle: () => playback.toggle(),
    seek_by: ({ seconds }) => playback.seek(video.currentTime + seconds),
    seek_to: ({ fraction }) => playback.seek(playback.duration.peek() * fraction),
    frame: ({ frames }) => {
      video.pause();
      playback.seek(video.currentTime + frames * frameS);
    },
    volume: ({ by }) => playback.setVolume(video.volume + by),
    mute: () => {
      video.muted = !video.muted;
    },
    speed: ({ step }) => playback.setSpeed(nextSpeed(video.playbackRate, step)),
    captions: () => toggleCaptions(playback.source.peek()),
    full: () => toggleFull(video),
    pip: () => void togglePip(video),
  };
  (steps[action.kind] as (action: PlayerAction) => void)(action);
}

function toggleCaptions(source: HlsSource): void {
  if (source.captions.peek().length > 0) source.chooseCaptions(source.chosenCaptions.peek() >= 0 ? -1 : 0);
}

/** The frame around the video, so that the controls come along; a phone that only knows full-screen videos gets that. */
export function toggleFull(video: HTMLVideoElement): void {
  const frame = video.closest<HTMLElement>('.stage') ?? video;
  if (document.fullscreenElement !== null) void document.exitFullscreen();
  else if (typeof frame.requestFullscreen === 'function') void frame.requestFullscreen().catch(() => undefined);
  else (video as HTMLVideoElement & { webkitEnterFullscreen?: () => void }).webkitEnterFullscreen?.();
}

/** Picture in picture on or off; nothing where the browser refuses. */
export async function togglePip(video: HTMLVideoElement): Promise<void> {
  try {
    if (document.pictureInPictureElement === null) await video.requestPictureInPicture();
    else await document.exitPictureInPicture();
  } catch {
    return;
  }
}

/** Calls back with the time whenever it moved by a few seconds, and when playing stops; until the returned function is called. */
export function onPosition(playback: Playback, tell: (seconds: number, duration: number) => void): () => void {
  let told = -10;
  return effect(() => {
    const time = playback.time.value;
    const playing = playback.isPlaying.value;
    if (!playback.hasStarted.value || (playing && Math.abs(time - told) < 5)) return;
    told = time;
    tell(time, playback.duration.peek());
  });
}
