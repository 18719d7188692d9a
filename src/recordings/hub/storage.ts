/** Room on the disk: how much there is, what takes it, when it will be full, and what follows from that. */
import { statfs } from 'node:fs/promises';
import { type RetentionPolicy, type Storage, type StorageState, WeirError } from '../../contracts/index.js';
import type { StreamTotals } from '../../store/index.js';
import type { RecordingAlerts } from './alerts.js';
import type { RecordingsParts, RecordingsSettings } from './needs.js';
import { iso } from './recording-view.js';

export interface DiskRoom {
  readonly totalBytes: number;
  readonly usedBytes: number;
  /** For whom is not root. */
  readonly freeBytes: number;
}

const retentionSetting = 'recordings.retention';
const dayMs = 86_400_000;
/** Days over which the forecast looks back. */
const forecastDays = 7;
/** A recording whose last file ended no longer ago is believed to go on. */
const youngMs = 3600_000;
/** Once a state was reached, so many percentage points less must be used before it is left. */
const slackPercent = 0.5;
const slackFree = 1.05;

/** Which state a disk is in. Pure. */
export function judgeDisk(
  room: DiskRoom,
  limits: Pick<RecordingsSettings['storage'], 'warn_percent' | 'block_percent' | 'min_free_bytes'>,
  before: StorageState,
): StorageState {
  const percent = usedPercent(room);
  const isOver = (limit: number, was: boolean) => percent >= limit - (was ? slackPercent : 0);
  const wasBlocked = before === 'blocked';
  if (isOver(limits.block_percent, wasBlocked) || room.freeBytes < limits.min_free_bytes * (wasBlocked ? slackFree : 1)) return 'blocked';
  return isOver(limits.warn_percent, before === 'warning') ? 'warning' : 'ok';
}

/** As `df` counts: what is kept for root belongs to neither. */
export function usedPercent(room: DiskRoom): number {
  return (100 * room.usedBytes) / Math.max(1, room.usedBytes + room.freeBytes);
}

/** Days until a disk is full at the rate of the last days; null when retention holds it, or nothing is written. Pure. */
export function daysUntilFull(input: {
  readonly room: DiskRoom;
  readonly limits: Pick<RecordingsSettings['storage'], 'block_percent' | 'min_free_bytes'>;
  readonly bytesPerDay: number;
  readonly keptBytes: number;
  readonly policy: RetentionPolicy;
}): number | null {
  const { room, limits, bytesPerDay, keptBytes, policy } = input;
  if (bytesPerDay <= 0) return null;
  const all = room.usedBytes + room.freeBytes;
  const left = Math.max(0, Math.min((limits.block_percent / 100) * all - room.usedBytes, room.freeBytes - limits.min_free_bytes));
  const growth = growthUntilHeld(bytesPerDay, keptBytes, policy);
  return growth <= left ? null : left / bytesPerDay;
}

/** How much more there will be when retention deletes as fast as is written. */
function growthUntilHeld(bytesPerDay: number, keptBytes: number, policy: RetentionPolicy): number {
  if (!policy.enabled || policy.policy_type === 'manual') return Number.POSITIVE_INFINITY;
  if (policy.policy_type === 'size') return Math.max(0, (policy.max_size_gb ?? Number.POSITIVE_INFINITY) * 1e9 - keptBytes);
  return Math.max(0, (policy.max_age_days ?? Number.POSITIVE_INFINITY) * bytesPerDay - keptBytes);
}

export interface DiskStorageOptions {
  readonly parts: RecordingsParts;
  readonly alerts: RecordingAlerts;
  readonly onState: (state: StorageState, percent: number) => void;
}

/** Owns the state of the disk and the retention policy. */
export class DiskStorage {
  readonly #options: DiskStorageOptions;
  #room: DiskRoom | undefined;
  #state: StorageState = 'ok';
  #policy: RetentionPolicy | undefined;

  constructor(options: DiskStorageOptions) {
    this.#options = options;
  }

  get state(): StorageState {
    return this.#state;
  }

  get room(): DiskRoom | undefined {
    return this.#room;
  }

  /** The policy that was set, else that of the configuration. */
  get policy(): RetentionPolicy {
    const { retention } = this.#options.parts.settings().storage;
    const { type, enabled, max_age_days, max_size_gb } = retention;
    return this.#policy ?? { policy_type: type, enabled, max_age_days, max_size_gb };
  }

  /** Reads the policy and looks at the disk for the first time. */
  async start(): Promise<void> {
    this.#policy = (await this.#options.parts.store.settings.get(retentionSetting)) as RetentionPolicy | undefined;
    await this.look();
  }

  async setPolicy(policy: RetentionPolicy): Promise<RetentionPolicy> {
    const limit = policy.policy_type === 'age' ? 'max_age_days' : policy.policy_type === 'size' ? 'max_size_gb' : undefined;
    // A policy that is off deletes nothing, whatever its limit.
    if (policy.enabled && limit !== undefined && policy[limit] === undefined)
      throw new WeirError('invalid_argument', `A policy by ${policy.policy_type} needs ${limit}`, { field: limit, received: null });
    await this.#options.parts.store.settings.set(retentionSetting, policy);
    this.#policy = policy;
    return policy;
  }

