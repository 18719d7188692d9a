/** How full it is and how long it lasts, in words. Pure. */
import type { RetentionPolicy, Storage } from '../../contracts/storage.js';
import { formatBytes } from '../core/format.js';

/** A rate that was seen for a shorter time says little about a day. */
const knownAfterS = 3600;

/** The next thing that will happen at the present rate. */
export function forecastOf(storage: Storage): string {
  if (storage.state === 'blocked') return 'Nothing new is recorded until there is room.';
  if (storage.bytes_per_day < 1) return 'No file of the last week is finished, so how fast it fills up is not known.';
  if ((storage.observed_s ?? knownAfterS) < knownAfterS)
    return `How fast it fills up is not known yet: it was recorded for ${spanOf((storage.observed_s ?? 0) / 86_400)} only.`;
  const rate = `${formatBytes(Math.round(storage.bytes_per_day))} a day`;
  const days = storage.full_in_days;
  if (days === null) return `At ${rate} it never fills up: what is old goes before.`;
  if (deletesByItself(storage.retention))
    return `At ${rate} the disk is nearly full in about ${spanOf(days)}. From then on the oldest recordings go first, and recording goes on.`;
  return `At ${rate} recording is blocked in about ${spanOf(days)}.`;
}

/** True when the oldest recordings go before the disk is so full that recording would stop. */
function deletesByItself({ enabled, policy_type }: RetentionPolicy): boolean {
  return enabled && policy_type !== 'manual';
}

function spanOf(days: number): string {
  if (days >= 90) return counted(days / 30, 'month');
  if (days >= 1) return counted(days, 'day');
  return days * 24 >= 1 ? counted(days * 24, 'hour') : counted(days * 1440, 'minute');
}

function counted(value: number, unit: string): string {
  const whole = Math.max(1, Math.round(value));
  return `${whole} ${unit}${whole === 1 ? '' : 's'}`;
}

/** What the policy does, in one sentence. */
export function policySentence(policy: RetentionPolicy): string {
  if (!deletesByItself(policy)) return 'Nothing is deleted by itself.';
  if (policy.policy_type === 'age')
    return `Recordings older than ${days(policy.max_age_days)} are deleted, and the oldest before that when the disk is nearly full.`;
  return `The oldest recordings are deleted when all together are larger than ${size(policy.max_size_gb)}, or the disk is nearly full.`;
}

function days(count: number | undefined): string {
  if (count === undefined) return 'the set age';
  return count === 1 ? 'a day' : `${count} days`;
}

function size(gigabytes: number | undefined): string {
  return gigabytes === undefined ? 'the set size' : formatBytes(gigabytes * 1e9);
}

export interface Part {
  readonly key: 'recordings' | 'snapshots' | 'exports' | 'other';
  readonly label: string;
  readonly bytes: number;
  readonly percent: number;
}

/** What the disk is full of; other programs' files are what remains of the used room. */
export function partsOf(storage: Storage): Part[] {
  const own = storage.recordings_size + storage.snapshots_size + storage.exports_size;
  const rows: [Part['key'], string, number][] = [
    ['recordings', 'Recordings', storage.recordings_size],
    ['snapshots', 'Snapshots', storage.snapshots_size],
    ['exports', 'Exports', storage.exports_size],
    ['other', 'Other files', Math.max(0, storage.used_space - own)],
  ];
  const total = Math.max(1, storage.total_space);
  return rows.map(([key, label, bytes]) => ({ key, label, bytes, percent: (bytes / total) * 100 }));
}
