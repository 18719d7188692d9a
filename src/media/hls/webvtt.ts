/** WebVTT as HLS wants it: in segments, each with its place on the timeline of the media (RFC 8216, 3.5). */

export interface Cue {
  readonly startS: number;
  readonly endS: number;
  /** What stood behind the times: settings such as `line:90%`. */
  readonly settings: string;
  readonly identifier: string;
  readonly text: string;
}

export interface VttFile {
  /** `STYLE` and `REGION` blocks, which every segment repeats. */
  readonly head: readonly string[];
  readonly cues: readonly Cue[];
}

const timing = /^((?:\d+:)?\d\d:\d\d\.\d{3})[ \t]+-->[ \t]+((?:\d+:)?\d\d:\d\d\.\d{3})[ \t]*(.*)$/;

/** Tolerant: blocks that are no cues (notes, torn ones) are left out. */
export function parseVtt(text: string): VttFile {
  const blocks = text
    .replace(/^\uFEFF/, '')
    .replaceAll(/\r\n?/g, '\n')
    .split(/\n{2,}/)
    .map((block) => block.replace(/^\n+|\n+$/g, ''));
  const head = blocks.filter((block) => /^(?:STYLE|REGION)\b/.test(block));
  return { head, cues: blocks.flatMap(parseCue) };
}

function parseCue(block: string): Cue[] {
  const lines = block.split('\n');
  const at = lines.slice(0, 2).findIndex((line) => timing.test(line));
  const [, start, end, settings = ''] = timing.exec(lines[at] ?? '') ?? [];
  if (start === undefined || end === undefined) return [];
  const cue = { startS: parseVttTime(start), endS: parseVttTime(end), settings, identifier: lines.slice(0, at).join(''), text: '' };
  return cue.endS > cue.startS ? [{ ...cue, text: lines.slice(at + 1).join('\n') }] : [];
}

export function parseVttTime(text: string): number {
  return text.split(':').reduce((seconds, part) => seconds * 60 + Number(part), 0);
}

/** `hh:mm:ss.mmm`. */
export function formatVttTime(seconds: number): string {
  const ms = Math.max(0, Math.round(seconds * 1000));
  const part = (value: number, digits: number): string => String(value).padStart(digits, '0');
  return `${part(Math.floor(ms / 3_600_000), 2)}:${part(Math.floor(ms / 60_000) % 60, 2)}:${part(Math.floor(ms / 1000) % 60, 2)}.${part(ms % 1000, 3)}`;
}

/** Value of `X-TIMESTAMP-MAP` that lays second 0 of the text on this time of the media. */
export function timestampMap(mediaStartS: number): string {
  return `X-TIMESTAMP-MAP=MPEGTS:${Math.round(mediaStartS * 90_000)},LOCAL:00:00:00.000`;
}

export function formatVtt(file: VttFile, map?: string): string {
  const header = map === undefined ? 'WEBVTT' : `WEBVTT\n${map}`;
  const cues = file.cues.map(({ startS, endS, settings, identifier, text }) => {
    const times = `${formatVttTime(startS)} --> ${formatVttTime(endS)}${settings === '' ? '' : ` ${settings}`}`;
    return [...(identifier === '' ? [] : [identifier]), times, text].join('\n');
  });
  return `${[header, ...file.head, ...cues].join('\n\n')}\n`;
}

/**
 * Cuts a file at the times where its segments begin; the last runs to `durationS`. "A cue that spans segments appears in each of them"
 * with its whole times, and what lies behind the end is left out.
 */
export function cutVtt(file: VttFile, starts: readonly number[], durationS: number): VttFile[] {
  return starts.map((startS, index) => {
    const endS = starts[index + 1] ?? durationS;
    return { head: file.head, cues: file.cues.filter((cue) => cue.startS < endS && cue.endS > startS) };
  });
}
