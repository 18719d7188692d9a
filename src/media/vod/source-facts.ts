/** From what was measured to the facts on the wire. */
import type { SourceFacts } from '../../contracts/video.js';
import type { FileStructure } from './file-structure.js';
import { formatRate, nearestRate, parseRate, perSecond } from './frame-rate.js';
import type { PacketScan, TrackScan } from './packet-scan.js';
import type { FrameReport, ReportedStream, SourceReport } from './source-report.js';

export interface Findings {
  readonly report: SourceReport;
  readonly video: ReportedStream | undefined;
  /** The first pictures, decoded. */
  readonly frames: FrameReport['frames'];
  readonly scan: PacketScan;
  readonly structure: FileStructure;
  readonly sizeBytes: number;
}

type VideoFacts = NonNullable<SourceFacts['video']>;

const textSubtitles: ReadonlySet<string> = new Set(['subrip', 'srt', 'ass', 'ssa', 'mov_text', 'webvtt', 'text', 'subviewer', 'microdvd', 'ttml']);

/** A pure function. */
export function describeSource(findings: Findings): SourceFacts {
  const { report, scan, sizeBytes } = findings;
  const warnings: string[] = [];
  const claimedS = finite(report.format.duration) ?? 0;
  const startS = finite(report.format.start_time) ?? Math.min(0, ...[...scan.tracks.values()].map((track) => track.firstS));
  const video = findings.video === undefined ? null : describeVideo(findings, findings.video, { claimedS, startS, warnings });
  const audio = report.streams.filter(isSound).map((stream) => describeAudio(stream, findings, startS, claimedS));
  const ends = [video, ...audio].map((track) => (track === null ? 0 : (track.start_s ?? startS) + (track.duration_s ?? 0)));
  const starts = [video, ...audio].map((track) => track?.start_s ?? startS);
  const durationS = round(Math.max(0, Math.max(...ends) - Math.min(...starts)));
  warnAbout(findings, { claimedS, durationS, startS, warnings });
  return {
    container: report.format.format_name ?? 'unknown',
    duration_s: durationS,
    size_bytes: sizeBytes,
    bitrate_kbps: durationS > 0 ? round((sizeBytes * 8) / 1000 / durationS) : 0,
    start_s: round(startS),
    video,
    audio,
    subtitles: report.streams.filter((stream) => stream.codec_type === 'subtitle').map(describeSubtitle),
    warnings,
  };
}

function isSound(stream: ReportedStream): boolean {
  return stream.codec_type === 'audio' && (stream.channels ?? 0) > 0 && stream.codec_name !== undefined && stream.codec_name !== 'unknown';
}

interface TrackContext {
  readonly claimedS: number;
  readonly startS: number;
  readonly warnings: string[];
}

function describeVideo(findings: Findings, stream: ReportedStream, context: TrackContext): VideoFacts {
  const { frames, scan } = findings;
  const track = scan.tracks.get(stream.index);
  const [first] = frames;
  const coded = { width: first?.width ?? stream.width ?? 0, height: first?.height ?? stream.height ?? 0 };
  const [aspectX, aspectY] = pixelAspect(stream.sample_aspect_ratio);
  const rotation = rotationOf(stream);
  const shown = { width: Math.max(1, Math.round((coded.width * aspectX) / aspectY)), height: coded.height };
  const isTurned = rotation === 90 || rotation === 270;
  const rate = rateOf(stream, track, scan.isWhole);
  const transfer = stream.color_transfer ?? first?.color_transfer ?? null;
  const durationS = trackDuration(track, scan, context.claimedS, 1 / perSecond(rate.rate));
  return {
    index: stream.index,
    codec: stream.codec_name ?? 'unknown',
    profile: stream.profile ?? null,
    level: stream.level !== undefined && stream.level > 0 ? stream.level : null,
    pixel_format: first?.pix_fmt ?? stream.pix_fmt ?? null,
    width: isTurned ? shown.height : shown.width,
    height: isTurned ? shown.width : shown.height,
    coded_width: coded.width,
    coded_height: coded.height,
    rotation,
    pixel_aspect: [aspectX, aspectY],
    frame_rate: Math.round(perSecond(rate.rate) * 1e6) / 1e6,
    frame_rate_text: formatRate(rate.rate),
    is_variable_rate: rate.isVariable,
    is_interlaced: isInterlaced(stream, frames),
    is_hdr: transfer === 'smpte2084' || transfer === 'arib-std-b67',
    transfer,
    primaries: stream.color_primaries ?? first?.color_primaries ?? null,
    frames: scan.isWhole ? (track?.packets ?? null) : null,
    keyframe_interval_s: keyframeInterval(track, scan, durationS),
    bitrate_kbps: durationS > 0 ? round(((track?.sizeBytes ?? 0) * 8) / 1000 / measuredSpan(track, durationS)) : 0,
    ...bitratesOf(track, scan),
    start_s: round(track?.firstS ?? context.startS),
    duration_s: round(durationS),
    gop: scan.isWhole && track !== undefined ? { frames: gopFrames(track), is_open: track.isOpenGop, is_cut: track.isCut } : null,
  };
}

