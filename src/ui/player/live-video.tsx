/** The picture with everything around it: status in words, controls, statistics. Used by the wall and the stream page. */
import { type Signal, useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { call } from '../core/api.js';
import { streamModel, takeStream } from '../core/data.js';
import { formatBitrate } from '../core/format.js';
import { linkState } from '../core/link.js';
import { may } from '../core/session.js';
import { showToast } from '../core/toasts.js';
import { reasonWords, type Words, wordsFor } from '../core/words.js';
import { Icon, type IconName } from '../parts/icon.js';
import { useAction } from '../parts/use-action.js';
import { LivePlayer } from './live-player.js';
import { keepSnapshot, toggleRecording } from './record.js';
import { RecMark, RecordButton } from './record-button.js';
import type { PlayerSnapshot } from './snapshot.js';
import { StageButton } from './stage-button.js';
import { StatsOverlay } from './stats-overlay.js';
import './player.css';

export interface LiveVideoProps {
  streamId: string;
  /** Drawn over the top edge, for example the name of a tile. */
  head?: (player: LivePlayer | undefined) => ComponentChildren;
  /** More buttons at the end of the control bar. */
  more?: ComponentChildren;
  /** Small controls for tiles. */
  compact?: boolean;
}

/** Plays a stream from mount to unmount. */
export function LiveVideo({ streamId, head, more, compact = false }: LiveVideoProps) {
  const stage = useRef<HTMLDivElement>(null);
  const video = useRef<HTMLVideoElement>(null);
  const freeze = useRef<HTMLCanvasElement>(null);
  const [player, setPlayer] = useState<LivePlayer | undefined>(undefined);
  const stats = useSignal(false);
  useEffect(() => {
    if (video.current === null || freeze.current === null) return undefined;
    const made = new LivePlayer(streamId, video.current, freeze.current);
    setPlayer(made);
    return () => made.stop();
  }, [streamId]);
  return (
    // biome-ignore lint/a11y/useSemanticElements: a group of controls around a picture, not a form
    <div
      class={`stage ${compact ? 'compact' : ''}`}
      ref={stage}
      role="group"
      aria-label={`Live picture of ${streamId}`}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: the keys of the player work while it has the focus
      tabIndex={0}
      data-testid={`player-${streamId}`}
      onKeyDown={(event) => onStageKey(event, { streamId, stage: stage.current, video: video.current, stats })}
      onDblClick={(event) => (event.target as Element).closest('button') === null && void toggleFullscreen(stage.current)}
    >
      <video ref={video} muted playsInline autoplay disableRemotePlayback />
      <canvas ref={freeze} class="freeze" hidden />
      {player !== undefined && <Cover player={player} compact={compact} />}
      {!compact && (
        <div class="stage-marks">
          <RecMark streamId={streamId} />
        </div>
      )}
      {head !== undefined && <div class="stage-head">{head(player)}</div>}
      {stats.value && player !== undefined && <StatsOverlay player={player} onClose={() => (stats.value = false)} />}
      {player !== undefined && <Controls player={player} stage={stage.current} video={video.current} stats={stats} compact={compact} more={more} />}
    </div>
  );
}

interface StageParts {
  streamId: string;
  stage: HTMLElement | null;
  video: HTMLVideoElement | null;
  stats: Signal<boolean>;
}

function onStageKey(event: KeyboardEvent, { streamId, stage, video, stats }: StageParts): void {
  if (event.ctrlKey || event.metaKey || event.altKey || (event.target as Element).closest('input, textarea, select, [data-grip]') !== null) return;
  const keys: Record<string, () => void> = {
    i: () => {
      stats.value = !stats.peek();
    },
    m: () => toggleMuted(video),
    f: () => void toggleFullscreen(stage),
    p: () => void togglePictureInPicture(video),
    s: () => void (event.shiftKey || !may('operator') ? savePicture(video) : keepSnapshot(streamId)),
  };
  if (may('operator')) keys.r = () => void toggleRecording(streamId);
  const act = keys[event.key.toLowerCase()];
  if (act === undefined) return;
  event.preventDefault();
  event.stopPropagation();
  act();
}

/** Fills the screen with an element, or leaves that. */
export async function toggleFullscreen(element: HTMLElement | null): Promise<void> {
  if (document.fullscreenElement !== null) await document.exitFullscreen();
  else if (element?.requestFullscreen !== undefined) await element.requestFullscreen().catch(() => undefined);
  else (element?.querySelector('video') as { webkitEnterFullscreen?: () => void } | null)?.webkitEnterFullscreen?.();
}

function toggleMuted(video: HTMLVideoElement | null): void {
  if (video !== null) video.muted = !video.muted;
}

async function togglePictureInPicture(video: HTMLVideoElement | null): Promise<void> {
  if (video === null || !document.pictureInPictureEnabled) return;
  if (document.pictureInPictureElement === video) await document.exitPictureInPicture();
  else await video.requestPictureInPicture().catch(() => showToast({ tone: 'warn', title: 'The browser did not allow picture-in-picture' }));
}

/** Saves the frame on screen as a PNG file, named by stream and time. */
async function savePicture(video: HTMLVideoElement | null): Promise<void> {
  if (video === null || video.videoWidth === 0) return;
  const canvas = document.createElement('canvas');
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  canvas.getContext('2d')?.drawImage(video, 0, 0);
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, 'image/png'));
  if (blob === null) return;
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = `${video.dataset.stream ?? 'weir'}-${new Date().toISOString().replace(/[:.]/g, '-')}.png`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** What stands over the picture while there is none, or while it is not the camera's. */
function Cover({ player, compact }: { player: LivePlayer; compact: boolean }) {
  const snapshot = player.snapshot.value;
  const status = streamModel(player.streamId)?.status.value ?? null;
  const words = coverWords(snapshot, wordsFor(status), streamModel(player.streamId)?.stream.value.managed === false);
  if (words === undefined) return null;
  if (snapshot.hasPicture && snapshot.phase === 'playing' && snapshot.isFlowing) {
    // The slate says by itself what is wrong; only the advice is ours to add.
    const isSlate = status?.no_signal === true;
    if (isSlate && (compact || words.advice === '')) return null;
    return (
      <div class={`strip ${isSlate ? 'slate' : ''}`} data-testid="player-note" title={words.advice}>
        <Icon name="alert" size={15} />
        {!isSlate && <b>{words.title}</b>}
        {!compact && words.advice !== '' && <span>{words.advice}</span>}
      </div>
    );
  }
  return (
    <div class={`cover ${snapshot.hasPicture ? 'over' : ''}`} data-testid="player-note" role="status">
      {words.busy === true ? <span class="spinner" /> : <Icon name={words.icon ?? 'nosignal'} size={compact ? 24 : 32} />}
      <b>{words.title}</b>
      {words.advice !== '' && <p>{words.advice}</p>}
      <CoverActions player={player} snapshot={snapshot} />
    </div>
  );
}

