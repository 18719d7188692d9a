/** Arguments of FFmpeg's HLS muxer for one rendition. */
import type { EncodeOutput } from './ffmpeg-command.js';
import type { VideoPlan } from './plan.js';

/** Names as plain clients expect them: `720p.m3u8`, `720p_000.ts`. */
export function outputFiles(plan: VideoPlan, name: string, kind: EncodeOutput['kind'], folder: string): EncodeOutput {
  const isTs = plan.container === 'ts';
  return {
    name,
    kind,
    playlist: `${folder}/${name}.m3u8`,
    segments: `${folder}/${name}_%03d.${isTs ? 'ts' : 'm4s'}`,
    init: isTs ? null : `${folder}/${name}_init.mp4`,
  };
}

/** Everything from the muxer on. All outputs of a plan get the same times, however far their encoders look ahead. */
export function hlsArgs(plan: VideoPlan, output: EncodeOutput, keyInfoFile: string | undefined): string[] {
  const isTs = plan.container === 'ts';
  const kind = isTs
    ? tsArgs(plan)
    : // The edit list that the muxer writes by itself puts the first picture at zero, however far the encoder looks ahead.
      ['-hls_segment_type', 'fmp4', '-hls_fmp4_init_filename', `${output.name}_init.mp4`];
  return [
    ...['-map_metadata', '-1', '-map_chapters', '-1', '-avoid_negative_ts', 'disabled', '-max_muxing_queue_size', '4096'],
    ...['-f', 'hls', ...kind, '-hls_time', segmentTime(plan), '-hls_list_size', '0', '-hls_playlist_type', 'event'],
    ...['-hls_flags', 'independent_segments+temp_file', ...(keyInfoFile === undefined ? [] : ['-hls_key_info_file', keyInfoFile])],
    ...['-hls_segment_filename', escapePattern(output.segments), output.playlist],
  ];
}

/** The muxer moves all times by twice its delay, and puts so much sound into one packet as lasts half of it. */
const tsDelayS = 0.35;

/**
 * Sound in packets of its own for each frame, and tables ten times a second where a player reads those at the beginning of the segment,
 * were a quarter of a video of little detail.
 */
function tsArgs(plan: VideoPlan): string[] {
  return [
    ...['-muxdelay', String(tsDelayS), '-muxpreload', '0', '-output_ts_offset', (plan.timelineStartS - 2 * tsDelayS).toFixed(6)],
    ...['-hls_segment_options', 'pat_period=3600:sdt_period=3600'],
  ];
}

/**
 * The muxer cuts at the first keyframe at or after a multiple of this. Where the interval is no whole number of ticks of its clocks, a
 * little less is asked for, so that rounding never delays a cut by a whole interval.
 */
export function segmentTime(plan: Pick<VideoPlan, 'segmentS'>): string {
  const isWhole = [90_000, 1_000_000].every((clock) => Math.abs(plan.segmentS * clock - Math.round(plan.segmentS * clock)) < 1e-4);
  return isWhole ? plan.segmentS.toFixed(6) : (plan.segmentS - 12e-6).toFixed(6);
}

/** Only the number's place may be read as one. */
function escapePattern(path: string): string {
  const at = path.lastIndexOf('/') + 1;
  return path.slice(0, at).replaceAll('%', '%%') + path.slice(at);
}
