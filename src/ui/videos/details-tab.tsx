/** What the source is, what was made of it, and how that stands against the rules. */
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import type { SourceFacts, Video, VideoOutput, VideoReport } from '../../contracts/video.js';
import { call } from '../core/api.js';
import { formatBitrate, formatBytes, formatCodec, formatContainer, formatLength, formatRate } from '../core/format.js';
import { CopyButton, Dot, Failed, Note, SkeletonRows, Time } from '../parts/basics.js';
import { useList } from '../parts/use-list.js';
import { stayingAddress } from './player/newest.js';

export function DetailsTab({ video }: { video: Video }) {
  return (
    <div class="stack">
      {video.output !== null && <Renditions output={video.output} />}
      <div class="video-columns even">
        <SourceCard video={video} />
        <Addresses video={video} />
      </div>
      {video.output !== null && video.published_at !== null && <ReportCard video={video} />}
    </div>
  );
}

function Renditions({ output }: { output: VideoOutput }) {
  return (
    <section class="card">
      <header>
        <h2>Renditions</h2>
        <span class="small muted">
          Profile {output.profile} · revision {output.revision} · {formatBytes(output.size_bytes)}
          {output.is_encrypted && ' · encrypted'} · published <Time value={output.published_at} />
        </span>
      </header>
      <div class="table-wrap">
        <table class="table" data-testid="renditions">
          <thead>
            <tr>
              <th>Name</th>
              <th>Picture</th>
              <th>Codec</th>
              <th class="num">Average</th>
              <th class="num">Peak</th>
              <th class="num">Segments</th>
              <th class="num">Size</th>
              <th>Made by</th>
            </tr>
          </thead>
          <tbody>
            {output.renditions.map((one) => (
              <tr key={one.name}>
                <td class="row-name">{one.name}</td>
                <td class="nowrap">
                  {one.width === null ? 'Sound only' : `${one.width} × ${one.height}`}
                  {one.frame_rate !== null && <span class="muted"> · {formatRate(one.frame_rate)} fps</span>}
                </td>
                <td class="mono small">{one.codecs}</td>
                <td class="num">{formatBitrate(one.average_bandwidth / 1000)}</td>
                <td class="num">{formatBitrate(one.bandwidth / 1000)}</td>
                <td class="num">{one.segments}</td>
                <td class="num">{formatBytes(one.size_bytes)}</td>
                <td>{one.passthrough ? <span class="tag">copied</span> : <span class="mono small">{one.encoder}</span>}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function SourceCard({ video }: { video: Video }) {
  const { source, facts } = video;
  return (
    <section class="card">
      <header>
        <h2>Source</h2>
      </header>
      <div class="body stack">
        <dl class="facts" data-testid="facts">
          {source !== null && (
            <>
              <Row name="File">
                {source.name} {!source.kept && <span class="muted">(deleted after success)</span>}
              </Row>
              <Row name="Size">{formatBytes(source.size_bytes)}</Row>
            </>
          )}
          {facts !== null && <FactRows facts={facts} />}
          {source?.sha256 != null && (
            <Row name="SHA-256">
              <code class="hash">{source.sha256}</code>
            </Row>
          )}
          <Row name="Id">
            <code>{video.video_id}</code>
          </Row>
        </dl>
        {facts !== null && facts.warnings.length > 0 && <Note tone="warn">{facts.warnings.join('. ')}</Note>}
        {facts === null && <p class="muted small">Nobody has looked into the file yet.</p>}
      </div>
    </section>
  );
}

function Row({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </>
  );
}

/** `und` stands for an undetermined language. */
function isNamed(language: string | null): boolean {
  return language !== null && language !== 'und';
}

function FactRows({ facts }: { facts: SourceFacts }) {
  const { video, audio, subtitles } = facts;
  return (
    <>
      <Row name="Length">{formatLength(facts.duration_s * 1000)}</Row>
      <Row name="Container">{formatContainer(facts.container)}</Row>
      <Row name="Bit rate">{formatBitrate(facts.bitrate_kbps)}</Row>
      {video !== null && (
        <>
          <Row name="Picture">
            {video.width} × {video.height} · {formatRate(video.frame_rate)} fps{video.is_variable_rate && ' (variable)'}
            {video.rotation !== 0 && ` · turned by ${video.rotation}°`}
          </Row>
          <Row name="Codec">{[formatCodec(video.codec), video.profile, video.pixel_format].filter((one) => one !== null).join(' · ')}</Row>
          {(video.is_hdr || video.is_interlaced) && (
            <Row name="Kind">{[video.is_hdr ? 'HDR' : '', video.is_interlaced ? 'interlaced' : ''].filter((one) => one !== '').join(', ')}</Row>
          )}
        </>
      )}
      {audio.map((track) => (
        <Row key={track.index} name="Sound">
          {formatCodec(track.codec)} · {track.channels} {track.channels === 1 ? 'channel' : 'channels'} · {track.sample_rate / 1000} kHz
          {isNamed(track.language) && ` · ${track.language}`}
        </Row>
      ))}
      {subtitles.map((track) => (
        <Row key={track.index} name="Subtitles">
          {track.codec}
          {isNamed(track.language) && ` · ${track.language}`}
          {!track.is_text && ' · pictures'}
        </Row>
      ))}
    </>
  );
}

function Addresses({ video }: { video: Video }) {
  // Those that stay: what is written into another program must not end with the next encode.
  const url = stayingAddress(video.playback_url ?? '') ?? video.playback_url;
  const files = (url ?? '').replace(/[^/]*$/, '');
  const rows: [string, string | null][] = [
    ['HLS', url],
    ['DASH', video.output?.dash == null ? null : `${files}${video.output.dash}`],
    ['Thumbnail', video.thumbnail_url === null ? null : `${files}thumbnail.jpg`],
  ];
  const shown = rows.flatMap(([name, value]) => (value === null ? [] : [{ name, address: new URL(value, location.href).href }]));
  return (
    <section class="card">
      <header>
        <h2>Addresses</h2>
      </header>
      <div class="body stack">
        {shown.length === 0 && <p class="muted small">There are none until it is ready.</p>}
        {shown.map(({ name, address }) => (
          <div key={name} class="field">
            <span class="label">{name}</span>
            <div class="secret">
              <code class="clip">{address}</code>
              <CopyButton text={address} />
            </div>
          </div>
        ))}
        {Object.keys(video.metadata).length > 0 && (
          <div class="field">
            <span class="label">Metadata of the request</span>
            <pre class="job-text">{JSON.stringify(video.metadata, null, 2)}</pre>
          </div>
        )}
      </div>
    </section>
  );
}

function ReportCard({ video }: { video: Video }) {
  const { list, reload } = useList(
    (signal) => call('video_report', { params: { video_id: video.video_id }, signal }),
    `${video.video_id} ${video.output?.revision}`,
  );
  if (list.kind === 'failed') {
    return (
      <section class="card">
        <Failed error={list.error} onRetry={reload} />
      </section>
    );
  }
  if (list.kind === 'loading') {
    return (
      <section class="card">
        <SkeletonRows rows={3} />
      </section>
    );
  }
  return <Report report={list.value} />;
}

function Report({ report }: { report: VideoReport }) {
  const [all, setAll] = useState(false);
  const failed = report.rules.filter((rule) => rule.result === 'failed');
  const passed = report.rules.filter((rule) => rule.result === 'passed').length;
  const shown = all ? report.rules : failed;
  const unkept = failed.filter((rule) => rule.level === 'must').length;
  return (
    <section class="card" data-testid="report" data-passed={report.passed}>
      <header>
        <h2 class="state">
          <Dot tone={report.passed ? 'ok' : 'bad'} />
          {report.passed ? 'Keeps the rules of HLS' : `${unkept} rule${unkept === 1 ? '' : 's'} of HLS not kept`}
        </h2>
        <span class="small muted">
          {passed} kept, {failed.length} not, {report.rules.length - passed - failed.length} do not apply
        </span>
        <button type="button" class="btn small" onClick={() => setAll(!all)}>
          {all ? 'Only those not kept' : 'All rules'}
        </button>
      </header>
      {shown.length > 0 && (
        <ul class="rules">
          {shown.map((rule, index) => (
            <li key={`${rule.rule} ${rule.file ?? ''} ${index}`} data-result={rule.result}>
              <Dot tone={rule.result === 'passed' ? 'ok' : rule.result === 'not_applicable' ? 'off' : rule.level === 'must' ? 'bad' : 'warn'} />
              <code>{rule.rule}</code>
              <div>
                {rule.about}
                {rule.detail !== undefined && <div class="small second">{rule.detail}</div>}
                {rule.file !== undefined && <div class="small muted mono">{rule.file}</div>}
              </div>
              <span class="tag">{rule.level}</span>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
