/** The player of recordings, and the bar that moves it. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { urlOf } from '../core/api.js';
import { now } from '../core/clock.js';
import { streamModel } from '../core/data.js';
import { gapSentence } from '../core/gap-words.js';
import { streamHref } from '../core/routing.js';
import { showToast } from '../core/toasts.js';
import { Icon, type IconName } from '../parts/icon.js';
import { toggleFullscreen } from '../player/live-video.js';
import { StageButton } from '../player/stage-button.js';
import { panView, revealTime, spanAt } from './geometry.js';
import { Playback } from './playback.js';
import { active, bounds, day, findNext, keepPlayhead, laneOf, playhead, setView, showTime, spanHere, view, zone } from './timeline-state.js';
import { formatClock } from './zone.js';

export const rates = [0.25, 0.5, 1, 2, 4, 8] as const;

export interface Deck {
  playback: Playback | undefined;
  /** Goes to a time and, where something is recorded, shows it. */
  seek: (time: number, play?: boolean) => void;
}

/** The end of what can be asked for: of the day, or of now. */
export function endOfDay(): number {
  return Math.min(bounds.peek().to, Date.now() - 1000);
}

/** Makes a player for the chosen row and keeps it as long as the row is chosen. */
export function useDeck(video: { current: HTMLVideoElement | null }): Deck {
  const id = active.value;
  const [playback, setPlayback] = useState<Playback | undefined>(undefined);
  const current = useRef<Playback | undefined>(undefined);
  useEffect(() => {
    if (id === undefined || video.current === null) return undefined;
    const made = new Playback(id, video.current, {
      time: (time) => {
        playhead.value = time;
        const seen = view.peek();
        if (time > seen.to) view.value = revealTime(seen, time, bounds.peek());
      },
      end: () => goOn(made),
    });
    current.current = made;
    setPlayback(made);
    return () => {
      current.current = undefined;
      made.stop();
    };
  }, [id]);
  const seek = (time: number, play?: boolean) => {
    keepPlayhead();
    playhead.value = time;
    const row = active.peek();
    const playing = current.current;
    if (row === undefined || playing === undefined) return;
    const { spans, loading } = laneOf(row);
    if (!loading && spanAt(spans, time)?.state !== 'present') {
      playing.pause();
      return;
    }
    void playing.seek(time, endOfDay(), play);
  };
  return { playback, seek };
}

/** The loaded hour is over: on with the next picture of the day. */
function goOn(playback: Playback): void {
  const next = playhead.peek() + 300;
  const row = active.peek();
  if (row === undefined) return;
  const { spans } = laneOf(row);
  const at = spanAt(spans, next)?.state === 'present' ? next : findNext('present', 1);
  if (at !== undefined && at < endOfDay() - 1000) void playback.seek(at, endOfDay(), true);
}

export function RecordedStage({ deck, video }: { deck: Deck; video: { current: HTMLVideoElement | null } }) {
  const id = active.value;
  const box = useRef<HTMLDivElement>(null);
  const name = id === undefined ? '' : (streamModel(id)?.stream.value.name ?? id);
  return (
    // biome-ignore lint/a11y/useSemanticElements: a group of controls around a picture, not a form
    <div
      class="stage recorded"
      ref={box}
      role="group"
      aria-label={`Recording of ${name}`}
      data-testid="recorded"
      data-state={deck.playback?.state.value}
    >
      <video
        ref={(element) => {
          video.current = element;
        }}
        muted
        playsInline
        disableRemotePlayback
        onClick={() => void deck.playback?.toggle()}
      />
      <StageCover deck={deck} />
      <div class="stage-clock" data-testid="clock">
        <b>{formatClock(playhead.value, zone)}</b>
        <span>{formatDate(day.value)}</span>
      </div>
      {id !== undefined && (
        <div class="controls shown-on-hover">
          <span class="figures">{name}</span>
          <span class="push" />
          <SoundButton video={video} />
          <StageButton icon="full" label="Full screen" onClick={() => void toggleFullscreen(box.current)} />
        </div>
      )}
    </div>
  );
}

