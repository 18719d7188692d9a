/** The numbers behind the picture, for the key `i`. */
import { formatBitrate, formatCount } from '../core/format.js';
import type { LivePlayer } from './live-player.js';
import type { PlayerSnapshot } from './snapshot.js';
import { StageButton } from './stage-button.js';

/** A panel over the picture, drawn anew once per second. */
export function StatsOverlay({ player, onClose }: { player: LivePlayer; onClose: () => void }) {
  const rows = statRows(player.snapshot.value);
  return (
    <div class="stats" data-testid="stats">
      <header>
        <b>Statistics</b>
        <StageButton icon="close" label="Close statistics" onClick={onClose} />
      </header>
      <dl>
        {rows.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </div>
  );
}

function statRows(facts: PlayerSnapshot): [string, string][] {
  const dropShare = facts.framesDecoded === 0 ? 0 : (facts.framesDropped / facts.framesDecoded) * 100;
  return [
    ['Latency', `${Math.round(facts.latencyMs)} ms`],
    ['Player buffer', `${Math.round(facts.bufferMs)} ms`],
    ['Frames', `${facts.fps.toFixed(1)} fps · ${formatCount(facts.framesDecoded)}`],
    ['Dropped', `${formatCount(facts.framesDropped)} (${dropShare.toFixed(2)} %)`],
    ['Bitrate', formatBitrate(facts.bitrateKbps)],
    ['Picture', facts.width === 0 ? '–' : `${facts.width} × ${facts.height}${facts.picture === 'no-signal' ? ' · no signal' : ''}`],
    ['Codecs', facts.codecs || '–'],
    ['Epoch', `${facts.epoch || '–'} (${facts.epochs})`],
    ['Sequence', facts.sequence < 0 ? '–' : formatCount(facts.sequence)],
    ['Sequence gaps', `${facts.gaps}`],
    ['Jumps · stalls', `${facts.jumps} · ${facts.stalls}`],
    ['Player rebuilt', `${facts.rebuilds}`],
    ['First picture', facts.firstPictureMs === undefined ? '–' : `${Math.round(facts.firstPictureMs)} ms`],
  ];
}
