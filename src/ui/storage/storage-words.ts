/** How full it is and how long it lasts, in words. Pure. */
import type { RetentionPolicy, Storage } from '../../contracts/storage.js';
import { formatBytes } from '../core/format.js';

/** The next thing that will happen at the present rate. */
export function forecastOf(storage: Storage): string {
  if (storage.state === 'blocked') return 'Nothing new is recorded until there is room.';
  if (storage.bytes_per_day < 1) return 'Nothing was recorded in the last week, so nothing fills up.';
  const rate = `${formatBytes(Math.round(storage.bytes_per_day))} a day`;
  const days = storage.full_in_days;
  if (days === null) return `At ${rate} it never fills up: what is old goes before.`;
  if (days < 1)
    return `At ${rate} recording is blocked in about ${Math.max(1, Math.round(days * 24))} ${Math.round(days * 24) <= 1 ? 'hour' : 'hours'}.`;
  const whole = Math.round(days);
  if (days < 90) return `At ${rate} recording is blocked in about ${whole} ${whole === 1 ? 'day' : 'days'}.`;
  return `At ${rate} there is room for about ${Math.round(days / 30)} months.`;
}

/** What the policy does, in one sentence. */
export function policySentence(policy: RetentionPolicy): string {
  if (!policy.enabled || policy.policy_type === 'manual') return 'Nothing is deleted by itself.';
  if (policy.policy_type === 'age') return `Recordings older than ${days(policy.max_age_days)} are deleted.`;
  return `The oldest recordings are deleted when all together are larger than ${size(policy.max_size_gb)}.`;
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