const noMediaWords: Words = { title: 'No picture on the bus', advice: 'Its spoke reports what it does, but publishes no media.' };

interface CoverWords extends Words {
  busy?: boolean;
  icon?: IconName;
}

function coverWords(snapshot: PlayerSnapshot, status: Words | undefined, isForeign: boolean): CoverWords | undefined {
  const { phase, hasPicture } = snapshot;
  const trouble = status?.title === 'Starting' ? undefined : status;
  if (phase === 'failed') return { title: snapshot.error ?? 'The picture cannot be shown', advice: '', icon: 'alert' };
  if (phase === 'unsupported') return { ...reasonWords.unsupported_codec, icon: 'alert' };
  if (phase === 'playing' && hasPicture) return snapshot.isFlowing ? trouble : (trouble ?? waitingWords(snapshot, status));
  // A plain spoke need not put its picture on the bus; nobody should wait for one that never comes.
  if (phase === 'waiting' && isForeign && trouble === undefined && snapshot.error === undefined) return { ...noMediaWords, icon: 'nosignal' };
  if (phase === 'waiting') return trouble ?? waitingWords(snapshot, status);
  if (hasPicture) return undefined;
  if (linkState.value.kind === 'lost') return { title: 'Connecting again', advice: '', busy: true };
  if (phase === 'resting') return { title: 'Paused', advice: '', icon: 'eye' };
  if (phase === 'fallback') return { title: 'Connecting over HTTP', advice: '', busy: true };
  return { title: status?.title === 'Starting' ? 'Starting' : '', advice: '', busy: true };
}

