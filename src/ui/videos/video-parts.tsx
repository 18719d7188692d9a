/** Small parts that several pages of videos are made of. */
import type { Video, Visibility } from '../../contracts/video.js';
import { formatElapsed } from '../core/format.js';
import { Dot } from '../parts/basics.js';
import { Icon } from '../parts/icon.js';
import { progressOf } from './video-events.js';
import {
  durationOf,
  formatLeft,
  phaseLabels,
  videoStateLabels,
  videoStateTones,
  visibilities,
  visibilityHints,
  visibilityIcons,
  visibilityLabels,
} from './video-words.js';

/** A bar of progress. */
export function Meter({ percent, label, tone }: { percent: number; label: string; tone?: 'bad' | 'quiet' }) {
  const whole = Math.round(Math.min(100, Math.max(0, percent)));
  return (
    <div class="meter" role="progressbar" aria-label={label} aria-valuenow={whole} aria-valuemin={0} aria-valuemax={100} data-tone={tone}>
      <i style={{ width: `${Math.min(100, Math.max(0, percent))}%` }} />
    </div>
  );
}

/** The picture of a video, with its length; a quiet field where there is none yet. */
export function Thumb({ video, eager = false }: { video: Video; eager?: boolean }) {
  const duration = durationOf(video);
  return (
    <span class="thumb" data-empty={video.thumbnail_url === null}>
      {video.thumbnail_url === null ? (
        <Icon name={video.facts !== null && video.facts.video === null ? 'volume' : 'film'} size={30} />
      ) : (
        <img src={video.thumbnail_url} alt="" loading={eager ? 'eager' : 'lazy'} decoding="async" />
      )}
      {duration !== undefined && duration > 0 && <span class="thumb-length">{formatElapsed(Math.round(duration))}</span>}
    </span>
  );
}

/** State of a video with a bar and the time left while it is worked on. */
export function VideoProgress({ video }: { video: Video }) {
  const progress = progressOf(video.video_id).value;
  const running = progress !== undefined && progress.job_id === video.job_id && video.state === 'processing' ? progress : undefined;
  const percent = running?.percent ?? video.progress ?? 0;
  const left = formatLeft(running?.eta_s);
  return (
    <div class="video-progress">
      <div class="video-state small">
        <span class="state">
          <Dot tone={videoStateTones[video.state]} />
          {video.state === 'processing' && running !== undefined && running.phase !== 'encoding'
            ? phaseLabels[running.phase]
            : videoStateLabels[video.state]}
        </span>
        {video.state === 'processing' && (
          <span class="muted">
            {Math.floor(percent)} %{left !== '' && ` · ${left}`}
          </span>
        )}
      </div>
      {video.state === 'processing' && <Meter percent={percent} label={`${video.title}: ${Math.round(percent)} percent`} />}
    </div>
  );
}

/** Who may watch it, as a small word with its sign. */
export function VisibilityTag({ value }: { value: Visibility }) {
  return (
    <span class="tag" title={visibilityHints[value]} data-tone={value === 'public' ? 'accent' : undefined}>
      <Icon name={visibilityIcons[value]} size={12} /> {visibilityLabels[value]}
    </span>
  );
}

/** Three choices beside each other. */
export function VisibilityChoice({
  value,
  onChange,
  disabled = false,
}: {
  value: Visibility;
  onChange: (value: Visibility) => void;
  disabled?: boolean;
}) {
  return (
    <fieldset class="segmented" aria-label="Who may watch it" disabled={disabled}>
      {visibilities.map((one) => (
        <button
          key={one}
          type="button"
          aria-pressed={value === one}
          title={visibilityHints[one]}
          data-testid={`visibility-${one}`}
          onClick={() => onChange(one)}
        >
          {visibilityLabels[one]}
        </button>
      ))}
    </fieldset>
  );
}
