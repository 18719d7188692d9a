/** The output side: fragmented MP4 to stdout, and the same encode to a push target. */
import { escapeTeeOption, escapeTeeTarget } from './filter-text.js';
import type { Output } from './output.js';
import { formatOptions, splitOutput } from './secret-output.js';

/**
 * Arguments before all others. Progress goes to descriptor 3, ten times a second, so that silence is seen quickly.
 * That a push works again is written at level info, and only there.
 */
export function globalArgs(output: Output | undefined): string[] {
  const level = output === undefined ? 'level+warning' : 'level+info';
  return ['-hide_banner', '-nostdin', '-nostats', '-loglevel', level, '-progress', 'pipe:3', '-stats_period', '0.1'];
}

/** `init` at once, each track at its own time (not rebased to its first sample), no index at the end. */
const movFlags = '+empty_moov+default_base_moof+frag_discont+skip_trailer';

/**
 * A fragment ends when the next sample of one of its tracks comes: one picture each, with the sound beside it. The flag
 * `frag_every_frame` would also end it when a track without samples goes on, and in 5.1 spoils the times of two tracks by that.
 */
const fragmentUs = '1';

/** A track that falls silent may hold back the others so long (µs); FFmpeg's own value is ten seconds. */
const interleaveLimitUs = '200000';

/**
 * AAC and B-frames begin before zero. Shifted by FFmpeg itself, durations of the other track come out too long by that shift
 * (seen in 5.1: a picture of 54.7 ms at 30 per second), so everything starts half a second later instead.
 */
const startOffset = ['-output_ts_offset', '0.5', '-avoid_negative_ts', 'make_non_negative'] as const;

export interface MuxOptions {
  readonly output: Output | undefined;
  /** The encoder tells its parameters only with the first frame, so the init segment must wait for it. */
  readonly isHeaderLate?: boolean;
  /** The secrets of the push target are given as a preset in descriptor 4 instead. */
  readonly isHidden?: boolean;
}

export function muxArgs(options: MuxOptions): string[] {
  const flags = options.isHeaderLate === true ? `${movFlags}+delay_moov` : movFlags;
  if (options.output === undefined) {
    const limits = ['-max_interleave_delta', interleaveLimitUs, '-flush_packets', '1'];
    return [...startOffset, '-f', 'mp4', '-movflags', flags, '-frag_duration', fragmentUs, '-use_editlist', '0', ...limits, 'pipe:1'];
  }
  const limits = `flush_packets=1:max_interleave_delta=${interleaveLimitUs}:avoid_negative_ts=make_non_negative`;
  const local = `[f=mp4:movflags=${flags}:frag_duration=${fragmentUs}:use_editlist=0:${limits}]pipe:1`;
  // Parameter sets must be in the header for MP4 and FLV, which the encoder cannot know behind a tee.
  const globalHeader = ['-flags:v', '+global_header', '-flags:a', '+global_header'];
  const hidden = options.isHidden === true ? hiddenTarget(options.output) : undefined;
  const preset = hidden === undefined ? [] : ['-fpre', '/dev/fd/4'];
  return [...startOffset, ...globalHeader, '-f', 'tee', ...preset, `${local}|${hidden ?? pushTarget(options.output)}`];
}

/**
 * The push runs behind a queue of its own, in a thread of its own: a target that refuses, hangs or goes away is tried again each
 * second, and costs the picture on stdout nothing. Frames that find the queue full are dropped up to the next keyframe.
 */
function pushTarget(output: Output): string {
  const [format, ...settings] = formatOptions[output.kind];
  return teeTarget([format, ...settings], output.url);
}

/** The address without its secrets. The preset brings them, and the other settings: a single one here would replace them all. */
function hiddenTarget(output: Output): string | undefined {
  const parts = splitOutput(output);
  return parts === undefined ? undefined : teeTarget([formatOptions[output.kind][0]], parts.url);
}

function teeTarget(settings: readonly string[], url: string): string {
  const options = [...settings, 'onfail=ignore', 'use_fifo=1', `fifo_options=${escapeTeeOption(queueOptions)}`];
  return `[${options.join(':')}]${escapeTeeTarget(url)}`;
}

const queueOptions = [
  ...['queue_size=300', 'drop_pkts_on_overflow=1', 'restart_with_keyframe=1'],
  ...['attempt_recovery=1', 'recover_any_error=1', 'recovery_wait_time=1'],
].join(':');
