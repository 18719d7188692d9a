/** The log as a bounded list of lines: filtered, searched, cut into plain and found parts. Pure. */
import type { StreamLog } from '../../contracts/stream.js';

export const levels = ['debug', 'info', 'warning', 'error'] as const;
export type Level = (typeof levels)[number];

export interface LogLine extends StreamLog {
  /** Stable and growing, for the list. */
  key: number;
}

/** Lines kept in the browser. */
export const mostLines = 3000;

/** True when the line has this level or a higher one and holds the text, whatever its case. */
export function isShown(line: StreamLog, level: Level, text: string): boolean {
  if (levels.indexOf(line.level) < levels.indexOf(level)) return false;
  return text === '' || line.message.toLowerCase().includes(text.toLowerCase());
}

/** The message in parts, every second one of which was searched for. */
export function splitFound(message: string, text: string): string[] {
  if (text === '') return [message];
  const parts: string[] = [];
  const hay = message.toLowerCase();
  const needle = text.toLowerCase();
  let from = 0;
  for (let at = hay.indexOf(needle); at >= 0; at = hay.indexOf(needle, from)) {
    parts.push(message.slice(from, at), message.slice(at, at + needle.length));
    from = at + needle.length;
  }
  parts.push(message.slice(from));
  return parts;
}

/** Adds lines at the end in the order of their times; the oldest give way. Lines that are there already are left out. */
export function mergeLines(lines: readonly LogLine[], added: readonly StreamLog[], nextKey: () => number): LogLine[] {
  const tail = new Set(lines.slice(-added.length - 200).map(identity));
  const fresh = added.filter((line) => !tail.has(identity(line))).map((line) => ({ ...line, key: nextKey() }));
  if (fresh.length === 0) return [...lines];
  const all = [...lines, ...fresh];
  const last = lines[lines.length - 1];
  const first = fresh[0];
  if (last !== undefined && first !== undefined && first.timestamp < last.timestamp)
    all.sort((a, b) => Date.parse(a.timestamp) - Date.parse(b.timestamp));
  return all.slice(-mostLines);
}

function identity(line: StreamLog): string {
  return `${line.timestamp} ${line.message}`;
}
