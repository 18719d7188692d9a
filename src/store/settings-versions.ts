/** The history of the configuration: who changed what, when, and how it stood afterwards. */
import type { Kysely, Selectable } from 'kysely';
import type { SettingsVersion } from '../contracts/index.js';
import { type Database, nowText } from './database.js';
import { type Page, type PageQuery, parseNumberCursor, toPage } from './page.js';

/** A version with what the file said after it. */
export interface SettingsVersionRecord extends SettingsVersion {
  /** Dotted key to the value in the file. Secrets are never in it. */
  settings: Record<string, unknown>;
}

export interface SettingsVersionRepository {
  /** Gives it the next number; numbers grow, but may leave some out. */
  append(version: Omit<SettingsVersionRecord, 'version' | 'time'>): Promise<SettingsVersionRecord>;
  get(version: number): Promise<SettingsVersionRecord | undefined>;
  newest(): Promise<SettingsVersionRecord | undefined>;
  /** Newest first. */
  list(query: PageQuery): Promise<Page<SettingsVersion>>;
  /** Forgets all but the newest `keep`; the number forgotten. */
  prune(keep: number): Promise<number>;
}

export function createSettingsVersionRepository(db: Kysely<Database>): SettingsVersionRepository {
  const newest = () => db.selectFrom('settings_versions').selectAll().orderBy('version', 'desc');
  return {
    async append({ changes, settings, ...version }) {
      const row = await db
        .insertInto('settings_versions')
        .values({ ...version, time: nowText(), changes: JSON.stringify(changes), settings: JSON.stringify(settings) })
        .returningAll()
        .executeTakeFirstOrThrow();
      return toRecord(row);
    },
    async get(version) {
      const row = await db.selectFrom('settings_versions').selectAll().where('version', '=', version).executeTakeFirst();
      return row === undefined ? undefined : toRecord(row);
    },
    async newest() {
      const row = await newest().limit(1).executeTakeFirst();
      return row === undefined ? undefined : toRecord(row);
    },
    async list({ limit, cursor }) {
      const before = parseNumberCursor(cursor);
      let query = newest().limit(limit + 1);
      if (before !== undefined) query = query.where('version', '<', before);
      return toPage(await query.execute(), limit, (row) => row.version, toVersion);
    },
    async prune(keep) {
      const oldest = await newest()
        .offset(Math.max(0, keep - 1))
        .limit(1)
        .executeTakeFirst();
      if (oldest === undefined) return 0;
      const result = await db.deleteFrom('settings_versions').where('version', '<', oldest.version).executeTakeFirst();
      return Number(result.numDeletedRows);
    },
  };
}

function toVersion({ settings: _settings, changes, ...row }: Selectable<Database['settings_versions']>): SettingsVersion {
  return { ...row, outcome: row.outcome as SettingsVersion['outcome'], changes: JSON.parse(changes) as SettingsVersion['changes'] };
}

function toRecord(row: Selectable<Database['settings_versions']>): SettingsVersionRecord {
  return { ...toVersion(row), settings: JSON.parse(row.settings) as SettingsVersionRecord['settings'] };
}
