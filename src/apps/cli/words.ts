/** Flags and answers in words: lists, times, durations, amounts. */
import { WeirError } from '../../contracts/errors.js';

/** Comma-separated words. */
export function words(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

const unitSeconds: Readonly<Record<string, number>> = { '': 1, s: 1, m: 60, h: 3600, d: 86_400 };

/** Seconds, or a number with s, m, h or d. Throws `invalid_argument` naming `field`. */
export function toSeconds(text: string, field: string): number {
  const match = /^(\d+(?:\.\d+)?)([smhd]?)$/.exec(text);
  const unit = unitSeconds[match?.[2] ?? ''];
  if (match === null || unit === undefined)
    throw new WeirError('invalid_argument', 'write seconds, or a number with s, m, h or d', { field, received: text });
  return Number(match[1]) * unit;
}

/** A number. Throws `invalid_argument` naming `field`. */
export function toNumber(text: string, field: string): number {
  const number = Number(text);
  if (text.trim() === '' || Number.isNaN(number)) throw new WeirError('invalid_argument', `${field} must be a number`, { field, received: text });
  return number;
}

/** A time as RFC 3339: `now`, so long ago (`90s`, `10m`, `2h`, `1d`), or a date with or without time and zone; without: of this machine. */
export function toTime(text: string, field: string, now: number = Date.now()): string {
  if (text === 'now') return new Date(now).toISOString();
  if (/^\d+(?:\.\d+)?[smhd]$/.test(text)) return new Date(now - toSeconds(text, field) * 1000).toISOString();
  // A date alone would be read as UTC, a date with time as local.
  const at = new Date(/^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T00:00:00` : text.replace(/^(\d{4}-\d{2}-\d{2}) /, '$1T'));
  if (/^\d{4}-/.test(text) && !Number.isNaN(at.getTime())) return at.toISOString();
  throw new WeirError('invalid_argument', 'write a time like 2026-05-01T14:00:00Z, "2026-05-01 14:00", 2h (ago) or now', { field, received: text });
}

/** `1.5 GiB` */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  let [value, unit] = [bytes, 0];
  while (value >= 1024 && unit < units.length - 1) [value, unit] = [value / 1024, unit + 1];
  return `${unit === 0 || value >= 100 ? value.toFixed(0) : value.toFixed(1)} ${units[unit]}`;
}

/** `42 s`, `3:07`, `1:02:03`, `2 d 1:02:03` */
export function formatDuration(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const two = (value: number) => String(value).padStart(2, '0');
  const [days, hours, minutes] = [Math.floor(whole / 86_400), Math.floor(whole / 3600) % 24, Math.floor(whole / 60) % 60];
  if (days === 0 && hours === 0) return `${minutes}:${two(whole % 60)}`;
  return `${days === 0 ? '' : `${days} d `}${hours}:${two(minutes)}:${two(whole % 60)}`;
}

/** An address of the hub in full: it tells only the path as long as no public address is configured. */
export function fullAddress(address: string, where: string): string {
  return URL.canParse(where) && address.startsWith('/') ? `${where.replace(/\/+$/, '')}${address}` : address;
}

/** A time of the wire without its parts of a second. */
export function formatTime(time: string | null): string {
  return time === null ? '-' : time.replace(/\.\d+/, '');
}
