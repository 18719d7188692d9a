/** Conditions that a person should know of; one open alert per kind and stream. */
import { randomUUID } from 'node:crypto';
import { type Kysely, type Selectable, sql } from 'kysely';
import { type Alert, WeirError } from '../contracts/index.js';
import { type Database, nowText } from './database.js';
import { parseNumberCursor, toPage } from './page.js';
import type { AlertRepository, RaisedAlert } from './repositories.js';

export function createAlertRepository(db: Kysely<Database>): AlertRepository {
  const get = async (alertId: string) => {
    const row = await db.selectFrom('alerts').selectAll().where('alert_id', '=', alertId).executeTakeFirst();
    return row === undefined ? undefined : toAlert(row);
  };
  const clear = (streamId: string) =>
    db.updateTable('alerts').set({ cleared_at: nowText() }).where('stream_id', '=', streamId).where('cleared_at', 'is', null).returningAll();
  return {
    async raise(alert) {
      const row = await db
        .insertInto('alerts')
        .values(toRow(alert))
        .onConflict((conflict) =>
          conflict
            .columns(['kind', 'stream_id'])
            .where('cleared_at', 'is', null)
            .doUpdateSet((eb) => ({
              count: eb('alerts.count', '+', 1),
              severity: eb.ref('excluded.severity'),
              message: eb.ref('excluded.message'),
              hint: eb.ref('excluded.hint'),
              last_raised_at: eb.ref('excluded.last_raised_at'),
            })),
        )
        .returningAll()
        .executeTakeFirstOrThrow();
      return { alert: toAlert(row), opened: row.count === 1 };
    },
    async clear(kind, streamId) {
      const row = await clear(streamId ?? '')
        .where('kind', '=', kind)
        .executeTakeFirst();
      return row === undefined ? undefined : toAlert(row);
    },
    async clearStream(streamId) {
      return (await clear(streamId).execute()).map(toAlert);
    },
    get,
    async acknowledge(alertId, by) {
      const row = await db
        .updateTable('alerts')
        .set({ acknowledged_at: sql`coalesce(acknowledged_at, ${nowText()})`, acknowledged_by: sql`coalesce(acknowledged_by, ${by})` })
        .where('alert_id', '=', alertId)
        .returningAll()
        .executeTakeFirst();
      if (row === undefined) throw new WeirError('not_found', `There is no alert ${alertId}`);
      return toAlert(row);
    },
    async list({ limit, cursor, open, ids }) {
      const before = parseNumberCursor(cursor);
      let query = db
        .selectFrom('alerts')
        .selectAll()
        .orderBy('alert_no', 'desc')
        .limit(limit + 1);
      if (before !== undefined) query = query.where('alert_no', '<', before);
      if (open !== undefined) query = query.where('cleared_at', open ? 'is' : 'is not', null);
      // Alerts of no stream speak of the whole, so they are not for those who see a part.
      if (ids !== undefined && ids !== null)
        query = ids.length === 0 ? query.where('alert_no', 'is', null) : query.where('stream_id', 'in', [...ids]);
      return toPage(await query.execute(), limit, (row) => row.alert_no, toAlert);
    },
    async open() {
      const rows = await db.selectFrom('alerts').selectAll().where('cleared_at', 'is', null).orderBy('alert_no').limit(1000).execute();
      return rows.map(toAlert);
    },
    async prune(clearedBefore) {
      const result = await db.deleteFrom('alerts').where('cleared_at', '<', clearedBefore).executeTakeFirst();
      return Number(result.numDeletedRows);
    },
  };
}

function toRow(alert: RaisedAlert) {
  // Times of others may carry an offset; kept ones must sort as text.
  const raisedAt = alert.raised_at === undefined ? nowText() : new Date(alert.raised_at).toISOString();
  return {
    alert_id: alert.alert_id ?? randomUUID(),
    severity: alert.severity,
    kind: alert.kind,
    message: alert.message,
    hint: alert.hint,
    stream_id: alert.stream_id ?? '',
    count: 1,
    raised_at: raisedAt,
    last_raised_at: raisedAt,
    cleared_at: null,
    acknowledged_at: null,
    acknowledged_by: null,
  };
}

function toAlert({ alert_no: _number, ...row }: Selectable<Database['alerts']>): Alert {
  return { ...row, severity: row.severity as Alert['severity'], stream_id: row.stream_id === '' ? null : row.stream_id };
}
