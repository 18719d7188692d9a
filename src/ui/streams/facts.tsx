/** What is known of a stream right now. */
import type { ComponentChildren } from 'preact';
import type { StreamStatus } from '../../contracts/stream.js';
import { now } from '../core/clock.js';
import type { StreamModel } from '../core/data.js';
import { formatBitrate, formatBytes, formatCodec, formatCount, formatRate, formatUptime, formatVideo, maskSource } from '../core/format.js';
import { may } from '../core/session.js';
import { wordsFor } from '../core/words.js';
import { CopyButton, Note, Time } from '../parts/basics.js';

/** The side panel of the stream page. */
export function StreamFacts({ model }: { model: StreamModel }) {
  const stream = model.stream.value;
  const status = model.status.value;
  return (
    <div class="facts-panel">
      <Reason status={status} wanted={stream.desired === 'running'} />
      <Figures model={model} />
      <dl class="facts">
        <Fact name="Source">
          <span class="mono">{maskSource(stream.config.device ?? '') || '–'}</span>
        </Fact>
        <Fact name="Picture">{formatVideo(status?.video) || '–'}</Fact>
        {status?.audio !== undefined && <Fact name="Sound">{audioText(status)}</Fact>}
        <Fact name="Way">{wayText(status)}</Fact>
        <Fact name="Spoke">{status?.spoke_id ?? stream.spoke ?? '–'}</Fact>
        {status?.pid !== undefined && status.pid > 0 && <Fact name="FFmpeg">process {status.pid}</Fact>}
        {status?.started_at !== undefined && status.state === 'running' && (
          <Fact name="Runs since">
            <Time value={status.started_at} style="exact" />
          </Fact>
        )}
        <Fact name="Restarts">{status?.restarts ?? 0}</Fact>
        <Fact name="Viewers">{stream.viewers}</Fact>
        <Fact name="Runs">{stream.on_demand ? 'while somebody watches' : 'always'}</Fact>
      </dl>
      <Links model={model} />
    </div>
  );
}

function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </>
  );
}

function Reason({ status, wanted }: { status: StreamStatus | null; wanted: boolean }) {
  const words = wordsFor(status);
  if (words === undefined || !wanted || status?.state === 'starting') return null;
  const next = status?.next_attempt_at;
  const waitMs = next === undefined ? 0 : Date.parse(next) - now.value;
  return (
    <Note tone={status?.state === 'error' ? 'bad' : 'warn'}>
      <b>{words.title}</b>
      {words.advice !== '' && <div class="second">{words.advice}</div>}
      {status?.error !== undefined && status.error !== words.advice && <div class="second mono">{status.error}</div>}
      {next !== undefined && <div class="second">{waitMs > 1000 ? `Next attempt in ${formatUptime(waitMs)}.` : 'Trying again now.'}</div>}
      {status?.last_stderr !== undefined && status.last_stderr.length > 0 && may('operator') && (
        <details>
          <summary>Last words of FFmpeg</summary>
          <pre class="last-words">{status.last_stderr.join('\n')}</pre>
        </details>
      )}
    </Note>
  );
}

function Figures({ model }: { model: StreamModel }) {
  const progress = model.progress.value;
  const status = model.status.value;
  const isRunning = status?.state === 'running' && progress !== null;
  const uptime = status?.started_at === undefined || !isRunning ? '–' : formatUptime(now.value - Date.parse(status.started_at));
  return (
    <div class="figures-row">
      <Figure name="Rate" value={isRunning ? `${formatRate(progress.fps)} fps` : '–'} />
      <Figure name="Bitrate" value={isRunning ? formatBitrate(progress.bitrate_kbps) : '–'} />
      <Figure name="Dropped" value={isRunning ? formatCount(progress.dropped_frames) : '–'} />
      <Figure name="Up" value={uptime} />
      <Figure name="Speed" value={isRunning ? `${progress.speed.toFixed(2)} ×` : '–'} />
      <Figure name="Sent" value={isRunning ? formatBytes(progress.total_size_bytes) : '–'} />
    </div>
  );
}

function Figure({ name, value }: { name: string; value: string }) {
  return (
    <div class="figure">
      <span class="small muted">{name}</span>
      <b data-testid={`figure-${name.toLowerCase()}`}>{value}</b>
    </div>
  );
}

function audioText(status: StreamStatus): string {
  const audio = status.audio;
  if (audio === undefined) return 'none';
  const parts = [formatCodec(audio.codec)];
  if (audio.sample_rate !== undefined) parts.push(`${audio.sample_rate / 1000} kHz`);
  if (audio.channels !== undefined) parts.push(audio.channels === 1 ? 'mono' : audio.channels === 2 ? 'stereo' : `${audio.channels} channels`);
  return parts.join(' · ');
}

function wayText(status: StreamStatus | null): string {
  if (status?.mode === 'copy') return 'passed through unchanged';
  if (status?.mode === 'encode') return status.encoder === undefined ? 'encoded' : `encoded with ${status.encoder}`;
  return '–';
}

function Links({ model }: { model: StreamModel }) {
  const { links } = model.stream.value;
  const absolute = (link: string) => new URL(link, location.origin).href;
  return (
    <div class="links">
      <CopyButton text={absolute(links.hls)} label="HLS link" />
      <CopyButton text={absolute(links.live_mp4)} label="MP4 link" />
      <CopyButton text={absolute(links.still)} label="Still link" />
    </div>
  );
}
