/** What is deleted to make room: by age, by size, before the disk is blocked. Protected files stay in any case. */
import { rm } from 'node:fs/promises';
import { type CleanupResult, WeirError } from '../../contracts/index.js';
import type { SegmentRecord, SnapshotRecord } from '../../store/index.js';
import type { RecordingsParts } from './needs.js';
import type { Orders } from './orders.js';
import type { RecordingFiles } from './recording-files.js';
import { type DiskStorage, judgeDisk } from './storage.js';
import { pathBelow } from './stored-file.js';

const dayMs = 86_400_000;
const batch = 100;
/** Files of one round, at most; the next round goes on. */
const maxPerRound = 10_000;
/** What was missing is known for so long. */
const keepGapsMs = 400 * dayMs;
/** The disk is kept so many points below the share from which it is blocked. */
const marginPercent = 1;

export interface RetentionNouns {
  readonly parts: RecordingsParts;
  readonly orders: Orders;
  readonly storage: DiskStorage;
  readonly files: RecordingFiles;
}

interface Tally {
  files: number;
  bytes: number;
}

/** Owns the deletion of what is old. One round at a time. */
export class Retention {
  readonly #nouns: RetentionNouns;
  #running: Promise<CleanupResult> | undefined;

  constructor(nouns: RetentionNouns) {
    this.#nouns = nouns;
  }

  /** Applies the policy now, as an operator asks. Throws `failed_precondition` when it is switched off. */
  cleanup(): Promise<CleanupResult> {
    if (!this.#nouns.storage.policy.enabled)
      return Promise.reject(
        new WeirError('failed_precondition', 'The retention policy is switched off', {
          facts: { state: 'retention_disabled', allowed_states: ['retention_enabled'] },
          hint: 'Enable it first',
        }),
      );
    return this.#round(true);
  }

  /** Applies what is to be done by itself. */
  async tick(): Promise<void> {
    await this.#round(false);
  }

  #round(isAsked: boolean): Promise<CleanupResult> {
    this.#running ??= this.#run(isAsked).finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #run(isAsked: boolean): Promise<CleanupResult> {
    const { parts, storage, orders } = this.#nouns;
    const policy = storage.policy;
    const tally: Tally = { files: 0, bytes: 0 };
    await this.#byOwnAge(tally, orders.ownAges());
    const byItself = policy.enabled && policy.policy_type !== 'manual';
    if (policy.enabled && (byItself || isAsked)) {
      if (policy.max_age_days !== undefined && policy.policy_type !== 'size') await this.#byAge(tally, policy.max_age_days, orders.ownAges());
      if (policy.max_size_gb !== undefined && policy.policy_type !== 'age') await this.#bySize(tally, policy.max_size_gb * 1e9);
      if (byItself) await this.#byRoom(tally);
    }
    await this.#snapshots(tally, policy.enabled && policy.policy_type !== 'size' && (byItself || isAsked));
    await this.#exports(tally);
    await parts.store.recordings.pruneGaps(Date.now() - keepGapsMs);
    if (tally.files > 0) parts.log.info({ files: tally.files, bytes: tally.bytes }, 'old recordings deleted');
    const message = tally.files === 0 ? 'There was nothing to delete' : `${tally.files} files deleted`;
    return { cleanup_executed: true, files_deleted: tally.files, space_freed: tally.bytes, message };
  }