const dateFormat = new Intl.DateTimeFormat(undefined, { weekday: 'short', day: 'numeric', month: 'short', year: 'numeric', timeZone: 'UTC' });

export function formatDate(text: string): string {
  return dateFormat.format(new Date(`${text}T00:00:00Z`));
}

function SoundButton({ video }: { video: { current: HTMLVideoElement | null } }) {
  const [muted, setMuted] = useState(true);
  const toggle = () => {
    if (video.current === null) return;
    video.current.muted = !muted;
    setMuted(!muted);
  };
  return <StageButton icon={muted ? 'muted' : 'volume'} label={muted ? 'Sound on' : 'Sound off'} onClick={toggle} />;
}

function StageCover({ deck }: { deck: Deck }) {
  const id = active.value;
  const state = deck.playback?.state.value ?? 'idle';
  const here = spanHere();
  if (id === undefined) return <Cover icon="timeline" title="Choose a stream" />;
  const lane = laneOf(id);
  if (here?.state === 'missing') {
    return (
      <Cover
        icon="nosignal"
        title="Nothing was recorded here"
        text={`${gapSentence(here.cause)}${here.detail === undefined ? '.' : `: ${here.detail}`}`}
      >
        <JumpButton deck={deck} />
      </Cover>
    );
  }
  if (here?.state !== 'present' && !lane.loading) {
    const isAhead = playhead.value > now.value - 2000;
    return (
      <Cover icon={isAhead ? 'clock' : 'record'} title={isAhead ? 'This is still to come' : 'Nothing was to be recorded here'}>
        {isAhead ? (
          <a class="stage-btn" href={streamHref(id)}>
            <Icon name="play" size={15} /> Watch live
          </a>
        ) : (
          <JumpButton deck={deck} />
        )}
      </Cover>
    );
  }
  if (state === 'failed') {
    return (
      <Cover icon="alert" title={deck.playback?.error.value ?? 'The recording cannot be played'}>
        <button type="button" class="stage-btn" onClick={() => deck.seek(playhead.peek(), true)}>
          Try again
        </button>
      </Cover>
    );
  }
  if (state === 'loading') return <Preview id={id} />;
  if (state === 'idle' && here?.state === 'present') {
    return (
      <Preview id={id}>
        <button type="button" class="big-play" aria-label="Play" data-testid="big-play" onClick={() => deck.seek(playhead.peek(), true)}>
          <Icon name="play" size={34} />
        </button>
      </Preview>
    );
  }
  return null;
}

function Cover({ icon, title, text, children }: { icon: IconName; title: string; text?: string; children?: preact.ComponentChildren }) {
  return (
    <div class="cover" data-testid="recorded-note">
      <Icon name={icon} size={30} />
      <b>{title}</b>
      {text !== undefined && <p>{text}</p>}
      {children}
    </div>
  );
}

/** The still of the moment stands in until the video does. */
function Preview({ id, children }: { id: string; children?: preact.ComponentChildren }) {
  // To the full second, but not to before the first picture.
  const at = Math.max(Math.floor(playhead.value / 1000) * 1000, (spanHere()?.from ?? 0) + 1);
  const [shown] = useState(at);
  const time = children === undefined ? shown : at;
  return (
    <div class="cover preview">
      <img
        src={urlOf('thumbnail', { stream_id: id }, { at: new Date(time).toISOString(), width: 960 })}
        alt=""
        onError={(event) => {
          event.currentTarget.hidden = true;
        }}
        onLoad={(event) => {
          event.currentTarget.hidden = false;
        }}
      />
      {children ?? <span class="spinner" />}
    </div>
  );
}

function JumpButton({ deck }: { deck: Deck }) {
  const next = findNext('present', 1);
  const before = next ?? findNext('present', -1);
  if (before === undefined) return null;
  return (
    <button type="button" class="stage-btn" data-testid="to-next" onClick={() => deck.seek(before, true)}>
      {next === undefined ? 'To the recording before' : 'To the next recording'} ({formatClock(before, zone)})
    </button>
  );
}