function waitingWords(snapshot: PlayerSnapshot, status: Words | undefined): CoverWords {
  if (status?.title === 'Starting') return { title: 'Starting', advice: '', busy: true };
  return { title: snapshot.error === undefined ? 'Waiting for the picture' : 'Waiting for the hub', advice: '', busy: true };
}

function CoverActions({ player, snapshot }: { player: LivePlayer; snapshot: PlayerSnapshot }) {
  const { busy, error, run } = useAction();
  const model = streamModel(player.streamId);
  if (snapshot.phase === 'failed') {
    return (
      <button type="button" class="stage-btn" onClick={() => player.retry()}>
        Try again
      </button>
    );
  }
  const stopped = model?.status.value?.state === 'stopped' || model?.stream.value.desired === 'stopped';
  if (model === undefined || !stopped || !may('operator') || model.stream.value.on_demand) return null;
  const start = () => run(async () => takeStream((await call('start_stream', { params: { stream_id: player.streamId } })).stream));
  return (
    <>
      <button type="button" class="stage-btn" disabled={busy} onClick={() => void start()}>
        {busy ? <span class="spinner" /> : <Icon name="play" size={15} />} Start
      </button>
      {error !== undefined && <p>{error.message}</p>}
    </>
  );
}

interface ControlsProps {
  player: LivePlayer;
  stage: HTMLElement | null;
  video: HTMLVideoElement | null;
  stats: Signal<boolean>;
  compact: boolean;
  more: ComponentChildren;
}

function Controls({ player, stage, video, stats, compact, more }: ControlsProps) {
  const [muted, setMuted] = useState(true);
  const [full, setFull] = useState(false);
  useEffect(() => {
    const controller = new AbortController();
    const { signal } = controller;
    video?.addEventListener('volumechange', () => setMuted(video.muted), { signal });
    document.addEventListener('fullscreenchange', () => setFull(document.fullscreenElement === stage), { signal });
    return () => controller.abort();
  }, [video, stage]);
  const hasAudio = /mp4a|opus/i.test(player.snapshot.value.codecs);
  return (
    <div class="controls">
      {!compact && <LiveMark player={player} />}
      <span class="push" />
      {hasAudio && (
        <StageButton icon={muted ? 'muted' : 'volume'} label={muted ? 'Sound on (m)' : 'Sound off (m)'} onClick={() => toggleMuted(video)} />
      )}
      <StageButton icon="info" label="Statistics (i)" pressed={stats.value} onClick={() => (stats.value = !stats.value)} />
      <RecordButton streamId={player.streamId} compact={compact} />
      {may('operator') && <StageButton icon="camera" label="Keep a snapshot on the hub (s)" onClick={() => void keepSnapshot(player.streamId)} />}
      {(!compact || !may('operator')) && (
        <StageButton icon="download" label="Save the picture on this device (Shift+s)" onClick={() => void savePicture(video)} />
      )}
      {!compact && document.pictureInPictureEnabled && (
        <StageButton icon="pip" label="Picture in picture (p)" onClick={() => void togglePictureInPicture(video)} />
      )}
      {more}
      <StageButton
        icon={full ? 'unfull' : 'full'}
        label={full ? 'Leave full screen (f)' : 'Full screen (f)'}
        onClick={() => void toggleFullscreen(stage)}
      />
    </div>
  );
}

function LiveMark({ player }: { player: LivePlayer }) {
  const { phase, latencyMs, bitrateKbps, hasPicture } = player.snapshot.value;
  if (!hasPicture) return null;
  if (phase === 'fallback') return <span class="figures">HLS</span>;
  if (phase !== 'playing') return null;
  return (
    <span class="figures" title="Time from the encoder to this screen, and the rate that arrives">
      <span data-testid="latency">{(latencyMs / 1000).toFixed(2)} s</span>
      <span>{formatBitrate(bitrateKbps)}</span>
    </span>
  );
}