  /** Looks at the disk; raises and clears what follows. A disk that cannot be looked at stays as it was last seen. */
  async look(): Promise<void> {
    const { parts, onState } = this.#options;
    const room = await roomOf(parts.folders.recordings).catch((error: unknown) => {
      parts.log.warn({ err: error }, 'the disk of the recordings could not be looked at');
      return undefined;
    });
    if (room === undefined) return;
    this.#room = room;
    const before = this.#state;
    this.#state = judgeDisk(room, parts.settings().storage, before);
    this.#tell(room);
    if (this.#state !== before) onState(this.#state, usedPercent(room));
  }

  /** Throws `failed_precondition` while nothing new may be recorded. */
  needRoom(): void {
    if (this.#state !== 'blocked') return;
    throw new WeirError('failed_precondition', 'There is too little room on the disk to record', {
      facts: { state: 'storage_blocked', allowed_states: ['ok', 'warning'] },
      hint: 'Delete recordings, or raise storage.block_percent',
    });
  }

  /** Everything about the storage; `isAdmin` shows where it is. */
  async show(isAdmin: boolean, streams: readonly string[] | null): Promise<Storage> {
    const { parts } = this.#options;
    const { store, folders } = parts;
    const limits = parts.settings().storage;
    const room = this.#room ?? (await roomOf(folders.recordings));
    const totals = await store.recordings.totals();
    const today = Math.floor(Date.now() / dayMs);
    const written = await store.recordings.bytesSince(today - forecastDays + 1);
    const nowMs = Date.now();
    const rateOf = async (some: readonly StreamTotals[]) => {
      const observedMs = await this.#observed(some, nowMs);
      const bytes = sum(some.map((one) => written.get(one.stream_id) ?? 0));
      return { bytesPerDay: observedMs === 0 ? 0 : Math.round(bytes / (observedMs / dayMs)), observedMs };
    };
    const all = await rateOf(totals);
    const keptBytes = sum(totals.map((one) => one.size_bytes));
    const full = daysUntilFull({ room, limits, bytesPerDay: all.bytesPerDay, keptBytes, policy: this.policy });
    const seen = totals.filter((one) => streams === null || streams.includes(one.stream_id));
    const own = streams === null ? all : await rateOf(seen);
    const oldestMs = oldestOf(seen);
    const rows = await Promise.all(seen.map(async (one) => ({ ...one, bytesPerDay: (await rateOf([one])).bytesPerDay })));
    return {
      path: isAdmin ? folders.recordings : null,
      total_space: room.totalBytes,
      used_space: room.usedBytes,
      available_space: room.freeBytes,
      usage_percentage: Math.min(100, usedPercent(room)),
      recordings_size: sum(seen.map((one) => one.size_bytes)),
      snapshots_size: await store.snapshots.totalBytes(streams),
      exports_size: await store.exports.totalBytes(streams),
      state: this.#state,
      low_space_warning: this.#state !== 'ok',
      warn_percent: limits.warn_percent,
      block_percent: limits.block_percent,
      retention: this.policy,
      oldest_at: oldestMs === undefined ? null : iso(oldestMs),
      bytes_per_day: own.bytesPerDay,
      observed_s: Math.round(own.observedMs / 1000),
      full_in_days: full,
      streams: rows.map((one) => ({
        stream_id: one.stream_id,
        size: one.size_bytes,
        segments: one.segments,
        bytes_per_day: one.bytesPerDay,
        oldest_at: one.oldest_ms === null ? null : iso(one.oldest_ms),
      })),
    };
  }

  async #observed(totals: readonly StreamTotals[], nowMs: number): Promise<number> {
    const { recordings } = this.#options.parts.store;
    const newest = await Promise.all(totals.map((one) => recordings.segmentAt(one.stream_id, nowMs, youngMs)));
    const ends = newest.flatMap((one) => (one === undefined ? [] : [one.ended_ms]));
    return observedMs(oldestOf(totals), ends.length === 0 ? undefined : Math.max(...ends), nowMs);
  }

  #tell(room: DiskRoom): void {
    const { alerts } = this.#options;
    const used = `${usedPercent(room).toFixed(1)} % of the disk of the recordings is used`;
    if (this.#state === 'ok') alerts.clear('storage_low');
    else alerts.raise({ severity: 'warning', kind: 'storage_low', message: used, hint: 'Delete recordings, or keep them for a shorter time' });
    if (this.#state !== 'blocked') alerts.clear('storage_blocked');
    else
      alerts.raise({
        severity: 'error',
        kind: 'storage_blocked',
        message: `${used}: nothing new is recorded`,
        hint: 'Delete recordings or other files',
      });
  }
}

/** What the system says of the disk that holds a folder. */
export async function roomOf(folder: string): Promise<DiskRoom> {
  const { bsize, blocks, bfree, bavail } = await statfs(folder);
  return { totalBytes: blocks * bsize, usedBytes: (blocks - bfree) * bsize, freeBytes: bavail * bsize };
}

function oldestOf(totals: readonly StreamTotals[]): number | undefined {
  const times = totals.flatMap((one) => (one.oldest_ms === null ? [] : [one.oldest_ms]));
  return times.length === 0 ? undefined : Math.min(...times);
}

/** Time over which a rate is seen, milliseconds: what began just now is spread neither over a week nor over an hour. Pure. */
export function observedMs(oldestMs: number | undefined, newestEndMs: number | undefined, nowMs: number): number {
  if (oldestMs === undefined) return 0;
  const startMs = Math.max(oldestMs, (Math.floor(nowMs / dayMs) - forecastDays + 1) * dayMs);
  // The file that is being written counts neither by its bytes nor by its time.
  const endMs = newestEndMs !== undefined && nowMs - newestEndMs < youngMs ? newestEndMs : nowMs;
  return Math.max(1000, endMs - startMs);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
