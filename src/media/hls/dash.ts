/** DASH manifest (ISO/IEC 23009-1) over the same CMAF files as the playlists. Pure. */

export interface DashTrack {
  readonly name: string;
  readonly codecs: string;
  /** Bits per second, peak. */
  readonly bandwidth: number;
  readonly init: string;
  /** Names of the segments with `$Number…$`: `720p_$Number%03d$.m4s`. */
  readonly media: string;
  readonly segments: readonly { readonly durationS: number }[];
  /** Presentation time of the first sample; seconds. */
  readonly startS: number;
}

export interface DashVideo extends DashTrack {
  readonly width: number;
  readonly height: number;
  /** As a fraction or a whole number. */
  readonly frameRate: string;
}

export interface DashAudio extends DashTrack {
  readonly language: string;
  readonly title: string;
  readonly isDefault: boolean;
  readonly sampleRate: number;
  readonly channels: number;
}

export interface DashSubtitles {
  readonly name: string;
  readonly vtt: string;
  readonly language: string;
  readonly title: string;
}

export interface DashManifest {
  readonly durationS: number;
  /** Time on the timeline of the media at which the presentation begins; seconds. */
  readonly timelineStartS: number;
  readonly targetDurationS: number;
  readonly video: readonly DashVideo[];
  readonly audio: readonly DashAudio[];
  readonly subtitles: readonly DashSubtitles[];
}

/** Fine enough for a frame of any rate and a block of sound, and the same for all tracks. */
const timescale = 90_000;

export function formatMpd(manifest: DashManifest): string {
  const { video, audio, subtitles } = manifest;
  const head = [
    '<?xml version="1.0" encoding="utf-8"?>',
    '<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" profiles="urn:mpeg:dash:profile:isoff-live:2011"' +
      ` mediaPresentationDuration="${isoDuration(manifest.durationS)}" maxSegmentDuration="${isoDuration(manifest.targetDurationS)}" minBufferTime="PT2S">`,
    `  <Period id="0" start="PT0S" duration="${isoDuration(manifest.durationS)}">`,
  ];
  const start = Math.round(manifest.timelineStartS * timescale);
  const sets = [...videoSets(video, start), ...audio.map((track) => audioSet(track, start)), ...subtitles.map(subtitleSet)];
  return [...head, ...sets.map((set, index) => set.replace('<AdaptationSet', `<AdaptationSet id="${index}"`)), '  </Period>', '</MPD>', ''].join(
    '\n',
  );
}

/** Players switch within a set, so each codec family has its own. */
function videoSets(video: readonly DashVideo[], start: number): string[] {
  const families = new Map<string, DashVideo[]>();
  for (const track of video) {
    const family = track.codecs.split('.')[0] ?? '';
    families.set(family, [...(families.get(family) ?? []), track]);
  }
  return [...families.values()].map((tracks) => {
    const representations = tracks.map((track) =>
      representation(track, start, ` width="${track.width}" height="${track.height}" frameRate="${track.frameRate}" sar="1:1"`),
    );
    return adaptationSet('contentType="video" mimeType="video/mp4" segmentAlignment="true" startWithSAP="1"', representations);
  });
}

const channelScheme = 'urn:mpeg:dash:23003:3:audio_channel_configuration:2011';

function audioSet(track: DashAudio, start: number): string {
  const configuration = `        <AudioChannelConfiguration schemeIdUri="${channelScheme}" value="${track.channels}"/>\n`;
  const role = `      <Role schemeIdUri="urn:mpeg:dash:role:2011" value="${track.isDefault ? 'main' : 'alternate'}"/>`;
  const label = `      <Label>${escapeXml(track.title)}</Label>`;
  return adaptationSet(`contentType="audio" mimeType="audio/mp4" lang="${escapeXml(track.language)}" segmentAlignment="true" startWithSAP="1"`, [
    role,
    label,
    representation(track, start, ` audioSamplingRate="${track.sampleRate}"`, configuration),
  ]);
}

function subtitleSet({ name, vtt, language, title }: DashSubtitles): string {
  return adaptationSet(`contentType="text" mimeType="text/vtt" lang="${escapeXml(language)}"`, [
    '      <Role schemeIdUri="urn:mpeg:dash:role:2011" value="subtitle"/>',
    `      <Label>${escapeXml(title)}</Label>`,
    `      <Representation id="${escapeXml(name)}" bandwidth="256">\n        <BaseURL>${escapeXml(vtt)}</BaseURL>\n      </Representation>`,
  ]);
}

function adaptationSet(attributes: string, inner: readonly string[]): string {
  return `    <AdaptationSet ${attributes}>\n${inner.join('\n')}\n    </AdaptationSet>`;
}

function representation(track: DashTrack, start: number, attributes: string, inner = ''): string {
  const lines = timeline(track).map((line) => `            ${line}`);
  return [
    `      <Representation id="${escapeXml(track.name)}" codecs="${track.codecs}" bandwidth="${track.bandwidth}"${attributes}>`,
    `${inner}        <SegmentTemplate timescale="${timescale}" startNumber="0" presentationTimeOffset="${start}"` +
      ` initialization="${escapeXml(track.init)}" media="${escapeXml(track.media)}">`,
    '          <SegmentTimeline>',
    ...lines,
    '          </SegmentTimeline>',
    '        </SegmentTemplate>',
    '      </Representation>',
  ].join('\n');
}

/** Runs of equal lengths as one entry. Times are rounded, lengths are their differences: nothing adds up over a long video. */
function timeline(track: DashTrack): string[] {
  // A timeline cannot begin before 0, where the priming of sound may lie.
  const start = Math.max(0, Math.round(track.startS * timescale));
  const runs: { duration: number; count: number }[] = [];
  let [at, seconds] = [start, track.startS];
  for (const { durationS } of track.segments) {
    seconds += durationS;
    const end = Math.round(seconds * timescale);
    const last = runs.at(-1);
    if (last?.duration === end - at) last.count += 1;
    else runs.push({ duration: end - at, count: 1 });
    at = end;
  }
  return runs.map(({ duration, count }, index) => {
    const time = index === 0 ? ` t="${start}"` : '';
    return `<S${time} d="${duration}"${count > 1 ? ` r="${count - 1}"` : ''}/>`;
  });
}

function isoDuration(seconds: number): string {
  return `PT${seconds.toFixed(3)}S`;
}

function escapeXml(text: string): string {
  const named: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
  return text.replaceAll(/[&<>"]/g, (character) => named[character] ?? '');
}
