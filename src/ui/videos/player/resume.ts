/** Where somebody stopped watching, kept on this device. */
import { remember, remembered } from '../../core/theme.js';

const key = 'weir.video_positions';
const most = 200;
const leastS = 5;

/** Seconds to go on from; 0 to begin at the start. */
export function resumePosition(videoId: string): number {
  const found = readAll().find(([id]) => id === videoId);
  return found?.[1] ?? 0;
}

/** Remembers it; the first seconds and the end count as the start. */
export function keepPosition(videoId: string, seconds: number, duration: number): void {
  const rest = readAll().filter(([id]) => id !== videoId);
  const isMiddle = seconds >= leastS && Number.isFinite(duration) && seconds < duration - Math.max(3, duration * 0.03);
  const next = isMiddle ? [[videoId, Math.floor(seconds)] as [string, number], ...rest] : rest;
  remember(key, next.length === 0 ? null : JSON.stringify(next.slice(0, most)));
}

function readAll(): [string, number][] {
  try {
    const stored: unknown = JSON.parse(remembered(key) ?? '[]');
    return Array.isArray(stored) ? stored.filter((one): one is [string, number] => Array.isArray(one) && typeof one[1] === 'number') : [];
  } catch {
    return [];
  }
}