  async #byOwnAge(tally: Tally, ages: ReadonlyMap<string, number | null>): Promise<void> {
    for (const [streamId, days] of ages) {
      if (days === null) continue;
      const before = Date.now() - days * dayMs;
      await this.#drain(tally, () => this.#oldest({ before_ms: before, stream_id: streamId }), `older than ${days} days`);
    }
  }

  async #byAge(tally: Tally, days: number, own: ReadonlyMap<string, number | null>): Promise<void> {
    const before = Date.now() - days * dayMs;
    await this.#drain(tally, () => this.#oldest({ before_ms: before, not_streams: [...own.keys()] }), `older than ${days} days`);
  }

  async #bySize(tally: Tally, maxBytes: number): Promise<void> {
    const { recordings } = this.#nouns.parts.store;
    // What is gone already takes no room.
    const lost = await recordings.lostBytes();
    let over = (await recordings.totals()).reduce((bytes, one) => bytes + one.size_bytes, 0) - lost - maxBytes;
    await this.#drain(
      tally,
      () => this.#oldest({}),
      'over the size that is kept',
      (segment) => {
        if (over <= 0) return false;
        if (segment.lost_ms === null) over -= segment.size_bytes;
        return true;
      },
    );
  }

  /** Deletes the oldest before the disk is so full that recording stops: old pictures go before new ones are lost. */
  async #byRoom(tally: Tally): Promise<void> {
    const { storage, parts } = this.#nouns;
    await storage.look();
    const seen = storage.room;
    if (seen === undefined) return;
    const limits = parts.settings().storage;
    let room = seen;
    const target = { ...limits, block_percent: Math.max(1, limits.block_percent - marginPercent), min_free_bytes: limits.min_free_bytes * 1.1 };
    if (judgeDisk(room, target, 'ok') !== 'blocked') return;
    await this.#drain(
      tally,
      () => this.#oldest({}),
      'the disk is nearly full',
      (segment) => {
        if (judgeDisk(room, target, 'ok') !== 'blocked') return false;
        room = { ...room, usedBytes: room.usedBytes - segment.size_bytes, freeBytes: room.freeBytes + segment.size_bytes };
        return true;
      },
    );
    await storage.look();
  }

  #oldest(query: { before_ms?: number; stream_id?: string; not_streams?: readonly string[] }): Promise<SegmentRecord[]> {
    return this.#nouns.parts.store.recordings.oldest({ limit: batch, ...query });
  }

  /** Deletes batch by batch until there is nothing, `wants` says no, or nothing can be deleted. */
  async #drain(
    tally: Tally,
    next: () => Promise<SegmentRecord[]>,
    detail: string,
    wants: (segment: SegmentRecord) => boolean = () => true,
  ): Promise<void> {
    const { parts, files } = this.#nouns;
    for (let done = 0; done < maxPerRound && !parts.signal.aborted; done += batch) {
      const segments = await next();
      let removed = 0;
      for (const segment of segments) {
        if (!wants(segment)) return;
        try {
          await files.remove(segment, { cause: 'deleted', detail });
          removed += 1;
          tally.files += 1;
          tally.bytes += segment.size_bytes;
        } catch (error) {
          parts.log.warn({ err: error, filename: segment.filename }, 'an old recording could not be deleted');
        }
      }
      if (removed === 0 || segments.length < batch) return;
    }
  }

  /** By number always, by age where a policy asks for it. */
  async #snapshots(tally: Tally, isByAge: boolean): Promise<void> {
    const { parts, storage } = this.#nouns;
    const { snapshots } = parts.store;
    const keep = parts.settings().snapshots.max_count;
    const { max_age_days: days } = storage.policy;
    if (keep > 0) await this.#drainSnapshots(tally, () => snapshots.beyond(keep));
    if (isByAge && days !== undefined) await this.#drainSnapshots(tally, () => snapshots.olderThan(Date.now() - days * dayMs));
  }

  async #drainSnapshots(tally: Tally, next: () => Promise<SnapshotRecord[]>): Promise<void> {
    const { parts } = this.#nouns;
    for (let done = 0; done < maxPerRound && !parts.signal.aborted; ) {
      const some = await next();
      let removed = 0;
      for (const snapshot of some) {
        try {
          await rm(await pathBelow(parts.folders.snapshots, snapshot.filename), { force: true });
          await parts.store.snapshots.delete(snapshot.filename);
          removed += 1;
          tally.files += 1;
          tally.bytes += snapshot.size_bytes;
        } catch (error) {
          parts.log.warn({ err: error, filename: snapshot.filename }, 'an old snapshot could not be deleted');
        }
      }
      done += some.length;
      if (removed === 0) return;
    }
  }

  async #exports(tally: Tally): Promise<void> {
    const { parts } = this.#nouns;
    for (const one of await parts.store.exports.expired(Date.now())) {
      if (one.filename !== null) await rm(await pathBelow(parts.folders.exports, one.filename), { force: true });
      await parts.store.exports.delete(one.export_id);
      tally.files += 1;
      tally.bytes += one.size_bytes ?? 0;
    }
  }
}