/** Moves by so much and keeps within the day. */
export function moveBy(deck: Deck, ms: number): void {
  const { from, to } = bounds.peek();
  const time = Math.min(Math.max(from, playhead.peek() + ms), to - 1);
  view.value = revealTime(view.peek(), time, bounds.peek());
  deck.seek(time);
}

/** One picture back or on, standing still. */
export function stepFrame(deck: Deck, direction: 1 | -1): void {
  const id = active.peek();
  const rate = (id === undefined ? undefined : streamModel(id)?.status.peek()?.video?.frame_rate) ?? 25;
  deck.playback?.pause();
  const time = playhead.peek() + (direction * 1000) / rate;
  playhead.value = time;
  void deck.playback?.seek(time, endOfDay(), false);
}

/** To the begin of the next or previous gap or recording; says so when there is none. */
export function jump(deck: Deck, state: 'present' | 'missing', direction: 1 | -1): void {
  const time = findNext(state, direction);
  if (time === undefined) {
    const what = state === 'missing' ? 'gap' : 'recording';
    showToast({ tone: 'ok', title: `No ${direction === 1 ? 'further' : 'earlier'} ${what} on this day` });
    return;
  }
  showTime(time);
  deck.seek(time);
}

export function Transport({ deck, rate, onRate }: { deck: Deck; rate: number; onRate: (rate: number) => void }) {
  const playing = deck.playback?.playing.value === true;
  const button = (icon: IconName, label: string, act: () => void, testid?: string) => (
    <button type="button" class="btn icon quiet" aria-label={label} title={label} data-testid={testid} onClick={act}>
      <Icon name={icon} />
    </button>
  );
  return (
    <div class="transport" data-testid="transport">
      <div class="btn-row tight">
        {button('gapback', 'Previous gap (j)', () => jump(deck, 'missing', -1))}
        {button('back10', '10 seconds back (←)', () => moveBy(deck, -10_000))}
        {button('frameback', 'One frame back (,)', () => stepFrame(deck, -1))}
        <button
          type="button"
          class="btn primary icon play"
          aria-label={playing ? 'Pause (Space)' : 'Play (Space)'}
          title={playing ? 'Pause (Space)' : 'Play (Space)'}
          data-testid="play"
          onClick={() => playOrPause(deck)}
        >
          <Icon name={playing ? 'pause' : 'play'} />
        </button>
        {button('frameon', 'One frame on (.)', () => stepFrame(deck, 1))}
        {button('on10', '10 seconds on (→)', () => moveBy(deck, 10_000))}
        {button('gapon', 'Next gap (k)', () => jump(deck, 'missing', 1), 'next-gap')}
      </div>
      <fieldset class="segmented speeds" aria-label="Speed">
        {rates.map((one) => (
          <button type="button" key={one} aria-pressed={rate === one} onClick={() => onRate(one)}>
            {one === 0.25 ? '¼' : one === 0.5 ? '½' : one}×
          </button>
        ))}
      </fieldset>
      <div class="btn-row tight zoom">
        {button('zoomout', 'Further away (−)', () => zoomBy(2))}
        {button('zoomin', 'Nearer (+)', () => zoomBy(0.5), 'zoom-in')}
        <button type="button" class="btn quiet small" onClick={() => (view.value = bounds.peek())}>
          Day
        </button>
      </div>
    </div>
  );
}

export function playOrPause(deck: Deck): void {
  const state = deck.playback?.state.peek();
  if (state === 'ready' || state === 'loading') void deck.playback?.toggle();
  else deck.seek(playhead.peek(), true);
}

/** Around the playhead where it is in sight, else around the middle. */
export function zoomBy(factor: number): void {
  const current = view.peek();
  const at = playhead.peek();
  const anchor = at >= current.from && at <= current.to ? at : (current.from + current.to) / 2;
  const length = (current.to - current.from) * factor;
  const share = (anchor - current.from) / (current.to - current.from);
  setView({ from: anchor - share * length, to: anchor + (1 - share) * length });
}

export function panBy(share: number): void {
  const current = view.peek();
  view.value = panView(current, (current.to - current.from) * share, bounds.peek());
}
