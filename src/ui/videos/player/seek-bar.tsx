/** The bar of time: click and drag to go somewhere, hover to see what is there. */
import { useRef, useState } from 'preact/hooks';
import { formatElapsed } from '../../core/format.js';
import type { Playback } from './playback.js';
import { cueAt, type StoryCue } from './storyboard.js';

interface SeekBarProps {
  playback: Playback;
  cues: readonly StoryCue[];
  /** Length of the whole video, where it is known while only a part can be played yet. */
  wholeS: number | undefined;
}

export function SeekBar({ playback, cues, wholeS }: SeekBarProps) {
  const bar = useRef<HTMLDivElement>(null);
  const [hover, setHover] = useState<number | undefined>(undefined);
  const dragging = useRef(false);
  const playable = playback.duration.value;
  const total = Math.max(playable, wholeS ?? 0, 0.001);
  const percent = (seconds: number) => `${Math.min(100, Math.max(0, (seconds / total) * 100))}%`;
  const timeAt = (event: PointerEvent) => {
    const box = bar.current?.getBoundingClientRect();
    if (box === undefined || box.width === 0) return 0;
    return Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)) * total;
  };
  return (
    <div
      ref={bar}
      class="seek"
      role="slider"
      tabIndex={0}
      aria-label="Time"
      aria-valuemin={0}
      aria-valuemax={Math.round(total)}
      aria-valuenow={Math.round(playback.time.value)}
      aria-valuetext={`${formatElapsed(playback.time.value)} of ${formatElapsed(total)}`}
      data-testid="seek"
      onPointerDown={(event) => {
        if (event.button !== 0) return;
        dragging.current = true;
        bar.current?.setPointerCapture(event.pointerId);
        playback.seek(Math.min(timeAt(event), playable));
      }}
      onPointerMove={(event) => {
        setHover(timeAt(event));
        if (dragging.current) playback.seek(Math.min(timeAt(event), playable));
      }}
      onPointerUp={() => {
        dragging.current = false;
      }}
      onPointerCancel={() => {
        dragging.current = false;
      }}
      onPointerLeave={() => setHover(undefined)}
    >
      <div class="seek-track">
        {playable < total - 1 && <i class="seek-there" style={{ width: percent(playable) }} />}
        <i class="seek-loaded" style={{ width: percent(playback.loadedTo.value) }} />
        <i class="seek-played" style={{ width: percent(playback.time.value) }} />
      </div>
      <b class="seek-thumb" style={{ left: percent(playback.time.value) }} />
      {hover !== undefined && <Preview seconds={hover} total={total} isThere={hover <= playable + 0.5} cue={cueAt(cues, hover)} />}
    </div>
  );
}

const previewHeight = 96;

function Preview({ seconds, total, isThere, cue }: { seconds: number; total: number; isThere: boolean; cue: StoryCue | undefined }) {
  const scale = cue === undefined ? 1 : previewHeight / cue.height;
  const width = cue === undefined ? 0 : cue.width * scale;
  return (
    <div
      class="seek-preview"
      style={{ left: `clamp(${width / 2 + 4}px, ${(seconds / total) * 100}%, calc(100% - ${width / 2 + 4}px))` }}
      data-testid="preview"
    >
      {cue !== undefined && isThere && (
        <span class="seek-picture" style={{ width: `${width}px`, height: `${previewHeight}px` }}>
          <img src={cue.url} alt="" style={{ transform: `scale(${scale}) translate(${-cue.x}px, ${-cue.y}px)` }} />
        </span>
      )}
      <span>{isThere ? formatElapsed(seconds) : `${formatElapsed(seconds)} · not ready yet`}</span>
    </div>
  );
}
