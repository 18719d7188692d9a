/** The controls below the picture. */
import { useEffect, useState } from 'preact/hooks';
import { formatElapsed } from '../../core/format.js';
import { Menu } from '../../parts/basics.js';
import { Icon } from '../../parts/icon.js';
import { StageButton } from '../../player/stage-button.js';
import { speeds } from './keys.js';
import { type Playback, toggleFull, togglePip } from './playback.js';
import { SeekBar } from './seek-bar.js';
import type { StoryCue } from './storyboard.js';

interface ControlsProps {
  playback: Playback;
  cues: readonly StoryCue[];
  wholeS: number | undefined;
}

export function Controls({ playback, cues, wholeS }: ControlsProps) {
  const { isPlaying, isEnded } = playback;
  const source = playback.source.value;
  const full = useFull();
  const total = Math.max(playback.duration.value, wholeS ?? 0);
  const hasCaptions = source.captions.value.length > 0;
  return (
    <div class="vod-controls">
      <SeekBar playback={playback} cues={cues} wholeS={wholeS} />
      <div class="vod-buttons">
        <StageButton
          size={20}
          icon={isEnded.value ? 'restart' : isPlaying.value ? 'pause' : 'play'}
          label={isEnded.value ? 'Play again' : isPlaying.value ? 'Pause (k)' : 'Play (k)'}
          testid="play"
          onClick={playback.toggle}
        />
        <Volume playback={playback} />
        <span class="vod-time">
          {formatElapsed(playback.time.value)} <span>/ {formatElapsed(total)}</span>
        </span>
        <span class="push" />
        {hasCaptions && (
          <StageButton
            size={20}
            icon="captions"
            label="Captions (c)"
            pressed={source.chosenCaptions.value >= 0}
            testid="captions"
            onClick={() => playback.act({ kind: 'captions' })}
          />
        )}
        <PlayerMenu playback={playback} />
        {document.pictureInPictureEnabled && (
          <StageButton size={20} icon="pip" label="Picture in picture (p)" onClick={() => void togglePip(playback.video)} />
        )}
        <StageButton
          size={20}
          icon={full ? 'unfull' : 'full'}
          label={full ? 'Leave full screen (f)' : 'Full screen (f)'}
          testid="full"
          onClick={() => toggleFull(playback.video)}
        />
      </div>
    </div>
  );
}

function useFull(): boolean {
  const [full, setFull] = useState(document.fullscreenElement !== null);
  useEffect(() => {
    const read = () => setFull(document.fullscreenElement !== null);
    document.addEventListener('fullscreenchange', read);
    return () => document.removeEventListener('fullscreenchange', read);
  }, []);
  return full;
}

function Volume({ playback }: { playback: Playback }) {
  const isSilent = playback.isMuted.value || playback.volume.value === 0;
  return (
    <span class="vod-volume">
      <StageButton
        size={20}
        icon={isSilent ? 'muted' : 'volume'}
        label={isSilent ? 'Sound on (m)' : 'Sound off (m)'}
        onClick={() => playback.act({ kind: 'mute' })}
      />
      <input
        type="range"
        min={0}
        max={1}
        step={0.05}
        aria-label="Volume"
        value={isSilent ? 0 : playback.volume.value}
        onInput={(event) => playback.setVolume(Number(event.currentTarget.value))}
      />
    </span>
  );
}

/** Quality, speed, and where there are several, sound and captions. */
function PlayerMenu({ playback }: { playback: Playback }) {
  const source = playback.source.value;
  const qualities = source.qualities.value;
  const playedLabel = qualities.find((one) => one.index === source.playedQuality.value)?.label;
  const speed = playback.speed.value;
  return (
    <Menu
      label="Quality and speed"
      class="stage-icon vod-menu-button"
      trigger={
        <>
          <Icon name="sliders" size={20} />
          {playedLabel !== undefined && <i>{playedLabel.replace('p', '')}</i>}
        </>
      }
    >
      <div class="vod-menu" data-testid="player-menu">
        <Choices
          title="Quality"
          chosen={source.chosenQuality.value}
          options={[
            { value: -1, label: source.chosenQuality.value === -1 && playedLabel !== undefined ? `Auto (${playedLabel})` : 'Auto' },
            ...qualities.map((one) => ({ value: one.index, label: one.label })),
          ]}
          onChoose={source.chooseQuality}
        />
        <Choices
          title="Speed"
          chosen={speed}
          options={speeds.map((value) => ({ value, label: value === 1 ? 'Normal' : `${value}×` }))}
          onChoose={playback.setSpeed}
        />
        {source.sounds.value.length > 1 && (
          <Choices
            title="Sound"
            chosen={source.chosenSound.value}
            options={source.sounds.value.map((one) => ({ value: one.index, label: one.label }))}
            onChoose={source.chooseSound}
          />
        )}
        {source.captions.value.length > 0 && (
          <Choices
            title="Captions"
            chosen={source.chosenCaptions.value}
            options={[{ value: -1, label: 'Off' }, ...source.captions.value.map((one) => ({ value: one.index, label: one.label }))]}
            onChoose={source.chooseCaptions}
          />
        )}
      </div>
    </Menu>
  );
}

interface ChoicesProps {
  title: string;
  chosen: number;
  options: readonly { value: number; label: string }[];
  onChoose: (value: number) => void;
}

function Choices({ title, chosen, options, onChoose }: ChoicesProps) {
  return (
    <fieldset class="vod-choices">
      <legend>{title}</legend>
      {options.map((option) => (
        <button key={option.value} type="button" aria-pressed={option.value === chosen} onClick={() => onChoose(option.value)}>
          <Icon name="check" size={15} />
          {option.label}
        </button>
      ))}
    </fieldset>
  );
}
