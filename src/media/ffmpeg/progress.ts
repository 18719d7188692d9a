/** Reads what FFmpeg writes to `-progress`: blocks of `key=value` lines, each closed by `progress=continue` or `progress=end`. */

/** One block. Numbers that FFmpeg gave as `N/A` or left out are 0. */
export interface ProgressReport {
  /** Frames since FFmpeg started. */
  readonly frame: number;
  readonly fps: number;
  readonly bitrateKbps: number;
  readonly totalSizeBytes: number;
  /** Media time written, microseconds; undefined before the first packet. */
  readonly outTimeUs: number | undefined;
  readonly droppedFrames: number;
  readonly duplicatedFrames: number;
  /** 1 is real time. */
  readonly speed: number;
  /** True for the last block of a run. */
  readonly isEnd: boolean;
}

export interface ProgressParser {
  /** Takes any piece of the text; reports are given while it runs. */
  push(chunk: Uint8Array | string): void;
  /** Bytes thrown away because a line had no end within 4 KiB. */
  readonly discardedBytes: number;
}

const maxLineLength = 4096;

/** A parser for one run of FFmpeg. */
export function createProgressParser(onReport: (report: ProgressReport) => void): ProgressParser {
  const decoder = new TextDecoder();
  let pending = '';
  let discardedBytes = 0;
  let block = new Map<string, string>();

  const takeLine = (line: string): void => {
    const at = line.indexOf('=');
    if (at <= 0) return;
    const key = line.slice(0, at).trim();
    const value = line.slice(at + 1).trim();
    if (key !== 'progress') {
      // A block has about 20 keys; more means that the end mark was lost.
      if (block.size < 256) block.set(key, value);
      return;
    }
    const report = toReport(block, value === 'end');
    block = new Map();
    onReport(report);
  };

  return {
    push(chunk) {
      pending += typeof chunk === 'string' ? chunk : decoder.decode(chunk, { stream: true });
      let from = 0;
      for (let end = pending.indexOf('\n'); end >= 0; end = pending.indexOf('\n', from)) {
        takeLine(pending.slice(from, end));
        from = end + 1;
      }
      pending = pending.slice(from);
      if (pending.length > maxLineLength) {
        discardedBytes += pending.length;
        pending = '';
      }
    },
    get discardedBytes() {
      return discardedBytes;
    },
  };
}

function toReport(block: ReadonlyMap<string, string>, isEnd: boolean): ProgressReport {
  return {
    frame: count(block.get('frame')),
    fps: measure(block.get('fps')),
    bitrateKbps: measure(block.get('bitrate')),
    totalSizeBytes: count(block.get('total_size')),
    outTimeUs: outTime(block.get('out_time_us')),
    droppedFrames: count(block.get('drop_frames')),
    duplicatedFrames: count(block.get('dup_frames')),
    speed: measure(block.get('speed')),
    isEnd,
  };
}

/** `1024.0kbits/s`, `0.998x`, ` 30.00` and `N/A` all occur. */
function measure(text: string | undefined): number {
  const value = Number.parseFloat(text ?? '');
  return Number.isFinite(value) && value > 0 ? value : 0;
}

function count(text: string | undefined): number {
  return Math.trunc(measure(text));
}

/** Before the first packet FFmpeg writes `N/A` or the smallest 64-bit number. */
function outTime(text: string | undefined): number | undefined {
  const value = Number.parseInt(text ?? '', 10);
  return Number.isSafeInteger(value) && Math.abs(value) < 1e15 ? value : undefined;
}
