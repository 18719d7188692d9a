/** The pictures shown over the seek bar: cues of a WebVTT file that point into sprites. Pure. */

export interface StoryCue {
  from: number;
  to: number;
  url: string;
  x: number;
  y: number;
  width: number;
  height: number;
}

const maxCues = 20_000;

/** Cues with a picture, in the order of the file; addresses are resolved against that of the file. Anything else in it is skipped. */
export function parseStoryboard(text: string, base: string): StoryCue[] {
  const lines = text.split(/\r?\n/);
  const cues: StoryCue[] = [];
  for (let at = 0; at < lines.length - 1 && cues.length < maxCues; at += 1) {
    const times = /^([\d:.]+)\s+-->\s+([\d:.]+)/.exec(lines[at] ?? '');
    const picture = /^(.+)#xywh=(\d+),(\d+),(\d+),(\d+)\s*$/.exec(lines[at + 1] ?? '');
    if (times === null || picture === null) continue;
    const [, name = '', x, y, width, height] = picture;
    const [from, to] = [parseTime(times[1] ?? ''), parseTime(times[2] ?? '')];
    cues.push({ from, to, url: new URL(name, base).href, x: Number(x), y: Number(y), width: Number(width), height: Number(height) });
  }
  return cues;
}

/** `01:02:03.500` or `02:03.500` in seconds. */
function parseTime(text: string): number {
  return text.split(':').reduce((sum, part) => sum * 60 + Number(part), 0);
}

/** The cue of a time: the last one that has begun. */
export function cueAt(cues: readonly StoryCue[], time: number): StoryCue | undefined {
  let low = 0;
  let high = cues.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((cues[middle]?.from ?? 0) <= time) low = middle + 1;
    else high = middle;
  }
  return cues[Math.max(0, low - 1)];
}

/** Reads it; empty when there is none or it cannot be read: the bar then shows times only. */
export async function loadStoryboard(url: string, signal: AbortSignal): Promise<StoryCue[]> {
  try {
    const answer = await fetch(url, { signal, credentials: 'same-origin' });
    return answer.ok ? parseStoryboard(await answer.text(), new URL(url, location.href).href) : [];
  } catch {
    return [];
  }
}