/** Nothing when the packets were not all read. */
function bitratesOf(track: TrackScan | undefined, scan: PacketScan): Pick<VideoFacts, 'bitrates_kbps'> {
  return scan.isWhole && track !== undefined ? { bitrates_kbps: track.kbpsOverTime.map(Math.round) } : {};
}

/** With a single keyframe the whole video is one group. */
function gopFrames(track: TrackScan): number | null {
  return track.keyframeIntervalS === undefined ? Math.max(1, track.packets) : (track.gopFrames ?? null);
}

function keyframeInterval(track: TrackScan | undefined, scan: PacketScan, durationS: number): number | null {
  if (track === undefined || !scan.isWhole) return null;
  return round(track.keyframeIntervalS ?? durationS);
}

/** Bit rates of a file that was read in part are those of that part. */
function measuredSpan(track: TrackScan | undefined, durationS: number): number {
  const span = track === undefined ? 0 : track.endS - track.firstS;
  return span > 0 ? span : durationS;
}

function trackDuration(track: TrackScan | undefined, scan: PacketScan, claimedS: number, stepS: number): number {
  const measured = track === undefined || track.packets === 0 ? 0 : Math.max(track.endS - track.firstS, track.packets === 1 ? stepS : 0);
  // What was not read may well be there.
  return scan.isWhole ? measured : Math.max(measured, claimedS);
}

/** Even frames have the rate that they come at, others that of the usual distance. */
function rateOf(
  stream: ReportedStream,
  track: TrackScan | undefined,
  isWhole: boolean,
): { rate: ReturnType<typeof nearestRate>; isVariable: boolean } {
  const claimed = parseRate(stream.avg_frame_rate) ?? parseRate(stream.r_frame_rate);
  const step = track?.medianStepS;
  if (track === undefined || step === undefined) return { rate: claimed === undefined ? { num: 25, den: 1 } : sane(claimed), isVariable: false };
  const isVariable = track.unevenShare > 0.02 || track.longestStepS > Math.max(step * 4, 0.5);
  const mean = (track.packets - 1) / (track.lastS - track.firstS);
  const measured = nearestRate(isVariable || !isWhole ? 1 / step : mean);
  // The header knows the fraction that clocks of a millisecond only hint at.
  const isConfirmed = claimed !== undefined && Math.abs(perSecond(claimed) / perSecond(measured) - 1) < 0.002;
  return { rate: sane(isConfirmed && !isVariable ? nearestRate(perSecond(claimed)) : measured), isVariable };
}

function sane(rate: ReturnType<typeof nearestRate>): ReturnType<typeof nearestRate> {
  return perSecond(rate) > 1000 ? { num: 25, den: 1 } : nearestRate(perSecond(rate));
}

