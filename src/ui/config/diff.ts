/** What differs between two values of a setting, in lines that a person compares. Pure. */

export interface DiffLine {
  readonly sign: '-' | '+' | ' ';
  readonly text: string;
}

/** A value in one line, shortened where it is long. */
export function formatValue(value: unknown): string {
  if (value === undefined || value === null) return 'not set';
  if (typeof value === 'string') return value === '' ? '""' : value;
  if (Array.isArray(value))
    return value.length === 0 ? 'empty list' : value.map((one) => (typeof one === 'object' ? JSON.stringify(one) : String(one))).join(', ');
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** True when two values mean the same; the order of the keys of an object does not count. */
export function isSame(a: unknown, b: unknown): boolean {
  return canonical(a) === canonical(b);
}

function canonical(value: unknown): string {
  if (value === undefined || value === null) return 'null';
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value === 'object') {
    const entries = Object.entries(value).filter(([, one]) => one !== undefined);
    return `{${entries
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([key, one]) => `${JSON.stringify(key)}:${canonical(one)}`)
      .join(',')}}`;
  }
  return JSON.stringify(value);
}

/** Lines that go and lines that come; of lists only the items that differ, with what stays between them. */
export function diffValues(before: unknown, after: unknown): DiffLine[] {
  if (isSame(before, after)) return [{ sign: ' ', text: formatValue(after) }];
  if (Array.isArray(before) && Array.isArray(after)) return diffLists(before.map(formatValue), after.map(formatValue));
  return [
    { sign: '-', text: formatValue(before) },
    { sign: '+', text: formatValue(after) },
  ];
}

const mostItems = 400;

/** Longest common subsequence; lists that are too long for it are shown whole. */
function diffLists(before: readonly string[], after: readonly string[]): DiffLine[] {
  if (before.length > mostItems || after.length > mostItems) {
    return [...before.map((text) => ({ sign: '-' as const, text })), ...after.map((text) => ({ sign: '+' as const, text }))];
  }
  const columns = after.length + 1;
  const lengths = new Uint16Array((before.length + 1) * columns);
  const at = (i: number, j: number) => lengths[i * columns + j] ?? 0;
  for (let i = before.length - 1; i >= 0; i -= 1) {
    for (let j = after.length - 1; j >= 0; j -= 1) {
      lengths[i * columns + j] = before[i] === after[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const lines: DiffLine[] = [];
  let i = 0;
  let j = 0;
  while (i < before.length || j < after.length) {
    const old = before[i];
    const made = after[j];
    if (old !== undefined && old === made) {
      lines.push({ sign: ' ', text: old });
      i += 1;
      j += 1;
    } else if (made === undefined || (old !== undefined && at(i + 1, j) >= at(i, j + 1))) {
      lines.push({ sign: '-', text: old ?? '' });
      i += 1;
    } else {
      lines.push({ sign: '+', text: made });
      j += 1;
    }
  }
  return lines;
}
