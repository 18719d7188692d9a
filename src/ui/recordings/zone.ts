/** Days and clock times in a time zone, also over the two odd days of a year. Pure. */

export interface WallTime {
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
}

const hourMs = 3_600_000;
const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone);
  if (known !== undefined) return known;
  const made = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  formats.set(zone, made);
  return made;
}

/** The reader's own zone. */
export function localZone(): string {
  return new Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/** What a clock on the wall of `zone` shows at `time` (milliseconds since 1970). */
export function wallTime(time: number, zone: string): WallTime {
  const wall: WallTime = { year: 0, month: 0, day: 0, hour: 0, minute: 0, second: 0 };
  for (const { type, value } of formatOf(zone).formatToParts(time)) {
    if (type in wall) wall[type as keyof WallTime] = Number(value);
  }
  return wall;
}

/** How far the clocks of `zone` are ahead of UTC at `time`. */
export function zoneOffsetMs(time: number, zone: string): number {
  const { year, month, day, hour, minute, second } = wallTime(time, zone);
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(time / 1000) * 1000;
}

/** When a clock in `zone` shows this; of a time that comes twice the first, of one that is left out the moment after the gap. */
export function timeOfWall(year: number, month: number, day: number, hour: number, minute: number, zone: string): number {
  const asUtc = Date.UTC(year, month - 1, day, hour, minute);
  // Around a change two offsets are possible; the larger one gives the earlier moment.
  const offsets = [zoneOffsetMs(asUtc - 24 * hourMs, zone), zoneOffsetMs(asUtc + 24 * hourMs, zone)].sort((a, b) => b - a);
  for (const offset of offsets) {
    const time = asUtc - offset;
    if (zoneOffsetMs(time, zone) === offset) return time;
  }
  return skippedTo(asUtc - (offsets[0] ?? 0), asUtc - (offsets[1] ?? 0), zone);
}

/** The moment between two times at which the clocks of a zone jump. */
function skippedTo(from: number, to: number, zone: string): number {
  let low = Math.min(from, to);
  let high = Math.max(from, to);
  const before = zoneOffsetMs(low, zone);
  while (high - low > 1000) {
    const middle = Math.floor((low + high) / 2000) * 1000;
    if (middle <= low) break;
    if (zoneOffsetMs(middle, zone) === before) low = middle;
    else high = middle;
  }
  return high;
}

/** `YYYY-MM-DD` of a time in a zone. */
export function dayOf(time: number, zone: string): string {
  const { year, month, day } = wallTime(time, zone);
  return formatDay(year, month, day);
}

function formatDay(year: number, month: number, day: number): string {
  return `${String(year).padStart(4, '0')}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`;
}

/** True for a day that the calendar has. */
export function isDay(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false;
  const time = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text);
}

/** The day so many days later. */
export function addDays(day: string, count: number): string {
  const [year = 1970, month = 1, date = 1] = day.split('-').map(Number);
  const moved = new Date(Date.UTC(year, month - 1, date + count));
  return formatDay(moved.getUTCFullYear(), moved.getUTCMonth() + 1, moved.getUTCDate());
}

/** First moment of a day and of the one after it: 23, 24 or 25 hours apart. */
export function dayBounds(day: string, zone: string): { from: number; to: number } {
  return { from: startOfDay(day, zone), to: startOfDay(addDays(day, 1), zone) };
}

function startOfDay(day: string, zone: string): number {
  const [year = 1970, month = 1, date = 1] = day.split('-').map(Number);
  return timeOfWall(year, month, date, 0, 0, zone);
}

/** Value of a `datetime-local` field with seconds. */
export function toField(time: number, zone: string): string {
  const { year, month, day, hour, minute, second } = wallTime(time, zone);
  return `${formatDay(year, month, day)}T${two(hour)}:${two(minute)}:${two(second)}`;
}

/** The time that a `datetime-local` field means; undefined when it is not filled in. */
export function fromField(text: string, zone: string): number | undefined {
  const match = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?$/.exec(text);
  if (match === null) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1).map((part) => Number(part ?? 0));
  return timeOfWall(year, month, day, hour, minute, zone) + second * 1000;
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}

const clocks = new Map<string, Intl.DateTimeFormat>();

/** As the reader writes it: `14:05:09` or `2:05:09 PM`; without seconds `14:05` or `2:05 PM`. `locale` left out: the reader's. */
export function formatClock(time: number, zone: string, withSeconds = true, locale?: string): string {
  const key = `${zone} ${withSeconds} ${locale}`;
  const known = clocks.get(key);
  if (known !== undefined) return known.format(time);
  const made = new Intl.DateTimeFormat(locale, { timeZone: zone, timeStyle: withSeconds ? 'medium' : 'short' });
  clocks.set(key, made);
  return made.format(time);
}