function isInterlaced(stream: ReportedStream, frames: FrameReport['frames']): boolean {
  const marked = frames.filter((frame) => frame.interlaced_frame === 1).length;
  return frames.length > 0 ? marked * 4 >= frames.length : /^(?:tt|bb|tb|bt)$/.test(stream.field_order ?? '');
}

function pixelAspect(text: string | undefined): [number, number] {
  const [, x, y] = /^(\d+):(\d+)$/.exec(text ?? '') ?? [];
  const ratio = Number(x ?? 0) / Number(y ?? 0);
  // Nothing that is meant is narrower or wider than this.
  return Number.isFinite(ratio) && ratio > 0.2 && ratio < 5 ? [Number(x), Number(y)] : [1, 1];
}

/** Clockwise, in right angles. FFmpeg counts the other way round; older versions gave a tag. */
function rotationOf(stream: ReportedStream): number {
  const matrix = stream.side_data_list.find((data) => data.rotation !== undefined)?.rotation;
  const clockwise = matrix === undefined ? Number(stream.tags.rotate ?? 0) : -matrix;
  const quarter = Math.round((Number.isFinite(clockwise) ? clockwise : 0) / 90);
  return (((quarter % 4) + 4) % 4) * 90;
}

function describeAudio(stream: ReportedStream, { scan }: Findings, startS: number, claimedS: number): SourceFacts['audio'][number] {
  const track = scan.tracks.get(stream.index);
  const durationS = trackDuration(track, scan, claimedS, 0);
  const rate = (finite(stream.bit_rate) ?? 0) / 1000;
  return {
    index: stream.index,
    codec: stream.codec_name ?? 'unknown',
    channels: stream.channels ?? 0,
    sample_rate: finite(stream.sample_rate) ?? 0,
    language: stream.tags.language ?? null,
    title: stream.tags.title ?? null,
    is_default: stream.disposition.default === 1,
    bitrate_kbps: round(durationS > 0 && track !== undefined ? (track.sizeBytes * 8) / 1000 / measuredSpan(track, durationS) : rate),
    start_s: round(track?.firstS ?? startS),
    duration_s: round(durationS),
  };
}

function describeSubtitle(stream: ReportedStream): SourceFacts['subtitles'][number] {
  return {
    index: stream.index,
    codec: stream.codec_name ?? 'unknown',
    is_text: textSubtitles.has(stream.codec_name ?? ''),
    language: stream.tags.language ?? null,
    title: stream.tags.title ?? null,
    is_forced: stream.disposition.forced === 1,
  };
}

function warnAbout(findings: Findings, found: TrackContext & { readonly durationS: number }): void {
  const { warnings, claimedS, durationS, startS } = found;
  const { scan, frames, structure, video, report } = findings;
  if (!scan.isWhole) warnings.push('Not all of it could be read in time: its length is taken from the header');
  if (scan.isWhole && claimedS > 0 && Math.abs(claimedS - durationS) > Math.max(1, durationS * 0.02)) {
    warnings.push(`The header says ${round(claimedS)} s, but it lasts ${durationS} s`);
  }
  if (startS < 0) warnings.push('It begins at a negative time');
  if (scan.tracks.get(video?.index ?? -1)?.isCut === true) warnings.push('It is cut amid a group of pictures: it is encoded, not passed through');
  if (structure.isFragmented && structure.isCut) warnings.push('Its last fragment is incomplete and left out');
  const longest = scan.tracks.get(video?.index ?? -1)?.longestStepS ?? 0;
  if (longest > 1.5) warnings.push(`The picture stands still for ${round(longest)} s`);
  const sizes = new Set(frames.map((frame) => `${frame.width}x${frame.height}`));
  if (sizes.size > 1) warnings.push('The size of the picture changes');
  if (report.streams.some((stream) => stream.disposition.attached_pic === 1)) warnings.push('It has a cover picture, which is left out');
}

function finite(text: string | undefined): number | undefined {
  const value = Number.parseFloat(text ?? '');
  return Number.isFinite(value) ? value : undefined;
}

function round(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}
