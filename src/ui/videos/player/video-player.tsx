/** The player of finished and growing videos. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { Icon } from '../../parts/icon.js';
import { Controls } from './controls.js';
import { actionOfKey } from './keys.js';
import { createPlayback, onPosition, type Playback } from './playback.js';
import { keepPosition, resumePosition } from './resume.js';
import { loadStoryboard, type StoryCue } from './storyboard.js';
import '../../player/player.css';
import './vod-player.css';

export interface VideoPlayerProps {
  /** Under this name the position is kept. */
  videoId: string;
  title: string;
  /** Address of the multivariant playlist. */
  url: string;
  poster: string | null;
  /** Address of the WebVTT file with the pictures over the seek bar. */
  storyboard: string | null;
  /** Length of the source while not all of it can be played yet. */
  wholeS: number | undefined;
  isGrowing: boolean;
  /** Changes when there is more to play at the same address. */
  version: string;
  autoplay?: boolean;
  /** Fills its frame instead of keeping a shape of its own. */
  fill?: boolean;
  /** Width by height of the picture. */
  aspect?: number | undefined;
  onPlayback?: (playback: Playback | undefined) => void;
}

const idleMs = 2600;

export function VideoPlayer(props: VideoPlayerProps) {
  const { videoId, title, url, poster, isGrowing, wholeS } = props;
  const element = useRef<HTMLVideoElement>(null);
  const stage = useRef<HTMLDivElement>(null);
  const [playback, setPlayback] = useState<Playback | undefined>(undefined);
  const cues = useStoryboard(props.storyboard, props.version);
  useEffect(() => {
    if (element.current === null) return undefined;
    const made = createPlayback(element.current, url, { startAt: resumePosition(videoId), isGrowing, autoplay: props.autoplay === true });
    setPlayback(made);
    props.onPlayback?.(made);
    const stopKeeping = onPosition(made, (seconds, duration) => keepPosition(videoId, seconds, Math.max(duration, wholeS ?? 0)));
    return () => {
      stopKeeping();
      made.stop();
      props.onPlayback?.(undefined);
    };
  }, [videoId]);
  const opened = useRef({ url, version: props.version });
  const reopen = () => {
    opened.current = { url, version: props.version };
    playback?.reopen(url, { isGrowing });
  };
  useEffect(() => {
    const { current } = opened;
    if (playback === undefined || (current.url === url && current.version === props.version)) return;
    // Whoever watches one encode of it to the end is not moved to another in the middle.
    if (current.url === url || !playback.hasStarted.peek()) reopen();
  }, [playback, url, props.version]);
  useKeys(playback, stage);
  const idle = useIdle(stage, playback);
  return (
    <section
      ref={stage}
      class={`stage vod ${props.fill === true ? 'fill' : ''} ${idle ? 'idle' : ''}`}
      aria-label={`Player: ${title}`}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: keys of the player work when it has the focus
      tabIndex={0}
      data-testid="player"
      style={props.fill === true || props.aspect === undefined ? undefined : { aspectRatio: String(Math.max(0.8, Math.min(2.4, props.aspect))) }}
    >
      <video ref={element} playsInline preload="metadata" {...(poster === null ? {} : { poster })} onClick={() => playback?.toggle()} />
      {playback !== undefined && (
        <>
          <Over playback={playback} onRetry={reopen} />
          <Controls playback={playback} cues={cues} wholeS={isGrowing ? wholeS : undefined} />
        </>
      )}
      {playback?.isRenewed.value === true && (
        <span class="vod-growing" role="status" data-testid="renewed">
          A newer version is played now
        </span>
      )}
      {isGrowing && (
        <span class="vod-growing">
          <i /> Still being made
        </span>
      )}
    </section>
  );
}

function useStoryboard(url: string | null, version: string): readonly StoryCue[] {
  const [cues, setCues] = useState<readonly StoryCue[]>([]);
  useEffect(() => {
    if (url === null) return undefined;
    const controller = new AbortController();
    void loadStoryboard(url, controller.signal).then((found) => !controller.signal.aborted && setCues(found));
    return () => controller.abort();
  }, [url, version]);
  return cues;
}

/** Keys work on the whole page, except where somebody types or another control has them. */
function useKeys(playback: Playback | undefined, stage: { current: HTMLElement | null }): void {
  useEffect(() => {
    if (playback === undefined) return undefined;
    const controller = new AbortController();
    document.addEventListener(
      'keydown',
      (event) => {
        if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTaken(event, stage.current)) return;
        const action = actionOfKey(event.key);
        if (action === undefined) return;
        event.preventDefault();
        playback.act(action);
        stage.current?.dispatchEvent(new CustomEvent('weir:touched'));
      },
      { signal: controller.signal },
    );
    return () => controller.abort();
  }, [playback]);
}

function isTaken(event: KeyboardEvent, stage: HTMLElement | null): boolean {
  const target = event.target instanceof Element ? event.target : null;
  if (target === null) return false;
  if (target.closest('input:not([type=range]), textarea, select, dialog, .menu') !== null || (target as HTMLElement).isContentEditable) return true;
  if (event.key === ' ') return target.closest('button, a, label, summary') !== null;
  // Outside the player, the arrows belong to the page.
  if (event.key.startsWith('Arrow') || event.key === 'Home' || event.key === 'End')
    return stage?.contains(target) !== true && target !== document.body;
  return false;
}

/** True while it plays and nobody moves: the controls then go away. */
function useIdle(stage: { current: HTMLElement | null }, playback: Playback | undefined): boolean {
  const [idle, setIdle] = useState(false);
  useEffect(() => {
    const frame = stage.current;
    if (frame === null || playback === undefined) return undefined;
    const controller = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const wake = () => {
      setIdle(false);
      clearTimeout(timer);
      timer = setTimeout(() => setIdle(frame.querySelector('.menu') === null), idleMs);
    };
    for (const name of ['pointermove', 'pointerdown', 'focusin', 'weir:touched']) frame.addEventListener(name, wake, { signal: controller.signal });
    frame.addEventListener('pointerleave', () => setIdle(true), { signal: controller.signal });
    return () => {
      controller.abort();
      clearTimeout(timer);
    };
  }, [playback]);
  return idle && playback?.isPlaying.value === true;
}

function Over({ playback, onRetry }: { playback: Playback; onRetry: () => void }) {
  const failure = playback.source.value.failure.value;
  if (failure !== undefined) {
    return (
      <div class="cover over" role="alert" data-testid="player-failure">
        <Icon name="nosignal" size={40} />
        <b>{failure.title}</b>
        <p>{failure.advice}</p>
        <button type="button" class="stage-btn" onClick={onRetry}>
          <Icon name="restart" /> Try again
        </button>
      </div>
    );
  }
  if (playback.isWaiting.value) {
    return (
      <div class="vod-center" role="status" aria-label="Loading">
        <span class="spinner" />
      </div>
    );
  }
  if (playback.isPlaying.value) return null;
  return (
    <div class="vod-center">
      <button
        type="button"
        class="big-play vod-play"
        aria-label={playback.isEnded.value ? 'Play again' : 'Play'}
        data-testid="big-play"
        onClick={playback.toggle}
      >
        <Icon name={playback.isEnded.value ? 'restart' : 'play'} size={34} />
      </button>
    </div>
  );
}
