/** The cameras that are known: what is kept of each, with what is only true now. */
import { randomUUID } from 'node:crypto';
import { type Camera, type CameraStatus, WeirError } from '../../contracts/index.js';
import type { CameraChanges, CameraRecord, NewCamera, Transaction } from '../../store/index.js';
import type { Actor, CameraStore } from './needs.js';
import type { Reach } from './standing.js';

/** One camera. Only the book changes `record`; the other fields belong to whoever watches the camera. */
export interface CameraEntry {
  record: CameraRecord;
  status: CameraStatus;
  error: string | null;
  /** Of a capture device: plugged in on a spoke that is there. */
  isPlugged: boolean;
  deviceError: string | undefined;
  reach: Reach;
  mediaError: string | undefined;
  /** Somebody has looked into its media, or nobody can: an open door alone does not make a camera. */
  isSeen: boolean;
  definitionError: string | undefined;
  /** Its picture came while no door opened here: it is on a network that only its spoke sees, and looks from here tell nothing. */
  isBeyondSight: boolean;
  /** Last sign of life, milliseconds since 1970; 0: none since the hub's start. */
  seenAtMs: number;
}

export type CameraFacts = Omit<NewCamera, 'camera_id' | 'number'>;

/** Owns the records: memory for reading, SQL for keeping. */
export class CameraBook {
  readonly #store: CameraStore;
  readonly #max: () => number;
  readonly #entries = new Map<string, CameraEntry>();

  /** `max` is asked with each new camera. */
  constructor(store: CameraStore, max: () => number) {
    this.#store = store;
    this.#max = max;
  }

  async load(): Promise<void> {
    for (const record of await this.#store.cameras.all()) this.#entries.set(record.camera_id, entryOf(record));
  }

  get(cameraId: string): CameraEntry | undefined {
    return this.#entries.get(cameraId);
  }

  /** Throws `not_found`. */
  need(cameraId: string): CameraEntry {
    const entry = this.#entries.get(cameraId);
    if (entry !== undefined) return entry;
    throw new WeirError('not_found', `There is no camera ${cameraId}`, { facts: { resource: 'camera', id: cameraId } });
  }

  /** In the order of their numbers. */
  all(): CameraEntry[] {
    return [...this.#entries.values()].sort((a, b) => a.record.number - b.record.number);
  }

  byIdentity(identity: string): CameraEntry | undefined {
    for (const entry of this.#entries.values()) if (entry.record.identity === identity) return entry;
    return undefined;
  }

  /**
   * Gives a camera its number, or an identity that was forgotten its old one. Throws `already_exists` when the identity is a camera now,
   * `resource_exhausted` when there are as many as may be.
   */
  async add(facts: CameraFacts, actor: Actor): Promise<CameraEntry> {
    const record = await this.#store.transaction(async (tx) => {
      // Of two hubs, or two devices at the same moment, each must get a number of its own.
      await tx.lock('weir-camera-numbers');
      const known = await tx.cameras.findByIdentity(facts.identity);
      if (known !== undefined && known.deleted_at === null) throw alreadyThere(known);
      await this.#checkRoom(tx);
      const added =
        known === undefined ? await insert(tx, facts) : await tx.cameras.update(known.camera_id, { ...changesOf(facts), deleted_at: null });
      await tell(tx, added.camera_id, 'created', actor);
      return added;
    });
    const entry = entryOf(record);
    this.#entries.set(record.camera_id, entry);
    return entry;
  }

  /**
   * Told to others as a change only with an `actor`: what a camera reports of itself is no change of its definition. Throws
   * `already_exists` for the identity of another camera; one that was forgotten gives it up.
   */
  async change(entry: CameraEntry, changes: CameraChanges, actor?: Actor): Promise<void> {
    const cameraId = entry.record.camera_id;
    entry.record = await this.#store.transaction(async (tx) => {
      const { identity } = changes;
      if (identity !== undefined && identity !== entry.record.identity) await freeIdentity(tx, identity);
      const updated = await tx.cameras.update(cameraId, changes);
      if (actor !== undefined) await tell(tx, cameraId, 'updated', actor);
      return updated;
    });
  }

  /** Its number stays its own. */
  async forget(cameraId: string, actor: Actor): Promise<void> {
    await this.#store.transaction(async (tx) => {
      await tx.cameras.update(cameraId, { deleted_at: new Date().toISOString() });
      await tell(tx, cameraId, 'deleted', actor);
    });
    this.#entries.delete(cameraId);
  }

  async #checkRoom(tx: Transaction): Promise<void> {
    const max = this.#max();
    const count = (await tx.cameras.all()).length;
    if (count < max) return;
    throw new WeirError('resource_exhausted', `There are ${count} cameras, as many as cameras.max allows`, {
      hint: 'Delete one, or raise cameras.max',
    });
  }
}

function entryOf(record: CameraRecord): CameraEntry {
  return {
    record,
    status: 'DISCONNECTED',
    error: null,
    isPlugged: false,
    deviceError: undefined,
    reach: 'unknown',
    mediaError: undefined,
    isSeen: record.capabilities !== null,
    definitionError: undefined,
    isBeyondSight: false,
    seenAtMs: 0,
  };
}

async function insert(tx: Transaction, facts: CameraFacts): Promise<CameraRecord> {
  const taken = new Set(await tx.cameras.numbers());
  for (let number = 0; ; number += 1) {
    const camera_id = `camera${number}`;
    // Somebody may have named a stream so by hand.
    if (taken.has(number) || (await tx.streams.get(camera_id)) !== undefined) continue;
    return tx.cameras.insert({ ...facts, camera_id, number });
  }
}

async function freeIdentity(tx: Transaction, identity: string): Promise<void> {
  await tx.lock('weir-camera-numbers');
  const holder = await tx.cameras.findByIdentity(identity);
  if (holder === undefined) return;
  if (holder.deleted_at === null) throw alreadyThere(holder);
  await tx.cameras.update(holder.camera_id, { identity: `${identity}~${holder.camera_id}` });
}

function changesOf({ identity: _kept, ...facts }: CameraFacts): CameraChanges {
  return facts;
}

function alreadyThere(record: CameraRecord): WeirError {
  return new WeirError('already_exists', `That is ${record.camera_id} already (${record.name})`, {
    field: 'source',
    received: record.source,
    facts: { resource: 'camera', id: record.camera_id },
  });
}

async function tell(tx: Transaction, cameraId: Camera['camera_id'], change: 'created' | 'updated' | 'deleted', actor: Actor): Promise<void> {
  const eventId = randomUUID();
  await tx.outbox.add({
    event_id: eventId,
    name: 'system_config',
    params: {},
    message: {
      event_id: eventId,
      entity: 'camera',
      entity_id: cameraId,
      change,
      ...(actor.user_id === null ? {} : { actor: actor.user_id }),
      timestamp: new Date().toISOString(),
    },
  });
}
