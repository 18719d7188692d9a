/** The repository of uploads. */
import { type Kysely, type Selectable, sql, type Updateable } from 'kysely';
import type { VideoDraft } from '../contracts/index.js';
import { type Database, nowText } from './database.js';
import { parseNumberCursor, toPage } from './page.js';
import { namesTaken } from './sql-failure.js';
import type { UploadChanges, UploadRecord, UploadRepository } from './videos-repository.js';

const unfinishedStates: readonly UploadRecord['state'][] = ['receiving', 'paused', 'checking'];

export function createUploadRepository(db: Kysely<Database>): UploadRepository {
  const rows = () => db.selectFrom('uploads').selectAll();
  return {
    async insert(upload) {
      const now = nowText();
      const record: UploadRecord = { ...upload, created_at: now, updated_at: now };
      await db
        .insertInto('uploads')
        .values({ ...record, draft: JSON.stringify(record.draft), error: errorText(record.error) })
        .execute()
        .catch(namesTaken('upload_id', record.upload_id, 'upload'));
      return record;
    },
    async get(uploadId) {
      const row = await rows().where('upload_id', '=', uploadId).executeTakeFirst();
      return row === undefined ? undefined : toUpload(row);
    },
    async update(uploadId, changes, states) {
      if (states?.length === 0) return undefined;
      let query = db.updateTable('uploads').set(toColumns(changes)).where('upload_id', '=', uploadId);
      if (states !== undefined) query = query.where('state', 'in', [...states]);
      const row = await query.returningAll().executeTakeFirst();
      return row === undefined ? undefined : toUpload(row);
    },
    async list({ limit, cursor, state, owner }) {
      const before = parseNumberCursor(cursor);
      let query = rows()
        .orderBy('upload_no', 'desc')
        .limit(limit + 1);
      if (before !== undefined) query = query.where('upload_no', '<', before);
      if (state !== undefined) query = query.where('state', '=', state);
      if (owner !== undefined) query = query.where('owner', '=', owner);
      return toPage(await query.execute(), limit, (row) => row.upload_no, toUpload);
    },
    async unfinished() {
      return (await rows().where('state', 'in', unfinishedStates).orderBy('upload_no').execute()).map(toUpload);
    },
    async unfinishedOf(owner) {
      const row = await db
        .selectFrom('uploads')
        .where('state', 'in', unfinishedStates)
        .where('owner', '=', owner)
        .select(({ fn }) => fn.countAll<number>().as('total'))
        .executeTakeFirstOrThrow();
      return Number(row.total);
    },
    async madeVideo(videoId) {
      const row = await db.selectFrom('uploads').where('video_id', '=', videoId).select('upload_id').limit(1).executeTakeFirst();
      return row !== undefined;
    },
    async expired(now, limit) {
      const found = await rows()
        .where('state', 'in', ['receiving', 'paused'])
        .where('expires_at', '<', now)
        .orderBy('expires_at')
        .limit(limit)
        .execute();
      return found.map(toUpload);
    },
    async reservedBytes(owner) {
      let query = db.selectFrom('uploads').where('state', 'in', unfinishedStates).where('method', '!=', 'path');
      if (owner !== undefined) query = query.where('owner', '=', owner);
      const row = await query
        .select([
          sql<number>`cast(coalesce(sum(coalesce(size_bytes, received_bytes)), 0) as bigint)`.as('total'),
          sql<number>`cast(coalesce(sum(coalesce(size_bytes, received_bytes) - received_bytes), 0) as bigint)`.as('missing'),
        ])
        .executeTakeFirstOrThrow();
      return { total: Number(row.total), missing: Number(row.missing) };
    },
    async prune(before) {
      const result = await db.deleteFrom('uploads').where('state', 'not in', unfinishedStates).where('updated_at', '<', before).executeTakeFirst();
      return Number(result.numDeletedRows);
    },
  };
}

function toUpload({ upload_no: _, ...row }: Selectable<Database['uploads']>): UploadRecord {
  return {
    ...row,
    method: row.method as UploadRecord['method'],
    state: row.state as UploadRecord['state'],
    draft: JSON.parse(row.draft) as VideoDraft,
    error: row.error === null ? null : (JSON.parse(row.error) as UploadRecord['error']),
  };
}

function toColumns({ draft, error, ...plain }: UploadChanges): Updateable<Database['uploads']> {
  return {
    ...plain,
    ...(draft === undefined ? {} : { draft: JSON.stringify(draft) }),
    ...(error === undefined ? {} : { error: errorText(error) }),
    updated_at: nowText(),
  };
}

function errorText(error: UploadRecord['error']): string | null {
  return error === null ? null : JSON.stringify(error);
}
