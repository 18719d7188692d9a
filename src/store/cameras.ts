/** Cameras with their numbers, and streams of others that were found. */
import type { Kysely, Selectable } from 'kysely';
import { type Camera, type CameraCapabilities, type ExternalStream, WeirError } from '../contracts/index.js';
import { type Database, nowText } from './database.js';
import { namesTaken } from './sql-failure.js';

/** The part of a camera that is kept. Its address with credentials is kept once, in its stream. */
export interface CameraRecord
  extends Pick<Camera, 'camera_id' | 'name' | 'kind' | 'device_id' | 'spoke_id' | 'created_at' | 'connected_at' | 'last_seen_at'> {
  /** N of `cameraN`; never given to another identity. */
  number: number;
  /** What it is known by whatever its address or name; no two cameras have the same. */
  identity: string;
  /** Address without credentials, or device node. */
  source: string;
  /** What was chosen for it; null: the default. */
  resolution: string | null;
  framerate: number | null;
  always_on: boolean;
  capabilities: CameraCapabilities | null;
  /** Set when it was forgotten; the number stays its own. */
  deleted_at: string | null;
}
export type NewCamera = Omit<CameraRecord, 'created_at' | 'deleted_at'>;
export type CameraChanges = Partial<Omit<CameraRecord, 'camera_id' | 'number' | 'created_at'>>;

export interface CameraRepository {
  /** Throws `already_exists` when id, number or identity is taken. */
  insert(camera: NewCamera): Promise<CameraRecord>;
  get(cameraId: string): Promise<CameraRecord | undefined>;
  /** Also one that was forgotten. */
  findByIdentity(identity: string): Promise<CameraRecord | undefined>;
  /** Those that were not forgotten, ordered by number. */
  all(): Promise<CameraRecord[]>;
  /** Numbers given so far, those of forgotten cameras among them, in order. */
  numbers(): Promise<number[]>;
  /** Throws `not_found`, and `already_exists` for an identity that is taken. */
  update(cameraId: string, changes: CameraChanges): Promise<CameraRecord>;
}

export interface ExternalStreamRepository {
  /** Inserts, or replaces what is known of the same URL. */
  put(stream: ExternalStream): Promise<void>;
  get(url: string): Promise<ExternalStream | undefined>;
  /** Ordered by URL. */
  all(): Promise<ExternalStream[]>;
  delete(url: string): Promise<boolean>;
}

export function createCameraRepository(db: Kysely<Database>): CameraRepository {
  const find = async (column: 'camera_id' | 'identity', value: string) => {
    const row = await db.selectFrom('cameras').selectAll().where(column, '=', value).executeTakeFirst();
    return row === undefined ? undefined : toRecord(row);
  };
  return {
    async insert(camera) {
      const record: CameraRecord = { ...camera, created_at: nowText(), deleted_at: null };
      await db
        .insertInto('cameras')
        .values({ ...record, always_on: record.always_on ? 1 : 0, capabilities: formatJson(record.capabilities) })
        .execute()
        .catch(namesTaken('camera_id', record.camera_id, 'camera'));
      return record;
    },
    get: (cameraId) => find('camera_id', cameraId),
    findByIdentity: (identity) => find('identity', identity),
    async all() {
      return (await db.selectFrom('cameras').selectAll().where('deleted_at', 'is', null).orderBy('number').execute()).map(toRecord);
    },
    async numbers() {
      return (await db.selectFrom('cameras').select('number').orderBy('number').execute()).map((row) => row.number);
    },
    async update(cameraId, { always_on, capabilities, ...rest }) {
      const changes = {
        ...rest,
        ...(always_on === undefined ? {} : { always_on: always_on ? 1 : 0 }),
        ...(capabilities === undefined ? {} : { capabilities: formatJson(capabilities) }),
      };
      const row =
        Object.keys(changes).length === 0
          ? await db.selectFrom('cameras').selectAll().where('camera_id', '=', cameraId).executeTakeFirst()
          : await db
              .updateTable('cameras')
              .set(changes)
              .where('camera_id', '=', cameraId)
              .returningAll()
              .executeTakeFirst()
              .catch(namesTaken('identity', rest.identity ?? '', 'camera'));
      if (row === undefined) throw new WeirError('not_found', `There is no camera ${cameraId}`);
      return toRecord(row);
    },
  };
}

export function createExternalStreamRepository(db: Kysely<Database>): ExternalStreamRepository {
  return {
    async put(stream) {
      const row = { ...stream, capabilities: JSON.stringify(stream.capabilities) };
      const { url: _key, ...changes } = row;
      await db
        .insertInto('external_streams')
        .values(row)
        .onConflict((conflict) => conflict.column('url').doUpdateSet(changes))
        .execute();
    },
    async get(url) {
      const row = await db.selectFrom('external_streams').selectAll().where('url', '=', url).executeTakeFirst();
      return row === undefined ? undefined : toExternal(row);
    },
    async all() {
      return (await db.selectFrom('external_streams').selectAll().orderBy('url').execute()).map(toExternal);
    },
    async delete(url) {
      const result = await db.deleteFrom('external_streams').where('url', '=', url).executeTakeFirst();
      return result.numDeletedRows > 0n;
    },
  };
}

function formatJson(value: object | null): string | null {
  return value === null ? null : JSON.stringify(value);
}

function toRecord(row: Selectable<Database['cameras']>): CameraRecord {
  return {
    ...row,
    kind: row.kind as CameraRecord['kind'],
    always_on: row.always_on === 1,
    capabilities: row.capabilities === null ? null : (JSON.parse(row.capabilities) as CameraCapabilities),
  };
}

function toExternal(row: Selectable<Database['external_streams']>): ExternalStream {
  return {
    ...row,
    type: row.type as ExternalStream['type'],
    status: row.status as ExternalStream['status'],
    capabilities: JSON.parse(row.capabilities) as ExternalStream['capabilities'],
  };
}
